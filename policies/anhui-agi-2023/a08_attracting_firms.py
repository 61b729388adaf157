"""第八条 广泛招引重点企业 (article 8): the province adds to what a city pays for key AI projects it attracted."""

from __future__ import annotations

from huisuan.law import Article, Facts, Money, boolean, choice, legal_money, legal_share, money

from .a00_supplementary import CITIES, raised_in_the_north, uplift_and_cap

article = Article("8")

AWARD = "省级按照市级实际补助金额的30%、最高1000万元给予项目所在市奖补"


class AttractedProject(Facts):
    """One key AI technology project that a city brought in and supports."""

    key_technology = boolean(
        "引进符合条件的人工智能关键技术项目", "A qualifying key AI technology project that was brought in",
        asked_by="8.2", evidence="项目认定文件、落户协议",
    )  # fmt: skip
    city_paid = money(
        "市级实际补助金额", "What the city actually paid", maximum="100亿元", asked_by="8.2",
        evidence="市级拨付凭证", known_by="treasury",
    )  # fmt: skip
    city = choice("项目所在市", "City of the project", CITIES, asked_by="0.2", evidence="项目备案", known_by="register")


@article.pays(
    "8.2", AWARD, to="项目所在市（用于智能算力建设和招引重点企业）", to_en="the city of the project (earmarked)",
    title="关键技术项目引进奖补", title_en="Award for key projects brought in",
)  # fmt: skip
def attraction_award(project: AttractedProject) -> Money:
    """30% of what the city actually paid, at most 10 million yuan; how the uplift meets the cap is interpreted."""
    project.key_technology.required("8.2", "引进符合条件的人工智能关键技术项目")
    award = (legal_share("30%", "8.2", AWARD) * project.city_paid).cites("8.2", AWARD, "市级补助的 30%", "30% of it")
    cap = legal_money("1000万元", "8.2", "最高1000万元")
    return uplift_and_cap.choose(
        within=raised_in_the_north(award, project.city).capped(cap, "8.2", "最高1000万元"),
        beyond=raised_in_the_north(award.capped(cap, "8.2", "最高1000万元"), project.city),
    ).rounded_down("fen")

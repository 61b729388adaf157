"""第x条 (an invented one): a tenth of what province and city left of the cost, over the second half of the year."""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Facts,
    Money,
    boolean,
    claims,
    date,
    day,
    days_of_year,
    interpretation,
    legal_day,
    legal_money,
    legal_share,
    money,
)

article = Article("x")
PAID = "按下半年在本市所用算力费用的10%给予补助"

with_others = interpretation(
    "x.1.with_others", "与省、市补助如何叠加", "How does it combine with what province and city pay?",
    {
        "together": ("合计不超过费用", "in all not above the cost"),
        "rest": ("只计省、市补助之后余下的费用", "only what province and city left of the cost"),
        "once": ("同一费用只补一次", "once for the same cost"),
    },
    sentence="x.1", phrase=PAID,
)  # fmt: skip
article.stacks("compute-spend", by=with_others)


class HalfYear(Facts):
    """One firm's half-year of compute in the city."""

    enterprise = boolean(
        "企业", "An enterprise", asked_by="x.1", evidence="营业执照", known_by="register", measure="kind",
        within="enterprise", about=THE_CLAIMANT,
    )  # fmt: skip
    opened = day(
        "登记日", "Registered on", asked_by="x.1", evidence="营业执照", known_by="register", measure="registered_on",
        about=THE_CLAIMANT,
    )  # fmt: skip
    cost = money(
        "下半年算力费用", "Cost of compute in the second half-year", maximum="10亿元", asked_by="x.1",
        evidence="平台计量的账单", known_by="meter", measure="spend", within="340200",
    )  # fmt: skip


@article.pays(
    "x.1", PAID, to="企业", to_en="enterprises", title="算力补助（示例区，虚构）",
    title_en="Subsidy for compute (an example district, invented)", by=("enterprise",),
    claim=claims("compute-spend", HalfYear.cost), window=days_of_year("07-01", "12-31"),
)  # fmt: skip
def half_year(half: HalfYear) -> Money:
    """A tenth, at most 50,000 yuan, for enterprises that were registered before the measures came into force."""
    half.enterprise.required("x.1", "企业")
    (half.opened <= legal_day(date(2024, 12, 31), "x.1", "2024年12月31日以前登记")).required(
        "x.1", "2024年12月31日以前登记的企业"
    )
    tenth = (legal_share("10%", "x.1", PAID) * half.cost).cites("x.1", PAID, "费用的 10%", "A tenth")
    return tenth.capped(legal_money("5万元", "x.1", "每家最高5万元"), "x.1", "每家最高5万元").rounded_down("fen")

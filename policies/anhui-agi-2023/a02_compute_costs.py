"""第二条 降低算力使用成本 (article 2): pay back part of what compute costs its users."""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Duty,
    Facts,
    Money,
    ProcedureKind,
    Start,
    State,
    boolean,
    choice,
    claims,
    found_alike,
    interpretation,
    money,
    open_list,
    share_setting,
    step,
    variant,
)

from .a00_supplementary import CLAIM, DATA, OFFICE, check_days, decide_days, hearing_days, payable

article = Article("2")

AT_MOST_20 = "不超过算力总支出20%的补助"
USERS = "在皖企业、高校院所等算力使用方"

rate = share_setting("2.2.rate", "年度补助比例", "Rate of the year", sentence="2.2", phrase=AT_MOST_20, at_most="20%")
affiliated = interpretation(
    "2.2.affiliated", "“自建自用”是否包括关联方的智算中心", "Does self-built-self-use reach affiliated centres?",
    {
        "same": ("仅指本单位自建的中心", "only a centre that the user itself runs"),
        "control": ("包括同一控制下的关联方（控制或合计持股过半）", "also centres under common control"),
    },
    sentence="2.2", phrase="（自建自用除外）",
)  # fmt: skip


net = share_setting(
    "2.2.net", "不含税价占含税价的比例", "Price without VAT as a share of the price with it",
    sentence="2.2", phrase="算力总支出",
)  # fmt: skip
vat = interpretation(
    "2.2.vat", "“算力总支出”是否含增值税", "Does total compute spend include VAT?",
    {
        "included": ("含税：按账单金额", "with VAT, as billed"),
        "excluded": ("不含税：按不含税价", "without VAT"),
    },
    sentence="2.2", phrase="算力总支出",
)  # fmt: skip

others = open_list(
    "2.2.others", "“企业、高校院所等算力使用方”是否限于所列", "Are the kinds of users closed?",
    sentence="2.2", phrase="企业、高校院所等算力使用方",
    finder="省专班", finder_en="the working group",
)  # fmt: skip

article.procedure(
    "2.1", "建设省级智能算力统筹调度平台", kind=ProcedureKind.PROGRAMME,
    what="省级智能算力统筹调度平台（本平台）", what_en="The province-wide compute dispatch platform",
)  # fmt: skip


class ComputeUse(Facts):
    """One compute user's calendar year on the dispatch platform."""

    in_anhui = boolean(
        "在皖", "In Anhui", asked_by="2.2", evidence="营业执照或事业单位法人证书",
        known_by="register", measure="region", within="340000", about=THE_CLAIMANT,
    )  # fmt: skip
    kind = choice(
        "使用方类别", "Kind of user",
        {
            "enterprise": ("企业", "enterprise"), "university": ("高校", "university"),
            "institute": ("科研院所", "research institute"), "other": ("其他", "other"),
        },
        asked_by="2.2", evidence="登记机关", known_by="register", measure="kind", about=THE_CLAIMANT,
    )  # fmt: skip
    alike = found_alike("2.2", "省专班", "the working group")
    spend = money(
        "算力总支出", "Total compute spend", maximum="100亿元", asked_by="2.2",
        evidence="平台计量的账单", known_by="meter", measure="spend",
    )  # fmt: skip
    self_use = money(
        "其中自建自用", "Of it self-built-self-use", maximum="100亿元", asked_by="2.2",
        evidence="关联关系登记；平台计量的账单", known_by="relations", measure="self_use",
    )  # fmt: skip


@article.pays(
    "2.2", AT_MOST_20, to="在皖企业、高校院所等算力使用方", to_en="compute users in Anhui",
    title="算力使用补助", title_en="Compute use subsidy", read_facts_by=(affiliated,),
    by=("enterprise", "university", "institute"), claim=claims("compute-spend", ComputeUse.spend),
)  # fmt: skip
def compute_subsidy(use: ComputeUse) -> Money:
    """A share of the year's metered spend, self-built-self-use left out, by the rate of the day of use."""
    use.in_anhui.required("2.2", USERS, "在皖", "In Anhui")
    users = others.covers(use.kind.among("enterprise", "university", "institute"), use.alike)
    users.required("2.2", USERS, "企业、高校、科研院所", "Kind of user")
    spent = use.spend.cites("2.2", "根据调度平台中算力实际使用量")
    countable = spent.less(use.self_use).cites("2.2", "（自建自用除外）", "可补助支出", "Eligible spend")
    counted = vat.choose(
        included=countable, excluded=(net * countable).cites("2.2", "算力总支出", "不含税支出", "Spend without VAT")
    )
    share = (rate * counted).cites("2.2", AT_MOST_20)
    return payable(share.by_day_of_use("2.2", "根据调度平台中算力实际使用量"))


#: nothing is filled in, so nothing can be returned: the user confirms what the platform counted, or withdraws
article.programme(
    "2.2", AT_MOST_20, start=Start.OFFER, title="算力使用补助（免申即享）",
    title_en="Compute use subsidy, offered without application",
    steps=variant(
        CLAIM, without=("return",),
        instead=(
            step("submit", State.DRAFT, State.SUBMITTED, Duty.APPLY),
            step("check", State.SUBMITTED, State.CHECKED, Duty.CHECK, DATA, within=check_days),
            step(
                "refuse", (State.SUBMITTED, State.CHECKED, State.IN_PUBLICITY), State.REFUSED, Duty.DECIDE, OFFICE,
                within=decide_days, figures=(hearing_days,),
            ),
            step(
                "withdraw", (State.DRAFT, State.SUBMITTED, State.CHECKED, State.IN_PUBLICITY, State.SUSPENDED),
                State.WITHDRAWN, Duty.APPLY,
            ),
        ),
    ),
)  # fmt: skip

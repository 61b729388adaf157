"""芜湖 2025 (Wuhu's local measure): a quarter of what local compute costs, and vouchers for data.

What the province's 2.2 pays falls on the same spend; neither text says how they combine, so that is asked here.
"""

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
    count_setting,
    day,
    each,
    interpretation,
    legal_money,
    legal_share,
    money,
    names,
    share_setting,
    step,
    text,
)

article = Article("w")

QUARTER = "按算力费用的25%给予补助"
VOUCHERS = "发放总额1000万元的数据券，每家企业最高50万元"

with_province = interpretation(
    "w.2.with_province", "市级 25% 与省级 2.2 的补助如何叠加",
    "How does the city's quarter combine with the province's 2.2?",
    {
        "together": ("分别计算，合计不超过算力费用", "each by itself, in all not above the cost"),
        "rest": ("市级只就扣除省级补助后的费用计算", "the city counts only what the province left"),
        "once": ("同一费用只补一次，省级在先", "the same cost is subsidised once, by the province first"),
        "better": ("就高：市级只补高出省级的部分", "the higher: the city adds what its quarter gives more"),
    },
    sentence="w.2", phrase=QUARTER,
)  # fmt: skip
article.stacks("compute-spend", by=with_province, after=("province",))

article.procedure(
    "w.1", "市级每年安排1亿元资金", kind=ProcedureKind.PROGRAMME,
    what="每年 1 亿元资金：w.2 的年度总额", what_en="A fund of 100 million yuan a year, the limit of w.2",
)  # fmt: skip
article.procedure(
    "w.3", "每个使用方每年最高补助2000万元", kind=ProcedureKind.PROGRAMME,
    what="w.2 的每户年度上限", what_en="The limit per user and year of w.2",
)  # fmt: skip
article.declares(
    "w.5", "到2025年底，全市机架超过6万架，智能算力超过2.5万P", reason="发展目标：不授予权利，也不作出决定",
    reason_en="An aim: it grants nothing and decides nothing",
)  # fmt: skip


class LocalComputeUse(Facts):
    """One user's year of local intelligent compute."""

    kind = choice(
        "使用方类别", "Kind of user",
        {
            "enterprise": ("企业", "enterprise"), "university": ("高校", "university"),
            "institute": ("科研院所", "research institute"), "other": ("其他", "other"),
        },
        asked_by="w.2", evidence="登记机关", known_by="register", measure="kind", about=THE_CLAIMANT,
    )  # fmt: skip
    local_spend = money(
        "本地智能算力费用", "Cost of local intelligent compute", maximum="100亿元", asked_by="w.2",
        evidence="平台计量的账单（芜湖的中心）", known_by="meter", measure="spend", within="340200",
    )  # fmt: skip


@article.pays(
    "w.2", QUARTER, to="使用本地智能算力的企业、高校和科研院所", to_en="users of local intelligent compute",
    title="本地算力使用补助（芜湖）", title_en="Subsidy for local compute (Wuhu)",
    by=("enterprise", "university", "institute"), claim=claims("compute-spend", LocalComputeUse.local_spend),
    fund=legal_money("1亿元", "w.1", "市级每年安排1亿元资金"),
)  # fmt: skip
def local_subsidy(use: LocalComputeUse) -> Money:
    """A quarter of the cost, at most 20 million yuan a user and year."""
    use.kind.among("enterprise", "university", "institute").required("w.2", "企业、高校和科研院所")
    quarter = (legal_share("25%", "w.2", QUARTER) * use.local_spend).cites("w.2", QUARTER, "费用的 25%", "A quarter")
    cap = legal_money("2000万元", "w.3", "每年最高补助2000万元")
    return quarter.capped(cap, "w.3", "每年最高补助2000万元").rounded_down("fen")


rate = share_setting(
    "w.4.rate",
    "数据券可抵用的比例",
    "Share that a voucher may pay",
    sentence="w.4",
    phrase="用于购买合规的数据产品和服务",
)

voucher_day = interpretation(
    "w.4.day", "数据券的抵用比例按申报之日还是采购之日",
    "Is the voucher's share that of the application or of the purchase?",
    {
        "application": ("申报之日", "the day of application"),
        "event": ("采购之日", "the day of the purchase"),
    },
    sentence="w.4", phrase="用于购买合规的数据产品和服务",
)  # fmt: skip


class DataPurchase(Facts):
    """One enterprise's purchases of data."""

    enterprise = boolean(
        "企业", "An enterprise", asked_by="w.4", evidence="营业执照", known_by="register", measure="kind",
        within="enterprise", about=THE_CLAIMANT,
    )  # fmt: skip
    compliant = boolean("所购数据产品和服务合规", "What it buys is compliant", asked_by="w.4", evidence="合规评估报告")
    purchases = money(
        "数据产品和服务采购额", "Purchases of data products and services", maximum="10亿元", asked_by="w.4",
        evidence="合同、发票、付款凭证",
    )  # fmt: skip
    contract = text("合同号（含供方）", "Contract and supplier", asked_by="w.4", evidence="合同")
    paid_on = day("付款日期", "Paid on", asked_by="w.4", evidence="付款凭证")


@article.pays(
    "w.4", VOUCHERS, to="购买合规数据产品和服务的企业", to_en="enterprises that buy compliant data",
    title="数据券（芜湖）", title_en="Data vouchers (Wuhu)", by=("enterprise",),
    claim=claims("data-purchase", DataPurchase.purchases), fund=legal_money("1000万元", "w.4", VOUCHERS),
    over=each(
        "always", "w.4", "每家企业最高50万元", once=DataPurchase.contract,
        order=(DataPurchase.paid_on, DataPurchase.contract),
    ),
    settings_by=voucher_day,
)  # fmt: skip
def data_vouchers(bought: DataPurchase) -> Money:
    """What was bought in all, at most 500,000 yuan an enterprise; the same contract counts once."""
    bought.enterprise.required("w.4", "每家企业")
    bought.compliant.required("w.4", "用于购买合规的数据产品和服务")
    purchases = bought.purchases.summed("采购额合计", "Purchases in all", maximum="100亿元")
    covered = (rate * purchases).cites("w.4", "用于购买合规的数据产品和服务", "可抵用的采购额", "What it may pay")
    return covered.capped(legal_money("50万元", "w.4", "每家企业最高50万元"), "w.4", "每家企业最高50万元").rounded_down(
        "fen"
    )


CITY, CITY_TREASURY = "芜湖市人民政府", "芜湖市财政局"
check_days = count_setting(
    "w.2.check_days", "核验期限（工作日）", "Working days to check an application", sentence="w.2", phrase=QUARTER,
    at_most=250,
)  # fmt: skip

#: the summary names no office: the city's government, which issued it, checks and decides
STEPS = (
    step("submit", (State.DRAFT, State.RETURNED), State.SUBMITTED, Duty.APPLY),
    step("return", State.SUBMITTED, State.RETURNED, Duty.CHECK, CITY, within=check_days),
    step("check", State.SUBMITTED, State.CHECKED, Duty.CHECK, CITY, within=check_days),
    step("decide", State.CHECKED, State.DECIDED, Duty.DECIDE, CITY),
    step("refuse", (State.SUBMITTED, State.RETURNED, State.CHECKED), State.REFUSED, Duty.DECIDE, CITY),
    step(
        "withdraw", (State.DRAFT, State.SUBMITTED, State.RETURNED, State.CHECKED), State.WITHDRAWN, Duty.APPLY
    ),
    step("revoke", (State.DECIDED, State.COMMITTED, State.PAYING), State.REFUSED, Duty.DECIDE, CITY),
    step("commit", State.DECIDED, State.COMMITTED, Duty.COMMIT, CITY_TREASURY),
    step("pay", State.COMMITTED, State.PAYING, Duty.PAY, CITY_TREASURY),
    step("complete", State.PAYING, State.CLOSED, Duty.PAY, CITY_TREASURY),
)  # fmt: skip

article.programme(
    "w.2", QUARTER, start=Start.CALL, title="本地算力使用补助（芜湖）",
    title_en="Subsidy for local compute (Wuhu)",
    steps=STEPS, objects=(names("contract", required=False), names("invoice", required=False)),
)  # fmt: skip
article.programme(
    "w.4", VOUCHERS, start=Start.CALL, title="数据券（芜湖）",
    title_en="Data vouchers (Wuhu)",
    steps=STEPS, objects=(names("contract"), names("invoice", required=False)),
)  # fmt: skip

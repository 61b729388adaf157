"""第十三条 构建金融支撑体系 (article 13): public money draws private money; a fund of funds."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Facts,
    FieldKind,
    ProcedureKind,
    RegisterDraw,
    RegisterField,
    RegisterSpec,
    Start,
    boolean,
    choice,
    found_alike,
    legal_money,
    money,
    open_list,
    variant,
)

from .a00_supplementary import GRANT, OFFICE

article = Article("13")

AT_LEAST = "加快运营总规模不低于200亿元的省人工智能产业主题基金"

other_money = open_list(
    "13.1.others", "“保险、信贷、基金等社会资本”是否限于所列", "Are the kinds of private money closed?",
    sentence="13.1", phrase="保险、信贷、基金等社会资本",
    finder="省地方金融监管局", finder_en="the financial supervision",
)  # fmt: skip
other_founders = open_list(
    "13.2.others", "“市县国资平台、市场主体等”是否限于所列", "Are the founders of sub-funds closed?",
    sentence="13.2", phrase="市县国资平台、市场主体等",
    finder="省科技厅", finder_en="the department of science",
)  # fmt: skip


class SocialCapital(Facts):
    """Private money that may be drawn into the industry."""

    instrument = choice(
        "资金类型", "Kind of money",
        {
            "insurance": ("保险", "insurance"), "credit": ("信贷", "credit"), "fund": ("基金", "a fund"),
            "other": ("其他", "other"),
        },
        asked_by="13.1", evidence="产品或基金文件",
    )  # fmt: skip
    alike = found_alike("13.1", "省地方金融监管局", "the financial supervision")
    into_agi = boolean("投向通用人工智能产业", "Goes into general AI", asked_by="13.1", evidence="投向证明")


@article.entitles(
    "13.1", "撬动保险、信贷、基金等社会资本投向通用人工智能产业", kind=ProcedureKind.CHANNEL, by=("enterprise",),
    to="投向通用人工智能产业的社会资本", to_en="private money that goes into general AI",
    title="财政资金引导", title_en="Public money that leads",
    grants="与财政引导资金对接（数额由主管部门按其程序决定）", grants_en="public money beside it, by its own procedure",
)  # fmt: skip
def drawn_capital(capital: SocialCapital) -> None:
    """Insurance, credit and funds that go into general AI may meet public money."""
    kinds = other_money.covers(capital.instrument.among("insurance", "credit", "fund"), capital.alike)
    kinds.required("13.1", "保险、信贷、基金等社会资本")
    capital.into_agi.required("13.1", "投向通用人工智能产业")


class SubFund(Facts):
    """A sub-fund that somebody wants to set up."""

    founder = choice(
        "发起方", "Who sets it up",
        {
            "state": ("市县国资平台", "a state-owned platform"), "market": ("市场主体", "a market entity"),
            "other": ("其他", "other"),
        },
        asked_by="13.2", evidence="发起方登记证书",
    )  # fmt: skip
    alike = found_alike("13.2", "省科技厅", "the department of science")
    agi_field = boolean("投向通用人工智能领域", "Invests in general AI", asked_by="13.2", evidence="子基金方案")


@article.entitles(
    "13.2", "以参股方式支持市县国资平台、市场主体等设立通用人工智能领域子基金", kind=ProcedureKind.CHANNEL,
    by=("platform", "enterprise"), to="设立子基金的市县国资平台、市场主体",
    to_en="platforms and firms that set up sub-funds",
    title="子基金参股", title_en="A stake in a sub-fund",
    grants="省人工智能产业主题基金参股", grants_en="a stake of the province's AI fund",
)  # fmt: skip
def sub_fund(fund: SubFund) -> None:
    """State platforms and firms that set up a sub-fund for general AI may ask the fund to take a stake."""
    founders = other_founders.covers(fund.founder.among("state", "market"), fund.alike)
    founders.required("13.2", "支持市县国资平台、市场主体等")
    fund.agi_field.required("13.2", "通用人工智能领域子基金")


class ThemeFund(Facts):
    """The province's AI fund."""

    size = money("主题基金总规模", "Size of the fund", maximum="10000亿元", asked_by="13.2", evidence="基金备案")


@article.entitles(
    "13.2", AT_LEAST, name="fund", kind=ProcedureKind.PROGRAMME, by=("platform",),
    to="省人工智能产业主题基金", to_en="the province's AI fund", title="主题基金规模", title_en="The size of the fund",
    grants="达到政策要求的总规模", grants_en="the size that the policy asks for",
)  # fmt: skip
def theme_fund(fund: ThemeFund) -> None:
    """The fund is to be at least 20 billion yuan."""
    (fund.size >= legal_money("200亿元", "13.2", AT_LEAST)).required("13.2", "总规模不低于200亿元")


#: public money beside private, and a stake, are no grants: neither is paid as an award
article.programme(
    "13.1", "撬动保险、信贷、基金等社会资本投向通用人工智能产业", start=Start.CALL, title="财政资金引导对接",
    title_en="Public money that leads",
    steps=variant(GRANT, offices={OFFICE: "省地方金融监管局"}),
)  # fmt: skip

article.programme(
    "13.2", "以参股方式支持市县国资平台、市场主体等设立通用人工智能领域子基金", start=Start.CALL, title="子基金参股",
    title_en="A stake in a sub-fund",
    steps=variant(GRANT, offices={OFFICE: "省科技厅"}),
)  # fmt: skip


article.register(
    RegisterSpec(
        "sub_funds",
        "13.2",
        "以参股方式支持市县国资平台、市场主体等设立通用人工智能领域子基金",
        title="子基金",
        title_en="Sub-funds",
        office="省科技厅",
        name_is="子基金名称",
        name_is_en="Sub-fund",
        holder_is="管理人",
        holder_is_en="Manager",
        fields=(
            RegisterField("fund", "主题基金编号", "Code of the theme fund", refers="theme_funds"),
            RegisterField("size", "基金规模", "Size", FieldKind.YUAN),
            RegisterField("stake", "主题基金认缴", "Committed by the theme fund", FieldKind.YUAN),
            RegisterField("private", "社会资本认缴", "Committed by private money", FieldKind.YUAN, required=False),
        ),
        draws=(RegisterDraw("stake", "fund", "size"),),
    )
)


article.register(
    RegisterSpec(
        "theme_funds",
        "13.2",
        "加快运营总规模不低于200亿元的省人工智能产业主题基金",
        title="省人工智能产业主题基金",
        title_en="The province's AI fund",
        office="省科技厅",
        name_is="基金名称",
        name_is_en="Fund",
        holder_is="管理人",
        holder_is_en="Manager",
        fields=(
            RegisterField("size", "总规模", "Size", FieldKind.YUAN),
            RegisterField("raised", "已募集", "Raised", FieldKind.YUAN),
        ),
    )
)


article.register(
    RegisterSpec(
        "drawdowns",
        "13.2",
        "以参股方式支持市县国资平台、市场主体等设立通用人工智能领域子基金",
        title="子基金实缴",
        title_en="Drawdowns of sub-funds",
        office="省科技厅",
        name_is="缴款事项",
        name_is_en="Drawdown",
        holder_is="管理人",
        holder_is_en="Manager",
        fields=(
            RegisterField("sub_fund", "子基金编号", "Code of the sub-fund", refers="sub_funds", standing=True),
            RegisterField("amount", "实缴金额", "Drawn down", FieldKind.YUAN),
            RegisterField("voucher", "凭证号", "Voucher"),
        ),
        draws=(RegisterDraw("amount", "sub_fund", "stake"),),
        once=("sub_fund", "voucher"),
    )
)


article.register(
    RegisterSpec(
        "distributions",
        "13.2",
        "以参股方式支持市县国资平台、市场主体等设立通用人工智能领域子基金",
        title="子基金分配",
        title_en="Distributions of sub-funds",
        office="省科技厅",
        name_is="分配事项",
        name_is_en="Distribution",
        holder_is="管理人",
        holder_is_en="Manager",
        fields=(
            RegisterField("sub_fund", "子基金编号", "Code of the sub-fund", refers="sub_funds"),
            RegisterField("amount", "分回金额", "Distributed to the theme fund", FieldKind.YUAN),
            RegisterField("voucher", "凭证号", "Voucher"),
        ),
        once=("sub_fund", "voucher"),
    )
)


article.register(
    RegisterSpec(
        "private_money",
        "13.1",
        "撬动保险、信贷、基金等社会资本投向通用人工智能产业",
        title="撬动的社会资本",
        title_en="Private money drawn",
        office="省地方金融监管局",
        name_is="投放事项",
        name_is_en="Investment",
        holder_is="受资企业",
        holder_is_en="Firm",
        fields=(
            RegisterField(
                "kind",
                "资金类型",
                "Kind",
                FieldKind.CHOICE,
                options={
                    "insurance": ("保险", "insurance"),
                    "credit": ("信贷", "credit"),
                    "fund": ("基金", "fund"),
                    "other": ("其他", "other"),
                },
            ),
            RegisterField("source", "出资机构", "Provider"),
            RegisterField("sub_fund", "子基金编号", "Code of the sub-fund", refers="sub_funds", required=False),
            RegisterField("amount", "金额", "Amount", FieldKind.YUAN),
        ),
    )
)

"""第四条 集聚数据生产处理供应商 (article 4): cities pay data vendors by their sales."""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Facts,
    FieldKind,
    Money,
    RegisterFeed,
    RegisterField,
    RegisterSpec,
    Share,
    Start,
    boolean,
    budget_setting,
    choice,
    integer,
    money,
    open_list,
    rates_setting,
    read_on,
    share_setting,
)

from .a00_supplementary import CITIES, CLAIM, payable

article = Article("4")

VENDORS = "对提供数据采集、数据清洗、数据标注等服务的在皖数据生产处理供应商"
BY_SALES = "鼓励各市按企业当年数据交易额的一定比例给予补贴"
BY_PERFORMANCE = "省级根据绩效给予各市综合奖补"

rates = rates_setting(
    "4.1.rate", "所在市补贴比例", "Rate of the city", CITIES, sentence="4.1", phrase="按企业当年数据交易额的一定比例"
)

others = open_list(
    "4.1.others", "“数据采集、数据清洗、数据标注等服务”是否限于所列", "Are the kinds of service closed?",
    sentence="4.1", phrase="数据采集、数据清洗、数据标注等服务",
    finder="所在市", finder_en="the city",
)  # fmt: skip


class DataVendor(Facts):
    """A data vendor's year."""

    in_anhui = boolean(
        "在皖", "In Anhui", asked_by="4.1", evidence="营业执照", known_by="register", measure="region", within="340000",
        about=THE_CLAIMANT,
    )  # fmt: skip
    service = choice(
        "服务类型", "Kind of service",
        {
            "collection": ("数据采集", "collection"), "cleaning": ("数据清洗", "cleaning"),
            "annotation": ("数据标注", "annotation"),
            "processing": ("经所在市认定的其他数据生产处理", "other processing, as found by the city"),
            "other": ("非数据生产处理", "none of these"),
        },
        asked_by="4.1", evidence="服务合同",
    )  # fmt: skip
    sales = money(
        "当年数据交易额", "Data transactions of the year", maximum="100亿元", asked_by="4.1",
        evidence="数据交易合同、发票、到账凭证",
    )  # fmt: skip
    city = choice(
        "所在市", "City", CITIES, asked_by="4.1", evidence="营业执照", known_by="register", measure="region"
    )  # fmt: skip


@article.pays(
    "4.1", BY_SALES, to="在皖数据生产处理供应商（由所在市补贴）", to_en="data vendors in Anhui (paid by their city)",
    title="数据供应商补贴", title_en="Subsidy for data vendors", by=("enterprise",),
    settings_by=read_on("event", "4.1", "当年数据交易额"),
)  # fmt: skip
def vendor_subsidy(vendor: DataVendor) -> Money:
    """The city's share of the year's data transactions; a city that set no rate pays none, and the answer says so."""
    vendor.in_anhui.required("4.1", VENDORS, "在皖", "In Anhui")
    named = vendor.service.among("collection", "cleaning", "annotation")
    others.covers(named, vendor.service.among("processing")).required("4.1", VENDORS)
    rates.set_by(vendor.city).required(
        "4.1", "鼓励各市按企业当年数据交易额的一定比例", "所在市已确定补贴比例", "The city has set a rate"
    )
    return payable((rates.of(vendor.city) * vendor.sales).cites("4.1", BY_SALES))


class CityPerformance(Facts):
    """What a city achieved in a year under 4.1; the province's award follows it."""

    sales = money(
        "供应商数据交易额合计",
        "Data transactions of its vendors",
        maximum="10000亿元",
        asked_by="4.1",
        evidence="统计报表",
    )
    subsidised = money(
        "市级实际补贴", "Subsidies that the city paid", maximum="100亿元", asked_by="4.1", evidence="市级拨付凭证"
    )
    vendors = integer(
        "获补贴供应商数", "Vendors that it subsidised", unit="家", maximum=1_000_000, asked_by="4.1", evidence="名单"
    )


def weight(name: str, zh: str, en: str) -> Share:
    """The weight of an indicator in the published formula."""
    return share_setting(f"4.1.weight.{name}", zh, en, sentence="4.1", phrase=BY_PERFORMANCE)


article.allots(
    "4.1", BY_PERFORMANCE, name="cities", to="各市", to_en="the cities",
    title="数据供应商集聚绩效奖补（省对市）", title_en="The province's award to cities by performance",
    facts=CityPerformance,
    score=(
        (CityPerformance.sales, weight("sales", "交易额权重", "Weight of transactions")),
        (CityPerformance.subsidised, weight("subsidised", "市级补贴权重", "Weight of city subsidies")),
        (CityPerformance.vendors, weight("vendors", "供应商数权重", "Weight of vendors")),
    ),
    budget=budget_setting("4.1.budget", "年度奖补预算", "Budget of the year", sentence="4.1", phrase="综合奖补"),
)  # fmt: skip


#: cities pay vendors by their own measures; the province's part is its award to the cities
article.programme(
    "4.1.cities", BY_PERFORMANCE, start=Start.CITY_CLAIM, title="数据供应商集聚绩效奖补（省对市）",
    title_en="The province's award to cities by performance",
    steps=CLAIM,
)  # fmt: skip


#: what a contract or an invoice says is the firms' own business: the public sees how many there are, no sums
article.register(
    RegisterSpec(
        "vendor_sales",
        "4.1",
        "按企业当年数据交易额的一定比例给予补贴",
        title="数据交易",
        title_en="Transactions of data vendors",
        office="各市人民政府",
        name_is="交易内容",
        name_is_en="Transaction",
        holder_is="供应商",
        holder_is_en="Vendor",
        fields=(
            RegisterField(
                "service",
                "服务类型",
                "Kind of service",
                FieldKind.CHOICE,
                options={
                    "collection": ("数据采集", "collection"),
                    "cleaning": ("数据清洗", "cleaning"),
                    "annotation": ("数据标注", "annotation"),
                    "processing": ("其他数据生产处理", "other processing"),
                },
            ),
            RegisterField("sold_on", "开票日期", "Invoiced on", FieldKind.DAY),
            RegisterField("amount", "交易额", "Amount", FieldKind.YUAN, public=False),
            RegisterField("contract", "合同编号", "Contract", public=False),
            RegisterField("invoice", "发票号码", "Invoice", public=False),
        ),
        same=("invoice",),
        counted_when="sold_on",
        feeds=(RegisterFeed("4.1.cities", "sales", "amount"),),
    )
)


article.register(
    RegisterSpec(
        "vendor_subsidies",
        "4.1",
        "给予补贴",
        title="市级对供应商的补贴",
        title_en="City subsidies to vendors",
        office="各市人民政府",
        name_is="补贴事由",
        name_is_en="Subsidy",
        holder_is="供应商",
        holder_is_en="Vendor",
        fields=(
            RegisterField("paid_on", "拨付日期", "Paid on", FieldKind.DAY),
            RegisterField("amount", "补贴金额", "Amount", FieldKind.YUAN),
            RegisterField("voucher", "拨付凭证", "Voucher"),
        ),
        once=("region", "voucher"),  # each city numbers its own
        counted_when="paid_on",
        feeds=(
            RegisterFeed("4.1.cities", "subsidised", "amount"),
            RegisterFeed("4.1.cities", "vendors", "holders"),
        ),
    )
)

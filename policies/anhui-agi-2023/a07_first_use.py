"""第七条 推动产品安徽首用 (article 7): innovative products may become 三首、三新 products and be bought first."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Facts,
    FieldKind,
    ProcedureKind,
    RegisterField,
    RegisterSpec,
    Start,
    boolean,
    choice,
    names,
    variant,
)

from .a00_supplementary import GRANT, OFFICE, RECORD, notice_days

article = Article("7")

PRODUCT = "对通用人工智能创新产品"


class InnovativeProduct(Facts):
    """A product of general AI."""

    about = "a product"
    agi_product = boolean("通用人工智能产品", "A product of general AI", asked_by="7.1", evidence="产品说明、检测报告")
    innovative = boolean("创新产品", "An innovative product", asked_by="7.1", evidence="查新报告、知识产权证明")


@article.entitles(
    "7.1", "支持申报省“三首”“三新”产品", kind=ProcedureKind.CHANNEL, by=("enterprise", "university", "institute"),
    to="通用人工智能创新产品", to_en="innovative AGI products",
    title="申报省“三首”“三新”产品", title_en="To be listed among the province's first and new products",
    grants="申报省“三首”“三新”产品", grants_en="an application for the province's lists of first and new products",
)  # fmt: skip
def listing(product: InnovativeProduct) -> None:
    """An innovative product of general AI may apply."""
    product.agi_product.required("7.1", PRODUCT, "通用人工智能产品", "A product of general AI")
    product.innovative.required("7.1", PRODUCT, "创新产品", "An innovative product")


class Purchase(Facts):
    """A purchase that a public buyer plans."""

    about = "a product"
    agi_product = boolean("通用人工智能产品", "A product of general AI", asked_by="7.1", evidence="产品说明、检测报告")
    innovative = boolean("创新产品", "An innovative product", asked_by="7.1", evidence="查新报告、知识产权证明")
    procedure = choice(
        "采购途径", "Way of buying",
        {
            "tender": ("招投标", "tender"), "procurement": ("政府采购", "government procurement"),
            "other": ("其他", "other"),
        },
        asked_by="7.1", evidence="采购文件",
    )  # fmt: skip


@article.entitles(
    "7.1", "在招投标和政府采购中可采用首购、订购等方式采购", name="first_purchase", kind=ProcedureKind.CHANNEL,
    by=("enterprise", "university", "institute", "city"), to="通用人工智能创新产品", to_en="innovative AGI products",
    title="首购、订购", title_en="First purchase",
    grants="可以首购、订购等方式采购（是否采购由采购人依采购法律决定，本平台只登记）",
    grants_en="that a buyer may choose first purchase or an order; whether it does, procurement law decides",
)  # fmt: skip
def first_purchase(purchase: Purchase) -> None:
    """A public buyer may choose first purchase for an innovative product of general AI; nothing is approved here."""
    purchase.agi_product.required("7.1", PRODUCT, "通用人工智能产品", "A product of general AI")
    purchase.innovative.required("7.1", PRODUCT, "创新产品", "An innovative product")
    purchase.procedure.among("tender", "procurement").required("7.1", "在招投标和政府采购中")


article.programme(
    "7.1", "支持申报省“三首”“三新”产品", start=Start.CALL, title="申报省“三首”“三新”产品",
    title_en="The province's lists of first and new products",
    steps=variant(GRANT, offices={OFFICE: "省经济和信息化厅"}),
)  # fmt: skip

#: whom to buy from, and how, the law of procurement decides: what was bought is entered, with way, supplier, contract
article.programme(
    "7.1.first_purchase", "在招投标和政府采购中可采用首购、订购等方式采购", start=Start.CALL, title="首购、订购登记",
    title_en="First purchases and orders",
    steps=variant(RECORD, offices={OFFICE: "省财政厅"}), objects=(names("contract"),),
)  # fmt: skip


article.register(
    RegisterSpec(
        "products",
        "7.1",
        "支持申报省“三首”“三新”产品",
        title="“三首”“三新”产品",
        title_en="Three-first and three-new products",
        notice=notice_days,
        office="省经济和信息化厅",
        name_is="产品名称",
        name_is_en="Product",
        holder_is="生产企业",
        holder_is_en="Maker",
        fields=(
            RegisterField(
                "kind",
                "类别",
                "Kind",
                FieldKind.CHOICE,
                options={"three_first": ("三首", "three-first"), "three_new": ("三新", "three-new")},
            ),
            RegisterField(
                "level",
                "认定级别",
                "Recognised by",
                FieldKind.CHOICE,
                options={"county": ("县级", "county"), "city": ("市级", "city"), "province": ("省级", "province")},
            ),
        ),
        once=("name", "holder", "kind"),
    )
)

article.register(
    RegisterSpec(
        "purchases",
        "7.1",
        "可采用首购、订购等方式采购",
        title="首购和订购",
        title_en="First purchases and orders",
        office="省财政厅",
        name_is="合同名称",
        name_is_en="Contract",
        holder_is="供应企业",
        holder_is_en="Supplier",
        fields=(
            RegisterField("product", "产品编号", "Code of the product", refers="products", standing=True),
            RegisterField(
                "way",
                "方式",
                "Way",
                FieldKind.CHOICE,
                options={"first_purchase": ("首购", "first purchase"), "order": ("订购", "order")},
            ),
            RegisterField("buyer", "采购单位", "Buyer"),
            RegisterField("amount", "合同金额", "Amount", FieldKind.YUAN),
            RegisterField("deliver_by", "交付期限", "To be delivered by", FieldKind.DAY),
            RegisterField("delivered_on", "交付日期", "Delivered on", FieldKind.DAY, required=False),
            RegisterField("accepted_on", "验收日期", "Accepted on", FieldKind.DAY, required=False),
        ),
    )
)

"""第十一条 强化人才保障 (article 11): short ways to professional titles, and to recognition as high-level talent."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Facts,
    ProcedureKind,
    RegisterField,
    RegisterSpec,
    Start,
    boolean,
    choice,
    variant,
)

from .a00_supplementary import GRANT, OFFICE

article = Article("11")


class Specialist(Facts):
    """A person who applies for a professional title."""

    agi_field = boolean(
        "从事通用人工智能领域", "Works in general AI", asked_by="11.1", evidence="工作证明、业绩材料"
    )  # fmt: skip
    high_level = boolean("高层次人才", "High-level talent", asked_by="11.1", evidence="人才认定文件")


@article.entitles(
    "11.1", "畅通通用人工智能高层次人才职称评审绿色通道", kind=ProcedureKind.CHANNEL, by=("person",),
    to="通用人工智能领域高层次人才", to_en="high-level talent in general AI",
    title="职称评审绿色通道", title_en="The short way to a professional title",
    grants="职称评审绿色通道，动态评审认定", grants_en="the short way to a professional title, at any time",
)  # fmt: skip
def title_channel(person: Specialist) -> None:
    """High-level talent in general AI takes the short way."""
    person.agi_field.required("11.1", "我省通用人工智能领域相关专业职称")
    person.high_level.required("11.1", "通用人工智能高层次人才")


class CorePerson(Facts):
    """A founder or core member of a firm."""

    key_firm = boolean(
        "所在企业为通用人工智能领域重点企业", "The firm is a key firm of general AI", asked_by="11.2",
        evidence="重点企业名单",
    )  # fmt: skip
    firm_in_anhui = boolean("企业在皖落地", "The firm settled in Anhui", asked_by="11.2", evidence="营业执照")
    position = choice(
        "身份", "Position",
        {"founder": ("创始人", "founder"), "core": ("核心骨干", "core member"), "other": ("其他", "other")},
        asked_by="11.2", evidence="股东名册、劳动合同",
    )  # fmt: skip


@article.entitles(
    "11.2", "开辟高层次人才认定绿色通道", kind=ProcedureKind.CHANNEL, by=("person",),
    to="在皖落地的重点企业创始人、核心骨干", to_en="founders and core members of key firms in Anhui",
    title="高层次人才认定绿色通道", title_en="The short way to recognition as high-level talent",
    grants="高层次人才认定绿色通道", grants_en="the short way to recognition as high-level talent",
)  # fmt: skip
def talent_channel(person: CorePerson) -> None:
    """Founders and core members of key firms in Anhui take the short way."""
    person.key_firm.required("11.2", "通用人工智能领域重点企业")
    person.firm_in_anhui.required("11.2", "对在皖落地的")
    person.position.among("founder", "core").required("11.2", "创始人、核心骨干")


article.programme(
    "11.1", "畅通通用人工智能高层次人才职称评审绿色通道", start=Start.CALL, title="职称评审绿色通道",
    title_en="The short way to a professional title",
    steps=variant(GRANT, offices={OFFICE: "省人力资源社会保障厅"}),
)  # fmt: skip

article.programme(
    "11.2", "开辟高层次人才认定绿色通道", start=Start.CALL, title="高层次人才认定绿色通道",
    title_en="The short way to recognition as high-level talent",
    steps=variant(GRANT, offices={OFFICE: "相关市人民政府"}),
)  # fmt: skip


article.register(
    RegisterSpec(
        "title_standards",
        "11.1",
        "制定我省通用人工智能领域相关专业职称评审标准",
        title="职称评审标准",
        title_en="Standards for professional titles",
        office="省人力资源社会保障厅",
        name_is="标准名称",
        name_is_en="Standard",
        fields=(
            RegisterField("profession", "专业", "Profession"),
            RegisterField("document", "印发文件", "Document"),
        ),
    )
)

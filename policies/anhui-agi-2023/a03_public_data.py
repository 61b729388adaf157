"""第三条 全面开放公共数据 (article 3): a list of government data that is open, and access for AGI firms in Anhui."""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Facts,
    ProcedureKind,
    RegisterField,
    RegisterSpec,
    Start,
    boolean,
)

from .a00_supplementary import GRANT, agi_income, is_agi_enterprise, listed_agi, notice_days

article = Article("3")

article.procedure(
    "3.1", "制定政府公共数据资源开放清单", kind=ProcedureKind.LIST,
    what="政府公共数据资源开放清单", what_en="The list of government data that is open",
)  # fmt: skip
article.procedure(
    "3.2", "到2023年底前依法依规面向在皖通用人工智能企业有序共享开放", kind=ProcedureKind.PROGRAMME,
    what="2023年底前开放首批公共数据（各部门的期限）", what_en="The departments' deadline: open by the end of 2023",
)  # fmt: skip


class DataUser(Facts):
    """A firm that asks for public data."""

    in_anhui = boolean(
        "在皖", "In Anhui", asked_by="3.2", evidence="营业执照", known_by="register", measure="region", within="340000",
        about=THE_CLAIMANT,
    )  # fmt: skip
    agi_enterprise = listed_agi("3.2")
    agi_revenue = agi_income("3.2")
    may_be_open = boolean(
        "所需数据可以公开（安全与隐私审核通过）", "The data asked for may be open (safe and private)",
        asked_by="3.2", evidence="数据安全与隐私审核结论", known_by="opendata",
    )  # fmt: skip


@article.entitles(
    "3.2", "面向在皖通用人工智能企业有序共享开放可以公开的电子政务公文及档案、地方志等公共数据",
    kind=ProcedureKind.PROGRAMME, by=("enterprise",), to="在皖通用人工智能企业", to_en="AGI enterprises in Anhui",
    title="公共数据有序共享开放", title_en="Access to public data",
    grants="使用可以公开的电子政务公文及档案、地方志等公共数据",
    grants_en="use of open public records, archives, gazetteers",
)  # fmt: skip
def data_access(user: DataUser) -> None:
    """AGI firms in Anhui may use what has passed the checks of security and privacy."""
    user.in_anhui.required("3.2", "面向在皖通用人工智能企业", "在皖", "In Anhui")
    is_agi_enterprise(user.agi_enterprise, user.agi_revenue).required("3.2", "通用人工智能企业")
    user.may_be_open.required("3.2", "在保证数据安全和做好隐私保护的前提下")


article.programme(
    "3.2", "面向在皖通用人工智能企业有序共享开放", start=Start.CALL, title="公共数据有序共享开放",
    title_en="Access to public data",
    steps=GRANT,
)  # fmt: skip


article.register(
    RegisterSpec(
        "agi_firms",
        "3.2",
        "面向在皖通用人工智能企业有序共享开放",
        title="在皖通用人工智能企业名录",
        title_en="Firms of general AI in Anhui",
        notice=notice_days,
        office="省人工智能产业推进组工作专班",
        name_is="企业名称",
        name_is_en="Firm",
        holder_is="企业代码",
        holder_is_en="Code of the firm",
        fields=(
            RegisterField("ground", "认定依据", "Ground of recognition"),
            RegisterField("document", "认定文件", "Document"),
        ),
    )
)

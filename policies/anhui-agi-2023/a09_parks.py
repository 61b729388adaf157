"""第九条 打造试点示范园区 (article 9): parks of general AI get a title, and more than 60% makes them first."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Bool,
    Facts,
    FieldKind,
    ProcedureKind,
    RegisterField,
    RegisterLook,
    RegisterMembers,
    RegisterSpec,
    Start,
    choice,
    integer,
    legal_share,
)

from .a00_supplementary import GRANT, notice_days

article = Article("9")

MORE_THAN_60 = "对通用人工智能企业占比超过60%的产业园区"


class Park(Facts):
    """An industrial park."""

    builder = choice(
        "建设主体", "Who builds it",
        {
            "government": ("各级人民政府", "a government"), "market": ("市场主体", "a market entity"),
            "other": ("其他", "other"),
        },
        asked_by="9.1", evidence="园区批复文件",
    )  # fmt: skip
    firms = integer(
        "入园企业数", "Firms in the park", unit="家", maximum=1_000_000, asked_by="9.1", evidence="企业名录"
    )
    agi_firms = integer(
        "其中通用人工智能企业数", "Of them firms of general AI", unit="家", maximum=1_000_000, asked_by="9.1",
        evidence="企业名录及认定文件",
    )  # fmt: skip


@article.entitles(
    "9.1", "同等条件下优先授予“安徽省通用人工智能产业示范园区”称号", kind=ProcedureKind.TITLE, by=("park", "city"),
    to="通用人工智能产业园区", to_en="parks of general AI", title="通用人工智能产业示范园区称号",
    title_en="The title of a model park of general AI",
    grants="申报“安徽省通用人工智能产业示范园区”称号", grants_en="an application for the title of model park",
)  # fmt: skip
def park_title(park: Park) -> Bool:
    """Any park that a government or a market entity builds may apply; with more than 60% AGI firms it goes first."""
    park.builder.among("government", "market").required("9.1", "支持各级人民政府和市场主体建设")
    (park.agi_firms <= park.firms).required(
        "9.1", "通用人工智能企业占比", "企业数不少于其中的通用人工智能企业数", "No more AGI firms than firms"
    )
    return park.agi_firms > legal_share("60%", "9.1", MORE_THAN_60) * park.firms


article.programme(
    "9.1", "同等条件下优先授予“安徽省通用人工智能产业示范园区”称号",
    start=Start.CALL, title="通用人工智能产业示范园区称号",
    title_en="The title of a model park of general AI",
    steps=GRANT,
)  # fmt: skip


article.register(
    RegisterSpec(
        "parks",
        "9.1",
        "支持各级人民政府和市场主体建设通用人工智能产业示范园区",
        title="示范园区",
        title_en="Model parks",
        notice=notice_days,
        office="省人工智能产业推进组工作专班",
        name_is="园区名称",
        name_is_en="Park",
        holder_is="建设主体",
        holder_is_en="Builder",
        fields=(
            RegisterField("firms", "入园企业数", "Firms in the park", FieldKind.COUNT, unit="家"),
            RegisterField(
                "agi_firms", "其中通用人工智能企业数", "Of them firms of general AI", FieldKind.COUNT, unit="家"
            ),
            RegisterField("document", "授予文件", "Document of the title"),
        ),
        share=("agi_firms", "firms"),
        members=RegisterMembers("park_firms", "park", "agi_firms", legal_share("60%", "9.1", MORE_THAN_60)),
        looked_at=RegisterLook("park_looks", "park", "year"),
    )
)


article.register(
    RegisterSpec(
        "park_firms",
        "9.1",
        "支持各级人民政府和市场主体建设通用人工智能产业示范园区",
        title="园区入园企业",
        title_en="Firms in parks",
        office="省人工智能产业推进组工作专班",
        name_is="企业名称",
        name_is_en="Firm",
        holder_is="企业代码",
        holder_is_en="Code of the firm",
        fields=(RegisterField("park", "园区编号", "Code of the park", refers="parks"),),
    )
)


article.register(
    RegisterSpec(
        "park_looks",
        "9.1",
        "支持各级人民政府和市场主体建设通用人工智能产业示范园区",
        title="园区年度查看",
        title_en="Yearly looks at parks",
        office="省人工智能产业推进组工作专班",
        name_is="查看事项",
        name_is_en="Look",
        holder_is="建设主体",
        holder_is_en="Builder",
        fields=(
            RegisterField("park", "园区编号", "Code of the park", refers="parks"),
            RegisterField("year", "年度", "Year", FieldKind.COUNT),
            RegisterField(
                "result",
                "结论",
                "Result",
                FieldKind.CHOICE,
                options={"kept": ("保留称号", "title kept"), "revoked": ("建议撤销", "to be revoked")},
            ),
            RegisterField("by_whom", "查看人", "Looked by", public=False),
        ),
        once=("park", "year"),
    )
)

"""第十二条 支持高层次人才创业 (article 12): the province's funds support teams that found firms in Anhui."""

from __future__ import annotations

from huisuan.law import Article, Facts, FieldKind, ProcedureKind, RegisterField, RegisterSpec, Start, boolean, variant

from .a00_supplementary import GRANT, OFFICE

article = Article("12")

TEAMS = "对通用人工智能高层次科技人才团队在皖创新创业"


class FoundingTeam(Facts):
    """A team of specialists that founds or innovates."""

    agi_field = boolean("从事通用人工智能领域", "Works in general AI", asked_by="12.1", evidence="项目计划书")
    high_level = boolean("高层次科技人才团队", "A high-level team", asked_by="12.1", evidence="团队认定文件")
    in_anhui = boolean("在皖创新创业", "Founds in Anhui", asked_by="12.1", evidence="营业执照、落地协议")


@article.entitles(
    "12.1", "省统筹相关基金资金予以扶持", kind=ProcedureKind.CHANNEL, by=("team",),
    to="通用人工智能高层次科技人才团队", to_en="high-level teams in general AI",
    title="人才团队基金扶持", title_en="The province's funds for founding teams",
    grants="省级统筹基金资金扶持（数额由基金按其程序决定）", grants_en="the province's funds, by their own procedure",
)  # fmt: skip
def team_fund(team: FoundingTeam) -> None:
    """High-level teams in general AI that found in Anhui may come to the province's funds."""
    team.agi_field.required("12.1", TEAMS, "通用人工智能领域", "In general AI")
    team.high_level.required("12.1", "高层次科技人才团队")
    team.in_anhui.required("12.1", "在皖创新创业")


#: the fund decides the sum by its own procedure: what is decided here is that the team is put forward
article.programme(
    "12.1", "省统筹相关基金资金予以扶持", start=Start.CALL, title="人才团队基金扶持",
    title_en="The province's funds for founding teams",
    steps=variant(GRANT, offices={OFFICE: "省科技厅"}),
)  # fmt: skip


#: what the funds gave: with the project of a winner (10.1), its page lists this money beside the follow-up support
article.register(
    RegisterSpec(
        "team_funds",
        "12.1",
        "省统筹相关基金资金予以扶持",
        title="人才团队基金扶持",
        title_en="Fund money of founding teams",
        office="省科技厅",
        name_is="扶持事项",
        name_is_en="Support",
        holder_is="团队企业",
        holder_is_en="Team",
        fields=(
            RegisterField("project", "获奖项目编号", "Code of the winning project", refers="prizes", required=False),
            RegisterField("fund", "出资基金", "Fund"),
            RegisterField("amount", "金额", "Amount", FieldKind.YUAN),
            RegisterField("contract", "协议编号", "Agreement"),
        ),
        once=("fund", "contract"),
    )
)

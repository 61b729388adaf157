"""第十条 举办创新应用大赛 (article 10): what winners in Anhui are given is summed and capped."""

from __future__ import annotations

from huisuan.law import (
    SELECTION,
    Article,
    Bool,
    Facts,
    FieldKind,
    ProcedureKind,
    RegisterField,
    RegisterJury,
    RegisterMark,
    RegisterSpec,
    RegisterTotal,
    Start,
    always,
    any_of,
    boolean,
    choice,
    interpretation,
    legal_money,
    money,
    names,
    opposite,
    selection,
)

from .a00_supplementary import GRANT, RECORD, contest, scored

article = Article("10")

WINNERS = "对创新能力强、市场前景广、应用成效显著并在皖落地的获奖项目和团队"
MEANS = "高层次科技人才团队股权投资、债权投入、人才奖励、大赛奖金等在皖创新创业政策支持"
CAP = "最高支持金额3000万元"


def won() -> Bool:
    """The fact that a project or team won a prize: decided by the contest, stated by nobody before."""
    return boolean("大赛获奖", "Won a prize in the contest", asked_by="10.1", known_by=SELECTION)


def settled_in_anhui() -> Bool:
    """The fact that it settled in Anhui."""
    return boolean(
        "在皖落地", "Settled in Anhui", asked_by="10.1", evidence="营业执照、落地协议", known_by="register",
        measure="region", within="340000",
    )  # fmt: skip


class ContestEntry(Facts):
    """A project or team that takes part in the national contest."""

    about = "a prize project"
    winner = won()


@article.entitles(
    "10.1", "获奖项目和团队", kind=ProcedureKind.TITLE, by=("team", "enterprise"),
    to="参赛项目和团队", to_en="projects and teams of the contest",
    title="创新应用大赛获奖", title_en="A prize in the contest",
    grants="大赛获奖（不另拨资金；后续支持由各出资方给予，合计封顶）",
    grants_en="a prize; it pays nothing itself: what others give afterwards is summed and capped",
)  # fmt: skip
def prize(entry: ContestEntry) -> None:
    """Who won is decided by the jury's ranking."""
    entry.winner.required("10.1", "获奖项目和团队")


class PrizeWinner(Facts):
    """A prize-winning project or team that applies for the policies for founders."""

    about = "a prize project"
    winner = won()
    settled = settled_in_anhui()


@article.entitles(
    "10.1", "同等条件下优先给予", name="priority", kind=ProcedureKind.PRIORITY, by=("team", "enterprise"),
    to="在皖落地的获奖项目和团队", to_en="prize-winning projects and teams in Anhui",
    title="创新创业政策优先支持", title_en="First among equals for the policies for founders",
    grants="同等条件下优先获得在皖创新创业政策支持",
    grants_en="support by the policies for founders, first among equals",
)  # fmt: skip
def prize_priority(project: PrizeWinner) -> Bool:
    """Whoever won and settled in Anhui goes first among equals."""
    project.winner.required("10.1", WINNERS)
    project.settled.required("10.1", "并在皖落地")
    return always()


cap_of = interpretation(
    "10.1.cap_of", "最高支持金额 3000 万元按获奖项目还是按团队合计", "Is the cap one of a project or of a team?",
    {
        "project": ("每个获奖项目", "of each project that won"),
        "team": ("每个团队（企业），其各获奖项目合在一起", "of each team, all its projects together"),
    },
    sentence="10.1", phrase=CAP,
)  # fmt: skip
team_fund_money = interpretation(
    "10.1.team_funds", "第12.1句的人才团队基金扶持是否计入 3000 万元", "Does fund money under 12.1 count in the cap?",
    {
        "apart": ("不计入：12.1 是另一句的扶持", "no: it is another sentence's"),
        "counted": ("计入：同是省统筹的基金资金，给同一团队", "yes: the same funds, for the same team"),
    },
    sentence="10.1", phrase="省市统筹相关基金资金",
)  # fmt: skip
which_means = interpretation(
    "10.1.means", "计入上限的支持是否限于所列四种（股权投资、债权投入、人才奖励、大赛奖金）",
    "Is the cap only on the four means that are named?",
    {
        "all": ("各种支持都计入：以“等”结尾", "no: on support of whatever kind"),
        "named": ("只计所列四种，其他支持不占上限", "yes: other support is outside the cap"),
    },
    sentence="10.1", phrase=MEANS,
)  # fmt: skip


class FollowUp(Facts):
    """A support of a prize project by one payer, beside what others gave before."""

    about = "a prize project"
    winner = won()
    settled = settled_in_anhui()
    given = money(
        "各出资方已给支持合计", "Given before, by all payers together", maximum="10亿元", asked_by="10.1",
        evidence="后续支持名录", known_by="things", measure="follow_up",
    )  # fmt: skip
    amount = money(
        "本次支持金额", "This support", maximum="10亿元", asked_by="10.1", evidence="投资、借款协议或奖励文件"
    )
    given_team = money(
        "各出资方已给该团队各获奖项目的支持合计", "Given before to all winning projects of the team", maximum="10亿元",
        asked_by="10.1", evidence="后续支持名录",
    )  # fmt: skip
    team_funds = money(
        "该团队已得的人才团队基金扶持（第12.1句）", "Fund money of the team under 12.1", maximum="10亿元",
        asked_by="12.1", evidence="人才团队基金扶持名录",
    )  # fmt: skip
    means = choice(
        "本次支持的方式", "Means of this support",
        {
            "equity": ("股权投资", "equity"), "loan": ("债权投入", "loan"), "talent": ("人才奖励", "award for talent"),
            "prize": ("大赛奖金", "prize money"), "other": ("其他", "other"),
        },
        asked_by="10.1", evidence="投资、借款协议或奖励文件",
    )  # fmt: skip


@article.entitles(
    "10.1", MEANS, name="support", kind=ProcedureKind.CHANNEL, by=("team", "enterprise"),
    to="在皖落地的获奖项目和团队", to_en="prize-winning projects and teams in Anhui",
    title="大赛获奖项目后续支持登记", title_en="Follow-up support of prize-winning projects",
    grants="登记本次支持：由出资方按其自身规定给予，本政策不另拨付",
    grants_en="an entry of this support: its payer gives it under rules of its own, this policy pays nothing",
)  # fmt: skip
def follow_up(project: FollowUp) -> None:
    """Equity, loans, talent awards and prize money together are at most 30 million yuan, whoever pays."""
    project.winner.required("10.1", "获奖项目和团队")
    project.settled.required("10.1", "并在皖落地")
    before = cap_of.choose(project=project.given, team=project.given_team)
    counted = team_fund_money.choose(apart=before, counted=before + project.team_funds)
    within = counted + project.amount <= legal_money("3000万元", "10.1", CAP)
    named = project.means.among("equity", "loan", "talent", "prize")
    together = which_means.choose(all=within, named=any_of(opposite(named), within))
    together.required("10.1", CAP, "各方支持合计不超过 3000 万元", "All support together is at most 30 million yuan")


CRITERIA = (
    scored("10.1", "novelty", "创新能力", "Novelty", phrase="创新能力强"),
    scored("10.1", "market", "市场前景", "Market", phrase="市场前景广"),
    scored("10.1", "effect", "应用成效", "Effect in use", phrase="应用成效显著"),
)

article.programme(
    "10.1", "获奖项目和团队", start=Start.CALL, title="创新应用大赛",
    title_en="The contest",
    steps=contest(*CRITERIA, after=GRANT), objects=(names("project"),), selection=selection(ContestEntry.winner),
)  # fmt: skip

article.programme(
    "10.1.priority", "同等条件下优先给予", start=Start.INVITATION, title="创新创业政策优先支持",
    title_en="Winners first among equals for the policies for founders",
    steps=GRANT,
)  # fmt: skip

article.programme(
    "10.1.support", MEANS, start=Start.INVITATION, title="大赛获奖项目后续支持登记",
    title_en="Follow-up support of winners, entered whoever pays",
    steps=RECORD, objects=(names("contract"),),  # one project has several supports, each by a contract of its own
)  # fmt: skip


article.register(
    RegisterSpec(
        "follow_up",
        "10.1",
        CAP,
        title="大赛获奖项目后续支持",
        title_en="Follow-up support of prize-winning projects",
        office="省人工智能产业推进组工作专班",
        name_is="支持事项",
        name_is_en="Support",
        holder_is="获奖单位",
        holder_is_en="Winner",
        fields=(
            RegisterField("project", "项目编号", "Code of the project", refers="prizes"),
            RegisterField(
                "means",
                "方式",
                "Means",
                FieldKind.CHOICE,
                options={
                    "equity": ("股权投资", "equity"),
                    "loan": ("债权投入", "loan"),
                    "talent": ("人才奖励", "award for talent"),
                    "prize": ("大赛奖金", "prize money"),
                    "other": ("其他", "other"),
                },
            ),
            RegisterField("payer", "出资方", "Payer"),
            RegisterField("amount", "金额", "Amount", FieldKind.YUAN),
        ),
        in_province=True,
        total=RegisterTotal("amount", per="project", most=legal_money("3000万元", "10.1", CAP)),
    )
)


article.register(
    RegisterSpec(
        "rounds",
        "10.1",
        "举办通用人工智能创新应用全国大赛",
        title="大赛轮次",
        title_en="Rounds of the contest",
        office="省人工智能产业推进组工作专班",
        name_is="轮次名称",
        name_is_en="Round",
        fields=(
            RegisterField("year", "年度", "Year", FieldKind.COUNT),
            RegisterField("draw", "评委抽签", "Draw of the jury"),
            RegisterField("entries", "参赛项目数", "Entries", FieldKind.COUNT, unit="个", required=False),
            RegisterField("passed", "晋级项目数", "Went on", FieldKind.COUNT, unit="个"),
            RegisterField(
                "jury",
                "评委数（自专家库抽取）",
                "Jurors drawn from the pool",
                FieldKind.COUNT,
                unit="人",
                required=False,
            ),
            RegisterField("place", "举办地", "Held at", required=False),
        ),
        share=("passed", "entries"),
        once=("draw",),
        jury=RegisterJury(programme="10.1", draw="draw", jury="jury", entries="entries"),
    )
)


article.register(
    RegisterSpec(
        "prizes",
        "10.1",
        "获奖项目和团队",
        title="大赛获奖项目",
        title_en="Prizes of the contest",
        office="省人工智能产业推进组工作专班",
        name_is="项目名称",
        name_is_en="Project",
        holder_is="获奖单位",
        holder_is_en="Winner",
        fields=(
            RegisterField("round", "轮次编号", "Code of the round", refers="rounds"),
            RegisterField("entry", "申报编号", "Application"),
            RegisterField("prize", "奖项", "Prize"),
            RegisterField("mark", "评委评分", "Mark of the jury", required=False),
            RegisterField("settled_on", "在皖落地日期", "Settled in Anhui on", FieldKind.DAY, required=False),
        ),
        once=("round", "name"),
        mark=RegisterMark(round="round", application="entry", mark="mark"),
    )
)

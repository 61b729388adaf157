"""第十条 举办创新应用大赛 (article 10): prize-winning projects that settle in Anhui are supported by several means."""

from __future__ import annotations

from huisuan.law import Article, Bool, Facts, Money, ProcedureKind, Start, always, boolean, legal_money, money

from .a00_supplementary import GRANT, contest, payable, scored

article = Article("10")

WINNERS = "对创新能力强、市场前景广、应用成效显著并在皖落地的获奖项目和团队"
MEANS = "高层次科技人才团队股权投资、债权投入、人才奖励、大赛奖金等在皖创新创业政策支持"
CAP = "最高支持金额3000万元"


class PrizeProject(Facts):
    """A project or team that won a prize in the national contest, and what is planned for it."""

    about = "a prize project"
    winner = boolean(
        "大赛获奖", "Won a prize in the contest", asked_by="10.1", evidence="获奖证书", known_by="register"
    )
    settled = boolean(
        "在皖落地", "Settled in Anhui", asked_by="10.1", evidence="营业执照、落地协议", known_by="register"
    )
    equity = money("股权投资", "Equity", maximum="10亿元", asked_by="10.1", evidence="投资协议")
    loan = money("债权投入", "Loans", maximum="10亿元", asked_by="10.1", evidence="借款协议")
    talent_award = money("人才奖励", "Awards for talent", maximum="10亿元", asked_by="10.1", evidence="奖励文件")
    prize = money("大赛奖金", "Prize money", maximum="10亿元", asked_by="10.1", evidence="奖金发放文件")


@article.pays(
    "10.1", CAP, to="在皖落地的获奖项目和团队", to_en="prize-winning projects and teams in Anhui",
    title="大赛获奖项目支持", title_en="Support for prize-winning projects", by=("team", "enterprise"),
)  # fmt: skip
def prize_support(project: PrizeProject) -> Money:
    """The sum over equity, loans, talent awards and prize money, at most 30 million yuan."""
    project.winner.required("10.1", "获奖项目和团队")
    project.settled.required("10.1", "并在皖落地")
    means = project.equity + project.loan + project.talent_award + project.prize
    support = means.cites("10.1", MEANS, "各类支持合计", "All means together")
    return payable(support.capped(legal_money("3000万元", "10.1", CAP), "10.1", CAP))


class PrizeWinner(Facts):
    """A prize-winning project or team that applies for the policies for founders."""

    about = "a prize project"
    winner = boolean(
        "大赛获奖", "Won a prize in the contest", asked_by="10.1", evidence="获奖证书", known_by="register"
    )
    settled = boolean(
        "在皖落地", "Settled in Anhui", asked_by="10.1", evidence="营业执照、落地协议", known_by="register"
    )


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


CRITERIA = (
    scored("10.1", "novelty", "创新能力", "Novelty", phrase="创新能力强"),
    scored("10.1", "market", "市场前景", "Market", phrase="市场前景广"),
    scored("10.1", "effect", "应用成效", "Effect in use", phrase="应用成效显著"),
)

article.programme(
    "10.1", CAP, start=Start.CALL, title="创新应用大赛与获奖项目支持",
    title_en="The contest and support for its winners",
    steps=contest(*CRITERIA),
)  # fmt: skip

article.programme(
    "10.1.priority", "同等条件下优先给予", start=Start.INVITATION, title="创新创业政策优先支持",
    title_en="Winners first among equals for the policies for founders",
    steps=GRANT,
)  # fmt: skip

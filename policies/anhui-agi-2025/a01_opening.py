"""2.0 版公开的开头 (what the opening of the 2.0 edition publicly says): scenarios, research bases, compute.

The issued text is not at hand. Every sentence is marked in `text.md` as to be checked, the explanation says so of each
line that rests on it, and the calculator leaves the policy out until `policy.toml` no longer says `prepared`.
"""

from __future__ import annotations

from huisuan.law import (
    Article,
    Facts,
    Money,
    ProcedureKind,
    boolean,
    claims,
    interpretation,
    legal_money,
    legal_share,
    money,
    read_on,
    share_setting,
)

article = Article("e")

SCENARIO = "按不超过研发费用的20%、最高1000万元给予补助"
BASE = "按不超过当年研发投入的30%、最高1000万元给予补助"
TEN_BEST = "按研发费用的20%、最高100万元给予补助"
BY_USE = "按实际使用量给予补贴"

began = interpretation(
    "e.7.began", "施行之前已经开始的事项是否适用新版", "Is what began before this edition took force covered by it?",
    {
        "covered": ("适用，只看完成之日", "yes: the day on which it ended decides"),
        "not_covered": ("不适用，按上一版办结", "no: the edition before it decides"),
    },
    sentence="e.7", phrase="2025年8月起施行",
)  # fmt: skip
article.validity("e.7", "2025年8月起施行", began_before=began)

once = interpretation(
    "e.3.once", "场景项目与“十大”标杆的补助怎样“不重复享受”",
    "How do the scenario project's and the ten best's subsidies exclude each other?",
    {"once": ("同一研发费用只补一次，场景项目在先", "the same cost is subsidised once, the project first")},
    sentence="e.3", phrase="不与场景项目的补助重复享受",
)  # fmt: skip
article.stacks("scenario-development", order=("e.1", "e.3"), by=once)

scenario_rate = share_setting(
    "e.1.rate", "场景项目补助比例", "Rate for scenario projects", sentence="e.1", phrase=SCENARIO, at_most="20%"
)
base_rate = share_setting(
    "e.2.rate", "科研基地补助比例", "Rate for research bases", sentence="e.2", phrase=BASE, at_most="30%"
)
use_rate = share_setting("e.6.rate", "算力补贴比例", "Rate for compute", sentence="e.6", phrase=BY_USE)

scenario_day = interpretation(
    "e.1.day", "场景项目补助比例按申报之日还是立项之日",
    "Is the rate that of the application or of the approval?",
    {
        "application": ("申报之日", "the day of application"),
        "event": ("立项之日", "the day of approval"),
    },
    sentence="e.1", phrase=SCENARIO,
)  # fmt: skip


class ScenarioProject(Facts):
    """A scenario that is developed under an open challenge."""

    open_challenge = boolean(
        "“揭榜挂帅”的场景项目", "A scenario project by open challenge", asked_by="e.1", evidence="榜单、立项文件"
    )
    development_cost = money(
        "场景研发费用", "Cost of developing the scenario", maximum="100亿元", asked_by="e.1", evidence="专项审计报告"
    )


@article.pays(
    "e.1", SCENARIO, to="“揭榜挂帅”的场景项目", to_en="scenario projects by open challenge",
    title="场景项目补助（待核）", title_en="Scenario projects (to be checked)", by=("enterprise",),
    claim=claims("scenario-development", ScenarioProject.development_cost), settings_by=scenario_day,
)  # fmt: skip
def scenario_project(project: ScenarioProject) -> Money:
    """A share of the development cost, at most 10 million yuan."""
    project.open_challenge.required("e.1", "对“揭榜挂帅”的场景项目")
    share = (scenario_rate * project.development_cost).cites("e.1", SCENARIO, "按比例", "By the rate")
    return share.capped(legal_money("1000万元", "e.1", "最高1000万元"), "e.1", "最高1000万元").rounded_down("fen")


class ResearchBase(Facts):
    """One year of a research base."""

    research_base = boolean("科研基地", "A research base", asked_by="e.2", evidence="认定文件")
    research_spend = money(
        "当年研发投入", "The year's spend on research and development", maximum="100亿元", asked_by="e.2",
        evidence="专项审计报告",
    )  # fmt: skip


@article.pays(
    "e.2", BASE, to="科研基地", to_en="research bases", title="科研基地补助（待核）",
    title_en="Research bases (to be checked)", by=("enterprise", "university", "institute"),
    settings_by=read_on("event", "e.2", "当年研发投入"),
)  # fmt: skip
def research_base(base: ResearchBase) -> Money:
    """A share of the year's research and development, at most 10 million yuan."""
    base.research_base.required("e.2", "对科研基地")
    share = (base_rate * base.research_spend).cites("e.2", BASE, "按比例", "By the rate")
    return share.capped(legal_money("1000万元", "e.2", "最高1000万元"), "e.2", "最高1000万元").rounded_down("fen")


class TenBest(Facts):
    """A scenario that was chosen among the ten best."""

    chosen = boolean("评为“十大”场景标杆", "Chosen among the ten best", asked_by="e.3", evidence="评选结果公告")
    development_cost = money(
        "场景研发费用", "Cost of developing the scenario", maximum="100亿元", asked_by="e.3", evidence="专项审计报告"
    )


@article.pays(
    "e.3", TEN_BEST, to="“十大”场景标杆", to_en="the ten best scenarios", title="“十大”场景标杆补助（待核）",
    title_en="The ten best scenarios (to be checked)", by=("enterprise",),
    claim=claims("scenario-development", TenBest.development_cost),
)  # fmt: skip
def ten_best(scenario: TenBest) -> Money:
    """A fifth of the development cost, at most 1 million yuan, not beside e.1."""
    scenario.chosen.required("e.3", "对评选出的“十大”场景标杆")
    fifth = (legal_share("20%", "e.3", TEN_BEST) * scenario.development_cost).cites("e.3", TEN_BEST, "20%", "A fifth")
    return fifth.capped(legal_money("100万元", "e.3", "最高100万元"), "e.3", "最高100万元").rounded_down("fen")


class FirstProduct(Facts):
    """A product that somebody makes or buys first."""

    first_product = boolean("“三首”产品", "A product of the three firsts", asked_by="e.4", evidence="认定或申报文件")


@article.entitles(
    "e.4", "支持申报“三首”产品，支持首购", kind=ProcedureKind.CHANNEL, by=("enterprise",), to="“三首”产品",
    to_en="products of the three firsts", title="“三首”产品与首购（待核）",
    title_en="Three-first products and first purchase (to be checked)", grants="申报“三首”产品；首购",
    grants_en="an application as a three-first product; first purchase",
)  # fmt: skip
def first_product(product: FirstProduct) -> None:
    """What counts as one is not public."""
    product.first_product.required("e.4", "支持申报“三首”产品")


article.procedure(
    "e.5", "升级省级算力统筹调度平台", kind=ProcedureKind.PROGRAMME, what="省级算力统筹调度平台升级",
    what_en="The province-wide compute dispatch platform is upgraded",
)  # fmt: skip


class PlatformUse(Facts):
    """One user's compute on the dispatch platform over a period."""

    platform_spend = money(
        "调度平台上的算力支出", "Compute spend on the dispatch platform", maximum="100亿元", asked_by="e.6",
        evidence="平台计量的账单", known_by="meter", measure="spend",
    )  # fmt: skip


@article.pays(
    "e.6", BY_USE, to="调度平台的算力使用方", to_en="users of compute on the dispatch platform",
    title="算力使用补贴（待核；比例未公开）", title_en="Compute use (to be checked; the rate is not public)",
    by=("enterprise", "university", "institute"),
)  # fmt: skip
def compute_use(use: PlatformUse) -> Money:
    """A share of what was used, by the day of use; the rate is not public, so the answer is: not set."""
    share = (use_rate * use.platform_spend).cites("e.6", BY_USE, "按实际使用量", "By actual use")
    return share.by_day_of_use("e.6", "按实际使用量").rounded_down("fen")


article.declares(
    "e.8",
    "其余条款未公开",
    reason="未编码：印发文本得到之后，一句一句写入",
    reason_en="Not encoded: the text is not public",
)

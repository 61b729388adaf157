"""第五条 强化关键核心技术攻关 (article 5): the province's plan of key projects pays part of what research costs."""

from __future__ import annotations

from huisuan.law import (
    CONCLUSION,
    Article,
    Duty,
    Facts,
    Int,
    Money,
    ProgrammeStep,
    Start,
    State,
    audited,
    boolean,
    choice,
    claims,
    count_setting,
    found_alike,
    interpretation,
    legal_money,
    milestone_contract,
    money,
    names,
    open_list,
    panel_review,
    race,
    share_setting,
    step,
    variant,
)

from .a00_supplementary import (
    CLAIM,
    OFFICE,
    REVIEW,
    check_days,
    decide_days,
    hearing_days,
    payable,
    project_city,
    project_county,
    publicise,
    raised_and_capped,
    raised_projects,
    scored,
)

article = Article("5")

AT_MOST_20 = "按照不超过项目研发费用的20%予以资助"
CAP = "单个项目最高5000万元"

rate = share_setting("5.1.rate", "资助比例", "Rate of support", sentence="5.1", phrase=AT_MOST_20, at_most="20%")
which_day = interpretation(
    "5.1.day", "资助比例按申报之日还是立项之日", "Is the rate that of the application or of the approval?",
    {
        "application": ("申报之日", "the day of application"),
        "event": ("立项之日", "the day of approval"),
    },
    sentence="5.1", phrase=AT_MOST_20,
)  # fmt: skip
compute_in_cost = interpretation(
    "5.1.compute", "研发费用是否含已按 2.2 获补助的算力支出",
    "Does R&D cost include compute spend that 2.2 subsidised?",
    {
        "excluded": ("不含：同一支出只补一次", "no: what was spent is funded once"),
        "included": ("包含", "yes"),
    },
    sentence="5.1", phrase="项目研发费用",
)  # fmt: skip
which_cost = interpretation(
    "5.1.cost", "研发费用按立项时的预算还是结题审计的实际数", "Is R&D cost what was budgeted or what it came to?",
    {
        "budgeted": ("立项时核定的预算", "the budget, as approved"),
        "actual": (
            "结题之后按审计的实际数，不超过预算；结题之前先按预算，多付的收回",
            "once concluded what it came to as audited, within the budget; what was paid above it comes back",
        ),
    },
    sentence="5.1", phrase=AT_MOST_20,
)  # fmt: skip

others = open_list(
    "5.1.others", "“揭榜挂帅、赛马、定向委托等方式”是否限于所列", "Are the ways of organising closed?",
    sentence="5.1", phrase="“揭榜挂帅”、“赛马”、定向委托等方式",
    finder="省科技厅", finder_en="the department of science",
)  # fmt: skip


class ResearchProject(Facts):
    """One project of applied research in the province's plan."""

    in_plan = boolean(
        "列入省级科技攻关计划", "In the province's plan of key projects", asked_by="5.1", evidence="立项文件"
    )  # fmt: skip
    way = choice(
        "组织方式", "How it is organised",
        {
            "open_challenge": ("揭榜挂帅", "open challenge"), "horse_race": ("赛马", "horse race"),
            "directed": ("定向委托", "directed"), "other": ("其他方式", "another way"),
        },
        asked_by="5.1", evidence="立项文件",
    )  # fmt: skip
    alike = found_alike("5.1", "省科技厅", "the department of science")
    topic = choice(
        "研究方向", "Topic",
        {
            "general": ("通用大模型", "general models"), "industry": ("行业大模型", "industry models"),
            "safety": ("安全可控技术", "safe and controllable technology"),
            "paths": ("通用人工智能其他路径探索", "other paths to general AI"), "other": ("其他", "other"),
        },
        asked_by="5.1", evidence="项目任务书",
    )  # fmt: skip
    cost = money(
        "项目研发费用", "R&D cost of the project", maximum="100亿元", asked_by="5.1", evidence="研发费用专项审计报告"
    )
    subsidised_compute = money(
        "其中已按 2.2 获补助的算力支出", "Of it compute spend subsidised under 2.2", maximum="100亿元", asked_by="5.1",
        evidence="平台应享记录", role="subsidised",
    )  # fmt: skip
    city = project_city()
    county = project_county()
    unspent = money(
        "结题审计核定的结余（预算减实际研发费用；结题之前为 0）", "What the audit found left of the budget at the end",
        maximum="100亿元", asked_by="5.1", evidence="结题研发费用专项审计报告", known_by=CONCLUSION,
    )  # fmt: skip


@article.pays(
    "5.1", AT_MOST_20, to="项目承担单位", to_en="whoever carries out the project",
    title="关键核心技术攻关资助", title_en="Support for key technology projects",
    by=("enterprise", "university", "institute"), claim=claims("research-cost", ResearchProject.cost),
    settings_by=which_day,
)  # fmt: skip
def research_support(project: ResearchProject) -> Money:
    """A share of the R&D cost, at most 50 million yuan a project; open challenges, horse races, directed projects."""
    project.in_plan.required("5.1", "在省级科技攻关计划中支持")
    way = others.covers(project.way.among("open_challenge", "horse_race", "directed"), project.alike)
    way.required("5.1", "通过“揭榜挂帅”、“赛马”、定向委托等方式")
    project.topic.among("general", "industry", "safety", "paths").required(
        "5.1", "支持通用大模型、行业大模型、安全可控技术以及通用人工智能其他路径探索的应用研究"
    )
    actual = project.cost.less(project.unspent).cites("5.1", "项目研发费用", "实际研发费用", "R&D cost as audited")
    spent = which_cost.choose(budgeted=project.cost, actual=actual)
    cost = compute_in_cost.choose(
        excluded=spent.less(project.subsidised_compute).cites(
            "5.1", "项目研发费用", "可资助研发费用", "R&D cost that counts"
        ),
        included=spent,
    )
    support = (rate * cost).cites("5.1", AT_MOST_20, "按比例资助", "Support by the rate")
    cap = legal_money("5000万元", "5.1", CAP)
    capped = support.capped(cap, "5.1", CAP)
    return payable(
        raised_projects.choose(
            awards=capped,
            literal=capped,
            all=raised_and_capped(support, project.city, project.county, cap, "5.1", CAP),
        )
    )


class ExceptionalResearch(Facts):
    """A research project that asks to be treated by itself."""

    exceptional = boolean("特别重大的项目", "An exceptionally large project", asked_by="5.2", evidence="省、市认定文件")


@article.discretion(
    "5.2", "省市可采用“一事一议”方式支持", to="特别重大的项目", to_en="exceptionally large projects",
    title="特别重大攻关项目一事一议", title_en="Exceptional research, case by case", decided_by="省、市",
    decided_by_en="province and city", by=("enterprise", "university", "institute"),
)  # fmt: skip
def exceptional_research(project: ExceptionalResearch) -> None:
    """Province and city may support it case by case; the law names no amount."""
    project.exceptional.required("5.2", "特别重大的项目")


SCIENCE, INDUSTRY = "省科技厅", "省经济和信息化厅"
IN_PLAN = "在省级科技攻关计划中支持"

panel = count_setting(
    "5.1.panel", "每组专家人数", "Experts of a panel", sentence="5.1", phrase=IN_PLAN, at_most=99, odd_from=5
)
spread = count_setting(
    "5.1.spread", "评分离散上限（分）", "Largest spread of scores", sentence="5.1", phrase=IN_PLAN, at_most=100
)
review_days = count_setting(
    "5.1.review_days", "评审期限（工作日）", "Working days to review", sentence="5.1", phrase=IN_PLAN, at_most=250
)
instalments = count_setting(
    "5.1.instalments", "拨付次数", "Instalments of payment", sentence="5.1", phrase=IN_PLAN, at_most=12
)

#: blind: an expert reads what is proposed, not who proposes it
review = panel_review(
    scored("5.1", "novelty", "创新性", "Novelty", phrase=IN_PLAN),
    scored("5.1", "feasibility", "技术路线可行性", "Feasibility", phrase=IN_PLAN),
    scored("5.1", "industry", "产业带动", "Use for the industry", phrase=IN_PLAN),
    scored("5.1", "budget", "经费合理性", "Fitness of the budget", phrase=IN_PLAN),
    panel=panel, spread=spread, blind=True, field="topic", common=REVIEW,
)  # fmt: skip


def contract_figure(name: str, zh: str, en: str, at_most: int, *, odd_from: int = 0) -> Int:
    """A figure of the contracts of 5.1 that the implementing rules set."""
    return count_setting(f"5.1.{name}", zh, en, sentence="5.1", phrase=IN_PLAN, at_most=at_most, odd_from=odd_from)


report_days = contract_figure("report_days", "节点到期后提交报告的期限（工作日）", "Working days to report", 250)
remind_days = contract_figure("remind_days", "节点到期前几天提醒", "Days before which is reminded", 365)
lowest_result = contract_figure("lowest_result", "项目评价的合格分", "Lowest score of a final evaluation", 100)
race_cap = interpretation(
    "5.1.race_cap", "赛马的“单个项目最高5000万元”按任务还是按每家承担单位",
    "Is the limit of a project in a race that of the task or of each runner?",
    {
        "task": ("同一任务的各承担单位合计（一个任务是一个项目）", "of all runners of a task: the task is the project"),
        "runner": ("每家承担单位各自", "of each runner"),
    },
    sentence="5.1", phrase=CAP,
)  # fmt: skip
RACE = race(
    runners=contract_figure("race.runners", "同一任务至多几家承担单位", "Most runners of a task", 20),
    at=contract_figure("race.at", "在第几个节点淘汰", "Milestone at which runners are eliminated", 12),
    remain=contract_figure("race.remain", "淘汰后留下几家", "Runners that remain", 20),
    mark=contract_figure("race.mark", "低于多少分即淘汰", "Score below which a runner is eliminated", 100),
    cap=legal_money("5000万元", "5.1", CAP),
    cap_of=race_cap,
)
acceptance_panel = contract_figure(
    "acceptance_panel", "节点验收专家人数", "Experts who accept a milestone", 99, odd_from=3
)

EARLY = (State.SUBMITTED, State.RETURNED, State.CHECKED, State.RECOMMENDED)
RANKING = (State.REVIEWED, State.RANKED)


def leaving(*states: State) -> tuple[ProgrammeStep, ...]:
    """Refusal and withdrawal before the decision, from these states and those of publicity."""
    return (
        step(
            "refuse", (*states, State.IN_PUBLICITY), State.REFUSED, Duty.DECIDE, SCIENCE, within=decide_days,
            figures=(hearing_days,),
        ),
        step("withdraw", (State.DRAFT, *states, State.IN_PUBLICITY, State.SUSPENDED), State.WITHDRAWN, Duty.APPLY),
    )  # fmt: skip


#: directed (定向委托): whoever is invited is recommended and stands in public without a ranking
DIRECTED = variant(
    CLAIM, offices={OFFICE: SCIENCE},
    instead=(
        publicise(State.RECOMMENDED, SCIENCE),
        step("commit", State.CONTRACTED, State.COMMITTED, Duty.COMMIT, "省财政厅", figures=(instalments,)),
        step("complete", State.PAYING, State.MONITORED, Duty.PAY, "省财政厅"),
        *leaving(*EARLY),
        step(
            "revoke", (State.DECIDED, State.CONTRACTED, State.COMMITTED, State.PAYING), State.REFUSED,
            Duty.DECIDE, SCIENCE, figures=(hearing_days,),
        ),
        step(
            "recover", (State.PAYING, State.MONITORED, State.CLOSED), State.IN_RECOVERY, Duty.REGISTER, SCIENCE,
            figures=(hearing_days,),
        ),
    ),
    more=(
        step("recommend", State.CHECKED, State.RECOMMENDED, Duty.RECOMMEND, INDUSTRY, within=check_days),
        step("contract", State.DECIDED, State.CONTRACTED, Duty.REGISTER, SCIENCE),
        step("close", State.MONITORED, State.CLOSED, Duty.REGISTER, SCIENCE),
    ),
)  # fmt: skip

#: the open challenge (揭榜挂帅): recommended, reviewed by a panel, ranked, contracted, paid by milestones, monitored
OPEN_CHALLENGE = variant(
    DIRECTED,
    instead=(publicise(State.RANKED, SCIENCE), *leaving(*EARLY, *RANKING)),
    more=(
        step("review", State.RECOMMENDED, State.REVIEWED, Duty.REVIEW, SCIENCE, within=review_days, review=review),
        step("rank", State.REVIEWED, State.RANKED, Duty.RECOMMEND, SCIENCE),
    ),
)

#: the horse race (赛马): several runners of a task; who falls out keeps what its milestones earned
HORSE_RACE = variant(
    OPEN_CHALLENGE,
    more=(
        step(
            "eliminate", (State.CONTRACTED, State.COMMITTED, State.PAYING), State.CLOSED, Duty.DECIDE, SCIENCE,
            figures=(hearing_days,),
        ),
    ),
)  # fmt: skip

OBJECTS = (names("project"), names("contract", required=False))

AUDIT = audited(budget=ResearchProject.cost, unspent=ResearchProject.unspent)

article.programme(
    "5.1", AT_MOST_20, start=Start.CALL, title="关键核心技术攻关（揭榜挂帅）",
    title_en="Key technology projects by open challenge", steps=OPEN_CHALLENGE, objects=OBJECTS,
    contract=milestone_contract(
        report_days=report_days, remind_days=remind_days, mark=lowest_result, audited=AUDIT
    ),
)  # fmt: skip
article.programme(
    "5.1.race", AT_MOST_20, start=Start.CALL, title="关键核心技术攻关（赛马）",
    title_en="Key technology projects by horse race", steps=HORSE_RACE, objects=OBJECTS, rule="5.1",
    contract=milestone_contract(
        report_days=report_days, remind_days=remind_days, mark=lowest_result, panel=acceptance_panel, race=RACE,
        audited=AUDIT,
    ),
)  # fmt: skip
article.programme(
    "5.1.directed", AT_MOST_20, start=Start.INVITATION, title="关键核心技术攻关（定向委托）",
    title_en="Key technology projects by direction", steps=DIRECTED, objects=OBJECTS, rule="5.1", opinions=True,
    contract=milestone_contract(
        report_days=report_days, remind_days=remind_days, mark=lowest_result, audited=AUDIT
    ),
)  # fmt: skip


article.programme(
    "5.2", "省市可采用“一事一议”方式支持", start=Start.INVITATION, title="特别重大攻关项目一事一议",
    title_en="Exceptional research, case by case",
    steps=variant(CLAIM, offices={OFFICE: SCIENCE}), objects=(names("project"),),
)  # fmt: skip

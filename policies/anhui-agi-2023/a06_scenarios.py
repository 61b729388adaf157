"""第六条 全面开放应用场景 (article 6): scenarios are opened, and the ten best cases of the province are rewarded."""

from __future__ import annotations

from huisuan.law import (
    SELECTION,
    Article,
    Bool,
    Facts,
    FieldKind,
    Money,
    ProcedureKind,
    RegisterDraw,
    RegisterField,
    RegisterMatching,
    RegisterSpec,
    Start,
    always,
    boolean,
    claims,
    interpretation,
    legal_money,
    legal_share,
    money,
    names,
    read_on,
    selection,
)

from .a00_supplementary import (
    GRANT,
    contest,
    payable,
    project_city,
    project_county,
    raised_and_capped,
    raised_as_subsidy,
    scored,
)

article = Article("6")

TEN_BEST = "开展省级“十大”通用人工智能场景应用标杆评比"
AWARD = "对评选优秀的案例给予总投资额20%、最高100万元补助"

article.procedure(
    "6.1", "对各地各部门场景开放情况实行季通报、年评比", kind=ProcedureKind.LIST,
    what="应用场景开放清单，季度通报、年度评比", what_en="The list of open scenarios, with reports and rankings",
)  # fmt: skip


other_support = interpretation(
    "6.2.other_support", "总投资额中已获其他财政资金（如 2.2、5.1）的部分是否计入",
    "Does what other public money (2.2, 5.1) paid for count in the total investment?",
    {
        "included": ("计入：条文称“总投资额”，没有写扣除", "yes: the text says total and takes nothing off"),
        "excluded": ("不计入：先扣除，同一支出只补一次", "no: it is taken off, what was spent is funded once"),
    },
    sentence="6.2", phrase="总投资额20%",
)  # fmt: skip


class ScenarioCase(Facts):
    """One case of general AI at work that took part in the province's contest."""

    about = "one of the ten best cases"
    among_ten = boolean("入选省级“十大”标杆", "One of the province's ten best", asked_by="6.2", known_by=SELECTION)
    investment = money("总投资额", "Total investment", maximum="100亿元", asked_by="6.2", evidence="投资专项审计报告")
    city = project_city()
    county = project_county()
    otherwise_paid = money(
        "其中已获其他财政资金支持的", "Of it paid by other public money", maximum="100亿元", asked_by="6.2",
        evidence="各项财政资金的批复和拨付凭证",
    )  # fmt: skip


@article.pays(
    "6.2", AWARD, to="评选优秀的案例", to_en="the cases chosen",
    title="“十大”场景应用标杆补助", title_en="Award for the ten best scenarios",
    by=("enterprise", "university", "institute"), claim=claims("scenario-investment", ScenarioCase.investment),
    settings_by=read_on("event", "6.2", "评选优秀的案例"),
)  # fmt: skip
def scenario_award(case: ScenarioCase) -> Money:
    """A fifth of the total investment, at most a million yuan."""
    case.among_ten.required("6.2", TEN_BEST)
    own = case.investment.less(case.otherwise_paid).cites(
        "6.2", "总投资额", "扣除其他财政资金后的投资额", "Own investment"
    )
    counted = other_support.choose(included=case.investment, excluded=own)
    fifth = (legal_share("20%", "6.2", AWARD) * counted).cites("6.2", AWARD, "总投资额的 20%", "A fifth of it")
    cap = legal_money("100万元", "6.2", "最高100万元")
    raised = raised_and_capped(fifth, case.city, case.county, cap, "6.2", "最高100万元")
    return payable(raised_as_subsidy(raised, fifth.capped(cap, "6.2", "最高100万元")))


class ChosenCase(Facts):
    """A case of which the province may recommend some to the ministry."""

    about = "one of the ten best cases"
    among_ten = boolean("入选省级“十大”标杆", "One of the province's ten best", asked_by="6.2", known_by=SELECTION)


@article.entitles(
    "6.2", "同等条件下优先推荐申报科技部人工智能示范应用场景", name="recommendation", kind=ProcedureKind.PRIORITY,
    by=("enterprise", "university", "institute"), to="评选优秀的案例", to_en="the cases chosen",
    title="优先推荐申报科技部示范应用场景", title_en="Recommended first for the ministry's list of scenarios",
    grants="同等条件下优先推荐申报科技部人工智能示范应用场景",
    grants_en="a recommendation for the ministry's model scenarios, first among equals",
)  # fmt: skip
def recommendation(case: ChosenCase) -> Bool:
    """The ten best are recommended first among equals."""
    case.among_ten.required("6.2", "对评选优秀的案例")
    return always()


BEST = "对评选优秀的案例"
CRITERIA = (
    scored("6.2", "effect", "应用成效", "Effect in use", phrase=BEST),
    scored("6.2", "novelty", "创新性", "Novelty", phrase=BEST),
    scored("6.2", "reach", "推广价值", "Worth copying", phrase=BEST),
)

article.programme(
    "6.2", AWARD, start=Start.CALL, title="“十大”场景应用标杆评比",
    title_en="Contest of the ten best scenarios",
    steps=contest(*CRITERIA), objects=(names("project"),),
    selection=selection(ScenarioCase.among_ten, places=10, phrase="省级“十大”"),
)  # fmt: skip

article.programme(
    "6.2.recommendation", "同等条件下优先推荐申报科技部人工智能示范应用场景",
    start=Start.INVITATION, title="推荐申报科技部示范应用场景",
    title_en="Recommendation for the ministry's model scenarios",
    steps=GRANT,
)  # fmt: skip


article.register(
    RegisterSpec(
        "scenarios",
        "6.1",
        "推动政府治理、社会民生、产业升级等场景应开尽开",
        title="应用场景清单",
        title_en="Open scenarios",
        office="省人工智能产业推进组工作专班",
        name_is="场景名称",
        name_is_en="Scenario",
        holder_is="对接企业",
        holder_is_en="Firm matched",
        fields=(
            RegisterField("publisher", "发布单位", "Opened by"),
            RegisterField(
                "domain",
                "领域",
                "Field",
                FieldKind.CHOICE,
                options={
                    "government": ("政府治理", "government"),
                    "society": ("社会民生", "society"),
                    "industry": ("产业升级", "industry"),
                    "other": ("其他", "other"),
                },
            ),
            RegisterField(
                "state",
                "进展",
                "Progress",
                FieldKind.CHOICE,
                options={"open": ("已开放", "open"), "matched": ("已对接", "matched"), "done": ("已建成", "done")},
            ),
            RegisterField("matched_on", "对接日期", "Matched on", FieldKind.DAY, required=False),
            RegisterField("done_on", "建成日期", "Done on", FieldKind.DAY, required=False),
        ),
        counted_by=("publisher",),
        matching=RegisterMatching(
            needs="scenario_requests",
            matches="scenario_matches",
            alike=(("code", "scenario"),),
            received="received_on",
            resource="scenario",
            need="request",
        ),
    )
)


article.register(
    RegisterSpec(
        "scenario_requests",
        "6.1",
        "推动政府治理、社会民生、产业升级等场景应开尽开",
        title="场景对接请求",
        title_en="Requests for scenarios",
        office="省人工智能产业推进组工作专班",
        name_is="请求事项",
        name_is_en="Request",
        holder_is="请求企业",
        holder_is_en="Firm that asks",
        fields=(
            RegisterField("scenario", "场景编号", "Code of the scenario", refers="scenarios"),
            RegisterField("received_on", "收到日期", "Received on", FieldKind.DAY),
            RegisterField("plan", "实施设想", "Plan"),
        ),
        by_holder=True,
        once=("scenario", "holder"),
    )
)


article.register(
    RegisterSpec(
        "scenario_matches",
        "6.1",
        "推动政府治理、社会民生、产业升级等场景应开尽开",
        title="场景对接结果",
        title_en="Scenarios matched",
        office="省人工智能产业推进组工作专班",
        name_is="场景名称",
        name_is_en="Scenario",
        holder_is="对接企业",
        holder_is_en="Firm matched",
        fields=(
            RegisterField("scenario", "场景编号", "Code of the scenario", refers="scenarios"),
            RegisterField("request", "请求编号", "Code of the request", refers="scenario_requests"),
            RegisterField("given", "对接数", "Matched", FieldKind.COUNT),
        ),
        draws=(RegisterDraw("given", "scenario"), RegisterDraw("given", "request")),
    )
)

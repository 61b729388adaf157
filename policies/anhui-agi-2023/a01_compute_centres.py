"""第一条 加快智算中心建设 (article 1): the province adds to what a city pays for large compute centres."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Bool,
    Facts,
    FieldKind,
    Int,
    Money,
    ProcedureKind,
    RegisterAnswer,
    RegisterCentre,
    RegisterField,
    RegisterSpec,
    Start,
    all_of,
    always,
    boolean,
    choice,
    claims,
    date,
    day,
    day_of_issue,
    found_alike,
    integer,
    interpretation,
    legal_day,
    legal_int,
    legal_share,
    lower_of,
    money,
    names,
    open_list,
    read_on,
    variant,
)

from .a00_supplementary import (
    CLAIM,
    GRANT,
    OFFICE,
    actual_subsidy,
    payable,
    project_county,
    raised_as_subsidy,
    raised_in_the_north,
    request_days,
    supporting_city,
)

article = Article("1")

NEW_400P = "2024年底前完成新增单体智能算力规模400P以上的建设项目"
ONE_THIRD = "省级按照市级实际补助额度的1/3给予符合条件的市补助"
WAYS = "自建、合建、代建等方式"

others = open_list(
    "1.1.others", "“自建、合建、代建等方式”是否限于所列", "Are the ways of building closed?",
    sentence="1.1", phrase="自建、合建、代建等方式",
    finder="省专班", finder_en="the working group",
)  # fmt: skip


newly = interpretation(
    "1.2.new", "“新增”的智算规模最早须何时完成", "From which day on does finished compute count as newly added?",
    {
        "since_issue": ("政策发布之日以后（含当日）完成的才是新增", "from the day on which the policy was issued"),
        "any": ("2024 年底前完成的都算，不问最早何时", "whenever it was finished, by the end of 2024"),
    },
    sentence="1.2", phrase=NEW_400P,
)  # fmt: skip
precision = interpretation(
    "1.2.precision", "“400P”按哪种计算精度计", "At which precision are the 400 P counted?",
    {
        "fp16": ("稠密半精度（FP16）", "dense half precision (FP16)"),
        "sparse": ("稀疏半精度（FP16，设备标称）", "sparse half precision, as devices are labelled"),
        "fp32": ("单精度（FP32）", "single precision (FP32)"),
    },
    sentence="1.2", phrase="智能算力规模400P以上",
)  # fmt: skip
ways = interpretation(
    "1.2.ways", "市级以贷款贴息、运营补贴之外的方式（如一次性建设补助）给的，是否计入实际补助",
    "Does what a city gives in other ways than the two named (a one-off grant for building) count?",
    {
        "any": ("各种方式的建设和运营经费都计入", "yes: money for building and running in whatever way"),
        "named": ("只计贷款贴息和运营补贴", "no: only interest and running costs"),
    },
    sentence="1.2", phrase="通过贷款贴息、运营补贴等方式给予建设和运营经费支持",
)  # fmt: skip


class CentrePlan(Facts):
    """A compute centre that somebody plans or builds."""

    builder = choice(
        "建设主体", "Who builds it",
        {"market": ("市场主体（企业等）", "a market entity"), "other": ("其他", "other")},
        asked_by="1.1", evidence="营业执照",
    )  # fmt: skip
    way = choice(
        "建设方式", "Way of building",
        {
            "own": ("自建", "by itself"), "joint": ("合建", "jointly"), "agent": ("代建", "through an agent"),
            "other": ("其他", "other"),
        },
        asked_by="1.1", evidence="项目备案、合作协议",
    )  # fmt: skip
    alike = found_alike("1.1", "省专班", "the working group")


@article.entitles(
    "1.1", "优先纳入省政府重点项目", kind=ProcedureKind.PRIORITY, by=("centre", "enterprise"),
    to="建设智算中心的各类市场主体", to_en="market entities that build compute centres",
    title="智算中心优先纳入省重点项目", title_en="Compute centres go first among the province's key projects",
    grants="优先纳入省政府重点项目，省市协调能耗、土地等指标，支持申报地方政府专项债",
    grants_en="a place among the province's key projects, energy and land quotas, help with special bonds",
)  # fmt: skip
def key_project(plan: CentrePlan) -> Bool:
    """Whoever builds a centre by itself, jointly or through an agent is preferred."""
    plan.builder.among("market").required("1.1", "支持各类市场主体", "市场主体", "A market entity")
    way = others.covers(plan.way.among("own", "joint", "agent"), plan.alike)
    way.required("1.1", WAYS, "建设方式", "Way of building")
    return always()


class CentreProject(Facts):
    """One construction project of an intelligent compute centre, supported by its city."""

    added_p = integer(
        "新增单体智能算力规模", "Newly added compute at one site", unit="P（稠密 FP16 PFLOPS）", maximum=10_000_000,
        asked_by="1.2", evidence="验收报告、设备清单；平台所见容量", known_by="meter",
        measure="capacity", role="capacity",
    )  # fmt: skip
    finished_on = day("建设完成日期", "Day of completion", asked_by="1.2", evidence="竣工验收报告")
    city_qualifies = boolean("所在市符合条件", "The city qualifies", asked_by="1.2", evidence="市级补助的依据文件")
    city_paid = money(
        "市级实际补助额度", "What the city actually paid", maximum="100亿元", asked_by="1.2",
        evidence="贷款贴息、运营补贴等的拨付凭证", known_by="treasury", measure="city_payments",
    )  # fmt: skip
    city_granted = money(
        "市级已批准的补助", "What the city has granted", maximum="100亿元", asked_by="1.2", evidence="市级批复文件"
    )
    city = supporting_city()
    county = project_county()
    added_p_sparse = integer(
        "新增单体智能算力规模（稀疏 FP16）", "Newly added compute, sparse FP16", unit="P（稀疏 FP16 PFLOPS）",
        maximum=10_000_000, asked_by="1.2", evidence="验收报告、设备清单",
    )  # fmt: skip
    added_p_fp32 = integer(
        "新增单体智能算力规模（FP32）", "Newly added compute, FP32", unit="P（FP32 PFLOPS）", maximum=10_000_000,
        asked_by="1.2", evidence="验收报告、设备清单",
    )  # fmt: skip
    named_ways = money(
        "其中以贷款贴息、运营补贴方式给予的", "Of it as interest and running costs", maximum="100亿元", asked_by="1.2",
        evidence="拨付凭证的用途说明",
    )  # fmt: skip


def _is_large(added: Int) -> Bool:
    """Whether so many P are what the sentence asks for."""
    return added >= legal_int(400, "1.2", "400P以上")


@article.pays(
    "1.2", ONE_THIRD, to="符合条件的市", to_en="qualifying cities", by=("city",),
    claim=claims("city-subsidy", CentreProject.city_paid), settings_by=read_on("payment", "1.2", "市级实际补助额度"),
    title="智算中心建设：省级按市级补助的 1/3 补助", title_en="Compute centres: a third of what the city paid",
)  # fmt: skip
def centre_support(project: CentreProject) -> Money:
    """A third of what the city actually paid for a centre of 400 P or more, finished by the end of 2024."""
    enough = precision.choose(
        fp16=_is_large(project.added_p), sparse=_is_large(project.added_p_sparse), fp32=_is_large(project.added_p_fp32)
    )
    enough.required("1.2", NEW_400P, "新增单体算力不少于 400P", "At least 400 P newly added at one site")
    by_end = project.finished_on <= legal_day(date(2024, 12, 31), "1.2", "2024年底前")
    since = project.finished_on >= day_of_issue("0.3", "本政策自发布之日起实施")
    in_time = newly.choose(since_issue=all_of(since, by_end), any=by_end)
    in_time.required("1.2", NEW_400P, "2024 年底前完成的新增规模", "Newly added, finished by the end of 2024")
    project.city_qualifies.required("1.2", "给予符合条件的市补助")
    whole = actual_subsidy.choose(paid=project.city_paid, granted=project.city_granted)
    named = lower_of(
        whole, project.named_ways, "1.2", "贷款贴息、运营补贴", "贷款贴息、运营补贴", "Interest, running costs"
    )
    subsidy = ways.choose(any=whole, named=named)
    third = (legal_share("1/3", "1.2", ONE_THIRD) * subsidy).cites("1.2", ONE_THIRD, "1/3 补助", "One third")
    raised = raised_in_the_north(third, project.city, project.county)
    return payable(raised_as_subsidy(raised, third))


class ExceptionalProject(Facts):
    """A project that asks to be treated by itself."""

    exceptional = boolean("特别重大的项目", "An exceptionally large project", asked_by="1.3", evidence="省、市认定文件")


@article.discretion(
    "1.3", "省市可采用“一事一议”方式支持", to="特别重大的项目", to_en="exceptionally large projects",
    title="特别重大项目一事一议", title_en="Exceptional projects, case by case", decided_by="省、市",
    decided_by_en="province and city", by=("centre", "enterprise"),
)  # fmt: skip
def exceptional_support(project: ExceptionalProject) -> None:
    """Province and city may support it case by case; the law names no amount."""
    project.exceptional.required("1.3", "特别重大的项目")


article.programme(
    "1.1", "优先纳入省政府重点项目", start=Start.CALL, title="智算中心优先纳入省重点项目",
    title_en="Compute centres among the province's key projects",
    steps=variant(GRANT, offices={OFFICE: "省发展改革委"}),
)  # fmt: skip

article.programme(
    "1.2", ONE_THIRD, start=Start.CITY_CLAIM, title="智算中心建设补助（省对市）",
    title_en="Compute centres: a third of what the city paid",
    steps=CLAIM, objects=(names("project", held="per_year"), names("voucher")),
)  # fmt: skip

article.programme(
    "1.3", "省市可采用“一事一议”方式支持", start=Start.INVITATION, title="特别重大项目一事一议",
    title_en="Exceptional projects, case by case",
    steps=CLAIM, objects=(names("project"),),
)  # fmt: skip


article.register(
    RegisterSpec(
        "projects",
        "1.1",
        "优先纳入省政府重点项目",
        title="智算中心重点项目",
        title_en="Priority projects of compute centres",
        office="省发展改革委",
        name_is="项目名称",
        name_is_en="Project",
        holder_is="建设单位",
        holder_is_en="Builder",
        fields=(
            RegisterField(
                "mode",
                "建设方式",
                "Way of building",
                FieldKind.CHOICE,
                options={"own": ("自建", "own"), "joint": ("合建", "joint"), "agent": ("代建", "by an agent")},
            ),
            RegisterField("planned_p", "计划智能算力", "Planned intelligent compute", FieldKind.COUNT, unit="P"),
            RegisterField("asked", "请求协调的要素", "What is asked for: energy, land, bonds", required=False),
            RegisterField("answered", "各单位答复", "What the offices answered", required=False),
            RegisterField("completed_on", "建成日期", "Completed", FieldKind.DAY, required=False),
            RegisterField("centre", "平台上的中心编号", "Code of the centre on the platform", required=False),
            RegisterField(
                "before_p",
                "建设前该中心已有算力",
                "Held by that centre before",
                FieldKind.COUNT,
                unit="P",
                required=False,
            ),
        ),
        built=RegisterCentre("centre", "before_p", "planned_p"),
    )
)


article.register(
    RegisterSpec(
        "requests",
        "1.1",
        "省市协调给予能耗、土地等指标",
        title="要素协调请求",
        title_en="Requests for energy, land, bonds",
        office="省发展改革委",
        name_is="请求事项",
        name_is_en="Request",
        holder_is="建设单位",
        holder_is_en="Builder",
        fields=(
            RegisterField("project", "项目编号", "Code of the project", refers="projects"),
            RegisterField(
                "kind",
                "要素",
                "Kind",
                FieldKind.CHOICE,
                options={
                    "energy": ("能耗指标", "energy"),
                    "land": ("土地指标", "land"),
                    "bond": ("专项债", "special bond"),
                    "other": ("其他", "other"),
                },
            ),
            RegisterField("amount", "请求数量", "Asked for"),
            RegisterField("asked_of", "答复单位", "Office asked"),
            RegisterField("asked_on", "请求日期", "Asked on", FieldKind.DAY),
            RegisterField("answered", "答复", "Answer", required=False),
            RegisterField("answered_on", "答复日期", "Answered on", FieldKind.DAY, required=False),
        ),
        answer=RegisterAnswer("asked_on", "answered_on", within=request_days, said="answered"),
        by_holder=True,
    )
)

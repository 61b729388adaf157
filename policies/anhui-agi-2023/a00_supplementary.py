"""附则 (supplementary part): what bears on several articles.

0.1 leaves the implementing rules to the working group, 0.2 raises awards for projects in northern Anhui, 0.3 says
until when the policy holds. What the text leaves open for several articles is asked here, once.
"""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Bool,
    Choice,
    CriterionSpec,
    Duty,
    Int,
    Money,
    ProcedureKind,
    ProgrammeStep,
    Share,
    State,
    any_of,
    boolean,
    choice,
    count_setting,
    criterion,
    interpretation,
    panel_review,
    regions_setting,
    share,
    share_setting,
    step,
    variant,
    when,
    whole,
)

article = Article("0")

#: the 16 cities of Anhui by their GB/T 2260 codes
CITIES = {
    "340100": ("合肥市", "Hefei"), "340200": ("芜湖市", "Wuhu"), "340300": ("蚌埠市", "Bengbu"),
    "340400": ("淮南市", "Huainan"), "340500": ("马鞍山市", "Ma'anshan"), "340600": ("淮北市", "Huaibei"),
    "340700": ("铜陵市", "Tongling"), "340800": ("安庆市", "Anqing"), "341000": ("黄山市", "Huangshan"),
    "341100": ("滁州市", "Chuzhou"), "341200": ("阜阳市", "Fuyang"), "341300": ("宿州市", "Suzhou (Anhui)"),
    "341500": ("六安市", "Lu'an"), "341600": ("亳州市", "Bozhou"), "341700": ("池州市", "Chizhou"),
    "341800": ("宣城市", "Xuancheng"),
}  # fmt: skip

#: counties along the Huai outside the six northern cities that provincial plans count as northern Anhui
COUNTIES = {
    "341125": ("定远县", "Dingyuan"), "341126": ("凤阳县", "Fengyang"), "341182": ("明光市", "Mingguang"),
    "341522": ("霍邱县", "Huoqiu"), "other": ("其他县（市、区）", "another county"),
}  # fmt: skip

IMPLEMENTING = "具体实施细则"
NORTHERN = "对皖北地区符合条件的项目，奖补资金可上浮20%"

article.procedure(
    "0.1", "具体实施细则由省人工智能产业推进组工作专班办公室会同省财政厅制定", kind=ProcedureKind.RULES,
    what="制定实施细则：比例、预算、绩效权重与解释口径，作为参数采用", what_en="The implementing rules, as settings",
    responsible="省人工智能产业推进组工作专班办公室", cooperating="省财政厅",
)  # fmt: skip

UNTIL = "有效期至2025年12月31日"

replaced = interpretation(
    "0.3.replaced", "2.0 版施行后，本政策是否继续执行到 2025 年 12 月 31 日",
    "Does this policy run on to 31 December 2025 once the 2.0 edition holds?",
    {
        "runs": ("按本句执行到期满", "it runs out on the day that this sentence names"),
        "ends": ("自 2.0 版施行之日起停止执行", "it ends on the day on which the 2.0 edition takes force"),
    },
    sentence="0.3", phrase=UNTIL,
)  # fmt: skip
began = interpretation(
    "0.3.began", "有效期内已经开始、期满之后才完成的事项是否适用", "Is what began in time and ended after it covered?",
    {
        "covered": ("适用，按有效期最后一天的规定", "yes, by the law of the last day"),
        "not_covered": ("不适用，只看完成之日", "no: the day on which it ended decides"),
    },
    sentence="0.3", phrase=UNTIL,
)  # fmt: skip
began_before = interpretation(
    "0.3.began_before", "施行之前已经开始、施行之后才完成的事项是否适用",
    "Is what began before this policy and ended within it covered?",
    {
        "covered": ("适用，只看完成之日", "yes: the day on which it ended decides"),
        "not_covered": ("不适用", "no"),
    },
    sentence="0.3", phrase="本政策自发布之日起实施",
)  # fmt: skip
article.validity("0.3", UNTIL, replaced=replaced, began_within=began, began_before=began_before)

north = regions_setting("0.2.north", "皖北各市", "Cities of northern Anhui", CITIES, sentence="0.2", phrase="皖北地区")
north_counties = regions_setting(
    "0.2.north_counties", "皖北各县", "Counties of northern Anhui", COUNTIES, sentence="0.2", phrase="皖北地区"
)
uplift = share_setting("0.2.uplift", "皖北上浮比例", "Northern uplift", sentence="0.2", phrase=NORTHERN, at_most="20%")
article.modifies("0.2", NORTHERN, uplift, what="皖北项目的奖补上浮", what_en="Awards in northern Anhui are raised")

uplift_and_cap = interpretation(
    "0.2.cap", "皖北上浮能否突破最高限额", "May the northern uplift exceed the cap?",
    {
        "within": ("上浮后仍不超过最高限额", "the cap applies after the uplift"),
        "beyond": ("先封顶，再上浮", "the uplift applies after the cap"),
    },
    sentence="0.2", phrase="奖补资金可上浮20%",
)  # fmt: skip
northern = interpretation(
    "0.2.counties", "皖北地区是否包括六市以外的沿淮县", "Does northern Anhui reach beyond the six cities?",
    {
        "cities": ("仅指六市", "the six cities only"),
        "counties": ("六市及所列沿淮县（市）", "also the listed counties along the Huai"),
    },
    sentence="0.2", phrase="皖北地区",
)  # fmt: skip
raised_projects = interpretation(
    "0.2.projects", "哪些资金属于可上浮的“奖补资金”", "Which funds count as awards that may be raised?",
    {
        "awards": ("条文称“补助”“奖补”的项目资金（1.2、6.2、8.2）", "those called subsidy or award (1.2, 6.2, 8.2)"),
        "all": ("以项目为对象的全部财政资金（另含 5.1 的“资助”）", "all funds paid per project (5.1 too)"),
        "literal": (
            "仅条文用“奖补”一词、又以项目为对象的（8.2）；1.2、6.2 称“补助”，4.1、14.1 不以项目为对象",
            "only what the text calls an award and pays per project (8.2)",
        ),
    },
    sentence="0.2", phrase="符合条件的项目，奖补资金",
)  # fmt: skip
actual_subsidy = interpretation(
    "0.1.actual", "“实际补助”按已拨付还是已批准", "Is the actual subsidy what was paid or what was granted?",
    {
        "paid": ("市级已拨付到账的金额", "what the city has paid out"),
        "granted": ("市级已批准的金额", "what the city has granted"),
    },
    sentence="1.2", phrase="市级实际补助额度",
)  # fmt: skip
rounding = interpretation(
    "0.1.rounding", "金额取整到分还是到元", "Are amounts rounded to the fen or to the yuan?",
    {
        "fen": ("向下取整到分", "down to the fen"),
        "yuan": ("向下取整到元", "down to the yuan"),
    },
    sentence="0.1", phrase=IMPLEMENTING,
)  # fmt: skip
same_subsidy = interpretation(
    "0.1.same_subsidy", "同一笔市级补助可否同时按 1.2 与 8.2 获得省级资金",
    "May one city subsidy earn the province's money under both 1.2 and 8.2?",
    {
        "once": ("只按在先的一条（1.2）补助一次", "once, under the one that goes first (1.2)"),
        "together": ("两条都可，合计不超过市级实际补助", "both, in all not above what the city paid"),
    },
    sentence="0.1", phrase=IMPLEMENTING,
)  # fmt: skip
what_is_agi = interpretation(
    "0.1.agi_enterprise", "什么是“通用人工智能企业”", "What is an enterprise of general AI?",
    {
        "listed": ("经省专班认定（列入名录）", "one that the working group lists"),
        "revenue": ("通用人工智能业务收入占比达到下限", "one whose revenue from general AI reaches the least share"),
    },
    sentence="14.1", phrase="通用人工智能企业",
)  # fmt: skip
least_agi_revenue = share_setting(
    "0.1.agi_revenue", "通用人工智能业务收入占比下限", "Least share of revenue from general AI",
    sentence="0.1", phrase=IMPLEMENTING,
)  # fmt: skip

article.stacks("city-subsidy", order=("1.2", "8.2"), by=same_subsidy)


def project_city() -> Choice:
    """The fact in which city a project of a firm lies; it may be another than the firm's own."""
    return choice("项目所在市", "City of the project", CITIES, asked_by="0.2", evidence="项目备案", role="place")


def supporting_city() -> Choice:
    """The fact in which city a project lies that a city supports and claims for: that city itself."""
    return choice(
        "项目所在市", "City of the project", CITIES, asked_by="0.2", evidence="项目备案", known_by="register",
        measure="region",
    )  # fmt: skip


def project_county() -> Choice:
    """The fact in which county a project lies; it matters only where counties beyond the six cities count."""
    return choice("项目所在县（市、区）", "County of the project", COUNTIES, asked_by="0.2", evidence="项目备案")


def in_the_north(city: Choice, county: Choice) -> Bool:
    """Whether a project lies in northern Anhui (0.2)."""
    return northern.choose(
        cities=city.within(north), counties=any_of(city.within(north), county.within(north_counties))
    )


def raised_in_the_north(amount: Money, city: Choice, county: Choice) -> Money:
    """The amount, raised by the uplift of the day where the project lies in northern Anhui (0.2)."""
    raised = ((whole() + uplift) * amount).cites("0.2", NORTHERN, "皖北上浮后", "After the northern uplift")
    return when(in_the_north(city, county), raised, amount)


def raised_and_capped(amount: Money, city: Choice, county: Choice, cap: Money, sentence: str, phrase: str) -> Money:
    """The amount with uplift and cap; whether the uplift may pass the cap is interpreted."""
    return uplift_and_cap.choose(
        within=raised_in_the_north(amount, city, county).capped(cap, sentence, phrase),
        beyond=raised_in_the_north(amount.capped(cap, sentence, phrase), city, county),
    )


def raised_as_subsidy(raised: Money, amount: Money) -> Money:
    """What a sentence calls 补助, not 奖补 (1.2, 6.2): the raised amount, but where the words are taken literally."""
    return raised_projects.choose(awards=raised, all=raised, literal=amount)


def payable(amount: Money) -> Money:
    """The amount as it is paid: rounded down, to the fen or the yuan by interpretation."""
    return rounding.choose(fen=amount.rounded_down("fen"), yuan=amount.rounded_down("yuan"))


def listed_agi(asked_by: str) -> Bool:
    """The fact that a firm stands on the register of those that the working group recognised (3.2)."""
    return boolean(
        "通用人工智能企业",
        "An enterprise of general AI",
        asked_by=asked_by,
        evidence="企业认定文件",
        known_by="things",
        measure="agi_firms",
        about=THE_CLAIMANT,
    )


def agi_income(asked_by: str) -> Share:
    """The fact what share of its revenue a firm earns with general AI."""
    return share(
        "通用人工智能业务收入占比",
        "Revenue from general AI as a share of all",
        asked_by=asked_by,
        evidence="审计报告",
        about=THE_CLAIMANT,
    )


def is_agi_enterprise(listed: Bool, revenue: Share) -> Bool:
    """Whether a firm is one of general AI, by the interpretation of the day."""
    return what_is_agi.choose(listed=listed, revenue=revenue >= least_agi_revenue)


# How claims are carried out: the implementing rules that 0.1 leaves to the working group. Days are working days.
IMPLEMENTING_RULES = "具体实施细则由省人工智能产业推进组工作专班办公室会同省财政厅制定"
OFFICE, DATA, TREASURY = "省人工智能产业推进组工作专班", "省数据资源局", "省财政厅"


def working_days(name: str, zh: str, en: str) -> Int:
    """A number of working days that the implementing rules set."""
    return count_setting(f"0.1.{name}", zh, en, sentence="0.1", phrase=IMPLEMENTING_RULES, at_most=250)


check_days = working_days("check_days", "核验期限（工作日）", "Working days to check an application")
correct_days = working_days("correct_days", "补正期限（工作日）", "Working days to correct an application")
decide_days = working_days("decide_days", "决定期限（工作日）", "Working days to decide")
publicity_days = working_days("publicity_days", "公示期（工作日）", "Working days of publicity")
publicity_own_day = interpretation(
    "0.1.publicity_own_day", "公示当日是否计入公示期", "Is the day of the notice one of the days of publicity?",
    {
        "excluded": ("不计入，自次日起算（民法典第二百零一条）", "no: they begin on the next day (Civil Code, 201)"),
        "counted": ("计入", "yes"),
    },
    sentence="0.1", phrase=IMPLEMENTING_RULES,
)  # fmt: skip
hearing_days = working_days("hearing_days", "陈述申辩期限（工作日）", "Working days to be heard on an adverse decision")
answer_days = working_days("answer_days", "异议答复期限（工作日）", "Working days to answer an objection")
objector_days = count_setting(
    "0.1.objector_days", "异议答复后保存异议人姓名和联系方式的天数",
    "Days for which an objector's name and contact are kept after the answer", sentence="0.1",
    phrase=IMPLEMENTING_RULES, at_most=3650,
)  # fmt: skip
notice_days = count_setting(
    "0.1.notice_days", "名录到期前几天提示", "Days before its end from which an entry of a register is pointed out",
    sentence="0.1", phrase=IMPLEMENTING_RULES, at_most=3650,
)  # fmt: skip
request_days = working_days("request_days", "要素请求答复期限（工作日）", "Working days to answer a request")
pass_on_days = working_days("pass_on_days", "专款使用、转拨期限（工作日）", "Working days to use earmarked money")
commit_days = working_days("commit_days", "资金下达期限（工作日）", "Working days to commit the money")
pay_days = working_days("pay_days", "支付期限（工作日）", "Working days to pay")


def review_figure(name: str, zh: str, en: str, at_most: int, *, odd_from: int = 0) -> Int:
    """A figure of every review by experts that the implementing rules set."""
    return count_setting(
        f"0.1.review_{name}", zh, en, sentence="0.1", phrase=IMPLEMENTING_RULES, at_most=at_most, odd_from=odd_from
    )


#: what holds for every review by experts; a programme adds its criteria, the size of its panels and their spread
REVIEW = {
    "alternates": review_figure("alternates", "每组候补专家人数", "Alternates of a panel", 20),
    "most_reviews": review_figure("most", "每位专家一年至多评审件数", "Most reviews of an expert and year", 1000),
    "tie_years": review_figure("tie_years", "利害关系回避年数", "Years for which a tie counts after its end", 30),
    "trimmed": review_figure("trimmed", "去掉最高、最低分各几份", "Highest and lowest scores left out, of each", 10),
    "low_percent": review_figure(
        "low", "低于满分百分之几须写理由", "Per cent of full marks below which to explain", 100
    ),
    "high_percent": review_figure("high", "高于满分百分之几须写理由", "Per cent above which to explain", 100),
    "lowest_score": review_figure("lowest", "推荐的最低分", "Lowest score to be recommended", 100),
}
contest_panel = review_figure("panel", "评比每组专家人数", "Experts of a contest's panel", 99, odd_from=5)
contest_spread = review_figure("spread", "评比评分离散上限（分）", "Largest spread of scores in a contest", 100)


def scored(sentence: str, key: str, zh: str, en: str, *, phrase: str) -> CriterionSpec:
    """A criterion of the experts of a sentence; its full marks, which are its weight, are set."""
    name, titles = f"{sentence}.marks.{key}", (f"{zh}满分", f"Full marks: {en}")
    return criterion(key, zh, en, count_setting(name, *titles, sentence=sentence, phrase=phrase, at_most=100))


def publicise(source: State, office: str) -> ProgrammeStep:
    """Publish a notice: it stands for the days of publicity."""
    return step(
        "publicise", source, State.IN_PUBLICITY, Duty.PUBLISH, office,
        figures=(publicity_days, answer_days, objector_days), own_day=publicity_own_day,
    )  # fmt: skip


CHECKING = (
    step("return", State.SUBMITTED, State.RETURNED, Duty.CHECK, OFFICE, within=check_days),
    step("check", State.SUBMITTED, State.CHECKED, Duty.CHECK, OFFICE, within=check_days),
)
HANDING_IN = step("submit", (State.DRAFT, State.RETURNED), State.SUBMITTED, Duty.APPLY, within=correct_days)
PUBLICITY = (
    step("suspend", State.IN_PUBLICITY, State.SUSPENDED, Duty.PUBLISH, OFFICE),
    step("resume", State.SUSPENDED, State.IN_PUBLICITY, Duty.PUBLISH, OFFICE),
    step("uphold", State.SUSPENDED, State.SUBMITTED, Duty.PUBLISH, OFFICE),
)
PAYMENT = (
    step("commit", State.DECIDED, State.COMMITTED, Duty.COMMIT, TREASURY, within=commit_days),
    step("pay", State.COMMITTED, State.PAYING, Duty.PAY, TREASURY, within=pay_days),
    step("complete", State.PAYING, State.CLOSED, Duty.PAY, TREASURY, within=pay_days),
)
RECOVERY = (
    step("recover", (State.PAYING, State.CLOSED), State.IN_RECOVERY, Duty.REGISTER, OFFICE, figures=(hearing_days,)),
    step("plead", State.IN_RECOVERY, State.IN_RECOVERY, Duty.APPLY),
    step("hear", State.IN_RECOVERY, State.IN_RECOVERY, Duty.REGISTER, OFFICE),
    step("relent", State.IN_RECOVERY, State.IN_RECOVERY, Duty.REGISTER, OFFICE),
    step("recovered", State.IN_RECOVERY, State.CLOSED, Duty.PAY, TREASURY),
)

#: a claim that is checked, stands in public, is decided and paid, and is paid back where it was paid wrongly
CLAIM = (
    HANDING_IN,
    *CHECKING,
    publicise(State.CHECKED, OFFICE),
    *PUBLICITY,
    step("decide", State.IN_PUBLICITY, State.DECIDED, Duty.DECIDE, OFFICE, within=decide_days),
    step(
        "refuse", (State.SUBMITTED, State.RETURNED, State.CHECKED, State.IN_PUBLICITY), State.REFUSED, Duty.DECIDE,
        OFFICE, within=decide_days, figures=(hearing_days,),
    ),
    step(
        "withdraw",
        (State.DRAFT, State.SUBMITTED, State.RETURNED, State.CHECKED, State.IN_PUBLICITY, State.SUSPENDED),
        State.WITHDRAWN, Duty.APPLY,
    ),
    step(
        "revoke", (State.DECIDED, State.COMMITTED, State.PAYING), State.REFUSED, Duty.DECIDE, OFFICE,
        figures=(hearing_days,),
    ),
    *PAYMENT,
    *RECOVERY,
)  # fmt: skip

#: what is granted without money by this policy: a title, a place in a list, a short way, a match
GRANT = variant(
    CLAIM, without=("commit", "pay", "complete", "recover", "plead", "hear", "relent", "recovered"),
    instead=(
        step(
            "revoke", (State.DECIDED, State.CLOSED), State.REFUSED, Duty.DECIDE, OFFICE, figures=(hearing_days,),
        ),
    ),
    more=(step("close", State.DECIDED, State.CLOSED, Duty.REGISTER, OFFICE),),
)  # fmt: skip


#: what others decide under other law (procurement, investment) is entered in a register; nobody approves it here
RECORD = variant(
    CLAIM,
    without=(
        "publicise", "suspend", "resume", "uphold", "decide", "commit", "pay", "complete", "recover",
        "plead", "hear", "relent", "recovered", "check", "revoke",
    ),
    instead=(
        step("withdraw", (State.DRAFT, State.SUBMITTED, State.RETURNED), State.WITHDRAWN, Duty.APPLY),
        step(
            "refuse", (State.SUBMITTED, State.RETURNED), State.REFUSED, Duty.REGISTER, OFFICE, within=check_days,
            figures=(hearing_days,),
        ),
    ),
    more=(step("record", State.SUBMITTED, State.CLOSED, Duty.REGISTER, OFFICE, within=check_days),),
)  # fmt: skip


def contest(*criteria: CriterionSpec, after: tuple[ProgrammeStep, ...] = CLAIM) -> tuple[ProgrammeStep, ...]:
    """A contest (6.2, 10.1): experts review and rank before the result stands in public; `after` says what follows."""
    review = panel_review(*criteria, panel=contest_panel, spread=contest_spread, common=REVIEW)
    return variant(
        after,
        instead=(
            publicise(State.RANKED, OFFICE),
            step(
                "refuse",
                (State.SUBMITTED, State.RETURNED, State.CHECKED, State.REVIEWED, State.RANKED, State.IN_PUBLICITY),
                State.REFUSED, Duty.DECIDE, OFFICE, within=decide_days, figures=(hearing_days,),
            ),
            step(
                "withdraw",
                (
                    State.DRAFT, State.SUBMITTED, State.RETURNED, State.CHECKED, State.REVIEWED, State.RANKED,
                    State.IN_PUBLICITY, State.SUSPENDED,
                ),
                State.WITHDRAWN, Duty.APPLY,
            ),
        ),
        more=(
            step("review", State.CHECKED, State.REVIEWED, Duty.REVIEW, OFFICE, review=review),
            step("rank", State.REVIEWED, State.RANKED, Duty.RECOMMEND, OFFICE),
        ),
    )  # fmt: skip

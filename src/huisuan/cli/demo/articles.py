"""One worked case for each article: a small invented year, made through the services, and where to click for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from huisuan.base.money import plain_yuan
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import STATE_WORDS, State
from huisuan.parties.models import Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.queries import claimant
from huisuan.programmes.applications.services import DraftTexts, begin_draft
from huisuan.programmes.calls.services import CallTerms, open_call
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.generated_year.generate import make_year
from huisuan.programmes.generated_year.year_plan import YearPlan
from huisuan.programmes.models import Application, Call, Post, RegisteredThing
from huisuan.programmes.offices import city_governments, give_post
from huisuan.programmes.payments.budget import appropriate_budget
from huisuan.programmes.payments.payees import answer_payee_change, give_payee
from huisuan.programmes.payments.returns import import_bank_returns, send_orders
from huisuan.programmes.registers.services import get_register, import_register
from huisuan.programmes.registers.snapshots import freeze_register
from huisuan.programmes.workflow import act_on_many
from huisuan.programmes.year_overview.worked_cases import WorkedCase, find_worked_cases
from huisuan.terminal import out, print_table
from huisuan.treasury.models import PaymentOrder

_POLICY, _YEAR = "anhui-agi-2023", 2024
#: seed, parties, applications: the fewest that give every article's programme a claim that goes to its end
_PLAN = YearPlan(seed=7, parties=24, applications=30, year=_YEAR)
_NOON = datetime(2025, 1, 20, 4, tzinfo=UTC)
_GROUP, _TREASURY, _AWARD, _BUDGET_FEN = "省人工智能产业推进组工作专班", "省财政厅", "4.1.cities", 100_000_001
#: what two cities enter of their data vendors: city, firm (its place among the invented ones), yuan
_SALES = (("340100", 0, "3000000"), ("340200", 1, "2000000"))


@dataclass(frozen=True)
class ArticleCase:
    """A case of an article: which, where it is now, and the address of its page."""

    article: str
    title: str
    case: str
    state: str
    where: str


def make_article_cases() -> None:
    """The year, and what the cities enter under article 4; once."""
    policy = load_policy(_POLICY)
    make_year(policy, _PLAN, lambda *_: None)
    if not RegisteredThing.objects.filter(policy=_POLICY, register="vendor_sales").exists():
        _enter_sales(policy)
        _share_out(policy)


def list_article_cases() -> list[ArticleCase]:
    """One case of each article that has one, in the order of the articles: the one that came furthest."""
    policy = load_policy(_POLICY)
    return [_described(policy, case) for case in find_worked_cases(policy, Application.objects.all())]


def show_articles(url: str) -> None:
    """What there is of each article, and where to click."""
    rows = [vars(case) | {"where": f"{url}{case.where}"} for case in list_article_cases()]
    columns = {"article": "条", "title": "程序", "case": "一件", "state": "现在", "where": "看这一页"}
    print_table("七、十五条各一件：走到哪一步，点哪里看", rows, columns, "没有")
    out.print(f"   同一张表的网页（zhuanban、shenji 可看）：{url}/programmes/cases/", markup=False)
    out.print(f"   全年总览：{url}/programmes/year/?year={_YEAR}；一条怎样办：docs/articles.md", markup=False)


def _described(policy: Policy, case: WorkedCase) -> ArticleCase:
    if (one := case.application) is not None:
        title = f"{one.edition.key} {one.edition.content['title']}"
        state = STATE_WORDS[State(one.state)].official
        return ArticleCase(case.article, title, one.number, state, f"/applications/{one.number}")
    spec = policy.register(case.register)
    where = f"/registers/{policy.name}/{spec.key}/"
    return ArticleCase(case.article, f"{spec.sentence} {spec.title}", f"{case.entries} 项", "已登记", where)


def _share_out(policy: Policy) -> None:
    """Article 4 to its end: what two cities entered is frozen, and each is granted and paid its part."""
    first, keeper = datetime(2025, 2, 10, 2, tzinfo=UTC), _official("register", _GROUP)
    for register in ("vendor_sales", "vendor_subsidies"):
        freeze_register(policy.name, register, str(_YEAR), by=keeper, now=first)
    line = appropriate_budget(
        policy.name, _AWARD, _YEAR + 1, _BUDGET_FEN, "示例〔2025〕4.1 号", _official("commit", _TREASURY), first
    )
    terms = CallTerms(
        policy=policy.name, programme=_AWARD, year=_YEAR, title="2024 年度数据供应商集聚绩效奖补（示例）",
        first_day=date(2025, 2, 10), last_day=date(2025, 2, 28), line=line.pk, shortage="pro_rata", evidence=(),
    )  # fmt: skip
    call, days = open_call(terms, _official("publish", _GROUP), first), timedelta(days=1)
    made = [_claim_part(policy, call, code, first + days) for code, *_ in _SALES]
    later = {"check": 2, "publicise": 3, "decide": 20, "commit": 22, "pay": 24}
    for action, duty in (
        ("check", "check"), ("publicise", "publish"), ("decide", "decide"), ("commit", "commit"), ("pay", "pay"),
    ):  # fmt: skip
        by = _official(duty, _TREASURY if duty in ("commit", "pay") else _GROUP)
        outcome = act_on_many(made, action, by, first + later[action] * days, reason="示例：已核对")
        for refusal in outcome.refused.values():  # an example that stands still says so
            raise refusal
    payer, now = _official("pay", _TREASURY), first + 25 * days
    orders = PaymentOrder.objects.filter(bank_line__file=send_orders(payer, now)).select_related("instalment")
    lines = [f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功," for order in orders]
    import_bank_returns("\n".join(["支付令号,金额（元）,结果,原因", *lines]).encode(), "示例回单.csv", payer, now)


def _claim_part(policy: Policy, call: Call, code: str, now: datetime) -> str:
    """What a city hands in for its part, looked at by whoever checks."""
    owner = Person.objects.get(username=f"y{_YEAR}-city{code}")
    party = claimant(Viewer.for_person(owner))
    assert party is not None
    draft = begin_draft(party, owner, policy, policy.claim_rule(_AWARD), DraftTexts({}), now)
    number = submit_draft(call.number, draft.pk, owner, now).number
    given = give_payee(number, owner, f"130201010902210{code}", "示例银行", now, name=f"{party.name}财政局"[:60])
    if not given.counts:
        answer_payee_change(number, True, _official("pay", _TREASURY), now)
    check_application(number, _official("check", _GROUP), now)
    return number


def _official(duty: str, office: str) -> Person:
    """Who holds that post in the invented year; the second registers, for the first may have another duty."""
    posts = Post.objects.filter(duty=duty, office__name=office, person__username__startswith=f"y{_YEAR}-")
    return posts.select_related("person").order_by("pk")[0].person


def _enter_sales(policy: Policy) -> None:
    """Transactions of data vendors, entered by the people of two cities."""
    giver = Person.objects.get(username=f"y{_YEAR}-giver")
    offices = city_governments()
    columns = {
        key: ",".join(get_register(policy.name, key).columns.values()) for key in ("vendor_sales", "vendor_subsidies")
    }
    for code, at, yuan in _SALES:
        keeper, city = Person.objects.get(username=f"y{_YEAR}-city{code}"), Region.objects.get(code=code)
        firm = Person.objects.get(username=f"y{_YEAR}-firm{at}").party
        assert firm is not None
        if not keeper.posts.exists():
            give_post(keeper, offices[code], "register", date(_YEAR, 1, 1), giver, _NOON)
        row = (
            f"S{code},示例标注服务,{firm.uscc},{city.name_zh},{_YEAR}-06-01,,数据标注,{_YEAR}-06-01,{yuan},"
            f"示例合同 {code},示例发票 {code}"
        )
        paid = f"B{code},示例补贴,{firm.uscc},{city.name_zh},{_YEAR}-12-01,,{_YEAR}-12-01,100000,示例凭证 {code}"
        for key, line in (("vendor_sales", row), ("vendor_subsidies", paid)):
            import_register(f"{columns[key]}\n{line}".encode(), "示例.csv", policy.name, key, by=keeper, now=_NOON)

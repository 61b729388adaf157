"""One worked case for each article: a small invented year, made through the services, and where to click for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import STATE_WORDS, State
from huisuan.parties.models import Person, Region
from huisuan.programmes.generated_year.generate import make_year
from huisuan.programmes.generated_year.year_plan import YearPlan
from huisuan.programmes.models import Application, RegisteredThing
from huisuan.programmes.offices import city_governments, give_post
from huisuan.programmes.registers.services import get_register, import_register
from huisuan.terminal import out, print_table

_POLICY, _YEAR = "anhui-agi-2023", 2024
#: seed, parties, applications: the fewest that give every article's programme a claim that goes to its end
_PLAN = YearPlan(seed=7, parties=24, applications=30, year=_YEAR)
_NOON = datetime(2025, 1, 20, 4, tzinfo=UTC)
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


def list_article_cases() -> list[ArticleCase]:
    """One case of each article that has one, in the order of the articles: the one that came furthest."""
    policy = load_policy(_POLICY)
    return [found for article in range(1, 16) if (found := _case_of(policy, str(article)))]


def show_articles(url: str) -> None:
    """What there is of each article, and where to click."""
    rows = [vars(case) | {"where": f"{url}{case.where}"} for case in list_article_cases()]
    columns = {"article": "条", "title": "程序", "case": "一件", "state": "现在", "where": "看这一页"}
    print_table("七、十五条各一件：走到哪一步，点哪里看", rows, columns, "没有")
    out.print(f"   全年总览：{url}/programmes/year/?year={_YEAR}；一条怎样办：docs/articles.md", markup=False)


def _case_of(policy: Policy, article: str) -> ArticleCase | None:
    held = Application.objects.filter(edition__policy=policy.name, edition__content__sentence__startswith=f"{article}.")
    best = held.select_related("edition").order_by("-steps_taken", "pk").first()
    if best is not None:
        state = STATE_WORDS[State(best.state)].official
        return ArticleCase(
            article, f"{best.edition.key} {best.edition.content['title']}", best.number, state,
            f"/applications/{best.number}",
        )  # fmt: skip
    return next(_registered(policy, article), None)


def _registered(policy: Policy, article: str) -> Iterator[ArticleCase]:
    """What stands on a register of an article without applications."""
    for spec in policy.registers:
        if spec.sentence.startswith(f"{article}."):
            entries = RegisteredThing.objects.filter(policy=policy.name, register=spec.key)
            if count := entries.count():
                where = f"/registers/{policy.name}/{spec.key}/"
                yield ArticleCase(article, f"{spec.sentence} {spec.title}", f"{count} 项", "已登记", where)


def _enter_sales(policy: Policy) -> None:
    """Transactions of data vendors, entered by the people of two cities."""
    giver = Person.objects.get(username=f"y{_YEAR}-giver")
    offices = city_governments()
    columns = ",".join(get_register(policy.name, "vendor_sales").columns.values())
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
        import_register(f"{columns}\n{row}".encode(), "示例.csv", policy.name, "vendor_sales", by=keeper, now=_NOON)

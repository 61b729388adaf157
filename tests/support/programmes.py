"""Officials with posts, applicants and applications: what the tests of the workflow begin with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from huisuan.base.money import plain_yuan
from huisuan.law.policy import load_policy
from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.models import Application, ApplicationStep
from huisuan.programmes.offices import give_post, store_offices
from huisuan.programmes.payments.budget import appropriate_budget
from huisuan.programmes.payments.payees import answer_payee_change, give_payee
from huisuan.programmes.payments.returns import send_orders
from huisuan.programmes.workflow import act, begin_application, store_edition
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.models import AppropriationLine, PaymentOrder
from support.jobs import party
from support.treasury import returned

NOON = datetime(2024, 9, 2, 4, tzinfo=UTC)
#: when a notice of NOON has ended: five working days later
ENDED = NOON + timedelta(days=8)
LAW = load_policy("anhui-agi-2023")
INDUSTRY, TREASURY = "省经济和信息化厅", "省财政厅"


def person(name: str, role: str = "province", **more: object) -> Person:
    """Someone who can sign in, made once."""
    found = Person.objects.filter(username=name).first()
    return found or Person.objects.create_person(name, None, role=role, **more)  # type: ignore[arg-type]


def applicant(number: int = 1) -> Person:
    """The owner of a firm."""
    return person(f"firm{number}", "user", party=party(number))


def official(name: str, duty: str, office: str = INDUSTRY, from_day: date = date(2024, 1, 1)) -> Person:
    """Someone with a post in an office."""
    store_offices([LAW])
    made = person(name)
    if not made.posts.filter(duty=duty, office__name=office).exists():
        give_post(made, office, duty, from_day, person("giver"), NOON)
    return made


def application(number: int = 1, key: str = "14.1") -> Application:
    """An application of a firm, begun."""
    return begin_application(LAW, key, 2024, applicant(number), NOON)


#: the way of 14.1 to its money: action, duty, office
WAY = (
    ("check", "check", INDUSTRY), ("publicise", "publish", INDUSTRY), ("decide", "decide", INDUSTRY),
    ("commit", "commit", TREASURY), ("pay", "pay", TREASURY), ("complete", "pay", TREASURY),
)  # fmt: skip


def checked(made: Application, by: Person, now: datetime) -> ApplicationStep:
    """The application is looked at and taken for checked, whatever was found."""
    check_application(made.number, by, now)
    return act(made.number, "check", by, now, reason="核对过")


def budget(key: str = "14.1", fen: int = 10**9, year: int = 2024) -> AppropriationLine:
    """The line of a programme, with money on it."""
    store_edition(LAW, key)
    return appropriate_budget(
        LAW.name, key, year, fen, f"皖财〔{year}〕{AppropriationLine.objects.count() + 1} 号",
        official("committer", "commit", TREASURY), NOON,
    )  # fmt: skip


def with_account(made: Application, number: int = 1) -> Application:
    """An application that says where its money is to go."""
    give_payee(made.number, applicant(number), "1302010109022100001", "工商银行合肥分行", NOON)
    return made


def paid_at_bank(by: Person, result: str = "成功") -> bytes:
    """Send what waits to the bank, and the bank's file that says what became of all of it."""
    orders = PaymentOrder.objects.filter(bank_line__file=send_orders(by, NOON)).select_related("instalment")
    lines = [f"{order.name},{plain_yuan(order.instalment.amount_fen)},{result}," for order in orders.order_by("pk")]
    return returned(*lines)


def walked(made: Application, until: str = "complete") -> list[ApplicationStep]:
    """Its steps from submission to an action, each by an official of its own."""
    if until in ("commit", "pay", "complete"):
        budget(made.edition.key)
        with_account(made)
    steps = [act(made.number, "submit", applicant(1), NOON)]
    for action, duty, office in WAY:
        if steps[-1].action == until:
            break
        if action == "complete":
            import_returns(
                paid_at_bank(official("payer", "pay", TREASURY)), "r.csv", treasury_act(person("payer"), NOON)
            )
        amount = 5_000_000 if action == "decide" else None
        now = ENDED if steps[-1].to_state == "in_publicity" else steps[-1].at
        steps.append(act(made.number, action, official(f"{duty}er", duty, office), now, amount_fen=amount))
    return steps


def city_account(number: str, city: Person, account: str, bank: str, now: datetime, *, name: str) -> None:
    """The account that a city names, accepted by a second person."""
    give_payee(number, city, account, bank, now, name=name)
    answer_payee_change(number, True, official("accepts accounts", "pay", TREASURY), now)

"""Officials with posts, applicants and applications: what the tests of the workflow begin with."""

from __future__ import annotations

from datetime import UTC, date, datetime

from huisuan.law.policy import load_policy
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, ApplicationStep
from huisuan.programmes.offices import give_post, store_offices
from huisuan.programmes.workflow import act, begin_application
from support.jobs import party

NOON = datetime(2024, 9, 2, 4, tzinfo=UTC)
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


def walked(made: Application, until: str = "complete") -> list[ApplicationStep]:
    """Its steps from submission to an action, each by an official of its own."""
    steps = [act(made.number, "submit", applicant(1), NOON)]
    for action, duty, office in WAY:
        if steps[-1].action == until:
            break
        amount = 5_000_000 if action == "decide" else None
        steps.append(act(made.number, action, official(f"{duty}er", duty, office), NOON, amount_fen=amount))
    return steps

"""Reading applications: who may see which, and one with its history and the day by which it is due."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.calendar.counting import WorkingDayCount, count_working_days
from huisuan.programmes.calendar.official import load_calendar
from huisuan.programmes.models import Application
from huisuan.programmes.workflow.inbox import step_days


def find_person(username: str) -> Person:
    """The person of that name who may sign in.

    Raises:
        NotFound: none.
    """
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {username}：没有这个人，或已停用", code="person.unknown")
    return found


def visible_applications(viewer: Viewer) -> QuerySet[Application]:
    """Those that a viewer may see: a party its own, a city its own and its parties', province and audit all."""
    own = viewer.parties("party")
    if viewer.role == Role.CITY:
        own |= Q(city_id=viewer.city)
    return Application.objects.filter(own).select_related("party", "city", "edition")


def get_application(viewer: Viewer, number: str) -> Application:
    """One of them.

    Raises:
        NotFound: none of that number, as far as the viewer may know.
    """
    found = visible_applications(viewer).filter(number=number).first()
    if found is None:
        raise NotFound(f"没有申报 {number}", code="application.unknown")
    return found


def due_count(application: Application) -> WorkingDayCount | None:
    """The working days of the next step, counted from the day after the last; None where no days are set for it."""
    edges = application.edition.edges.filter(from_state=application.state).exclude(within="")
    since = application.state_since.astimezone(SHANGHAI).date()
    days = step_days(application.edition.policy, since, tuple(set(edges.values_list("within", flat=True))))
    return count_working_days(since, days, load_calendar()) if days else None


def application_to_dict(application: Application) -> dict[str, Any]:
    """A line of a list of applications."""
    return {
        "number": application.number, "programme": application.edition.key,
        "party": application.party.uscc if application.party else application.city_id, "state": application.state,
        "amount_fen": application.amount_fen, "since": application.state_since.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def describe_application(application: Application) -> dict[str, Any]:
    """An application as JSON carries it; times at Asia/Shanghai."""
    due = due_count(application)
    return {
        **application_to_dict(application),
        "due": due.ends_at.isoformat() if due and due.ends_at else None,
        "history": [
            {
                "seq": step.number, "action": step.action, "from": step.from_state, "to": step.to_state,
                "duty": step.duty, "by": step.person.username, "at": step.at.astimezone(SHANGHAI).isoformat(),
            }
            for step in application.steps.select_related("person")
        ],
    }  # fmt: skip

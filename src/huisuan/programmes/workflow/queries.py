"""Reading applications: who may see which, and one with its history and the day by which it is due."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount
from huisuan.law.procedure import EACH_CITY, Duty
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.amounts.case_by_case import editions_heard_by
from huisuan.programmes.models import Application, ProcedureEdge
from huisuan.programmes.offices import city_governments, posts_in_force
from huisuan.programmes.workflow.due import due_counts
from huisuan.treasury.recoveries import open_debts


def visible_applications(viewer: Viewer) -> QuerySet[Application]:
    """Those that a viewer may see: a party its own, a city its own and its parties', province and audit all.

    People of a department or the treasury see those whose procedure has a step of an office in which they hold a post
    today.
    """
    own = viewer.parties("party")
    if viewer.role in (Role.DEPARTMENT, Role.TREASURY):
        own = _concerned(viewer.name)
    if viewer.role == Role.CITY:
        own |= Q(city_id=viewer.city)
    return Application.objects.filter(own).select_related("party", "city", "edition")


def own_applications(viewer: Viewer) -> QuerySet[Application]:
    """Those of the viewer's own party, or those that the viewer's city itself makes."""
    own = Q(party=viewer.party_id, party__isnull=False) if viewer.role == Role.USER else Q(pk__in=())
    if viewer.role == Role.CITY:
        own = Q(city_id=viewer.city, city__isnull=False)
    return Application.objects.filter(own).select_related("party", "city", "edition", "call")


def _concerned(username: str) -> Q:
    """The applications in whose procedure an office of a person takes part today, or on which it is to be heard.

    A procedure of before names the governments of all cities together: that of the applicant's city takes part.
    """
    day = timezone.now().astimezone(SHANGHAI).date()
    posts = posts_in_force(Person.objects.get(username=username), day)
    held = set(posts.values_list("office__name", flat=True)) - EACH_CITY
    governments = city_governments()
    cities = [code for code, office in governments.items() if office in held]
    asked = set(posts.filter(duty=Duty.RECOMMEND).values_list("office__name", flat=True)) - EACH_CITY
    edges = ProcedureEdge.objects.filter(office__in=held).values("edition")
    own = Q(edition__in=edges) | (Q(edition__in=editions_heard_by(asked)) if asked else Q(pk__in=()))
    if not cities:
        return own
    of_all = ProcedureEdge.objects.filter(office__in=EACH_CITY).values("edition")
    in_none = Q(party__isnull=False) & ~Q(party__region__in=list(governments))
    there = Q(party__region__in=cities) | Q(city__in=cities) | in_none
    return own | Q(edition__in=of_all) & there


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
    return due_counts([application])[application.pk]


def application_to_dict(application: Application) -> dict[str, Any]:
    """A line of a list of applications."""
    return {
        "number": application.number, "programme": application.edition.key,
        "party": application.party.uscc if application.party else application.city_id, "state": application.state,
        "amount_fen": application.amount_fen, "since": application.state_since.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def describe_application(application: Application) -> dict[str, Any]:
    """An application as JSON carries it, with what its applicant still has to pay back; times at Asia/Shanghai."""
    due = due_count(application)
    return {
        **application_to_dict(application),
        "due": due.ends_at.isoformat() if due and due.ends_at else None,
        "open_debts": [
            {"debt": debt.key, "left_fen": debt.account.balance, "reason": debt.reason}
            for debt in open_debts().filter(party=application.party_id, city=application.city_id)
        ],
        "history": [
            {
                "seq": step.number, "action": step.action, "from": step.from_state, "to": step.to_state,
                "duty": step.duty, "by": step.person.username, "at": step.at.astimezone(SHANGHAI).isoformat(),
            }
            for step in application.steps.select_related("person")
        ],
        "moves": [
            {
                "after_step": move.after_step, "from": move.from_edition.digest, "to": move.to_edition.digest,
                "duty": move.duty, "by": move.person.username, "at": move.at.astimezone(SHANGHAI).isoformat(),
                "reason": move.reason,
            }
            for move in application.moves.select_related("person", "from_edition", "to_edition")
        ],
    }  # fmt: skip

"""Reading reviews: an expert sees the own seats and sheet, an office its panels' sheets, an applicant none of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application, PanelSeat, ScoreSheet
from huisuan.programmes.review.plan import plan_of
from huisuan.programmes.scoring.results import review_results
from huisuan.programmes.scoring.sheets import criteria_to_dict
from huisuan.programmes.workflow.queries import get_application

_OFFICES = (Role.PROVINCE, Role.DEPARTMENT, Role.AUDITOR)


def seats_held(viewer: Viewer) -> QuerySet[PanelSeat]:
    """The seats in which a viewer sits now, the newest first."""
    return (
        PanelSeat.objects.filter(Q(alternate=False) | Q(predecessor__isnull=False))
        .filter(expert__person__username=viewer.name, end__isnull=True)
        .select_related("application__edition", "application__call", "sheet")
        .order_by("-id")
    )


def seats_of(viewer: Viewer) -> list[dict[str, Any]]:
    """The seats in which a viewer sits now, the newest first: which application of which programme, sent or not.

    Nothing names the applicant: a number, a programme, a task.
    """
    return [
        {
            "number": seat.application.number, "programme": seat.application.edition.key,
            "title": seat.application.edition.content["title"], "state": seat.application.state,
            "sent_at": _sent_at(seat),
        }
        for seat in seats_held(viewer)
    ]  # fmt: skip


def own_sheet(seat: PanelSeat) -> dict[str, Any]:
    """The form of a seat's sheet: criteria with full marks, where reasons are required, and what was sent."""
    sheet = ScoreSheet.objects.filter(seat=seat).first()
    return {
        "number": seat.application.number, **criteria_to_dict(plan_of(seat.application).criteria),
        "sheet": None if sheet is None else sheet_to_dict(sheet),
    }  # fmt: skip


def describe_review(viewer: Viewer, number: str) -> dict[str, Any]:
    """Panel, sheets, trimmed mean, spread and meeting of an application, fractions exactly.

    Raises:
        NotFound: no application of that number, as far as the viewer may know.
        NotAllowed: the viewer is no office: applicants and experts do not see others' sheets.
    """
    application = get_application(viewer, number)
    if viewer.role not in _OFFICES:
        raise NotAllowed(f"{number}：评分表由组织评审的单位和审计查看", code="review.sheets_of_others")
    found = review_results([application]).get(application.pk)
    meeting = getattr(application, "panel_meeting", None)
    return {
        "number": number, "state": application.state, "seats": [_seat_to_dict(seat) for seat in _seats(application)],
        "wanted": found.wanted if found else 0, "sent": found.sent if found else 0,
        "mean": str(found.panel.mean) if found and found.panel else None,
        "spread": str(found.panel.spread) if found and found.panel else None,
        "must_meet": bool(found and found.must_meet),
        "meeting": None
        if meeting is None
        else {"marks": meeting.marks, "minutes": meeting.minutes, "score": meeting.score, "by": meeting.by.username,
              "at": _shown(meeting.at)},
        "score": str(found.score) if found and found.score is not None else None,
    }  # fmt: skip


def sheet_to_dict(sheet: ScoreSheet) -> dict[str, Any]:
    """A sheet as JSON carries it; its score is an exact fraction of 100."""
    return {
        "marks": sheet.marks, "reasons": sheet.reasons, "score": sheet.score, "at": _shown(sheet.at),
        "hash": sheet.hash,
    }  # fmt: skip


def _seats(application: Application) -> list[PanelSeat]:
    held = application.seats.select_related("expert__person", "sheet", "end__successor", "predecessor")
    return list(held.order_by("position"))


def _seat_to_dict(seat: PanelSeat) -> dict[str, Any]:
    sheet, end = getattr(seat, "sheet", None), getattr(seat, "end", None)
    called = not seat.alternate or getattr(seat, "predecessor", None) is not None
    return {
        "position": seat.position, "expert": seat.expert.person.username, "name": seat.expert.person.name,
        "state": "left" if end else "sitting" if called else "alternate", "left_because": end.reason if end else "",
        "sheet": None if sheet is None else sheet_to_dict(sheet),
    }  # fmt: skip


def _sent_at(seat: PanelSeat) -> str | None:
    sheet = getattr(seat, "sheet", None)
    return None if sheet is None else _shown(sheet.at)


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()

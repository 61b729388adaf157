"""What the seeds of draws and of lots are made from: the submissions that had come when the window was closed.

Nobody who chooses knows all of them: an applicant its own, the office that committed to a word none at that time.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from huisuan.base.errors import Conflict
from huisuan.programmes.models import Application, ApplicationSubmission, Call, SeedCommitment
from huisuan.programmes.review.seed import LOT, SeedSource, make_source
from huisuan.programmes.submissions.window import CallWindow, WindowState


def source_of_draw(call: Call, draw: int) -> SeedSource:
    """What the seed of the n-th draw of a call is made from."""
    return make_source(call.number, draw, commitment_of(call), closed_submissions(call))


def source_of_lot(call: Call) -> SeedSource:
    """What the seed of the lot among equals is made from, where no experts are drawn."""
    return make_source(call.number, LOT, commitment_of(call), closed_submissions(call))


def source_of_milestone(application: Application, milestone: int, draw: int) -> SeedSource:
    """What the seed of the draw of an accepting panel is made from; without a call, from the own first submission."""
    call = application.call
    if call is not None:
        rows = closed_submissions(call)
    else:
        rows = _rows(ApplicationSubmission.objects.filter(application=application, version=1))
    return make_source(f"{application.number}/{milestone}", draw, commitment_of(call) if call else "", rows)


def commitment_of(call: Call) -> str:
    """The commitment on record for a call; empty: none."""
    return SeedCommitment.objects.filter(call=call).values_list("digest", flat=True).first() or ""


def closed_submissions(call: Call) -> list[tuple[str, int, str]]:
    """Number, version and hash of all that had come when a call was closed, in order."""
    ends = CallWindow(call.first_day, call.last_day).closes_at
    return _rows(ApplicationSubmission.objects.filter(application__call=call, at__lt=ends))


def require_closed(call: Call, now: datetime) -> None:
    """Refuse to draw while more may be handed in: until then the seed is not known, and nobody shall guess when.

    Raises:
        Conflict: the call is not closed yet.
    """
    if CallWindow(call.first_day, call.last_day).state(now) is not WindowState.CLOSED:
        raise Conflict(
            f"{call.number} 受理到 {call.last_day} 24:00，截止之后才能抽签：种子由截止时收到的全部申报算出",
            code="review.call_open",
        )


def _rows(found: QuerySet[ApplicationSubmission]) -> list[tuple[str, int, str]]:
    said = found.order_by("application__number", "version")
    return list(said.values_list("application__number", "version", "hash"))

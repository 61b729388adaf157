"""A score sheet is sent once, by the expert who sits in the seat, and stays as it was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict
from huisuan.base.hashing import text_sha256
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import DutyHeld, PanelSeat, ScoreSheet
from huisuan.programmes.review.plan import plan_of
from huisuan.programmes.review.scores import ReviewCriteria, score_sheet
from huisuan.programmes.scoring.seats import open_seat, require_under_review


def send_sheet(
    number: str, marks: Mapping[str, int], reasons: Mapping[str, str], person: Person, now: datetime
) -> ScoreSheet:
    """Send the sheet of one's seat; the same sheet sent twice is one.

    Raises:
        NotFound: the person does not sit in the panel of that application.
        NotAllowed: a conflict has come up: the seat was left, nothing was sent.
        InvalidRequest: all that is wrong with the marks and reasons.
        Conflict: another sheet was sent, or the application is not under review.
    """
    seat = open_seat(number, person, now)  # a transaction of its own: who has a conflict leaves, and is refused
    return _send(seat, marks, reasons, person, now)


@transaction.atomic
def _send(
    seat: PanelSeat, marks: Mapping[str, int], reasons: Mapping[str, str], person: Person, now: datetime
) -> ScoreSheet:
    PanelSeat.objects.select_for_update(no_key=True, of=("self",)).get(pk=seat.pk)
    kept = {key: text.strip() for key, text in reasons.items() if text.strip()}
    sent = ScoreSheet.objects.filter(seat=seat).first()
    if sent is not None:
        if (sent.marks, sent.reasons) == (dict(marks), kept):
            return sent
        raise Conflict(f"{seat.application.number}：您的评分表已提交，不能再改", code="review.sheet_sent")
    require_under_review(seat.application)
    criteria = plan_of(seat.application).criteria
    score = score_sheet(criteria, marks, kept)
    DutyHeld.objects.get_or_create(
        application=seat.application, person=person, defaults={"duty": Duty.REVIEW.value}
    )  # fmt: skip
    made = ScoreSheet(
        seat=seat, marks=dict(marks), reasons=kept, criteria=criteria_to_dict(criteria), score=str(score), at=now
    )  # fmt: skip
    made.hash = sheet_hash(made)
    made.save(force_insert=True)
    return made


def sheet_hash(made: ScoreSheet) -> str:
    """SHA-256 over all that a sheet says, as canonical JSON."""
    said = [made.seat_id, made.marks, made.reasons, made.criteria, made.score, made.at.isoformat()]
    return text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def criteria_to_dict(criteria: ReviewCriteria) -> dict[str, Any]:
    """Criteria as JSON carries them."""
    return {
        "criteria": [
            {"key": each.key, "title": each.title, "most": each.most, "weight": each.weight}
            for each in criteria.criteria
        ],
        "low_percent": criteria.low_percent, "high_percent": criteria.high_percent,
    }  # fmt: skip

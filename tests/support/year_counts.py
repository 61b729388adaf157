"""The counts that the database keeps by day, beside the same counted here from every application and step."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Sum

from huisuan.base.months import SHANGHAI
from huisuan.programmes.models import Application, ApplicationStep, StandingCount, StepWait

_STANDING = ("edition_id", "year", "state", "since")
_WAITS = ("edition_id", "year", "action", "from_state", "duty", "since", "until")


def kept_and_counted() -> tuple[list[dict[tuple[Any, ...], int]], list[dict[tuple[Any, ...], int]]]:
    """How many stand where since when, and waited for which step from when until when: as kept, and as counted."""
    kept = [_kept(StandingCount.objects, _STANDING), _kept(StepWait.objects, _WAITS)]
    standing = Counter(
        (one.edition_id, one.year, one.state, one.state_since.astimezone(SHANGHAI).date())
        for one in Application.objects.all()
    )
    steps = {(one.application_id, one.number): one for one in ApplicationStep.objects.select_related("application")}
    waits = Counter(
        (
            one.edition_id, one.application.year, one.action, one.from_state, one.duty,
            steps[one.application_id, one.number - 1].at.astimezone(SHANGHAI).date(),
            one.at.astimezone(SHANGHAI).date(),
        )
        for one in steps.values() if one.number > 1
    )  # fmt: skip
    return kept, [dict(standing), dict(waits)]


def _kept(counts: Any, keys: tuple[str, ...]) -> dict[tuple[Any, ...], int]:
    found = counts.order_by().values_list(*keys).annotate(Sum("number"))
    return {tuple(key): number for *key, number in found if number}

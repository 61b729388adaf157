"""How long jobs are thought to run, by what the database knows: the kin of those that wait, and the line that holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from huisuan.compute.models import DurationLine, Job, JobState
from huisuan.compute.placement.runtime_predictor import FORM, REMEMBERED, Line, Past, Told, learned, length_of
from huisuan.compute.placement.types import epoch

LEARNED_FROM = 20_000  # jobs, those that ended last
LEARNED_SINCE = timedelta(days=90)
TELLING = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)  # how long a lost job ran, nobody knows


class Kind(NamedTuple):
    """Jobs of one user of a party with as many cards: each other's kin."""

    party_id: int
    user: str
    cards: int


# --- the line


def fit_durations(now: datetime) -> DurationLine | None:
    """Fit the line anew, if any job has ended since it was fitted and there are enough; None: it stays as it is."""
    ended = Job.objects.filter(
        state__in=TELLING, started_at__isnull=False, ended_at__gt=now - LEARNED_SINCE, ended_at__lte=now
    ).order_by("-ended_at", "uid")
    holds = DurationLine.objects.first()
    last = ended.values_list("ended_at", flat=True).first()
    if last is None or (holds is not None and holds.form == FORM and last <= holds.fitted_at):
        return None
    rows = ended.values_list("party_id", "submitted_by", "cards", "submitted_at", "started_at", "ended_at")
    line = learned(
        Told(f"{party} {user}", cards, epoch(came), epoch(began), epoch(over))
        for party, user, cards, came, began, over in rows[:LEARNED_FROM]
        if began is not None and over is not None
    )
    if line is None:
        return None
    return DurationLine.objects.create(
        fitted_at=now, form=FORM, jobs=line.jobs, usual=line.usual, slopes=list(line.slopes)
    )


def _line() -> Line | None:
    holds = DurationLine.objects.first()
    if holds is None or holds.form != FORM:
        return None
    return Line(tuple(holds.slopes), holds.usual, holds.jobs)


# --- what waits


def kinds_waiting() -> list[Kind]:
    """The kinds of the jobs that wait for cards."""
    rows = Job.objects.filter(state=JobState.WAITING).order_by()
    return [Kind(*row) for row in rows.values_list("party_id", "submitted_by", "cards").distinct()]


def expected(kinds: Iterable[Kind], now: datetime) -> dict[Kind, int]:
    """How long a job of each kind is thought to run, in seconds; empty while too little has been learned."""
    line, wanted = _line(), list(kinds)
    if line is None or not wanted:
        return {}
    now_s = epoch(now)
    own, alike = _own(wanted, now), _alike({kind.cards for kind in wanted}, now)
    return {kind: line.expected_s(own[kind], alike[kind.cards], kind.cards, now_s) for kind in wanted}


#: of each kind the jobs that began last, those that run and those that are over, as they began; seconds since 1970,
#: for a moment takes longer to read than to find
PASTS = """
SELECT k.key, floor(extract(epoch FROM past.started_at))::bigint, floor(extract(epoch FROM past.ended_at))::bigint
FROM {kinds} CROSS JOIN LATERAL (
  SELECT j.started_at, j.ended_at, j.uid FROM compute_job j
  WHERE {same} AND j.started_at IS NOT NULL AND j.started_at <= %s
    AND (j.state = 'running' OR j.state = ANY(%s) AND j.ended_at IS NOT NULL)
  ORDER BY j.started_at DESC LIMIT %s
) past ORDER BY k.key, past.started_at, past.uid
"""
OWN = PASTS.format(
    kinds="unnest(%s::bigint[], %s::text[], %s::int[]) WITH ORDINALITY AS k(party, submitted_by, cards, key)",
    same="j.party_id = k.party AND j.submitted_by = k.submitted_by AND j.cards = k.cards",
)
ALIKE = PASTS.format(kinds="unnest(%s::int[]) AS k(key)", same="j.cards = k.key")


def _own(kinds: Sequence[Kind], now: datetime) -> dict[Kind, list[Past]]:
    columns = [list(column) for column in zip(*kinds, strict=True)]
    found = _pasts(OWN, columns, now)
    return {kind: found[number] for number, kind in enumerate(kinds, 1)}


def _alike(sizes: Iterable[int], now: datetime) -> dict[int, list[Past]]:
    return _pasts(ALIKE, [sorted(sizes)], now)


def _pasts(query: str, columns: list[list[int | str]], now: datetime) -> dict[int, list[Past]]:
    found: dict[int, list[Past]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(query, [*columns, now, list(TELLING), REMEMBERED])
        for key, began_s, ended_s in cursor.fetchall():
            found[key].append(Past(began_s, None if ended_s is None else length_of(max(ended_s - began_s, 1))))
    return found

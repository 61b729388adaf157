"""What is still reserved for placed jobs: the most that each can use, less what the meter has counted of it.

A reservation is open from the placement until the last slice of its run is metered: an end that an agent reports comes
before its usage, and what is not metered yet must not be given away a second time. Closing it is lazy and on record.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.prices import PoolId, Prices
from huisuan.compute.models import AT_CENTRE, BudgetReservation, ReservationOutcome

UNMETERED_AFTER = timedelta(days=7)  # after a run's end: what is not metered by then will not be

#: Each open reservation with its job's state, the end of its run, and what is metered of the run: since its scheduler
#: last requeued it, for the time limit begins anew with that. Corrections are found through the record that they
#: correct, for only first records are indexed by job.
_OPEN = """
WITH RECURSIVE reserved AS (
    SELECT r.*, p.party_id FROM compute_budgetreservation r JOIN parties_project p ON p.id = r.project_id
    WHERE r.closed_at IS NULL AND (%(parties)s::bigint[] IS NULL OR p.party_id = ANY(%(parties)s::bigint[]))
), chain AS (
    SELECT reserved.id, u.centre_id, u.sequence, u.card_seconds, u.state, u.started_at, u.ended_at
    FROM reserved JOIN compute_usagerecord u
        ON u.centre_id = reserved.centre_id AND u.job_id = reserved.job_id AND u.supersedes IS NULL
       AND u.run = reserved.run
    UNION ALL
    SELECT chain.id, n.centre_id, n.sequence, n.card_seconds, n.state, n.started_at, n.ended_at
    FROM chain JOIN compute_usagerecord n ON n.centre_id = chain.centre_id AND n.supersedes = chain.sequence
), standing AS (
    SELECT * FROM chain WHERE NOT EXISTS (
        SELECT 1 FROM compute_usagerecord n WHERE n.centre_id = chain.centre_id AND n.supersedes = chain.sequence
    )
), requeued AS (
    SELECT id, max(ended_at) AS at FROM standing WHERE state = 'REQUEUED' GROUP BY id
), metered AS (
    SELECT id, sum(card_seconds) FILTER (WHERE started_at >= coalesce(requeued.at, '-infinity'))::bigint AS used,
        bool_or(state NOT IN ('RUNNING', 'REQUEUED')) AS complete
    FROM standing LEFT JOIN requeued USING (id) GROUP BY id
)
SELECT r.id, r.party_id, r.project_id, r.centre_id, r.accelerator_id, r.card_seconds, r.fen_per_card_hour, r.placed_at,
    coalesce(m.used, 0), coalesce(m.complete, false), j.cards,
    j.run = r.run AND j.lease = r.lease AND j.state = ANY(%(at_centre)s),
    CASE WHEN j.run = r.run THEN j.started_at
         WHEN failed.at IS NOT NULL THEN r.placed_at END,
    CASE WHEN j.run = r.run THEN j.ended_at ELSE failed.at END
FROM reserved r JOIN compute_job j ON j.uid = r.job_id LEFT JOIN metered m USING (id)
LEFT JOIN LATERAL (
    SELECT max(e.at) AS at FROM compute_jobevent e
    WHERE e.job_id = r.job_id AND e.run = r.run AND e.state = 'failed' AND j.run <> r.run
) failed ON true
ORDER BY r.id
"""


@dataclass(frozen=True)
class OpenReservation:
    """One open reservation. `metered` card-seconds of its run so far; `began` and `ended` of the run, if it has."""

    pk: int
    party: int
    project: int
    pool: PoolId
    card_seconds: int
    fen_per_card_hour: int | None
    placed_at: datetime
    metered: int
    complete: bool
    cards: int
    at_centre: bool
    began: datetime | None
    ended: datetime | None

    @property
    def outcome(self) -> ReservationOutcome | None:
        """What it can be closed with, apart from waiting in vain; None: it is open."""
        if self.at_centre:
            return None
        if self.complete:
            return ReservationOutcome.METERED
        return ReservationOutcome.NEVER_BEGAN if self.began is None and not self.metered else None

    @property
    def outstanding(self) -> int:
        """Card-seconds that may still be metered of it."""
        if self.outcome is not None:
            return 0
        most = self.card_seconds
        if not self.at_centre and self.began is not None and self.ended is not None:
            most = min(most, self.cards * -int(-(self.ended - self.began).total_seconds() // 1))
        return max(most - self.metered, 0)

    def outstanding_fen(self, prices: Prices) -> int:
        """The same in fen x 3600, at the highest price on record since its placement."""
        day: date = self.placed_at.astimezone(SHANGHAI).date()
        price = prices.highest_from(self.pool, day)
        return self.outstanding * (self.fen_per_card_hour or 0 if price is None else price)


def load_open(parties: Collection[int] | None = None) -> list[OpenReservation]:
    """The open reservations of some parties, or of all."""
    with connection.cursor() as cursor:
        asked = {"parties": None if parties is None else list(parties), "at_centre": list(AT_CENTRE)}
        cursor.execute(_OPEN, asked)
        return [
            OpenReservation(pk, party, project, (centre, accelerator), *rest)
            for pk, party, project, centre, accelerator, *rest in cursor.fetchall()
        ]


@transaction.atomic
def close_settled(found: Sequence[OpenReservation], now: datetime) -> int:
    """Close those whose use is metered, that never began, or whose use has not come for a week; how many."""
    closed = 0
    by_outcome: dict[ReservationOutcome, list[int]] = {}
    for each in found:
        outcome = each.outcome
        if outcome is None and not each.at_centre and each.ended and each.ended < now - UNMETERED_AFTER:
            outcome = ReservationOutcome.UNMETERED
        if outcome is not None:
            by_outcome.setdefault(outcome, []).append(each.pk)
    for outcome, ids in by_outcome.items():
        still_open = BudgetReservation.objects.filter(pk__in=ids, closed_at__isnull=True)
        closed += still_open.update(closed_at=now, outcome=outcome)
    return closed

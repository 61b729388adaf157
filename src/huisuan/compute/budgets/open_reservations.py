"""What is still reserved for placed jobs: the most that each can use, less what is counted as used of it.

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

#: Each open reservation with how its run stands, and what is metered of the run's last stretch: where a scheduler
#: requeues a run, the run goes on under its name, but its time limit begins anew. An agent tells of the former stretch
#: as ended (FAILED, CANCELLED, PREEMPTED, ...) while the job is still at its centre; after the job's end, the stretch
#: that counts is the one that began last. Metered is what `party_use` has counted as used, no more: else a record that
#: comes between two looks would be in neither. Corrections are found through the record that they correct, for only
#: first records are indexed by job.
_OPEN = """
WITH RECURSIVE reserved AS (
    SELECT r.*, p.party_id, coalesce(t.sequence, 0) AS counted, j.cards,
        j.run = r.run AND j.lease = r.lease AND j.state = ANY(%(at_centre)s) AS here,
        CASE WHEN j.run = r.run THEN j.started_at ELSE failed.began_at END AS began,
        CASE WHEN j.run = r.run THEN j.ended_at ELSE failed.at END AS ended
    FROM compute_budgetreservation r
    JOIN parties_project p ON p.id = r.project_id
    JOIN compute_job j ON j.uid = r.job_id
    LEFT JOIN compute_partyusetally t ON t.centre_id = r.centre_id
    LEFT JOIN LATERAL (
        SELECT e.at, e.began_at FROM compute_jobevent e
        WHERE e.job_id = r.job_id AND e.run = r.run AND e.state = 'failed' AND j.run <> r.run
        ORDER BY e.id DESC LIMIT 1
    ) failed ON true
    WHERE r.closed_at IS NULL AND (%(parties)s::bigint[] IS NULL OR p.party_id = ANY(%(parties)s::bigint[]))
), chain AS (
    SELECT reserved.id, reserved.counted, u.centre_id, u.sequence, u.card_seconds, u.state, u.started_at, u.ended_at
    FROM reserved JOIN compute_usagerecord u
        ON u.centre_id = reserved.centre_id AND u.job_id = reserved.job_id AND u.supersedes IS NULL
       AND u.run = reserved.run AND u.sequence <= reserved.counted
    UNION ALL
    SELECT chain.id, chain.counted, n.centre_id, n.sequence, n.card_seconds, n.state, n.started_at, n.ended_at
    FROM chain JOIN compute_usagerecord n
        ON n.centre_id = chain.centre_id AND n.supersedes = chain.sequence AND n.sequence <= chain.counted
), standing AS (
    SELECT * FROM chain WHERE NOT EXISTS (
        SELECT 1 FROM compute_usagerecord n
        WHERE n.centre_id = chain.centre_id AND n.supersedes = chain.sequence AND n.sequence <= chain.counted
    )
), stretch AS (
    SELECT r.id, greatest(
        max(s.ended_at) FILTER (WHERE r.here AND s.state <> 'RUNNING'),
        date_trunc('second', r.began) - interval '1 second',  -- records are in whole seconds
        '-infinity'
    ) AS since
    FROM reserved r LEFT JOIN standing s USING (id) GROUP BY r.id, r.here, r.began
), metered AS (
    SELECT s.id, sum(s.card_seconds) FILTER (WHERE s.started_at >= l.since)::bigint AS used,
        bool_or(s.state <> 'RUNNING' AND s.started_at >= l.since) AS complete
    FROM standing s JOIN stretch l USING (id) GROUP BY s.id
)
SELECT r.id, r.party_id, r.project_id, r.centre_id, r.accelerator_id, r.card_seconds, r.fen_per_card_hour, r.placed_at,
    coalesce(m.used, 0), NOT r.here AND coalesce(m.complete, false), r.cards, r.here,
    r.began, r.ended
FROM reserved r LEFT JOIN metered m USING (id)
ORDER BY r.id
"""


@dataclass(frozen=True)
class OpenReservation:
    """One open reservation.

    `metered`: card-seconds counted of its run's last stretch; `began` and `ended` of that stretch, None: it has not.
    `complete`: the job has left its centre, and the stretch's last record is counted.
    """

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
    by_outcome: dict[ReservationOutcome, list[int]] = {}
    for each in found:
        outcome = each.outcome
        if outcome is None and not each.at_centre and each.ended and each.ended < now - UNMETERED_AFTER:
            outcome = ReservationOutcome.UNMETERED
        if outcome is not None:
            by_outcome.setdefault(outcome, []).append(each.pk)
    settled = [pk for ids in by_outcome.values() for pk in ids]
    still_open = BudgetReservation.objects.filter(pk__in=settled, closed_at__isnull=True).order_by("pk")
    # all of them in one order before the first is written: two who close the same ones do not wait for each other
    locked = set(still_open.select_for_update(no_key=True).values_list("pk", flat=True))
    for outcome, ids in by_outcome.items():
        rows = BudgetReservation.objects.filter(pk__in=locked.intersection(ids))
        rows.update(closed_at=now, outcome=outcome)
    return len(locked)

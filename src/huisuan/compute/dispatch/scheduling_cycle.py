"""One scheduling cycle against the database: a snapshot, placement, its decisions stored."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.alerts import note_held
from huisuan.compute.budgets.messages import why_budget
from huisuan.compute.budgets.room import BudgetClaim, BudgetRoom, load_room
from huisuan.compute.budgets.services import PLACEMENT_LOCK
from huisuan.compute.centres.windows import NO_WINDOWS, load_windows
from huisuan.compute.dispatch.snapshot import take_snapshot
from huisuan.compute.models import (
    Accelerator,
    BudgetReservation,
    Centre,
    Job,
    JobEvent,
    JobState,
    Partition,
    PlacementDecision,
)
from huisuan.compute.placement.decisions import PlacedJob, WaitingJob
from huisuan.compute.placement.messages import why_placed, why_waiting
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import Rejection, ScoredPool, WaitReason, epoch
from huisuan.compute.placement.weights import Weights, weights_on

#: one placement at a time: two would give the same cards away twice. Who declares a maintenance window takes it, too:
#: a cycle that had not seen the window must be over before it counts whom the window meets
EXPLAINED = 500  # of the waiting jobs, the first so many get their reasons in each cycle, the others on request
SLOW_SECONDS = 0.25  # a longer cycle is not repeated at once: agents call all the time
COOLDOWN_FACTOR = 4  # pause after a slow cycle, in multiples of its duration
PLACED_FIELDS = (
    "accelerator", "partition", "fen_per_card_hour", "centre", "state", "placed_at", "queued_at", "reasons", "lease",
    "predicted_seconds", "expected_start",
)  # fmt: skip
_cooldown_until = 0.0


def place_waiting(now: datetime) -> int:
    """Place the waiting jobs for which a centre has room; returns how many. The first of the others get their reasons.

    One cycle at a time in the whole platform: a caller during a cycle leaves its jobs to that or the next one.
    """
    global _cooldown_until  # noqa: PLW0603 (of this process: how often it may look)
    started = time.monotonic()
    if started < _cooldown_until or not Job.objects.filter(state=JobState.WAITING).exists():
        return 0
    placed = _run_cycle(now)
    spent = time.monotonic() - started
    _cooldown_until = started + spent * (1 + COOLDOWN_FACTOR) if COOLDOWN_FACTOR and spent > SLOW_SECONDS else 0.0
    return placed


@transaction.atomic
def _run_cycle(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PLACEMENT_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    weights, room, placed = weights_on(now.astimezone(SHANGHAI).date()), load_room(now), 0
    while True:
        snapshot = take_snapshot(now, weights, room)
        decided = plan(
            snapshot.requests,
            snapshot.pools,
            epoch(now),
            weights,
            tenants=snapshot.tenants,
            cities=snapshot.cities,
            running=snapshot.running,
        )
        written, turned_down = _write_placed(decided.placed, weights, room, now)
        placed += written
        if not (written and turned_down):
            break  # else what a budget had no room for took cards in vain: the others are planned anew
    _explain_waiting(decided.waits, room)
    return placed


class _Written:
    """What one pass places: rows made as decisions are taken, written together."""

    def __init__(self, room: BudgetRoom, weights: Weights, now: datetime) -> None:
        self.room, self.weights, self.now = room, weights, now
        self.day = now.astimezone(SHANGHAI).date()
        self.centres = {centre.code: centre for centre in Centre.objects.all()}
        self.models = {card.model: card for card in Accelerator.objects.all()}
        self.partitions = _partitions(now)
        self.jobs: list[Job] = []
        self.decisions: list[PlacementDecision] = []
        self.reservations: list[BudgetReservation] = []
        self.events: list[JobEvent] = []

    def place(self, job: Job, decision: PlacedJob) -> bool:
        """Send a job where it was decided, with its reservation; not if a budget has no room for it any more."""
        claim = BudgetClaim(job.party_id, job.project_id, job.cards * job.time_limit_seconds)
        pool = decision.pool
        if self.room.standings and self.room.shortage(claim, [pool.key]) is not None:
            return False
        self.room.take(claim, pool.key)
        job.centre, job.accelerator = self.centres[pool.centre], self.models[pool.model]
        job.partition, job.fen_per_card_hour = self.partitions[pool.key], pool.fen_per_card_hour
        job.state, job.placed_at, job.queued_at = JobState.PLACED, self.now, None
        job.reasons = [reason.text for reason in why_placed(decision)]
        job.lease += 1
        job.predicted_seconds, job.expected_start = decision.request.predicted_s, None
        self.jobs.append(job)
        self._record(job, decision, claim)
        return True

    def _record(self, job: Job, decision: PlacedJob, claim: BudgetClaim) -> None:
        assert job.centre is not None
        assert job.accelerator is not None
        self.decisions.append(
            PlacementDecision(
                job=job, run=job.run, lease=job.lease, at=self.now, centre=job.centre, accelerator=job.accelerator,
                weights=self.weights.name, parts=dict(decision.chosen.parts), reasons=job.reasons,
                runners_up=[_runner_up(other) for other in decision.runners_up],
            )
        )  # fmt: skip
        self.reservations.append(
            BudgetReservation(
                job=job, run=job.run, lease=job.lease, project_id=job.project_id, centre=job.centre,
                accelerator=job.accelerator, card_seconds=claim.card_seconds, placed_at=self.now,
                fen_per_card_hour=self.room.prices.highest_from((job.centre.pk, job.accelerator.pk), self.day),
            )
        )  # fmt: skip
        self.events.append(
            JobEvent(
                job=job, at=self.now, run=job.run, lease=job.lease, state=job.state, centre=job.centre,
                text="；".join(job.reasons),
            )
        )  # fmt: skip

    def write(self) -> None:
        """Write all of it: lease, reservation, decision and event of each job in one transaction."""
        Job.objects.bulk_update(self.jobs, PLACED_FIELDS, batch_size=500)
        BudgetReservation.objects.bulk_create(self.reservations, batch_size=1000)
        PlacementDecision.objects.bulk_create(self.decisions, batch_size=1000)
        JobEvent.objects.bulk_create(self.events, batch_size=1000)


def _write_placed(placed: Sequence[PlacedJob], weights: Weights, room: BudgetRoom, now: datetime) -> tuple[int, int]:
    """Send jobs to their centres; how many, and how many a budget had no room for.

    A job that was cancelled since the snapshot stays as it is.
    """
    jobs = {job.uid: job for job in _lock_waiting([decision.request.uid for decision in placed])}
    written = _Written(room, weights, now)
    turned_down = 0
    for decision in placed:
        job = jobs.get(decision.request.uid)
        if job is not None and not written.place(job, decision):
            turned_down += 1
    written.write()
    return len(written.jobs), turned_down


def _lock_waiting(uids: Collection[str]) -> QuerySet[Job]:
    """Those of these jobs that still wait, locked.

    One that somebody else is just changing is left to the next cycle: a cycle that has locked jobs waits for nobody,
    so who cancels many jobs and a cycle that places them never wait for each other.
    """
    waiting = Job.objects.filter(pk__in=uids, state=JobState.WAITING).order_by("pk")
    return waiting.select_for_update(of=("self",), no_key=True, skip_locked=True)


def _partitions(now: datetime) -> dict[tuple[str, str], str]:
    """By centre and model the partition with the most cards, of those that take work (see `pools.pools`)."""
    by_pool: dict[tuple[str, str], list[Partition]] = defaultdict(list)
    for partition in Partition.objects.select_related("centre", "accelerator"):
        by_pool[partition.centre.code, partition.accelerator.model].append(partition)
    windows = load_windows(now)
    found = {}
    for key, held in by_pool.items():
        takers = windows.get(held[0].centre_id, NO_WINDOWS).open_partitions(held, now)
        found[key] = min(takers, key=lambda partition: (-partition.cards, partition.name)).name
    return found


def _runner_up(scored: ScoredPool) -> dict[str, Any]:
    return {"centre": scored.pool.centre, "model": scored.pool.model, "parts": dict(scored.parts)}


def _explain_waiting(waits: Sequence[WaitingJob], room: BudgetRoom) -> None:
    """Store the reasons of the first waiting jobs and when each is expected to begin, where they have changed.

    Which budgets hold jobs back is noted besides.
    """
    explained = waits[:EXPLAINED]
    budgets = _explain_budgets(explained, room) if room.standings else {}
    first = {
        job.request.uid: (
            budgets.get(job.request.uid) or [reason.text for reason in why_waiting(job)],
            _reserved_start(job),
        )
        for job in explained
    }
    stale = [
        uid
        for uid, *known in Job.objects.filter(pk__in=first).values_list("uid", "reasons", "expected_start")
        if tuple(known) != first[uid]
    ]
    changed = list(_lock_waiting(stale).only("uid", "reasons", "expected_start"))
    for job in changed:
        job.reasons, job.expected_start = first[job.uid]
    Job.objects.bulk_update(changed, ["reasons", "expected_start"], batch_size=500)


def _reserved_start(job: WaitingJob) -> datetime | None:
    return None if job.reservation is None else datetime.fromtimestamp(job.reservation.starts_s, UTC)


def _explain_budgets(waits: Sequence[WaitingJob], room: BudgetRoom) -> dict[str, list[str]]:
    """For the jobs that wait for a budget alone: which one, and what is left of it."""
    held = {job.request.uid: job for job in waits if job.wait_reason is WaitReason.BUDGET}
    reasons: dict[str, list[str]] = {}
    shortages = []
    for job in Job.objects.filter(pk__in=held).only("uid", "party_id", "project_id", "cards", "time_limit_seconds"):
        claim = BudgetClaim(job.party_id, job.project_id, job.cards * job.time_limit_seconds)
        rejected = held[job.uid].feasibility.rejected
        pools = [pool.key for pool, rejection in rejected if rejection is Rejection.BUDGET]
        shortage = room.shortage(claim, pools)
        if shortage is not None:
            shortages.append((job.uid, shortage))
            reasons[job.uid] = [why_budget(shortage)]
    note_held(sorted(shortages, key=lambda held: held[0]), room.now)
    return reasons

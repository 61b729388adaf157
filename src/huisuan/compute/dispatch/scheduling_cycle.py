"""One scheduling cycle against the database: a snapshot, placement, its decisions stored."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.months import SHANGHAI
from huisuan.compute.dispatch.snapshot import take_snapshot
from huisuan.compute.models import Accelerator, Centre, Job, JobEvent, JobState, Partition, PlacementDecision
from huisuan.compute.placement.decisions import PlacedJob, WaitingJob
from huisuan.compute.placement.messages import why_placed, why_waiting
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import ScoredPool, epoch
from huisuan.compute.placement.weights import Weights, weights_on

LOCK = 0x4855_4953_5541_4E01  # one placement at a time: two would give the same cards away twice
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
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    weights = weights_on(now.astimezone(SHANGHAI).date())
    snapshot = take_snapshot(now, weights)
    decided = plan(
        snapshot.requests,
        snapshot.pools,
        epoch(now),
        weights,
        tenants=snapshot.tenants,
        cities=snapshot.cities,
        running=snapshot.running,
    )
    _explain_waiting(decided.waits)
    return _write_placed(decided.placed, weights, now)


def _write_placed(placed: Sequence[PlacedJob], weights: Weights, now: datetime) -> int:
    """Send jobs to their centres; a job that was cancelled since the snapshot stays as it is."""
    jobs = {
        job.uid: job
        for job in Job.objects.select_for_update(of=("self",)).filter(
            pk__in=[decision.request.uid for decision in placed], state=JobState.WAITING
        )
    }
    centres = {centre.code: centre for centre in Centre.objects.all()}
    models = {card.model: card for card in Accelerator.objects.all()}
    partitions = _partitions()
    decisions, events = [], []
    for decision in placed:
        job = jobs.get(decision.request.uid)
        if job is None:
            continue
        chosen = decision.chosen
        pool = chosen.pool
        job.centre, job.accelerator = centres[pool.centre], models[pool.model]
        job.partition, job.fen_per_card_hour = partitions[pool.key], pool.fen_per_card_hour
        job.state, job.placed_at, job.queued_at = JobState.PLACED, now, None
        job.reasons = [reason.text for reason in why_placed(decision)]
        job.lease += 1
        job.predicted_seconds, job.expected_start = decision.request.predicted_s, None
        decisions.append(
            PlacementDecision(
                job=job, run=job.run, lease=job.lease, at=now, centre=job.centre, accelerator=job.accelerator,
                weights=weights.name, parts=dict(chosen.parts), reasons=job.reasons,
                runners_up=[_runner_up(other) for other in decision.runners_up],
            )
        )  # fmt: skip
        events.append(
            JobEvent(
                job=job, at=now, run=job.run, lease=job.lease, state=job.state, centre=job.centre,
                text="；".join(job.reasons),
            )
        )  # fmt: skip
    Job.objects.bulk_update(jobs.values(), PLACED_FIELDS, batch_size=500)
    PlacementDecision.objects.bulk_create(decisions, batch_size=1000)
    JobEvent.objects.bulk_create(events, batch_size=1000)
    return len(jobs)


def _partitions() -> dict[tuple[str, str], str]:
    """By centre and model the partition with the most cards."""
    by_pool: dict[tuple[str, str], list[Partition]] = defaultdict(list)
    for partition in Partition.objects.select_related("centre", "accelerator"):
        by_pool[partition.centre.code, partition.accelerator.model].append(partition)
    return {
        key: min(held, key=lambda partition: (-partition.cards, partition.name)).name for key, held in by_pool.items()
    }


def _runner_up(scored: ScoredPool) -> dict[str, Any]:
    return {"centre": scored.pool.centre, "model": scored.pool.model, "parts": dict(scored.parts)}


def _explain_waiting(waits: Sequence[WaitingJob]) -> None:
    """Store the reasons of the first waiting jobs and when each is expected to begin, where they have changed."""
    first = {
        job.request.uid: ([reason.text for reason in why_waiting(job)], _reserved_start(job))
        for job in waits[:EXPLAINED]
    }
    changed = [
        job
        for job in Job.objects.filter(pk__in=first, state=JobState.WAITING).only("uid", "reasons", "expected_start")
        if (job.reasons, job.expected_start) != first[job.uid]
    ]
    for job in changed:
        job.reasons, job.expected_start = first[job.uid]
    Job.objects.bulk_update(changed, ["reasons", "expected_start"], batch_size=500)


def _reserved_start(job: WaitingJob) -> datetime | None:
    return None if job.reservation is None else datetime.fromtimestamp(job.reservation.starts_s, UTC)

"""Placement against the database: one pass over the waiting work, and what it decided written down."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.months import SHANGHAI
from huisuan.compute.dispatch.snapshot import registers
from huisuan.compute.models import Accelerator, Centre, Job, JobEvent, JobState, Partition, PlacementDecision
from huisuan.compute.placement.decisions import Placed, Waits
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import Scored, epoch
from huisuan.compute.placement.weights import Weights, weights_on

LOCK = 0x4855_4953_5541_4E01  # one placement at a time: two would give the same cards away twice
TOLD = 500  # of the jobs that wait, the first so many learn why at each pass; the others when they are asked about
SLOW_SECONDS = 0.25  # a pass that takes longer is not made again at once: agents call all the time
RESTS = 4  # times as long as it took
PLACED_FIELDS = (
    "accelerator", "partition", "fen_per_card_hour", "centre", "state", "placed_at", "queued_at", "reasons", "lease",
    "predicted_seconds",
)  # fmt: skip
_rests_until = 0.0


def place_waiting(now: datetime) -> int:
    """Place the waiting jobs for which a centre has room; the first of the others learn why not yet. Returns how many.

    One pass at a time in the whole platform: who comes while one is made leaves it to that one, or to the next.
    """
    global _rests_until  # noqa: PLW0603 (of this process: how often it may look)
    started = time.monotonic()
    if started < _rests_until or not Job.objects.filter(state=JobState.WAITING).exists():
        return 0
    placed = _pass(now)
    spent = time.monotonic() - started
    _rests_until = started + spent * (1 + RESTS) if RESTS and spent > SLOW_SECONDS else 0.0
    return placed


@transaction.atomic
def _pass(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    weights = weights_on(now.astimezone(SHANGHAI).date())
    read = registers(now, weights)
    decided = plan(
        read.asks, read.pools, epoch(now), weights, tenants=read.tenants, cities=read.cities, running=read.running
    )
    _tell_waiting(decided.waits)
    return _write_placed(decided.placed, weights, now)


def _write_placed(placed: Sequence[Placed], weights: Weights, now: datetime) -> int:
    """Send jobs to their centres; one that was cancelled since it was read stays as it is."""
    jobs = {
        job.uid: job
        for job in Job.objects.select_for_update(of=("self",)).filter(
            pk__in=[each.ask.uid for each in placed], state=JobState.WAITING
        )
    }
    centres = {centre.code: centre for centre in Centre.objects.all()}
    models = {card.model: card for card in Accelerator.objects.all()}
    partitions = _partitions()
    decisions, events = [], []
    for each in placed:
        job = jobs.get(each.ask.uid)
        if job is None:
            continue
        pool = each.chosen.pool
        job.centre, job.accelerator = centres[pool.centre], models[pool.model]
        job.partition, job.fen_per_card_hour = partitions[pool.key], pool.fen_per_card_hour
        job.state, job.placed_at, job.queued_at = JobState.PLACED, now, None
        job.reasons = [reason.text for reason in each.reasons]
        job.lease += 1
        job.predicted_seconds = each.ask.predicted_s
        decisions.append(
            PlacementDecision(
                job=job, run=job.run, lease=job.lease, at=now, centre=job.centre, accelerator=job.accelerator,
                weights=weights.name, parts=dict(each.chosen.parts), reasons=job.reasons,
                runners_up=[_told(other) for other in each.runners_up],
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
    named: dict[tuple[str, str], list[Partition]] = defaultdict(list)
    for partition in Partition.objects.select_related("centre", "accelerator"):
        named[partition.centre.code, partition.accelerator.model].append(partition)
    return {key: min(held, key=lambda each: (-each.cards, each.name)).name for key, held in named.items()}


def _told(scored: Scored) -> dict[str, Any]:
    return {"centre": scored.pool.centre, "model": scored.pool.model, "parts": dict(scored.parts)}


def _tell_waiting(waits: Sequence[Waits]) -> None:
    """Write why not yet on the first jobs that wait, where it has changed."""
    first = {each.ask.uid: [reason.text for reason in each.reasons] for each in waits[:TOLD]}
    changed = [
        job
        for job in Job.objects.filter(pk__in=first, state=JobState.WAITING).only("uid", "reasons")
        if job.reasons != first[job.uid]
    ]
    for job in changed:
        job.reasons = first[job.uid]
    Job.objects.bulk_update(changed, ["reasons"], batch_size=500)

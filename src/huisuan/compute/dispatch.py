"""Placement against the database: what is free now, and the waiting jobs put there."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, Sum

from huisuan.compute import engines
from huisuan.compute.catalogue import PROCESSOR_SLOT
from huisuan.compute.models import Centre, Job, JobState, Tariff
from huisuan.compute.placement import Ask, Placement, Pool, place_all
from huisuan.console import SHANGHAI

AGENT_SILENT = timedelta(seconds=30)  # an agent calls every second or so: this one is gone
AT_ONCE = 500  # waiting jobs looked at in one go
#: What an engine can really run on: a job for Ascend cards would run on a processor and be billed as Ascend.
#: An engine that is not named runs on whatever its centre declares.
RUNS_ON = {"local": frozenset({PROCESSOR_SLOT})}
LOCK = 0x4855_4953_5541_4E01  # one placement at a time: two would give the same cards away twice


def pools(now: datetime) -> list[Pool]:
    """Every pool of cards that the platform's jobs may use, with what is free and today's price."""
    centres = (
        Centre.objects.filter(engine__in=engines.installed())
        .select_related("agent")
        .prefetch_related("partitions__accelerator")
    )
    prices = prices_on(now)
    busy = {
        (centre, accelerator): cards
        for centre, accelerator, cards in Job.objects.filter(state__in=[JobState.PLACED, JobState.RUNNING])
        .values_list("centre__code", "accelerator__model")
        .annotate(held=Sum("cards"))
    }
    found = []
    for centre in centres:
        cards: Counter[str] = Counter()
        for partition in centre.partitions.all():
            if partition.accelerator.model in RUNS_ON.get(centre.engine, {partition.accelerator.model}):
                cards[partition.accelerator.model] += partition.cards
        for model, total in cards.items():
            found.append(
                Pool(
                    centre=centre.code,
                    model=model,
                    cards=total,
                    free=total - busy.get((centre.code, model), 0),
                    fen_per_card_hour=prices.get((centre.code, model)),
                    online=is_online(centre, now),
                )
            )
    return found


def prices_on(now: datetime) -> dict[tuple[str, str], int]:
    """Fen per card-hour by centre code and model, on that day in Shanghai."""
    day = now.astimezone(SHANGHAI).date()
    valid = Tariff.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)
    rows = valid.values_list("centre__code", "accelerator__model", "fen_per_card_hour")
    return {(centre, model): price for centre, model, price in rows}


def is_online(centre: Centre, now: datetime) -> bool:
    """Whether the centre's agent called lately."""
    agent = getattr(centre, "agent", None)
    return agent is not None and agent.last_seen_at > now - AGENT_SILENT


@transaction.atomic
def place_waiting(now: datetime) -> int:
    """Place the waiting jobs that fit, first come, first served; the others learn why not yet. Returns how many."""
    if not Job.objects.filter(state=JobState.SUBMITTED).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    waiting = {
        job.uid: job
        for job in Job.objects.select_for_update(of=("self",))
        .filter(state=JobState.SUBMITTED)
        .select_related("accelerator", "wanted_centre")
        .order_by("submitted_at", "uid")[:AT_ONCE]
    }
    placed = 0
    for ask, placement in place_all([ask_of(job) for job in waiting.values()], pools(now)):
        placed += _note(waiting[ask.uid], placement, now)
    return placed


def ask_of(job: Job) -> Ask:
    """What the job needs."""
    return Ask(
        uid=job.uid,
        cards=job.cards,
        model=job.accelerator.model if job.accelerator else None,
        centre=job.wanted_centre.code if job.wanted_centre else None,
    )


def _note(job: Job, placement: Placement, now: datetime) -> bool:
    """Write down what became of a waiting job, if anything did."""
    reasons = list(placement.reasons)
    if placement.chosen is None:
        if job.reasons != reasons:
            job.reasons = reasons
            job.save(update_fields=["reasons"])
        return False
    chosen = placement.chosen
    centre = Centre.objects.get(code=chosen.centre)
    if job.accelerator is None:
        reasons.append(f"未指定型号，用 {chosen.model}")
        partition = centre.partitions.filter(accelerator__model=chosen.model).select_related("accelerator")[0]
        job.accelerator = partition.accelerator
    job.centre, job.state, job.placed_at, job.reasons = centre, JobState.PLACED, now, reasons
    job.save(update_fields=["accelerator", "centre", "state", "placed_at", "reasons"])
    return True

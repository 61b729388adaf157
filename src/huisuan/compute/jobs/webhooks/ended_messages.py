"""Telling the person who submitted a job that it has ended; of an array once, when the last of it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q

from huisuan.compute.models import EndedArray, Job, JobState
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import person_of_firm

_COUNTED = ("done", "failed", "cancelled", "lost")


def record_ended(jobs: Iterable[Job], now: datetime) -> None:
    """Tell of jobs that end now, in the transaction that ends them; whoever asked for a cancellation knows already.

    Jobs of an array only leave a note: which of them is the last cannot be seen from inside a transaction.
    """
    ended = list(jobs)
    asked_for = {job.pk for job in ended if job.state == JobState.CANCELLED and job.cancel_requested_at}
    notify_all([_notice(job) for job in ended if not job.array_uid and job.pk not in asked_for], now)
    arrays = sorted({job.array_uid for job in ended if job.array_uid})
    EndedArray.objects.bulk_create([EndedArray(array_uid=uid) for uid in arrays])


@transaction.atomic
def tell_ended_arrays(now: datetime) -> int:
    """Tell of arrays of which nothing is left to run; returns how many notes were worked off.

    Every note is deleted: an array that still runs leaves another with its next job.
    """
    notes = dict(EndedArray.objects.select_for_update(skip_locked=True).values_list("pk", "array_uid"))
    if not notes:
        return 0
    counted = {state: Count("pk", filter=Q(state=state)) for state in _COUNTED}
    asked_for = Q(state=JobState.CANCELLED, cancel_requested_at__isnull=False)
    arrays = (
        Job.objects.filter(array_uid__in=set(notes.values()))
        .values("array_uid", "party_id", "submitted_by", "name")
        .annotate(**counted, unended=Count("pk", filter=Q(ended_at__isnull=True)), first=Min("uid"))
        .annotate(not_asked_for=Count("pk", filter=~asked_for))
        .filter(unended=0, not_asked_for__gt=0)
        .order_by("array_uid")
    )
    notify_all(
        [
            Notice(
                "array_ended",
                {"name": array["name"], **_counts(array)},
                (person_of_firm(array["party_id"], array["submitted_by"]),),
                f"array:{array['array_uid']}:ended",
                f"/jobs/{array['first']}",
            )
            for array in arrays
        ],
        now,
    )
    EndedArray.objects.filter(pk__in=notes).delete()
    return len(notes)


def _notice(job: Job) -> Notice:
    to = (person_of_firm(job.party_id, job.submitted_by),)
    return Notice(f"job_{job.state}", {"name": job.name}, to, f"job:{job.uid}:ended", f"/jobs/{job.uid}")


def _counts(array: Mapping[str, Any]) -> dict[str, int]:
    return {state: array[state] for state in _COUNTED}

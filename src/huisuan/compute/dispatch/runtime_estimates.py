"""Predicted runtimes from the database: the peers of the waiting jobs, and the model that was fitted last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from huisuan.compute.models import DurationLine, Job, JobState
from huisuan.compute.placement.prediction import (
    FEATURES_VERSION,
    PEERS_KEPT,
    CompletedJob,
    RidgeModel,
    RuntimeSample,
    fit_completed,
    log2_seconds,
)
from huisuan.compute.placement.types import epoch

FITTED_TO = 20_000  # jobs, those that ended last
FITTED_SINCE = timedelta(days=90)
RUNTIME_KNOWN = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)  # the runtime of a lost job is unknown


class PeerGroup(NamedTuple):
    """Jobs of one user of a party with as many cards: each other's peers."""

    party_id: int
    user: str
    cards: int


# --- the model


def fit_runtime_model(now: datetime) -> DurationLine | None:
    """Fit the model again, if any job has ended since the last fit and there are enough; None: it stays as it is."""
    ended = Job.objects.filter(
        state__in=RUNTIME_KNOWN, started_at__isnull=False, ended_at__gt=now - FITTED_SINCE, ended_at__lte=now
    ).order_by("-ended_at", "uid")
    latest = DurationLine.objects.first()
    last = ended.values_list("ended_at", flat=True).first()
    if last is None or (latest is not None and latest.form == FEATURES_VERSION and last <= latest.fitted_at):
        return None
    rows = ended.values_list("party_id", "submitted_by", "cards", "submitted_at", "started_at", "ended_at")
    model = fit_completed(
        CompletedJob(f"{party} {user}", cards, epoch(came), epoch(began), epoch(over))
        for party, user, cards, came, began, over in rows[:FITTED_TO]
        if began is not None and over is not None
    )
    if model is None:
        return None
    return DurationLine.objects.create(
        fitted_at=now, form=FEATURES_VERSION, jobs=model.jobs, usual=model.usual, slopes=list(model.slopes)
    )


def _latest_model() -> RidgeModel | None:
    latest = DurationLine.objects.first()
    if latest is None or latest.form != FEATURES_VERSION:
        return None
    return RidgeModel(tuple(latest.slopes), latest.usual, latest.jobs)


# --- what waits


def waiting_peer_groups() -> list[PeerGroup]:
    """The peer groups of the jobs that wait for cards."""
    rows = Job.objects.filter(state=JobState.WAITING).order_by()
    return [PeerGroup(*row) for row in rows.values_list("party_id", "submitted_by", "cards").distinct()]


def predict_runtimes(groups: Iterable[PeerGroup], now: datetime) -> dict[PeerGroup, int]:
    """The predicted runtime of a waiting job of each group, in seconds; empty before the first fit."""
    model, wanted = _latest_model(), list(groups)
    if model is None or not wanted:
        return {}
    now_s = epoch(now)
    own, alike = _own(wanted, now), _alike({group.cards for group in wanted}, now)
    return {group: model.predict_s(own[group], alike[group.cards], group.cards, now_s) for group in wanted}


#: of each group the jobs that began last, running or finished, in the order they began; as seconds since 1970, because
#: reading a timestamp takes longer than finding it
SAMPLES = """
SELECT k.key, floor(extract(epoch FROM sample.started_at))::bigint, floor(extract(epoch FROM sample.ended_at))::bigint
FROM {kinds} CROSS JOIN LATERAL (
  SELECT j.started_at, j.ended_at, j.uid FROM compute_job j
  WHERE {same} AND j.started_at IS NOT NULL AND j.started_at <= %s
    AND (j.state = 'running' OR j.state = ANY(%s) AND j.ended_at IS NOT NULL)
  ORDER BY j.started_at DESC LIMIT %s
) sample ORDER BY k.key, sample.started_at, sample.uid
"""
OWN = SAMPLES.format(
    kinds="unnest(%s::bigint[], %s::text[], %s::int[]) WITH ORDINALITY AS k(party, submitted_by, cards, key)",
    same="j.party_id = k.party AND j.submitted_by = k.submitted_by AND j.cards = k.cards",
)
ALIKE = SAMPLES.format(kinds="unnest(%s::int[]) AS k(key)", same="j.cards = k.key")


def _own(groups: Sequence[PeerGroup], now: datetime) -> dict[PeerGroup, list[RuntimeSample]]:
    columns = [list(column) for column in zip(*groups, strict=True)]
    samples = _samples(OWN, columns, now)
    return {group: samples[number] for number, group in enumerate(groups, 1)}


def _alike(sizes: Iterable[int], now: datetime) -> dict[int, list[RuntimeSample]]:
    return _samples(ALIKE, [sorted(sizes)], now)


def _samples(query: str, columns: list[list[int | str]], now: datetime) -> dict[int, list[RuntimeSample]]:
    found: dict[int, list[RuntimeSample]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(query, [*columns, now, list(RUNTIME_KNOWN), PEERS_KEPT])
        for key, began_s, ended_s in cursor.fetchall():
            found[key].append(
                RuntimeSample(began_s, None if ended_s is None else log2_seconds(max(ended_s - began_s, 1)))
            )
    return found

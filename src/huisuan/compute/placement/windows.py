"""Maintenance windows in placement: a job is placed only where its time limit ends before the next window begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from huisuan.compute.placement.types import Needs, PlacementRequest, Pool

#: seconds that a job is given to begin where it was sent; one that has not by then is taken back (maintenance.met_jobs)
BEGINS_WITHIN_S = 180


def is_open_now(request: PlacementRequest, pool: Pool, now_s: int) -> bool:
    """Whether a job that is sent to the pool now keeps out of its windows, however long it may run.

    It may begin at once or after the wait that is usual there.
    """
    return pool.is_open(now_s, now_s + max(pool.wait_s, BEGINS_WITHIN_S) + request.ended_after_s)


def with_open_pools(
    requests: Iterable[PlacementRequest], pools: Sequence[Pool], now_s: int
) -> Iterator[PlacementRequest]:
    """The requests, each knowing the pools that it must keep out of now; equal needs stay one object."""
    with_windows = [pool for pool in pools if pool.shut]
    if not with_windows:
        yield from requests
        return
    shut: dict[int, frozenset[tuple[str, str]]] = {}
    known: dict[tuple[int, frozenset[tuple[str, str]]], tuple[Needs, Needs]] = {}
    for request in requests:
        lasts = request.ended_after_s
        if lasts not in shut:
            shut[lasts] = frozenset(pool.key for pool in with_windows if not is_open_now(request, pool, now_s))
        if not shut[lasts]:
            yield request
            continue
        # by identity: hashing the needs of 100,000 jobs once more would cost more than the rest (the first of each pair
        # keeps the object alive, so that its number is not given to another)
        key = id(request.needs), shut[lasts]
        if key not in known:
            known[key] = request.needs, replace(request.needs, not_now=shut[lasts])
        yield request._replace(needs=known[key][1])

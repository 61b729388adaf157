"""What the prediction of a job's runtime rests on: the runtimes of its peers, in log2-seconds.

A job's peers are the jobs of the same user with as many cards (of any user with as many cards, where the user is new).
Seconds are estimated here, not money, so floats will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from huisuan.compute.placement.priority import log2
from huisuan.compute.placement.types import POINT

PEERS_KEPT = 20  # of a job's peers, those that began last
NEWEST = 3  # of these, used as individual features
FEATURES_VERSION = 1  # raised when the features change, for a model fits only the features that it was fitted to
SIZE = 5 + 3 * NEWEST
Features = tuple[float, ...]


@dataclass(slots=True)
class RuntimeSample:
    """A job that began: when, and how long it ran, in log2-seconds (None: it still runs)."""

    began_s: int
    length: float | None = None


def exp2(length: int) -> int:
    """Seconds from millionths of a log2-second: the inverse of `log2`."""
    whole, part = divmod(length, POINT)
    return (1 << whole) + ((part << whole) // POINT)


def log2_seconds(seconds: int) -> float:
    """A duration in log2-seconds."""
    return log2(seconds + 1) / POINT


def features(
    own: Sequence[RuntimeSample], alike: Sequence[RuntimeSample], cards: int, usual: float, now_s: int
) -> Features:
    """The features of a job, from the user's own peers, or from all with as many cards; both in the order they began.

    `usual`: the length to assume while none of them has ended, in log2-seconds.
    """
    peers = own or alike
    known = _lengths(peers) or _lengths(alike) or [usual]
    mean = sum(known) / len(known)
    values = [1.0, log2(cards) / POINT, mean, max(known), 0.0 if own else 1.0]
    for sample in islice(reversed(peers), NEWEST):
        if sample.length is None:
            values += (1.0, log2_seconds(now_s - sample.began_s), 0.0)
        else:
            values += (0.0, 0.0, sample.length)
    return (*values, *(0.0, 0.0, mean) * (NEWEST - len(peers)))


def _lengths(peers: Sequence[RuntimeSample]) -> list[float]:
    return [length for sample in peers if (length := sample.length) is not None]

"""Job priority: keys, the least first.

Aging is linear, so the keys of two jobs keep their distance as time goes by: a job that waits needs no new key, and one
that has waited `aging_s` x (fair + length + deadline) longer than another comes before it whatever else they are.
"""

from __future__ import annotations

from collections.abc import Callable

from huisuan.compute.placement.types import POINT, PlacementRequest, expected_s
from huisuan.compute.placement.weights import Order

FULL_LENGTH = 20  # log2-seconds: no job counts as longer than 2^20 seconds (12 days)

PriorityKey = Callable[[PlacementRequest, int], int]


def by_arrival(request: PlacementRequest, now_s: int) -> int:
    """First come, first served."""
    del now_s
    return request.submitted_s


def by_length(request: PlacementRequest, now_s: int) -> int:
    """Shortest first, by the expected runtime."""
    del now_s
    return expected_s(request)


def by_weights(order: Order) -> PriorityKey:
    """By length, aging and deadline, as the weights say."""

    length, aging_s = order.length, order.aging_s

    def key(request: PlacementRequest, now_s: int) -> int:
        seconds = expected_s(request)
        points = length * min(log2(seconds) // FULL_LENGTH, POINT) + request.submitted_s * POINT // aging_s
        if request.deadline_s is None:
            return points
        return points - _urgency(max(request.deadline_s - now_s - seconds, 0), order)

    return key


def log2(amount: int) -> int:
    """The binary logarithm of a whole amount, in millionths; linear between powers of two, so exact everywhere."""
    if amount <= 1:
        return 0
    whole = amount.bit_length() - 1
    return whole * POINT + ((amount - (1 << whole)) * POINT >> whole)


def fair_points(use: int, weight: int, total_use: int, total_weight: int, order: Order) -> int:
    """Points by which a tenant comes later the more it used: half of `fair` at its share, never all of it."""
    have, due = use * total_weight, weight * total_use
    return order.fair * POINT * have // (have + due) if have else 0


def _urgency(slack: int, order: Order) -> int:
    """More, the less slack is left before the deadline; all points once there is none."""
    return order.deadline * POINT * max(order.deadline_slack_s - slack, 0) // order.deadline_slack_s

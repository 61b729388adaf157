"""Whose work goes first: keys, less is earlier.

Aging is linear, so the keys of two jobs keep their distance as time goes by: a job that waits needs no new key, and one
that has waited `aging_s` x (fair + length + deadline) longer than another comes before it whatever else they are.
"""

from __future__ import annotations

from collections.abc import Callable

from huisuan.compute.placement.decisions import expected_s
from huisuan.compute.placement.types import POINT, Ask
from huisuan.compute.placement.weights import Order

FULL_LENGTH = 20  # doublings: a job of 2^20 seconds (12 days) is as long as can be

Key = Callable[[Ask, int], int]


def by_arrival(ask: Ask, now_s: int) -> int:
    """First come, first served."""
    del now_s
    return ask.submitted_s


def by_length(ask: Ask, now_s: int) -> int:
    """Shortest first, by what it is thought to run."""
    del now_s
    return expected_s(ask)


def by_weights(order: Order) -> Key:
    """By length, aging and deadline, as the weights say."""

    length, aging_s = order.length, order.aging_s

    def key(ask: Ask, now_s: int) -> int:
        seconds = expected_s(ask)
        points = length * min(doublings(seconds) // FULL_LENGTH, POINT) + ask.submitted_s * POINT // aging_s
        if ask.deadline_s is None:
            return points
        return points - _urgency(max(ask.deadline_s - now_s - seconds, 0), order)

    return key


def doublings(amount: int) -> int:
    """How often 1 must be doubled to reach the amount, in millionths; between two doublings it grows evenly."""
    if amount <= 1:
        return 0
    whole = amount.bit_length() - 1
    return whole * POINT + ((amount - (1 << whole)) * POINT >> whole)


def fair_points(use: int, weight: int, total_use: int, total_weight: int, order: Order) -> int:
    """How far behind a tenant comes that has used more than its share: half of `fair` at its share, never all of it."""
    have, due = use * total_weight, weight * total_use
    return order.fair * POINT * have // (have + due) if have else 0


def _urgency(slack: int, order: Order) -> int:
    """More, the less time is left beyond what the job needs; all of it once there is none."""
    return order.deadline * POINT * max(order.deadline_slack_s - slack, 0) // order.deadline_slack_s

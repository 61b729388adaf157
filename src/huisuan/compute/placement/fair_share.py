"""Fair share: what a tenant used, forgotten by halves."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import isqrt

STEPS = 64  # of a half-life
ONE = 1 << 60


def _fading() -> tuple[int, ...]:
    """What is left of ONE after 0, 1, ... 63 steps; by square roots of integers, so that it is the same everywhere."""
    step = ONE // 2
    for _ in range(STEPS.bit_length() - 1):
        step = isqrt(step * ONE)
    left = [ONE]
    for _ in range(STEPS - 1):
        left.append(left[-1] * step // ONE)
    return tuple(left)


FADING = _fading()


def faded(amount: int, age_s: int, half_life_s: int) -> int:
    """What is left of an amount after a time; nothing is forgotten of what is yet to come."""
    halves, step = divmod(max(age_s, 0) * STEPS // half_life_s, STEPS)
    return amount * FADING[step] // ONE >> halves


def risen(amount: int, age_s: int, half_life_s: int) -> int:
    """An amount as it counts beside older ones that are never touched again: it doubles where they would halve."""
    if age_s <= 0 or not amount:
        return amount
    halves, step = divmod(age_s * STEPS // half_life_s, STEPS)
    return (amount * ONE << halves) // FADING[step]


def decayed(use: Iterable[tuple[int, int, Decimal]], now_s: int, half_life_s: int) -> int:
    """A tenant's use: of (ended, card-seconds, TFLOPS of the card), card-seconds x TFLOPS, each faded by its age."""
    return sum(faded(int(card_seconds * tflops), now_s - ended_s, half_life_s) for ended_s, card_seconds, tflops in use)

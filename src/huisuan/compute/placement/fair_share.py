"""Fair share: the use of a tenant, decayed by a half-life (as in Slurm's multifactor plugin)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import isqrt

_STEPS = 64  # of a half-life
ONE = 1 << 60


def _decay_table() -> tuple[int, ...]:
    """What is left of ONE after 0, 1, ... 63 steps; by square roots of integers, so that it is the same everywhere."""
    step = ONE // 2
    for _ in range(_STEPS.bit_length() - 1):
        step = isqrt(step * ONE)
    left = [ONE]
    for _ in range(_STEPS - 1):
        left.append(left[-1] * step // ONE)
    return tuple(left)


DECAY = _decay_table()


def decay(amount: int, age_s: int, half_life_s: int) -> int:
    """What is left of an amount after a time; an amount of the future is left whole."""
    halves, step = divmod(max(age_s, 0) * _STEPS // half_life_s, _STEPS)
    return amount * DECAY[step] // ONE >> halves


def inverse_decay(amount: int, age_s: int, half_life_s: int) -> int:
    """The inverse of `decay`: instead of halving all older amounts, a newer one counts double."""
    if age_s <= 0 or not amount:
        return amount
    halves, step = divmod(age_s * _STEPS // half_life_s, _STEPS)
    return (amount * ONE << halves) // DECAY[step]


def decayed_use(use: Iterable[tuple[int, int, Decimal]], now_s: int, half_life_s: int) -> int:
    """A tenant's use: of (ended, card-seconds, TFLOPS of the card), card-seconds x TFLOPS, each decayed by its age."""
    return sum(decay(int(card_seconds * tflops), now_s - ended_s, half_life_s) for ended_s, card_seconds, tflops in use)

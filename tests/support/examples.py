"""How many examples of a property are tried, where its own cost says a number."""

from __future__ import annotations

from hypothesis import settings

_HOUSE = 30  # what the profile of the usual run tries of a property that names no number: see conftest.py


def examples(usual: int) -> int:
    """So many in the usual run; half of them in a quick one, sixty times as many in a deep one."""
    return max(2, usual * settings().max_examples // _HOUSE)

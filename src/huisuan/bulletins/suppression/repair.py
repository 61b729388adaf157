"""What is done where the audit finds that a chosen pattern does not hold: more is hidden until it does.

The choice and the audit share nothing but the solver, so one may be wrong where the other is not; whoever issues is not
to suffer for it. What is added is not the least that would do, and the next look at the pattern by the audit decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from huisuan.bulletins.suppression.audit import find_breaches
from huisuan.bulletins.suppression.linked_cells import LinkedCells
from huisuan.bulletins.suppression.sensitive_cells import ProtectedInterval


def repair_pattern(
    system: LinkedCells, hidden: Collection[int], free: Collection[int], protected: Mapping[int, ProtectedInterval]
) -> set[int] | None:
    """The pattern, with as many of the `free` cells more as the audit asks for; None: not even all of them do.

    First what stands in one sum with a cell that is recovered, then everything.
    """
    chosen, left = set(hidden), set(free) - set(hidden)
    while breaches := find_breaches(system, chosen, protected):
        breached = {one.cell for one in breaches}
        beside = {cell for one in system.sums for cell in {one.whole, *one.parts} if breached & {one.whole, *one.parts}}
        more = (beside & left) or left
        if not more:
            return None
        chosen |= more
        left -= more
    return chosen

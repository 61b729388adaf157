"""The attack run by whoever knows the true values: does every protected cell keep its interval before every reader?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from huisuan.bulletins.suppression.attack import Interval, Reader
from huisuan.bulletins.suppression.contributors import OUTSIDER, InsideReader, list_inside_readers
from huisuan.bulletins.suppression.linked_cells import LinkedCells
from huisuan.bulletins.suppression.sensitive_cells import ProtectedInterval
from huisuan.bulletins.suppression.too_near import Breach, find_readers_too_near


def find_breaches(
    system: LinkedCells, hidden: Collection[int], protected: Mapping[int, ProtectedInterval]
) -> list[Breach]:
    """Every protected cell that does not keep its interval before the outsider or a contributor."""
    if not hidden:
        return [Breach(cell, "", Interval(system.values[cell], system.values[cell])) for cell in protected]
    open_cells = {at: value for at, value in enumerate(system.values) if at not in hidden}
    bare = [Breach(at, "", Interval(system.values[at], system.values[at])) for at in protected if at in open_cells]
    kept = {cell: interval for cell, interval in protected.items() if cell in hidden}
    readers = list_inside_readers(system, hidden)
    doubtful = _not_kept_from_all(readers, system, open_cells, hidden, kept)
    if not doubtful:
        return bare
    return [*bare, *find_readers_too_near([OUTSIDER, *readers], system, open_cells, hidden, doubtful)]


def _not_kept_from_all(
    readers: Sequence[InsideReader], system: LinkedCells, published: Mapping[int, int], hidden: Collection[int],
    protected: Mapping[int, ProtectedInterval],
) -> dict[int, ProtectedInterval]:  # fmt: skip
    """The cells that do not keep their intervals before somebody who knows what all contributors know together.

    All others keep theirs before each of them, who knows less, and need not be asked about reader by reader. Of the
    cell asked about itself nothing is known: where somebody knows a part of it, all that lies between its value and
    how far it reaches here can be, and to whoever is alone in it it is no secret.
    """
    floors: dict[int, int] = {}
    own: dict[int, int] = {}
    for reader in readers:
        own |= reader.own
        for cell, value in reader.floors.items():
            floors[cell] = max(value, floors.get(cell, 0))
    attacker = Reader(system.sums, published, hidden, floors, own)
    left = {}
    for cell, needed in protected.items():
        value = system.values[cell]
        found = attacker.interval_if_open(cell)
        if found.least > value - needed.below or (found.most is not None and found.most < value + needed.above):
            left[cell] = needed
    return left

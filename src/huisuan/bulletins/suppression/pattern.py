"""The pattern of a bulletin: which cells are hidden, chosen over all linked tables and all that is out already."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from huisuan.bulletins.suppression.audit import find_breaches
from huisuan.bulletins.suppression.components import split_components
from huisuan.bulletins.suppression.deviations import Deviations
from huisuan.bulletins.suppression.linked_cells import CellKey, LinkedCells
from huisuan.bulletins.suppression.optimum import Chosen, OptimalChoice
from huisuan.bulletins.suppression.repair import repair_pattern
from huisuan.bulletins.suppression.sensitive_cells import DisclosureRules, ProtectedInterval, find_protection
from huisuan.bulletins.suppression.sequential import SequentialChoice
from huisuan.bulletins.suppression.shortfalls import ShortfallSearch


@dataclass(frozen=True)
class SuppressionPattern:
    """What is not published. `at_least`: no pattern costs less; `left_out`: levels of which nothing is published.

    `given_away` are protected cells that earlier publications give away whatever is hidden now.
    """

    hidden: frozenset[CellKey]
    protected: Mapping[CellKey, ProtectedInterval]
    cost: float = 0
    at_least: float = 0
    left_out: frozenset[int] = frozenset()
    given_away: frozenset[CellKey] = frozenset()


def choose_pattern(
    system: LinkedCells, rules: DisclosureRules, *, published: Iterable[CellKey] = (),
    hidden: Iterable[CellKey] = (), seconds: float = 10.0,
) -> SuppressionPattern:  # fmt: skip
    """The cells to hide. `published` and `hidden` are those of earlier bulletins, which stay so; `seconds`, of
    processor time: that of looking for a cheaper one. Every pattern passed the audit, whatever the choice believed.
    """
    out, kept = frozenset(published), frozenset(hidden)
    left_out: frozenset[int] = frozenset()
    parts = split_components(system)
    levels = sorted({cell.level for cell in system.cells} - {0}, reverse=True)
    while True:
        last = not levels
        found = [_Component(one, rules, out, kept, left_out).choose(seconds / len(parts), last) for one in parts]
        if all(one is not None for one in found):
            break
        left_out |= {levels.pop(0)}
    whole = [one for one in found if one is not None]
    return SuppressionPattern(
        frozenset().union(*(one.hidden for one in whole)),
        {key: needed for one in whole for key, needed in one.protected.items()},
        sum(one.cost for one in whole), sum(one.at_least for one in whole), left_out,
        frozenset().union(*(one.given_away for one in whole)),
    )  # fmt: skip


class _Component:
    """One system of cells that hang together."""

    def __init__(
        self, system: LinkedCells, rules: DisclosureRules, published: frozenset[CellKey], hidden: frozenset[CellKey],
        left_out: frozenset[int],
    ) -> None:  # fmt: skip
        self._system = system
        needs = {at: find_protection(cell, rules) for at, cell in enumerate(system.cells)}
        needed = {at: one for at, one in needs.items() if one is not None}
        self._bare = {at for at in needed if system.keys[at] in published}
        self._protected = {at: one for at, one in needed.items() if at not in self._bare}
        self._open = {at for at, key in enumerate(system.keys) if key in published}
        self._forced = {
            at for at, cell in enumerate(system.cells)
            if at not in self._open and (at in self._protected or cell.key in hidden or cell.level in left_out)
        }  # fmt: skip
        self._free = {
            at for at, cell in enumerate(system.cells)
            if at not in self._forced | self._open and cell.value > 0 and not cell.stays
        }  # fmt: skip

    def choose(self, seconds: float, last: bool) -> SuppressionPattern | None:
        """None: it cannot be done with this level; `last`: then what is given away is named and left."""
        gone = self._gone()
        protected = {at: one for at, one in self._protected.items() if at not in gone}
        given_away: set[int] = set(self._bare) | gone
        while True:
            chosen = self._solve(protected, seconds)
            hidden = repair_pattern(self._system, chosen[0], self._free, protected) if chosen else None
            if chosen and hidden is not None:
                break
            if not last:
                return None
            given_away |= self._lost(protected)
            protected = {at: one for at, one in protected.items() if at not in given_away}
        keys, cost = self._system.keys, float(sum(self._system.cells[at].weight for at in hidden & self._free))
        return SuppressionPattern(
            frozenset(keys[at] for at in hidden), {keys[at]: one for at, one in protected.items()},
            cost, min(cost, chosen[1].at_least), given_away=frozenset(keys[at] for at in given_away),
        )  # fmt: skip

    def _solve(self, protected: dict[int, ProtectedInterval], seconds: float) -> tuple[set[int], Chosen] | None:
        began = time.thread_time()
        movable = sorted(self._forced | self._free)
        if not protected:
            return self._forced, Chosen(np.ones(len(self._forced), bool), 0, 0)
        deviations = Deviations(self._system, movable, protected)
        search = ShortfallSearch(self._system, deviations)
        forced, free = (np.isin(movable, sorted(one)) for one in (self._forced, self._free))
        weights = np.array([self._system.cells[at].weight for at in movable], float)
        sequential = SequentialChoice(deviations, search, weights)
        first = sequential.complete(forced, free)
        if first is None:
            return None
        first = sequential.open_idle(first, free)
        choice = OptimalChoice(deviations.rows, search, sequential, weights, forced, free)
        chosen = choice.improve(first, max(seconds / 4, seconds - (time.thread_time() - began)))
        return {movable[at] for at in np.flatnonzero(chosen.hidden)}, chosen

    def _gone(self) -> set[int]:
        """Cells of others (`stays`) that what is out gives away though nothing more were published: no level left out
        saves them, so none is left out for them.
        """
        theirs = {at: one for at, one in self._protected.items() if self._system.cells[at].stays}
        if not self._open or not theirs:
            return set()
        hidden = set(range(len(self._system.cells))) - self._open
        return {one.cell for one in find_breaches(self._system, hidden, theirs)}

    def _lost(self, protected: dict[int, ProtectedInterval]) -> set[int]:
        """The protected cells that do not keep their interval though everything that may be is hidden."""
        breaches = find_breaches(self._system, self._forced | self._free, protected)
        return {one.cell for one in breaches} or set(protected)

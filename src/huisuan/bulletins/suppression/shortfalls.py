"""What a pattern lacks: every protected cell, both ways, before the outsider and every contributor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from huisuan.bulletins.suppression.contributors import OUTSIDER, InsideReader, list_inside_readers
from huisuan.bulletins.suppression.deviations import NEAR, Deviations, Need, Shortfall
from huisuan.bulletins.suppression.linked_cells import LinkedCells
from huisuan.bulletins.suppression.solver import Numbers
from huisuan.bulletins.suppression.witnesses import Witnesses

_HALF = 0.5
#: nobody: who would know what all contributors know at once, but for cells that are one contributor's alone
EVERY_FLOOR = InsideReader("*")


class ShortfallSearch:
    """Looks for needs that are not met; most readers need no program of their own.

    Whoever is nowhere alone is covered by a cautious reader who knows all their floors at once. Points that showed a
    need to be met are kept: they show it of other readers and of later patterns, too.
    """

    def __init__(self, system: LinkedCells, deviations: Deviations) -> None:
        """All contributors to cells that could be hidden are readers."""
        self._deviations = deviations
        readers = [OUTSIDER, *list_inside_readers(system, deviations.movable)]
        self._bounds = {reader.name: deviations.bounds(reader) for reader in readers}
        self._bounds[EVERY_FLOOR.name] = self._knows_every_floor(readers)
        self._needs: dict[tuple[int, int], list[Need]] = {}
        for need in chain.from_iterable(deviations.needs(reader) for reader in readers):
            self._needs.setdefault((need.column, need.sign), []).append(need)
        self._cautious = {
            at: Need(*at, max(need.reach for need in needs if not need.reader.own), EVERY_FLOOR)
            for at, needs in self._needs.items()
        }
        self._own = {
            reader.name: [deviations.column[cell] for cell in reader.own if cell in deviations.column]
            for reader in readers
        }
        self._alone = np.zeros(len(deviations.movable))
        self._alone[[column for own in self._own.values() for column in own]] = 1.0
        self._none = np.zeros(len(deviations.movable))
        self._points = {at: Witnesses(len(deviations.movable)) for at in self._needs}
        self._of_some = {at: Witnesses(len(deviations.movable)) for at in self._needs}  # points for some readers only
        self._of_one: dict[tuple[int, int, str], Witnesses] = {}  # points for one reader who is alone somewhere
        self._row = {reader.name: row for row, reader in enumerate(readers)}
        self._lows = np.array([self._bounds[reader.name][0] for reader in readers])

    def _knows_every_floor(self, readers: list[InsideReader]) -> tuple[Numbers, Numbers]:
        """The floors of those who are somewhere alone are among them: a point that stands still where they are alone
        stands for them only if it keeps their floors elsewhere, too."""
        floors: dict[int, int] = {}
        for reader in readers:
            for cell, value in reader.floors.items():
                floors[cell] = max(value, floors.get(cell, 0))
        return self._deviations.bounds(InsideReader("*", floors))

    def bounds(self, need: Need) -> tuple[Numbers, Numbers]:
        """How far each cell can move for the reader of a need."""
        return self._bounds[need.reader.name]

    def first(self, hidden: Numbers, cautious: bool = False) -> Shortfall | None:
        """Any need that is not met; what failed last is asked first. `cautious`: before all floors at once, sooner."""
        for at in list(self._needs):
            if (found := self._of_cell(at, hidden, cautious)) is not None:
                self._needs = {at: self._needs[at], **self._needs}
                return found
        return None

    def all(self, hidden: Numbers) -> Iterator[Shortfall]:
        """Of each protected cell and way, the first reader who comes too near."""
        for at in list(self._needs):
            if (found := self._of_cell(at, hidden)) is not None:
                yield found

    def _of_cell(self, at: tuple[int, int], hidden: Numbers, cautious: bool = False) -> Shortfall | None:
        needs, points = self._needs[at], self._points[at]
        points.keep_for(hidden > _HALF)
        if not points.count:
            need = self._cautious[at]
            quiet = self._deviations.quiet_point(need, hidden, *self.bounds(need), self._alone)
            if quiet is not None:
                points.add(quiet)
            elif cautious:
                return Shortfall(need, np.zeros(0))
            elif (short := self._before_those_with_others(at, hidden)) is not None:
                return short
        return self._before_those_alone([need for need in needs if need.reader.own], points, hidden)

    def _before_those_with_others(self, at: tuple[int, int], hidden: Numbers) -> Shortfall | None:
        left = sorted((need for need in self._needs[at] if not need.reader.own), key=lambda need: -need.reach)
        known = self._of_some[at]
        known.keep_for(hidden > _HALF)
        for point in known:
            left = self._not_shown(left, point)
        safe = self._bounds[EVERY_FLOOR.name][0]
        while left:
            found: Shortfall | Numbers | None = self._deviations.quiet_point(
                left[0], hidden, *self.bounds(left[0]), self._none, safe
            )
            if found is None:
                found = self.ask(left[0], hidden)
            if isinstance(found, Shortfall):
                return found
            known.add(found)
            left = self._not_shown(left[1:], found)
        return None

    def _not_shown(self, needs: list[Need], point: Numbers) -> list[Need]:
        """Those needs that a point does not show to be met: it goes below what the reader knows."""
        if not needs:
            return needs
        still = np.abs(point) <= NEAR  # a cell that does not move tells nobody anything
        lows = self._lows[[self._row[need.reader.name] for need in needs]]
        far = np.array([need.reach for need in needs]) <= abs(point[needs[0].column]) * (1 + NEAR)
        fits: list[bool] = (far & np.all(still | (point >= lows - NEAR), axis=1)).tolist()
        return [need for need, fit in zip(needs, fits, strict=True) if not fit]

    def _before_those_alone(self, needs: list[Need], points: Witnesses, hidden: Numbers) -> Shortfall | None:
        for need in needs:
            own = self._own[need.reader.name]
            if points.stand_still_at(own):
                continue
            low, high = (bound.copy() for bound in self._bounds[EVERY_FLOOR.name])
            mine = self._of_one.setdefault((need.column, need.sign, need.reader.name), Witnesses(len(low)))
            mine.keep_for(hidden > _HALF)
            if mine.count:
                continue
            low[own] = high[own] = 0.0
            quiet = self._deviations.quiet_point(need, hidden, low, high, self._alone)
            if quiet is not None:
                points.add(quiet)
                continue
            found = self.ask(need, hidden)
            if isinstance(found, Shortfall):
                return found
            mine.add(found)
        return None

    def ask(self, need: Need, hidden: Numbers) -> Shortfall | Numbers:
        """What the pattern lacks for one need, or a point that shows that it is met."""
        return self._deviations.shortfall(need, hidden, *self.bounds(need))

    def of_outsider(self, hidden: Numbers) -> Iterator[Shortfall]:
        """What the outsider finds; `hidden` may be fractions."""
        for needs in self._needs.values():
            for need in needs:
                if need.reader is OUTSIDER:
                    found = self.ask(need, hidden)
                    if isinstance(found, Shortfall):
                        yield found

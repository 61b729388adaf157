"""Whom the cells are protected from: an outsider, and every contributor, who knows what is its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from huisuan.bulletins.suppression.linked_cells import LinkedCells


@dataclass(frozen=True)
class InsideReader:
    """A reader: `floors` are its contributions by cell, `own` the cells in which nobody else is. Empty: an outsider."""

    name: str = ""
    floors: dict[int, int] = field(default_factory=dict)
    own: dict[int, int] = field(default_factory=dict)

    def known_of(self, cell: int) -> int:
        """How much of a cell is its own."""
        return self.own.get(cell, self.floors.get(cell, 0))


OUTSIDER = InsideReader()


def list_inside_readers(system: LinkedCells, hidden: Iterable[int]) -> list[InsideReader]:
    """Every contributor to a hidden cell with what it knows, by name."""
    floors: dict[str, dict[int, int]] = defaultdict(dict)
    own: dict[str, dict[int, int]] = defaultdict(dict)
    for cell in hidden:
        given = {name: value for name, value in system.cells[cell].contributions.items() if value > 0}
        for name, value in given.items():
            (own if len(given) == 1 else floors)[name][cell] = value
    return [InsideReader(name, floors.get(name, {}), own.get(name, {})) for name in sorted({*floors, *own})]

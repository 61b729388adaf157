"""Cells that no sum links fall apart into systems of their own, each solved in its own scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from huisuan.bulletins.suppression.linked_cells import LinkedCells, SourceCell


def split_components(system: LinkedCells) -> list[LinkedCells]:
    """The systems, in the order of their first cells."""
    head = list(range(len(system.cells)))

    def find(cell: int) -> int:
        while head[cell] != cell:
            head[cell] = head[head[cell]]
            cell = head[cell]
        return cell

    for one in system.sums:
        for part in one.parts:
            head[find(part)] = find(one.whole)
    groups: dict[int, list[SourceCell]] = defaultdict(list)
    for at, cell in enumerate(system.cells):
        groups[find(at)].append(cell)
    return [_system(cells, system) for cells in groups.values()]


def _system(cells: Sequence[SourceCell], system: LinkedCells) -> LinkedCells:
    keys = {cell.key for cell in cells}
    return LinkedCells(cells, system.breakdowns, [pair for pair in system.same if pair[0] in keys])

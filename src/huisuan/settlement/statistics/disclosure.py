"""When a sum may be published: enough parties in it, and none that is nearly all of it. Pure.

A cell that may not stand alone is merged with others into one "others", together with the smallest that could stand if
that is still not enough. Nothing is left out, so nobody finds a merged cell by taking the others from a total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEAST_PARTIES = 3
LARGEST_SHARE = (4, 5)  # of a cell's card-seconds, one party's at most
OTHERS = "others"


@dataclass(frozen=True)
class StatisticsCell:
    """One sum: how many parties with use, their card-seconds, those of the largest, and their spend in fen."""

    parties: int
    card_seconds: int
    largest: int
    spend_fen: int

    @property
    def is_safe(self) -> bool:
        """Whether it may be published."""
        part, whole = LARGEST_SHARE
        return self.parties >= LEAST_PARTIES and self.largest * whole <= self.card_seconds * part

    def with_cell(self, other: StatisticsCell) -> StatisticsCell:
        """Both as one; no party is in both."""
        return StatisticsCell(
            self.parties + other.parties, self.card_seconds + other.card_seconds, max(self.largest, other.largest),
            self.spend_fen + other.spend_fen,
        )  # fmt: skip


def merge_unsafe_cells(cells: Mapping[str, StatisticsCell]) -> dict[str, StatisticsCell]:
    """The cells as they may be published, `OTHERS` among them where some had to be merged; none if nothing may be."""
    kept = {name: cell for name, cell in cells.items() if cell.is_safe}
    unsafe = [cell for name, cell in cells.items() if name not in kept]
    if not unsafe:
        return kept
    others = unsafe[0]
    for cell in unsafe[1:]:
        others = others.with_cell(cell)
    while not others.is_safe and kept:
        smallest = min(kept, key=lambda name: (kept[name].card_seconds, name))
        others = others.with_cell(kept.pop(smallest))
    return {**kept, OTHERS: others} if others.is_safe else {}

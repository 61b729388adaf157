"""When a sum may be published: enough parties in it, and none that is nearly all of it. Pure.

A cell that may not stand alone is merged with others into one "others", together with the smallest that could stand if
that is still not enough. Nothing is left out, so nobody finds a merged cell by taking the others from a total.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

LEAST_PARTIES = 3
LARGEST_SHARE = (4, 5)  # of a cell's card-seconds, and of its spend, one party's at most
OTHERS = "others"


@dataclass(frozen=True)
class StatisticsCell:
    """One sum: the parties with use, their card-seconds and spend (fen), each with the largest party's; who pays.

    `payers` are the parties whose spend is not zero: use at no price hides nobody's spend.
    """

    parties: int
    card_seconds: int
    largest: int
    spend_fen: int
    payers: int
    largest_fen: int

    @property
    def is_safe(self) -> bool:
        """Whether it may be published: the use, and the spend, which may be of others than those who use most.

        A spend of nothing tells no more than the tariffs do.
        """
        use = self.parties >= LEAST_PARTIES and _none_dominates(self.largest, self.card_seconds)
        paid = self.payers >= LEAST_PARTIES and _none_dominates(self.largest_fen, self.spend_fen)
        return use and (paid or self.spend_fen == 0)

    def with_cell(self, other: StatisticsCell) -> StatisticsCell:
        """Both as one; no party is in both."""
        return StatisticsCell(
            self.parties + other.parties, self.card_seconds + other.card_seconds, max(self.largest, other.largest),
            self.spend_fen + other.spend_fen, self.payers + other.payers, max(self.largest_fen, other.largest_fen),
        )  # fmt: skip


def _none_dominates(largest: int, total: int) -> bool:
    part, whole = LARGEST_SHARE
    return largest * whole <= total * part


def merge_unsafe_cells(cells: Mapping[str, StatisticsCell], never: Collection[str] = ()) -> dict[str, StatisticsCell]:
    """The cells as they may be published, `OTHERS` among them where some had to be merged; none if nothing may be.

    What is named in `never` does not stand alone either.
    """
    kept = {name: cell for name, cell in cells.items() if cell.is_safe and name not in never}
    unsafe = [cell for name, cell in cells.items() if name not in kept]
    if not unsafe:
        return kept
    others = unsafe.pop()
    alone = not unsafe and others.is_safe  # one that may not stand alone would, by another name
    for cell in unsafe:
        others = others.with_cell(cell)
    while (alone or not others.is_safe) and kept:
        smallest = min(kept, key=lambda name: (kept[name].card_seconds, name))
        others, alone = others.with_cell(kept.pop(smallest)), False
    return {**kept, OTHERS: others} if others.is_safe and not alone else {}

"""Tables of money by region and kind, with their margins, drawn from a seed: what bulletins publish, made up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from huisuan.bulletins.suppression.linked_cells import Breakdown, CellKey, SourceCell

Inner = Mapping[tuple[str, str], Mapping[str, int]]


def draw_inner(
    draw: random.Random, regions: Sequence[str], kinds: Sequence[str], firms: Sequence[str], sizes: Sequence[int]
) -> dict[tuple[str, str], dict[str, int]]:
    """Of each region and kind who got how much: as many firms as one of `sizes`, amounts far apart."""
    return {
        (region, kind): {
            firm: 1 + int(draw.lognormvariate(9, 1.2))
            for firm in draw.sample(firms, min(draw.choice(sizes), len(firms)))
        }
        for region in regions
        for kind in kinds
    }


def add_up(*tables: Inner) -> dict[tuple[str, str], dict[str, int]]:
    """The table of a longer period."""
    return {at: dict(sum((Counter(dict(table[at])) for table in tables), Counter())) for at in tables[0]}


def with_margins(
    measure: str, period: str, inner: Inner, regions: Sequence[str], kinds: Sequence[str]
) -> list[SourceCell]:
    """All cells of a table, the sums over regions, kinds and both among them."""
    cells = []
    for region in [*regions, "all"]:
        for kind in [*kinds, "all"]:
            amounts: Counter[str] = Counter()
            for (one, other), value in inner.items():
                if region in (one, "all") and kind in (other, "all"):
                    amounts.update(value)
            level = (region != "all") + (kind != "all")
            cells.append(SourceCell((measure, period, region, kind), dict(amounts), level))
    return cells


def margins(regions: Sequence[str], kinds: Sequence[str]) -> list[Breakdown]:
    """What adds up in such a table."""
    return [Breakdown(2, "all", tuple(regions)), Breakdown(3, "all", tuple(kinds))]


HALF_YEAR = Breakdown(1, "H1", ("Q1", "Q2"))


def of_period(cells: Sequence[SourceCell], period: str) -> list[CellKey]:
    """The keys of one period's table."""
    return [cell.key for cell in cells if cell.key[1] == period]

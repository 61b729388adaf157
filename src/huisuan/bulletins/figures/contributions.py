"""Who brought what: contributions by measure, quarter, place and kind, and cells of any period added up of them. Pure.

Once a quarter is published its contributions are kept (never served), so that what is published later of a half-year is
the sum of what was published of its quarters, whatever was booked or corrected meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from huisuan.bulletins.figures.periods import list_quarters
from huisuan.bulletins.suppression.linked_cells import SourceCell
from huisuan.compute.metering.audit.folder import canonical

WHOLE_MEMBER = "all"
FIGURES_FORMAT = "huisuan-figures-1"  # of a snapshot of money, use or scenarios
#: what it costs to hide the total, a sum by place or kind, a cell: readers look for the first most
_WEIGHTS = (50, 5, 1)
CellPlace = tuple[str, str]  # region and kind
Contributions = Mapping[CellPlace, Mapping[str, int]]


@dataclass(frozen=True)
class Piece:
    """What one contributor brought in a quarter, in whole units of the measure."""

    measure: str
    quarter: str
    region: str
    kind: str
    whose: str
    value: int


@dataclass
class KeptContributions:
    """Contributions by measure and quarter; a quarter that is there without any had none."""

    found: dict[tuple[str, str], dict[CellPlace, dict[str, int]]] = field(default_factory=dict)

    @classmethod
    def of_pieces(cls, pieces: Iterable[Piece], measures: Iterable[str], quarters: Iterable[str]) -> KeptContributions:
        """Pieces added up, of these measures and quarters."""
        made = cls({(measure, quarter): {} for measure in measures for quarter in quarters})
        sums: dict[tuple[str, str, CellPlace, str], int] = defaultdict(int)
        for one in pieces:
            sums[one.measure, one.quarter, (one.region, one.kind), one.whose] += one.value
        for (measure, quarter, place, whose), value in sums.items():
            if (measure, quarter) in made.found and value:
                made.found[measure, quarter].setdefault(place, {})[whose] = value
        return made

    def with_kept(self, kept: KeptContributions) -> KeptContributions:
        """What was kept takes the place of what the facts say today."""
        return KeptContributions({**self.found, **kept.found})

    def covers(self, measure: str, period: str) -> bool:
        """Whether every quarter of a period is there."""
        return all((measure, quarter) in self.found for quarter in list_quarters(period))

    def to_text(self) -> str:
        """As it is kept: canonical JSON."""
        return canonical(
            [
                [measure, quarter, [[*place, dict(sorted(each.items()))] for place, each in sorted(places.items())]]
                for (measure, quarter), places in sorted(self.found.items())
            ]
        )

    @classmethod
    def from_text(cls, text: str) -> KeptContributions:
        """The inverse of `to_text`; of no text there are none."""
        rows = json.loads(text or "[]")
        return cls(
            {
                (measure, quarter): {(region, kind): each for region, kind, each in places}
                for measure, quarter, places in rows
            }
        )

    def list_cells(self, measure: str, period: str, regions: Iterable[str], kinds: Iterable[str]) -> list[SourceCell]:
        """Every cell of a measure in a period with its margins."""
        regions, kinds = list(regions), list(kinds)
        sums: dict[CellPlace, Counter[str]] = defaultdict(Counter)
        for quarter in list_quarters(period):
            for (region, kind), each in self.found.get((measure, quarter), {}).items():
                for place in (
                    (region, kind),
                    (region, WHOLE_MEMBER),
                    (WHOLE_MEMBER, kind),
                    (WHOLE_MEMBER, WHOLE_MEMBER),
                ):
                    sums[place].update(each)
        return [
            SourceCell((measure, period, region, kind), dict(sums[region, kind]), level, _WEIGHTS[level])
            for region in [*regions, WHOLE_MEMBER] for kind in [*kinds, WHOLE_MEMBER]
            for level in [(region != WHOLE_MEMBER) + (kind != WHOLE_MEMBER)]
        ]  # fmt: skip

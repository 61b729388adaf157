"""What bulletins said before they were corrected: it stays known, as cells of their own beside the present ones. Pure.

A reader who has both versions knows which cells a correction changed (its data file names them), so all others are
equal in both, published or not. Each version has a measure of its own name, to which all sums apply likewise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from huisuan.bulletins.figures.contributions import KeptContributions
from huisuan.bulletins.figures.periods import close_periods, list_quarters
from huisuan.bulletins.suppression.linked_cells import Breakdown, CellKey, SameCells, SourceCell


@dataclass(frozen=True)
class CellsBeside:
    """Cells that no bulletin publishes, of which readers know `published`: what is hidden is chosen in their sight."""

    quarters: frozenset[str]
    cells: tuple[SourceCell, ...]
    published: frozenset[CellKey]
    same: tuple[SameCells, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()


@dataclass(frozen=True)
class FormerVersion:
    """An issue that was corrected: its number in the database, its period, what it said and who was behind that."""

    number: int
    period: str
    said: Mapping[CellKey, int | None]
    kept: KeptContributions


@dataclass
class _Known:
    """Every version of a cell met so far."""

    versions: dict[CellKey, list[SourceCell]] = field(default_factory=lambda: defaultdict(list))

    def equal_to(self, place: CellKey, cell: SourceCell) -> CellKey | None:
        return next((one.key for one in self.versions[place] if one.contributions == cell.contributions), None)


def list_former_cells(
    versions: Iterable[FormerVersion], kept: KeptContributions, kinds: Mapping[str, Sequence[str]],
    regions: Sequence[str],
) -> list[CellsBeside]:  # fmt: skip
    """The cells of former versions, of measures by name with their `kinds`; `kept` is what stands now."""
    known, found = _Known(), []
    for version in sorted(versions, key=lambda one: one.number):
        for measure in sorted({key[0] for key in version.said} & set(kinds)):
            cells, same = [], []
            for period in close_periods({version.period}):
                if not version.kept.covers(measure, period):
                    continue
                present = kept.list_cells(measure, period, regions, kinds[measure])
                former = version.kept.list_cells(measure, period, regions, kinds[measure])
                for standing, earlier in zip(present, former, strict=True):
                    place = standing.key
                    own = replace(earlier, key=(f"{measure}@{version.number}", *place[1:]))
                    if not known.versions[place]:
                        known.versions[place].append(standing)
                    if (equal := known.equal_to(place, own)) is not None:
                        same.append((own.key, equal))
                    known.versions[place].append(own)
                    cells.append(own)
            said = frozenset(cell.key for cell in cells if version.said.get((measure, *cell.key[1:])) is not None)
            found.append(CellsBeside(frozenset(list_quarters(version.period)), tuple(cells), said, tuple(same)))
    return found


def changed_cells(
    version: FormerVersion, kept: KeptContributions, kinds: Mapping[str, Sequence[str]], regions: Sequence[str]
) -> list[CellKey]:
    """The cells of a version that a correction changes: those of which anything behind them is another."""
    return [
        earlier.key for measure, own in sorted(kinds.items())
        for standing, earlier in zip(
            kept.list_cells(measure, version.period, regions, own),
            version.kept.list_cells(measure, version.period, regions, own), strict=True,
        )
        if earlier.key in version.said and standing.contributions != earlier.contributions
    ]  # fmt: skip

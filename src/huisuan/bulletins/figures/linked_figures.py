"""Which cells a bulletin of figures publishes, chosen with all that is out already of the same measures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from huisuan.base.errors import Conflict
from huisuan.bulletins.figures.contributions import WHOLE_MEMBER, KeptContributions
from huisuan.bulletins.figures.former_versions import CellsBeside
from huisuan.bulletins.figures.periods import close_periods, list_quarters, parts_of_period, period_breakdowns
from huisuan.bulletins.suppression.bulletin_data import BulletinCells, publish_cells
from huisuan.bulletins.suppression.linked_cells import Breakdown, CellKey, LinkedCells
from huisuan.bulletins.suppression.pattern import SuppressionPattern, choose_pattern
from huisuan.bulletins.suppression.sensitive_cells import DisclosureRules

_REGION, _KIND = 2, 3  # dimensions of a key


@dataclass(frozen=True)
class PublishedMeasure:
    """A measure of a bulletin; of `only` kinds where that is given, the others and the sum of all left to others."""

    name: str
    kinds: tuple[str, ...]
    only: tuple[str, ...] = ()

    @property
    def published_kinds(self) -> tuple[str, ...]:
        """Kinds of which the bulletin has cells."""
        return self.only or (*self.kinds, WHOLE_MEMBER)


@dataclass(frozen=True)
class FiguresChoice:
    """What is published, and by which pattern."""

    cells: BulletinCells
    pattern: SuppressionPattern


def choose_figures(
    kept: KeptContributions, measures: Sequence[PublishedMeasure], period: str, regions: Sequence[str],
    out: Iterable[BulletinCells], rules: DisclosureRules, seconds: float = 5.0, beside: Iterable[CellsBeside] = (),
) -> FiguresChoice:  # fmt: skip
    """The cells of a bulletin; `out` is what stands of other bulletins of these measures, and of what this corrects.

    Periods of which nothing is out are there as unknown: whoever subtracts a quarter from its half-year has the other.
    `beside`: former versions and public statistics, as far as they are of these quarters.

    Raises:
        Conflict: what is out says other values than the contributions that were kept.
    """
    values: dict[CellKey, int | None] = {}
    for one in out:
        values |= {key: value for key, value in one.values.items() if values.get(key) is None}
    names = {measure.name for measure in measures}
    periods = close_periods({period, *(key[1] for key in values if key[0] in names)})
    linked = _linked_to(period, periods)
    breakdowns = [
        *period_breakdowns(linked), Breakdown(_REGION, WHOLE_MEMBER, tuple(regions)),
        *(Breakdown(_KIND, WHOLE_MEMBER, measure.kinds) for measure in measures),
    ]  # fmt: skip
    cells = [
        cell for measure in measures for one in linked if kept.covers(measure.name, one)
        for cell in kept.list_cells(measure.name, one, regions, measure.kinds)
    ]  # fmt: skip
    quarters = {quarter for one in linked for quarter in list_quarters(one)}
    near = [one for one in beside if one.quarters & quarters]
    breakdowns += [each for one in near for each in one.breakdowns]
    cells += [cell for one in near for cell in one.cells]
    system = LinkedCells(cells, breakdowns, [pair for one in near for pair in one.same])
    own = [
        (measure.name, period, region, kind)
        for measure in measures for region in [*regions, WHOLE_MEMBER] for kind in measure.published_kinds
    ]  # fmt: skip
    published = {key for key, value in values.items() if value is not None and key in system.number}
    _check_values(system, values, published, set(own))  # what it corrects may say otherwise
    published -= {key for key in own if values.get(key) != system.values[system.number[key]]}
    theirs = set(own)
    unknown = {
        key for key in system.keys
        if key not in published and (key not in theirs or (key in values and values[key] is None))
    }  # fmt: skip
    known = {key for one in near for key in one.published}
    published, unknown = published | known, unknown - known
    pattern = choose_pattern(system, rules, published=published, hidden=unknown, seconds=seconds)
    return FiguresChoice(publish_cells(system, pattern, own), pattern)


def _linked_to(period: str, periods: Iterable[str]) -> list[str]:
    """Of these periods those that sums link with one of them, it itself among them."""
    found, left = {period}, [period]
    known = set(periods)
    while left:
        one = left.pop()
        near = {part for part in parts_of_period(one) if part in known}
        near |= {whole for whole in known if one in parts_of_period(whole)}
        near |= {
            part for whole in known if one in parts_of_period(whole) for part in parts_of_period(whole) if part in known
        }
        left += near - found
        found |= near
    return sorted(found)


def _check_values(
    system: LinkedCells, values: Mapping[CellKey, int | None], published: set[CellKey], own: set[CellKey]
) -> None:
    wrong = sorted(key for key in published - own if values[key] != system.values[system.number[key]])
    if wrong:
        raise Conflict(
            f"已公布的 {'/'.join(wrong[0])} 与现在的数不是同一口径：请先更正那一期", code="bulletin.published_differs"
        )

"""Which cells may not be read, and how near to them nobody may come.

The rules are those of official statistics (Hundepool et al., Statistical Disclosure Control, 2012, chapter 4): fewer
contributors than a threshold; one or two of them are most of the sum (dominance); the second largest contributor could
estimate the largest too closely (p%). All in whole numbers, limits are shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from huisuan.bulletins.suppression.linked_cells import SourceCell


@dataclass(frozen=True)
class DisclosureRules:
    """The limits: settings of whoever issues, with their authority. `counts` names the measures that count firms."""

    least_contributors: int = 3
    one_dominates: Fraction = Fraction(75, 100)
    two_dominate: Fraction = Fraction(85, 100)
    closest_estimate: Fraction = Fraction(10, 100)
    counts: frozenset[str] = frozenset({"count"})

    def to_dict(self) -> dict[str, object]:
        """As a bulletin states them."""
        return {
            "least_contributors": self.least_contributors, "one_dominates": str(self.one_dominates),
            "two_dominate": str(self.two_dominate), "closest_estimate": str(self.closest_estimate),
            "counts": sorted(self.counts),
        }  # fmt: skip


@dataclass(frozen=True)
class ProtectedInterval:
    """How far below and above its value a reader's interval must reach, in units."""

    below: int
    above: int


def find_protection(cell: SourceCell, rules: DisclosureRules) -> ProtectedInterval | None:
    """What a cell needs, or None where it may be published. An empty cell and a sum of nothing hide nobody."""
    largest = [value for value in cell.largest if value > 0]
    if not largest:
        return None
    if cell.key[0].partition("@")[0] in rules.counts:  # of a former version, too
        return ProtectedInterval(1, 1) if cell.value < rules.least_contributors else None
    total = cell.value
    needs = [
        largest[0] / rules.one_dominates - total,
        sum(largest[:2]) / rules.two_dominate - total,
        rules.closest_estimate * largest[0] - (total - sum(largest[:2])),
    ]
    is_few = len(largest) < rules.least_contributors
    if not is_few and max(needs) <= 0:
        return None
    least = max(Fraction(1), rules.closest_estimate * total)
    above = _ceiling(max(least, *needs))
    return ProtectedInterval(min(total, _ceiling(least)), above)


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)

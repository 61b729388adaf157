"""Which parts of the spend several rules claim, and how a payment lies on them, in whole fen, in every reading alike.

A part belongs to the set of rules that claim it. Parts come from bill lines where the meter knows them, from amounts
where they are declared; else the smaller spend is taken to lie within the larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from huisuan.law.model.errors import LawError


@dataclass(frozen=True)
class SharedSpend:
    """A part of the spend (fen) that just these rules, by their keys, claim."""

    rules: frozenset[str]
    fen: int


@dataclass(frozen=True)
class SpendPart:
    """A part of the spend in fen, and the rules that claim it, by their place in the order."""

    members: frozenset[int]
    fen: int


def part_sets(count: int) -> tuple[frozenset[int], ...]:
    """Every set of rules that can share a part, the larger ones first: the order in which a payment lies on parts."""
    sizes = range(count, 0, -1)
    return tuple(frozenset(members) for size in sizes for members in combinations(range(count), size))


def nested_parts(spends: Sequence[int]) -> tuple[SpendPart, ...]:
    """The parts where every smaller spend lies within every larger one."""
    found = []
    for members in part_sets(len(spends)):
        least = min(spends[at] for at in members)
        beyond = max((spend for at, spend in enumerate(spends) if at not in members), default=0)
        found.append(SpendPart(members, max(least - beyond, 0)))
    return tuple(found)


def declared_parts(keys: Sequence[str], spends: Sequence[int], shared: Iterable[SharedSpend]) -> tuple[SpendPart, ...]:
    """The parts that were declared, and what each rule has to itself.

    Raises:
        LawError: a part of one rule only, of a rule that is not there, twice, or larger than what a rule claims.
    """
    fen: dict[frozenset[int], int] = {}
    for part in shared:
        unknown = [key for key in sorted(part.rules) if key not in keys]
        if unknown or len(part.rules) < 2 or part.fen < 0:
            raise LawError(
                f"重叠部分写了 {'、'.join(sorted(part.rules))}；应为同一支出的两条以上规则", code="law.overlap_rules"
            )
        members = frozenset(keys.index(key) for key in part.rules)
        if members in fen:
            raise LawError(f"重叠部分 {'、'.join(sorted(part.rules))} 写了两次", code="law.overlap_twice")
        fen[members] = part.fen
    for at, (key, spend) in enumerate(zip(keys, spends, strict=True)):
        common = sum(amount for members, amount in fen.items() if at in members and len(members) > 1)
        if common > spend:
            raise LawError(
                f"重叠部分合计 {common} 分，大于 {key} 申报的支出 {spend} 分：共同的部分不能大于任何一方",
                code="law.overlap_too_large",
            )
        fen[frozenset((at,))] = spend - common
    return tuple(SpendPart(members, fen.get(members, 0)) for members in part_sets(len(keys)))


def line_parts(keys: Sequence[str], lines: Sequence[Mapping[str, int]]) -> tuple[SpendPart, ...]:
    """The parts by bill line: a line that several rules claim is common to them.

    Raises:
        LawError: a line that two rules state with different amounts.
    """
    claimed: dict[str, tuple[set[int], int]] = {}
    for at, own in enumerate(lines):
        for line, fen in own.items():
            members, before = claimed.setdefault(line, (set(), fen))
            if before != fen or fen < 0:
                raise LawError(
                    f"账单行 {line}：{keys[at]} 写 {fen} 分，另一条规则写 {before} 分", code="law.overlap_line"
                )
            members.add(at)
    fen_of = dict.fromkeys(part_sets(len(keys)), 0)
    for members, fen in claimed.values():
        fen_of[frozenset(members)] += fen
    return tuple(SpendPart(members, fen) for members, fen in fen_of.items())


def lay_out(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount over parts in proportion to their weights, in whole fen that add up to it; else nothing."""
    whole, before, placed = sum(weights), 0, []
    for at in range(len(weights)):
        upto = amount * sum(weights[: at + 1]) // whole if whole else 0
        placed.append(upto - before)
        before = upto
    return placed

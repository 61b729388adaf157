"""The decision sheet of a call: who stands where, who is funded with what, and who moves up when one falls out.

The order is by score (first come: by day, then score); those not recommended come last. Equals go by the rules that
were declared before the call opened, at last by lot from a published seed, so no two stand together. The budget line is
shared out as the law does (`share_pool`): to everybody pro rata, to who applied first, or to who ranks best. Amounts
are fen, scores exact. Pure: no database, no clock.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.law.budget import PoolClaim, PoolMode, share_pool


class TieOrder(StrEnum):
    """What goes first among equal scores: less disagreement, who applied earlier, who asks for less."""

    SPREAD = "spread"
    APPLIED = "applied"
    AMOUNT = "amount"


class SheetStatus(StrEnum):
    """What the sheet proposes of a line."""

    FUNDED = "funded"
    PARTLY_FUNDED = "partly_funded"
    WAITING = "waiting"  # recommended, not funded
    NOT_RECOMMENDED = "not_recommended"


@dataclass(frozen=True)
class ScoredApplication:
    """What the sheet needs to know of an application; `owed_fen` is the amount by the law, `task` what it races for."""

    key: str
    score: Fraction
    spread: Fraction
    owed_fen: int
    applied_on: date
    task: str = ""


@dataclass(frozen=True)
class SheetTerms:
    """What was declared before the call opened: the line (fen), how it is shared, ties, lot, lowest score, places.

    At most `places` are chosen, the best by rank (0: as many as the line does for). All of one task are paid at most
    `task_cap_fen` together, who ranks before goes first (0: each has the law's limit for itself).
    """

    budget_fen: int
    mode: PoolMode
    ties: tuple[TieOrder, ...]
    seed: str
    lowest_score: Fraction = Fraction()
    places: int = 0
    task_cap_fen: int = 0


@dataclass(frozen=True)
class SheetLine:
    """A line of the sheet. `running_fen` is owed to it and all before it; `tie` says what set it behind another."""

    rank: int
    application: ScoredApplication
    status: SheetStatus
    funded_fen: int
    running_fen: int
    tie: str

    @property
    def only_placed(self) -> bool:
        """Whether it is chosen where no money is given: a place and nothing else."""
        return self.status is SheetStatus.FUNDED and not self.application.owed_fen

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON carries it, fractions exactly."""
        about = self.application
        said = {"task": about.task} if about.task else {}
        return said | {
            "rank": self.rank, "application": about.key, "score": str(about.score), "spread": str(about.spread),
            "applied_on": about.applied_on.isoformat(), "owed_fen": about.owed_fen, "running_fen": self.running_fen,
            "funded_fen": self.funded_fen, "status": self.status.value, "tie": self.tie,
        }  # fmt: skip


@dataclass(frozen=True)
class DecisionSheet:
    """The whole table, in the order of rank, with the terms it was made under."""

    terms: SheetTerms
    lines: tuple[SheetLine, ...]

    @property
    def funded_fen(self) -> int:
        """What all of it comes to."""
        return sum(line.funded_fen for line in self.lines)

    def marginal(self) -> tuple[SheetLine, ...]:
        """The first recommended line not funded whole, with its neighbours; empty where all are, or all share."""
        if self.terms.mode is PoolMode.PRO_RATA:
            return ()
        open_lines = (SheetStatus.PARTLY_FUNDED, SheetStatus.WAITING)
        at = next((at for at, line in enumerate(self.lines) if line.status in open_lines), None)
        return () if at is None else self.lines[max(at - 1, 0) : at + 2]

    def to_dict(self) -> dict[str, Any]:
        """The sheet as JSON carries it; what `digest` is of."""
        said = {
            "budget_fen": self.terms.budget_fen, "mode": self.terms.mode.value, "seed": self.terms.seed,
            "ties": [tie.value for tie in self.terms.ties], "lowest_score": str(self.terms.lowest_score),
            "lines": [line.to_dict() for line in self.lines],
        }  # fmt: skip
        said |= {"places": self.terms.places} if self.terms.places else {}
        return said | ({"task_cap_fen": self.terms.task_cap_fen} if self.terms.task_cap_fen else {})

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON."""
        return text_sha256(json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":")))


_TIE_KEYS: Mapping[TieOrder, Callable[[ScoredApplication], Any]] = {
    TieOrder.SPREAD: lambda each: each.spread,
    TieOrder.APPLIED: lambda each: each.applied_on,
    TieOrder.AMOUNT: lambda each: each.owed_fen,
}


def make_decision_sheet(applications: Iterable[ScoredApplication], terms: SheetTerms) -> DecisionSheet:
    """Rank the applications and share out the line; the order in which they come decides nothing.

    Raises:
        InvalidRequest: an application twice, an amount below zero, a budget below zero, or no seed for the lot.
    """
    found = list(applications)
    twice = [key for key, number in Counter(each.key for each in found).items() if number > 1]
    if twice or terms.budget_fen < 0 or not terms.seed or any(each.owed_fen < 0 for each in found):
        what = f"{'、'.join(twice[:5])} 出现了不止一次" if twice else "金额不小于 0，抽签须有种子"
        raise InvalidRequest(f"决策表排不出：{what}", code="review.sheet_input_wrong")
    ordered = sorted(found, key=lambda each: _place(each, terms))
    recommended = [each for each in ordered if each.score >= terms.lowest_score]
    placed = recommended[: terms.places or None]
    owed = _within_tasks(terms, placed, {each.key: each.owed_fen for each in placed})
    paid = _share(terms, terms.budget_fen, owed, placed)
    lines, running = [], 0
    for at, each in enumerate(ordered):
        worthy = at < len(recommended)
        running += each.owed_fen if worthy else 0
        tie = _tie(ordered[at - 1], each, terms) if at else ""
        lines.append(_line(at + 1, each, paid.get(each.key), running, tie, recommended=worthy))
    return DecisionSheet(terms, tuple(lines))


def read_sheet(content: Mapping[str, Any]) -> DecisionSheet:
    """The sheet that `to_dict` wrote."""
    terms = SheetTerms(
        content["budget_fen"], PoolMode(content["mode"]), tuple(map(TieOrder, content["ties"])), content["seed"],
        Fraction(content["lowest_score"]), content.get("places", 0), content.get("task_cap_fen", 0),
    )  # fmt: skip
    return DecisionSheet(terms, tuple(_read_line(line) for line in content["lines"]))


def _read_line(line: Mapping[str, Any]) -> SheetLine:
    about = ScoredApplication(
        line["application"], Fraction(line["score"]), Fraction(line["spread"]), line["owed_fen"],
        date.fromisoformat(line["applied_on"]), line.get("task", ""),
    )  # fmt: skip
    status = SheetStatus(line["status"])
    return SheetLine(line["rank"], about, status, line["funded_fen"], line["running_fen"], line["tie"])


def move_up(sheet: DecisionSheet, fallen: Iterable[str], settled: Iterable[str] = ()) -> DecisionSheet:
    """The sheet without those who fell out: what they had goes to who waits, and nobody is given less than before.

    `settled` were granted already: they get no more.

    Raises:
        InvalidRequest: one of them is not on the sheet.
    """
    gone = set(fallen)
    unknown = gone - {line.application.key for line in sheet.lines}
    if unknown:
        raise InvalidRequest(f"{'、'.join(sorted(unknown)[:5])} 不在决策表上", code="review.not_on_sheet")
    kept = [line for line in sheet.lines if line.application.key not in gone]
    waiting = [line.application for line in kept if line.status is not SheetStatus.NOT_RECOMMENDED]
    had = {line.application.key: line.funded_fen for line in kept}
    granted = set(settled)
    placed = waiting[: sheet.terms.places or None]  # who was chosen ranks before who was not
    missing = {each.key: 0 if each.key in granted else each.owed_fen - had[each.key] for each in placed}
    kept_of_tasks = Counter[str]()
    for line in kept:
        kept_of_tasks[line.application.task] += line.funded_fen
    within = _within_tasks(sheet.terms, placed, missing, kept_of_tasks)
    more = _share(sheet.terms, sheet.terms.budget_fen - sum(had.values()), within, placed)
    lines, running = [], 0
    for at, line in enumerate(kept):
        each, worthy = line.application, line.status is not SheetStatus.NOT_RECOMMENDED
        running += each.owed_fen if worthy else 0
        paid = had[each.key] + more[each.key] if each.key in more else None
        lines.append(_line(at + 1, each, paid, running, line.tie if at else "", recommended=worthy))
    return replace(sheet, lines=tuple(lines))


def _within_tasks(
    terms: SheetTerms, ordered: Sequence[ScoredApplication], owed: Mapping[str, int], given: Mapping[str, int] = {}
) -> Mapping[str, int]:
    """What each is owed within the limit of its task; `given` is what the task has already, by task."""
    if not terms.task_cap_fen:
        return owed
    used, found = Counter(given), {}
    for each in ordered:
        found[each.key] = max(0, min(owed[each.key], terms.task_cap_fen - used[each.task]))
        used[each.task] += found[each.key]
    return found


def _share(
    terms: SheetTerms, budget_fen: int, owed: Mapping[str, int], ordered: Sequence[ScoredApplication]
) -> dict[str, int]:
    claims = [PoolClaim(each.key, owed[each.key], each.applied_on, rank) for rank, each in enumerate(ordered, start=1)]
    return {payment.name: payment.paid_fen for payment in share_pool(budget_fen, claims, terms.mode)}


def _place(each: ScoredApplication, terms: SheetTerms) -> tuple[Any, ...]:
    return (*_standing(each, terms), *(_TIE_KEYS[tie](each) for tie in terms.ties), lot(terms.seed, each.key), each.key)


def _standing(each: ScoredApplication, terms: SheetTerms) -> tuple[Any, ...]:
    """What its place goes by before any tie: in the order in which the line is shared out."""
    first = (each.applied_on,) if terms.mode is PoolMode.FIRST_COME else ()
    return (each.score < terms.lowest_score, *first, -each.score)


def lot(seed: str, key: str) -> str:
    """The lot of an application: the SHA-256 of `seed|key`; the smaller goes first."""
    return text_sha256(f"{seed}|{key}")


def _tie(before: ScoredApplication, each: ScoredApplication, terms: SheetTerms) -> str:
    """What put this one behind the one before it: empty where it is no tie, else a tie rule, else `lot`."""
    if _standing(before, terms) != _standing(each, terms):
        return ""
    decided = (tie.value for tie in terms.ties if _TIE_KEYS[tie](before) != _TIE_KEYS[tie](each))
    return next(decided, "lot")


def _line(
    rank: int, each: ScoredApplication, paid: int | None, running: int, tie: str, *, recommended: bool
) -> SheetLine:
    """`paid` None: there is no place for it."""
    if paid is None:
        status = SheetStatus.WAITING if recommended else SheetStatus.NOT_RECOMMENDED
    elif paid == each.owed_fen:
        status = SheetStatus.FUNDED
    else:
        status = SheetStatus.PARTLY_FUNDED if paid else SheetStatus.WAITING
    return SheetLine(rank, each, status, paid or 0, running, tie)

"""What rules that sum over claims answer to a list of them, claim by claim: the first reading of `Grouping`.

    decide_claims(policy, [ClaimInput("w.4", "甲公司", facts, "HT-01"), ...], on=day, as_known=day)

A claim's own conditions are asked first; what passes is summed in its declared turn, and each claim brings what it adds
to the amount of those before it. So the sum is the amount of the total, in whatever order claims were entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.explain.explanation import explain
from huisuan.law.explain.limits import shared_limits
from huisuan.law.model.answers import Answer, Reason, Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Total
from huisuan.law.model.grouping import SharedCap, period_of
from huisuan.law.model.rules import Rule
from huisuan.law.model.terms import Terms
from huisuan.law.model.totals import IN_ALL, UP_TO, claim_rule, group_rule, totals_of
from huisuan.law.model.values import Value, format_fen
from huisuan.law.policy.by_day import read_rule
from huisuan.law.policy.policy import Policy

_UNDECIDED = (Status.MISSING_FACTS, Status.NOT_SET)


@dataclass(frozen=True)
class ClaimInput:
    """One claim: the rule's key, whose it is (None: not stated), its facts as `parse_facts` gives them, its name."""

    rule: str
    claimant: str | None
    facts: Mapping[str, Value | None]
    name: str


@dataclass(frozen=True)
class ClaimAnswer:
    """What one claim brings (fen; None where no number may be given), in which period, and why."""

    claim: ClaimInput
    period: str
    status: Status
    amount_fen: int | None
    reasons: tuple[Reason, ...] = ()


@dataclass
class _Line:
    """A claim on its way: its group, what it adds to each total, its place in the turn, and its answer once known."""

    at: int
    claim: ClaimInput
    group: tuple[object, ...]
    period: str
    own: Answer
    parts: tuple[int, ...] = ()
    turn: tuple[object, ...] = ()
    answer: ClaimAnswer | None = field(default=None)

    def decide(self, status: Status, amount: int | None, *reasons: Reason) -> None:
        """Give the answer."""
        self.answer = ClaimAnswer(self.claim, self.period, status, amount, reasons)


def decide_claims(policy: Policy, claims: Sequence[ClaimInput], *, on: date, as_known: date) -> tuple[ClaimAnswer, ...]:
    """The answers in the order of entry, caps that several rules share applied.

    Raises:
        LawError: a rule that does not sum over claims.
    """
    by_rule: dict[str, list[tuple[int, ClaimInput]]] = {}
    for at, claim in enumerate(claims):
        by_rule.setdefault(claim.rule, []).append((at, claim))
    lines: dict[str, list[_Line]] = {}
    for key, entered in by_rule.items():
        lines[key] = _Summing(policy, policy.rule(key), on, as_known).decide(entered)
    for cap, limit in shared_limits(policy, on, as_known):
        _share_cap(cap, lines, limit)
    answers = {line.at: line.answer for group in lines.values() for line in group}
    return tuple(answer for at in range(len(claims)) if (answer := answers[at]) is not None)


class _Summing:
    """One rule over all its claims."""

    def __init__(self, policy: Policy, rule: Rule, on: date, as_known: date) -> None:
        reading = read_rule(policy, rule, on, as_known)
        rule = reading.rule
        if rule.over is None:
            raise LawError(f"第 {rule.key} 句不按多笔申报合计", code="law.rule_without_totals")
        # what the rule is taken apart into is read as it stands, whatever versions its sentence has
        self.policy, self.rule, self.over, self.days = replace(policy, versions=()), rule, rule.over, (on, as_known)
        self.alone, self.group, self.totals = claim_rule(rule), group_rule(rule), totals_of(rule)
        self.terms: Terms = reading.terms

    def decide(self, entered: Iterable[tuple[int, ClaimInput]]) -> list[_Line]:
        """Every claim's answer, in the order of their turns."""
        lines = sorted((self._line(at, claim) for at, claim in entered), key=lambda line: line.turn)
        first: dict[tuple[object, ...], _Line] = {}
        groups: dict[tuple[object, ...], list[_Line]] = {}
        for line in lines:
            thing = tuple(line.claim.facts.get(name) for name in self.over.once)
            if line.own.status is not Status.ELIGIBLE:
                line.decide(line.own.status, line.own.amount_fen, *line.own.reasons)
            elif thing and thing in first:
                line.decide(Status.NOT_ELIGIBLE, 0, self._repeats(line, first[thing]))
                continue
            else:
                first[thing] = line
            if line.own.status in (Status.ELIGIBLE, *_UNDECIDED) and None not in line.group:
                groups.setdefault(line.group, []).append(line)
        for members in groups.values():
            self._decide_group(members)
        return lines

    def _line(self, at: int, claim: ClaimInput) -> _Line:
        facts, over = claim.facts, self.over
        own = explain(self.policy, self.alone, facts, on=self.days[0], as_known=self.days[1])
        lacking = [name for name in over.facts if facts.get(name) is None]
        if own.status is Status.ELIGIBLE and (lacking or claim.claimant is None):
            own = replace(own, status=Status.MISSING_FACTS, amount_fen=None, reasons=tuple(self._lacks(claim, lacking)))
        day: Any = facts.get(over.day)
        whose = tuple(facts.get(name) for name in over.of) if over.of else (claim.claimant,)
        period = period_of(over.period, day)
        group = (*whose, None if over.day and day is None else period)
        parts: tuple[int, ...] = ()
        if own.status is Status.ELIGIBLE:
            parts = tuple(int(Evaluation(facts, self.terms).evaluate(total.of)) for total in self.totals)
        steps = (*(facts.get(name) for name in over.order), claim.claimant, sum(parts), claim.name, at)
        turn = tuple((step is not None, step) for step in steps)
        return _Line(at, claim, group, period, own, parts, turn)

    def _lacks(self, claim: ClaimInput, lacking: Iterable[str]) -> Iterator[Reason]:
        names = {spec.name: spec for spec in self.rule.facts}
        if claim.claimant is None:
            yield Reason("missing:claimant", "缺少申报主体", "The claimant is missing", self.over.sentence)
        for name in lacking:
            spec = names[name]
            yield Reason(f"missing:{name}", f"缺少“{spec.zh}”", f"“{spec.en}” is missing", self.over.sentence)

    def _repeats(self, line: _Line, first: _Line) -> Reason:
        names = "、".join(spec.zh for spec in self.rule.facts if spec.name in self.over.once)
        return Reason(
            f"repeats:{first.claim.name}@{self.over.sentence}",
            f"与 {first.claim.claimant} 的申报 {first.claim.name} 重复（{names}相同）：只计一次",
            f"It repeats claim {first.claim.name} of {first.claim.claimant}: the same counts once",
            self.over.sentence, self.over.phrase,
        )  # fmt: skip

    def _decide_group(self, members: Sequence[_Line]) -> None:
        """Those that count, in turn; behind one that is undecided every other is."""
        waits = [line.own.status in _UNDECIDED for line in members]
        counted = [line for line in members if line.own.status is Status.ELIGIBLE]
        in_all = None if any(waits) else [sum(line.parts[at] for line in counted) for at in range(len(self.totals))]
        up_to: list[int] | None = [0] * len(self.totals)
        answers: list[Answer] = []
        beyond: list[bool] = []
        for line, wait in zip(members, waits, strict=True):
            up_to = None if wait or up_to is None else [a + b for a, b in zip(up_to, line.parts, strict=True)]
            if not wait:
                facts = self._totals(UP_TO, up_to) | self._totals(IN_ALL, in_all)
                answers.append(explain(self.policy, self.group, facts, on=self.days[0], as_known=self.days[1]))
                beyond.append(_beyond(self.totals, up_to) or _beyond(self.totals, in_all))
        reached = _reached([answer.amount_fen for answer in answers])
        before = 0
        for line, answer, too_much, amount in zip(counted, answers, beyond, reached, strict=True):
            added = None if amount is None else (amount - before) * (-1 if self.rule.repays else 1)
            line.decide(*self._answer(answer, too_much, added))
            before = amount or before

    def _totals(self, prefix: str, values: Sequence[int] | None) -> dict[str, int | None]:
        """The totals as facts of the group; not known where they are, or where they pass what may be declared."""
        known = [None] * len(self.totals) if values is None else values
        return {
            prefix + total.spec.name: value if value is not None and value <= (total.spec.maximum or 0) else None
            for total, value in zip(self.totals, known, strict=True)
        }

    def _answer(self, group: Answer, beyond: bool, amount: int | None) -> tuple[Any, ...]:
        sentence, phrase = self.over.sentence, self.over.phrase
        if group.status is Status.MISSING_FACTS:
            why = Reason(
                f"undecided@{sentence}", "同组在先的申报未定，本笔可得多少也未定",
                "It depends on an earlier claim that is undecided", sentence, phrase,
            )  # fmt: skip
            most = "、".join(f"{total.spec.zh}至多 {total.spec.maximum}" for total in self.totals)
            much = Reason(f"beyond@{sentence}", f"合计超过可申报的最大值（{most}）", "The total is too large", sentence)
            return group.status, None, much if beyond else why
        reasons = list(group.reasons)
        if amount == 0 and group.amount_fen and group.status is Status.ELIGIBLE:
            spent, spent_en = "在先的各笔已用完可给的金额", "The claims before it used up what may be paid"
            reasons.append(Reason(f"zero@{self.rule.sentence}", spent, spent_en, self.rule.sentence, self.rule.phrase))
        return (group.status, None if group.amount_fen is None else amount, *reasons)


def _beyond(totals: Sequence[Total], values: Sequence[int] | None) -> bool:
    pairs = zip(totals, values or (), strict=False)
    return any(value > (total.spec.maximum or 0) for total, value in pairs)


def _reached(amounts: Sequence[int | None]) -> list[int | None]:
    """What the group has for good at each claim: later claims can take away from a sum, never from a claim before."""
    found: list[int | None] = []
    least: int | None = None
    for amount in reversed(amounts):
        least = amount if least is None else least if amount is None else min(least, amount)
        found.append(least)
    return found[::-1]


def _share_cap(cap: SharedCap, lines: Mapping[str, Sequence[_Line]], limit: int | None) -> None:
    """Cut what the rules pay one claimant in a period to the cap, in turn."""
    came: dict[tuple[str | None, str], int | None] = {}
    for line in (line for key in cap.rules for line in lines.get(key, ())):
        whose, answer = (line.claim.claimant, line.period), line.answer
        if answer is None or answer.status not in (Status.ELIGIBLE, *_UNDECIDED):
            continue
        before, amount = came.get(whose, 0), answer.amount_fen
        if before is None or amount is None or limit is None:
            came[whose] = None
            if amount is not None:
                line.answer = replace(answer, status=Status.MISSING_FACTS, amount_fen=None, reasons=(_waits(cap),))
            continue
        came[whose] = before + amount
        allowed = min(before + amount, limit) - min(before, limit)
        if allowed < amount:
            line.answer = replace(
                answer, amount_fen=allowed, reasons=(*answer.reasons, _cut(cap, limit, amount, allowed))
            )


def _waits(cap: SharedCap) -> Reason:
    text, english = "共用上限的在先申报未定，本笔可得多少也未定", "It depends on an earlier claim under the same cap"
    return Reason(f"undecided@{cap.sentence}", text, english, cap.sentence, cap.phrase)


def _cut(cap: SharedCap, limit: int, amount: int, allowed: int) -> Reason:
    most, owed, left = format_fen(limit), format_fen(amount), format_fen(allowed)
    text = f"{'、'.join(cap.rules)} 合计上限 {most} 元：本笔 {owed} 元，可得 {left} 元"
    english = f"Together capped at {most} yuan: of {owed} yuan {left}"
    return Reason(f"together@{cap.sentence}", text, english, cap.sentence, cap.phrase)

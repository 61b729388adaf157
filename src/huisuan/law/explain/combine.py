"""What several rules owe together for the same spend: each answer, and how much of it remains payable.

    combine_answers([RuleInput(rule_2_2, facts), RuleInput(rule_w_2, facts)], on=day, as_known=day)

The order and the way they combine are declared (`policy.stacking`). What an earlier rule paid lies on the parts of its
spend (`policy.overlap`); a later one reckons with it only on the parts that it claims, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from huisuan.law.explain.explanation import explain, option_used
from huisuan.law.model.answers import Answer, Reason, SettingUsed
from huisuan.law.model.errors import LawError
from huisuan.law.model.values import format_fen
from huisuan.law.policy.by_day import part_name
from huisuan.law.policy.overlap import SharedSpend, SpendPart, declared_parts, lay_out, line_parts, nested_parts
from huisuan.law.policy.stacking import PolicyRule, StackedRules, StackingMode, adopted_mode, rules_by_ground


@dataclass(frozen=True)
class RuleInput:
    """A rule, the facts that it is asked with, and its spend by bill line (fen), where the meter knows that."""

    place: PolicyRule
    facts: Mapping[str, Any]
    lines: Mapping[str, int] | None = None

    @property
    def spent(self) -> int | None:
        """What was spent on its ground (fen), in all parts of the period; None where it is not known."""
        claim = self.place.rule.claim
        if claim is None or not claim.spent:
            return None
        spent = [*_parts_of(self.facts, claim.spent).values()] or [self.facts.get(claim.spent)]
        return sum(spent) if all(isinstance(fen, int) for fen in spent) else None


@dataclass(frozen=True)
class StackedAnswer:
    """One rule's answer, and what of it may be paid beside the others (fen; None where no number may be given).

    `by` is the question that says how it follows those before it; None for the first.
    """

    place: PolicyRule
    answer: Answer
    payable_fen: int | None
    reason: Reason | None = None
    by: SettingUsed | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "rule": self.place.key, "title": self.place.rule.title, "status": self.answer.status.value,
            "amount_fen": self.answer.amount_fen, "payable_fen": self.payable_fen,
            "reason": asdict(self.reason) if self.reason else None, "answer": self.answer.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class CombinedAnswer:
    """The rules of one ground: what was spent on it, and the answers in their order."""

    ground: str
    spent_fen: int | None
    rows: tuple[StackedAnswer, ...]

    @property
    def payable_fen(self) -> int:
        """What is payable in all."""
        return sum(row.payable_fen or 0 for row in self.rows)

    @property
    def questions(self) -> tuple[SettingUsed, ...]:
        """How the rules combine, each question once."""
        return tuple({row.by.name: row.by for row in self.rows if row.by}.values())


def combine_answers(
    asked: Sequence[RuleInput], *, on: date, as_known: date, shared: Sequence[SharedSpend] = ()
) -> tuple[CombinedAnswer, ...]:
    """The answers of paying rules, grouped by what they pay for.

    Raises:
        LawError: a common part that is larger than what a rule claims; bill lines that are not the spend.
    """
    by_key = {question.place.key: question for question in asked}
    policies = list({question.place.policy.name: question.place.policy for question in asked}.values())
    found = []
    for layer in rules_by_ground(policies):
        questions = [by_key[place.key] for place in layer.rules if place.key in by_key]
        left_out = [by_key[place.key] for place in layer.left_out if place.key in by_key]
        if questions or left_out:
            found.append(_Stack(layer, questions, shared, (on, as_known)).combine(left_out))
    return tuple(found)


class _Stack:
    """The rules of one ground in turn, and what has been paid on each part of the spend (fen; None: undecided)."""

    def __init__(
        self, layer: StackedRules, questions: Sequence[RuleInput], shared: Sequence[SharedSpend],
        days: tuple[date, date],
    ) -> None:  # fmt: skip
        self.layer, self.questions, self.days = layer, questions, days
        self.parts = _parts(questions, shared)
        self.paid: list[int | None] = [0] * len(self.parts)

    def combine(self, left_out: Sequence[RuleInput]) -> CombinedAnswer:
        """All answers; those left out come last and have no number."""
        rows = [self._follow(at, question) for at, question in enumerate(self.questions)]
        for question in left_out:
            answer = self._explain(question, question.facts)
            why = _undecided(question.place, "本政策没有声明与同一支出的其他补助如何叠加（article.stacks）")
            rows.append(StackedAnswer(question.place, answer, None if answer.amount_fen else answer.amount_fen, why))
        known = any(question.spent is not None for question in self.questions)
        spent = sum(part.fen for part in self.parts) if known else None
        return CombinedAnswer(self.layer.ground, spent, tuple(rows))

    def _explain(self, question: RuleInput, facts: Mapping[str, Any]) -> Answer:
        return explain(question.place.policy, question.place.rule, facts, on=self.days[0], as_known=self.days[1])

    def _follow(self, at: int, question: RuleInput) -> StackedAnswer:
        """One rule after those before it."""
        place, claim = question.place, question.place.rule.claim
        by, mode = self._mode(place) if at else (None, None)
        mine = [index for index, part in enumerate(self.parts) if at in part.members and part.fen]
        before = [self.paid[index] for index in mine]
        facts = question.facts
        weights = [self.parts[index].fen for index in mine]
        if mode is StackingMode.REST and claim and None not in before:
            weights = [max(fen - (paid or 0), 0) for fen, paid in zip(weights, before, strict=True)]
            facts = facts if question.spent is None else _spending(facts, claim.spent, sum(weights))
        answer = self._explain(question, facts)
        amount = answer.amount_fen
        if not amount:
            if amount is None:
                self._leave_open(question, mine)
            return StackedAnswer(place, answer, amount, by=by)
        if at and (mode is None or None in before or question.spent is None):
            self._leave_open(question, mine)
            unset = "与在先条款如何叠加：当日尚未确定" if mode is None else "在先条款的金额未定，本条可付多少也未定"
            return StackedAnswer(place, answer, None, _undecided(place, unset), by)
        laid = lay_out(amount, weights)
        if not at:
            if question.spent is None:
                self._leave_open(question, mine)
            self._pay(mine, laid)
            return StackedAnswer(place, answer, amount, by=by)
        fen = [self.parts[index].fen for index in mine]
        allowed = [_allowed(mode, *figures) for figures in zip(laid, fen, (paid or 0 for paid in before), strict=True)]
        self._pay(mine, allowed)
        payable = sum(allowed)
        why = None if payable == amount else _reduced(place, amount, payable, sum(paid or 0 for paid in before))
        return StackedAnswer(place, answer, payable, why, by)

    def _mode(self, place: PolicyRule) -> tuple[SettingUsed | None, StackingMode | None]:
        adopted, stacking = adopted_mode(place, self.layer.ground, *self.days), self.layer.stacking(place)
        if adopted is None or stacking is None:
            return None, None
        return option_used(stacking.by, adopted), StackingMode(str(adopted.value))

    def _leave_open(self, question: RuleInput, mine: Sequence[int]) -> None:
        """What is undecided leaves its parts undecided; where its spend is not known, every part."""
        for index in range(len(self.parts)) if question.spent is None else mine:
            self.paid[index] = None

    def _pay(self, mine: Sequence[int], amounts: Sequence[int]) -> None:
        for index, amount in zip(mine, amounts, strict=True):
            before = self.paid[index]
            self.paid[index] = None if before is None else before + amount


def _parts_of(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Of a fact that is told part by part, its parts by name."""
    return {key: value for key, value in facts.items() if key.startswith(part_name(name, ""))}


def _spending(facts: Mapping[str, Any], name: str, left: int) -> Mapping[str, Any]:
    """The facts with a spend of what is `left` (fen): off each part by its share, rounded up, so never paid twice."""
    parts = _parts_of(facts, name)
    whole = sum(parts.values())
    reduced = {key: max(fen - -(-(whole - left) * fen // max(whole, 1)), 0) for key, fen in parts.items()}
    return {**facts, **(reduced or {name: left})}


def _parts(questions: Sequence[RuleInput], shared: Sequence[SharedSpend]) -> tuple[SpendPart, ...]:
    """The parts of the spend: by bill line where all rules have them, as declared, else each within the larger.

    Raises:
        LawError: bill lines that do not add up to the spend; what `declared_parts` and `line_parts` refuse.
    """
    keys = [question.place.key for question in questions]
    spends = [question.spent or 0 for question in questions]
    lines = [question.lines for question in questions if question.lines is not None]
    if lines and len(lines) == len(questions):
        for key, spend, own in zip(keys, spends, lines, strict=True):
            if sum(own.values()) != spend:
                raise LawError(
                    f"{key}：账单行合计 {sum(own.values())} 分，不等于支出 {spend} 分", code="law.lines_differ"
                )
        return line_parts(keys, lines)
    common = [part for part in shared if part.rules & set(keys)]
    return declared_parts(keys, spends, common) if common else nested_parts(spends)


def _allowed(mode: StackingMode | None, amount: int, fen: int, paid: int) -> int:
    """What of an amount on a part is payable beside what was paid on it; never more than the part in all."""
    if mode is StackingMode.ONCE and paid:
        return 0
    if mode is StackingMode.BETTER:
        amount = max(amount - paid, 0)
    return min(amount, max(fen - paid, 0))


def _reduced(place: PolicyRule, amount: int, payable: int, paid: int) -> Reason:
    before, owed, left = format_fen(paid), format_fen(amount), format_fen(payable)
    text = f"共同的支出已由在先的条款补助 {before} 元：本条应享 {owed} 元，可付 {left} 元"
    english = f"Earlier rules paid {before} yuan for what is common: of {owed} yuan {left} are payable"
    rule = place.rule
    return Reason(f"stacked@{rule.sentence}", text, english, rule.sentence, rule.phrase)


def _undecided(place: PolicyRule, text: str) -> Reason:
    english = "How much is payable beside the other rules is not settled"
    rule = place.rule
    return Reason(f"stacking@{rule.sentence}", text, english, rule.sentence, rule.phrase)

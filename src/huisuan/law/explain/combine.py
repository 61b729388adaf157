"""What several rules owe together for the same spend: each answer, and how much of it remains payable.

    combine_answers([RuleInput(rule_2_2, facts), RuleInput(rule_w_2, facts)], on=day, as_known=day)

The order and the way they combine are declared (`stacking`); in all never more than the spend is paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from huisuan.law.explain.explanation import explain, option_used
from huisuan.law.model.answers import Answer, Reason, SettingUsed
from huisuan.law.model.values import format_fen
from huisuan.law.policy.stacking import PolicyRule, StackedRules, StackingMode, adopted_mode, rules_by_ground


@dataclass(frozen=True)
class RuleInput:
    """A rule, and the facts that it is asked with."""

    place: PolicyRule
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class StackedAnswer:
    """One rule's answer, and what of it may be paid beside the others (fen; None where no number may be given)."""

    place: PolicyRule
    answer: Answer
    payable_fen: int | None
    reason: Reason | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "rule": self.place.key, "title": self.place.rule.title, "status": self.answer.status.value,
            "amount_fen": self.answer.amount_fen, "payable_fen": self.payable_fen,
            "reason": asdict(self.reason) if self.reason else None, "answer": self.answer.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class CombinedAnswer:
    """The rules of one ground: what was spent on it, the answers in their order, how they combine, the total (fen)."""

    ground: str
    spent_fen: int | None
    rows: tuple[StackedAnswer, ...]
    by: SettingUsed | None = None

    @property
    def payable_fen(self) -> int:
        """What is payable in all."""
        return sum(row.payable_fen or 0 for row in self.rows)


def combine_answers(asked: Sequence[RuleInput], *, on: date, as_known: date) -> tuple[CombinedAnswer, ...]:
    """The answers of paying rules, grouped by what they pay for.

    Raises:
        LawError: two of them pay for the same without a declared order; it names both.
    """
    facts = {question.place.key: question.facts for question in asked}
    policies = list({question.place.policy.name: question.place.policy for question in asked}.values())
    found = []
    for layer in rules_by_ground(policies):
        places = [place for place in layer.rules if place.key in facts]
        if places:
            found.append(_combine_ground(layer, places, facts, on, as_known))
    return tuple(found)


def _combine_ground(
    layer: StackedRules, places: Sequence[PolicyRule], facts: Mapping[str, Mapping[str, Any]], on: date, as_known: date
) -> CombinedAnswer:
    spends = [facts[place.key].get(place.rule.claim.spent) for place in places if place.rule.claim]
    spent = max((spend for spend in spends if isinstance(spend, int)), default=None)
    used, mode = _adopted_mode(layer, on, as_known)
    paid: int | None = 0
    rows: list[StackedAnswer] = []
    for place in places:
        row = _stack_answer(place, facts[place.key], mode, paid, spent, (on, as_known), bool(rows))
        rows.append(row)
        known = row.payable_fen if row.answer.amount_fen is not None else None
        paid = None if paid is None or known is None else paid + known
    return CombinedAnswer(layer.ground, spent, tuple(rows), used)


def _adopted_mode(layer: StackedRules, on: date, as_known: date) -> tuple[SettingUsed | None, StackingMode | None]:
    adopted = adopted_mode(layer, on, as_known)
    if adopted is None or layer.stacking is None:
        return None, None
    return option_used(layer.stacking.by, adopted), StackingMode(str(adopted.value))


def _stack_answer(
    place: PolicyRule, facts: Mapping[str, Any], mode: StackingMode | None, paid: int | None, spent: int | None,
    days: tuple[date, date], later: bool,
) -> StackedAnswer:  # fmt: skip
    """One rule after those that have `paid` so much for the same spend."""
    rule, claim = place.rule, place.rule.claim
    if later and mode is StackingMode.REST and claim and paid and facts.get(claim.spent) is not None:
        facts = {**facts, claim.spent: max(facts[claim.spent] - paid, 0)}
    answer = explain(place.policy, rule, facts, on=days[0], as_known=days[1])
    amount = answer.amount_fen
    if not later or not amount:
        return StackedAnswer(place, answer, amount)
    if mode is None or paid is None:
        return StackedAnswer(place, answer, None, _undecided(place, mode is None))
    room = 0 if mode is StackingMode.ONCE and paid else amount
    payable = min(room, amount if spent is None else max(spent - paid, 0))
    return StackedAnswer(place, answer, payable, None if payable == amount else _reduced(place, amount, payable, paid))


def _reduced(place: PolicyRule, amount: int, payable: int, paid: int) -> Reason:
    before, owed, left = format_fen(paid), format_fen(amount), format_fen(payable)
    text = f"同一支出已由在先的条款补助 {before} 元：本条应享 {owed} 元，可付 {left} 元"
    english = f"Earlier rules paid {before} yuan for the same: of {owed} yuan {left} are payable"
    rule = place.rule
    return Reason(f"stacked@{rule.sentence}", text, english, rule.sentence, rule.phrase)


def _undecided(place: PolicyRule, unset: bool) -> Reason:
    text = "与在先条款如何叠加：当日尚未确定" if unset else "在先条款的金额未定，本条可付多少也未定"
    english = "How it combines is not set on that day" if unset else "It depends on an earlier rule that is undecided"
    rule = place.rule
    return Reason(f"stacking@{rule.sentence}", text, english, rule.sentence, rule.phrase)

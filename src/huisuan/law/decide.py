"""What a rule answers for one set of facts, without the words: status, amount, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.law import nodes
from huisuan.law.answer import Status
from huisuan.law.evaluate import Evaluation, Seen, Terms
from huisuan.law.handles import Condition
from huisuan.law.nodes import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.policy import Policy
from huisuan.law.rules import Rule, RuleKind
from huisuan.law.settings import terms_of


@dataclass(frozen=True)
class Verdict:
    """An answer in bare form. `holds` runs along the rule's conditions; `seen` are the cited figures on the way."""

    rule: Rule
    status: Status
    amount_fen: int | None
    unset: tuple[SettingSpec | InterpretationSpec, ...] = ()
    holds: tuple[bool | None, ...] = ()
    priority: bool | None = None
    value: int | None = None
    missing: tuple[FactSpec, ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def failed(self) -> tuple[Condition, ...]:
        """The conditions that do not hold."""
        return tuple(each for each, holds in zip(self.rule.conditions, self.holds, strict=False) if holds is False)

    @property
    def bound(self) -> tuple[Seen, ...]:
        """The caps that bound."""
        return tuple(each for each in self.seen if each.limit is not None and _binds(each))

    def codes(self) -> Iterator[str]:
        """The reason codes, the same in every reading."""
        rule = self.rule
        match self.status:
            case Status.NOT_IN_FORCE:
                yield "not_in_force"
            case Status.NOT_ELIGIBLE:
                yield from (f"failed:{each.name}@{each.sentence}" for each in self.failed)
            case Status.MISSING_FACTS:
                yield from (f"setting:{spec.name}" for spec in self.unset)
                yield from (f"missing:{spec.name}" for spec in self.missing)
            case Status.DISCRETIONARY:
                yield f"discretion@{rule.sentence}"
            case Status.PRIORITY:
                yield f"priority@{rule.sentence}"
            case Status.ELIGIBLE if rule.kind is RuleKind.ENTITLES:
                if rule.priority is not None:
                    yield f"no_priority@{rule.sentence}"
            case Status.ELIGIBLE:
                yield from (f"capped@{each.cited.sentence}" for each in self.bound)
                if self.amount_fen == 0:
                    yield f"zero@{rule.sentence}"


class Judge:
    """A rule on a day, as known on a day: asked once per set of facts."""

    def __init__(self, policy: Policy, rule: Rule, on: date, as_known: date) -> None:
        self.rule = rule
        self.in_force = policy.in_force(on)
        self.terms, self.unset = terms_of(rule, policy.adopted(on, as_known))

    def __call__(self, facts: Mapping[str, Any]) -> Verdict:
        """The verdict for facts as `read_facts` gives them."""
        rule = self.rule
        if not self.in_force:
            return Verdict(rule, Status.NOT_IN_FORCE, 0)
        if self.unset:
            return Verdict(rule, Status.MISSING_FACTS, None, self.unset)
        return _decide(rule, facts, self.terms)


def _decide(rule: Rule, facts: Mapping[str, Any], terms: Terms) -> Verdict:
    holds: list[bool | None] = []
    lacking: set[str] = set()
    for condition in rule.conditions:
        walk = Evaluation(facts, terms)
        holds.append(walk.of(condition.node))
        if holds[-1] is None:
            lacking |= set(walk.missing)
    value: int | None = None
    seen: tuple[Seen, ...] = ()
    if rule.amount is not None:
        walk = Evaluation(facts, terms)
        value, seen = walk.of(rule.amount), tuple(walk.seen)
        lacking |= set(walk.missing) if value is None else set()
    priority = None
    if rule.priority is not None:
        walk = Evaluation(facts, terms)
        priority = walk.of(rule.priority)
        lacking |= set(walk.missing) if priority is None else set()
    missing = tuple(spec for spec in rule.facts if spec.name in lacking)
    status, amount = conclude(rule, holds, value, priority, missing)
    return Verdict(rule, status, amount, (), tuple(holds), priority, value, missing, seen)


def conclude(
    rule: Rule, holds: Sequence[bool | None], value: int | None, priority: bool | None, missing: tuple[FactSpec, ...]
) -> tuple[Status, int | None]:
    """Status and amount (fen) of a rule in force from what its conditions, amount and priority came to."""
    if False in holds:
        return Status.NOT_ELIGIBLE, 0
    if missing:
        return Status.MISSING_FACTS, None
    match rule.kind:
        case RuleKind.DISCRETION:
            return Status.DISCRETIONARY, None
        case RuleKind.ENTITLES:
            return (Status.PRIORITY if priority else Status.ELIGIBLE), None
    return Status.ELIGIBLE, value


def _binds(seen: Seen) -> bool:
    assert isinstance(seen.cited.node, nodes.Cap)
    return seen.uncapped is not None and bool(seen.uncapped > seen.limit)

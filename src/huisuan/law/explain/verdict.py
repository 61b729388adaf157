"""What a rule answers for one set of facts, without the words: status, amount, and what it rests on.

A missing fact is asked for only while it can still change the status, the amount or the priority: what the others
decide in any case (a failed condition, a cap that binds, a share of nothing) is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from huisuan.law.explain.evaluation import CitedValue, Evaluation
from huisuan.law.explain.intervals import BindingCap, IntervalEvaluation
from huisuan.law.model import expressions as nodes
from huisuan.law.model.answers import Status
from huisuan.law.model.awaited import awaited_setting
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.ranges import single_value
from huisuan.law.model.rules import Condition, Rule, RuleKind
from huisuan.law.model.terms import Terms
from huisuan.law.policy.by_day import read_rule
from huisuan.law.policy.policy import Policy, PolicyStanding

#: along a rule's conditions: whether each holds; None is not known
Holds: TypeAlias = tuple[bool | None, ...]


@dataclass(frozen=True)
class Verdict:
    """An answer in bare form. `holds` runs along the rule's conditions; `seen` are the cited figures on the way.

    `missing` are the facts that can still change the answer, `deciding` those of them that can change whether the
    conditions hold. `caps` bind whatever the facts turn out to be that are not known. `open_` is not set in some parts
    of the period, which the amount leaves out.
    """

    rule: Rule
    status: Status
    amount_fen: int | None
    unset: tuple[SettingSpec | InterpretationSpec, ...] = ()
    holds: Holds = ()
    priority: bool | None = None
    value: int | None = None
    missing: tuple[FactSpec, ...] = ()
    deciding: tuple[FactSpec, ...] = ()
    cited: tuple[CitedValue, ...] = ()
    caps: tuple[BindingCap, ...] = ()
    open_: tuple[SettingSpec | InterpretationSpec, ...] = ()

    @property
    def failed(self) -> tuple[Condition, ...]:
        """The conditions that do not hold, but for those that wait for a region's setting."""
        return tuple(
            condition
            for condition, holds in zip(self.rule.conditions, self.holds, strict=False)
            if holds is False and awaited_setting(condition.node) is None
        )

    @property
    def awaiting(self) -> tuple[tuple[Condition, SettingSpec], ...]:
        """The conditions that do not hold because the region has not set the share that they ask for."""
        return tuple(
            (condition, spec)
            for condition, holds in zip(self.rule.conditions, self.holds, strict=False)
            if holds is False and (spec := awaited_setting(condition.node)) is not None
        )

    def codes(self) -> Iterator[str]:
        """The reason codes, the same in every reading."""
        rule = self.rule
        match self.status:
            case Status.NOT_IN_FORCE | Status.NOT_YET_KNOWN:
                yield self.status.value
            case Status.NOT_ELIGIBLE:
                yield from (f"failed:{condition.name}@{condition.sentence}" for condition in self.failed)
            case Status.NOT_SET:
                yield from (f"setting:{spec.name}" for spec in self.unset)
                yield from (f"setting:{spec.name}" for _, spec in self.awaiting)
            case Status.MISSING_FACTS:
                yield from (f"missing:{spec.name}" for spec in self.missing)
            case Status.DISCRETIONARY:
                yield f"discretion@{rule.sentence}"
            case Status.PRIORITY:
                yield f"priority@{rule.sentence}"
            case Status.ELIGIBLE if rule.kind is RuleKind.ENTITLES:
                if rule.priority is not None:
                    yield f"no_priority@{rule.sentence}"
            case Status.ELIGIBLE:
                yield from (f"capped@{cap.cited.sentence}" for cap in self.caps)
                if self.amount_fen == 0:
                    yield f"zero@{rule.sentence}"
                yield from (f"setting:{spec.name}" for spec in self.open_)


class RuleEvaluator:
    """A rule on a day, as known on a day: asked once per set of facts.

    `starts`: where the facts are told apart by parts of a period that ends on the day (`policy.by_day`). `began`: on
    which day began what the claim is about, where that is another (`Policy.day_read`).
    """

    def __init__(
        self,
        policy: Policy,
        rule: Rule,
        on: date,
        as_known: date,
        starts: Sequence[date] = (),
        began: date | None = None,
    ) -> None:
        day = policy.day_read(on, as_known, began)
        self.on = on if day is None else day
        self.standing = PolicyStanding.NOT_COVERED if day is None else policy.standing(day, as_known)
        on = self.on
        self.reading = read_rule(policy, rule, on, as_known, starts)
        self.rule, self.terms, self.unset = self.reading.rule, self.reading.terms, self.reading.unset

    def __call__(self, facts: Mapping[str, Any]) -> Verdict:
        """The verdict for facts as `parse_facts` gives them."""
        rule = self.rule
        if self.standing is PolicyStanding.NOT_YET_KNOWN:
            return Verdict(rule, Status.NOT_YET_KNOWN, None)
        if self.standing is PolicyStanding.NOT_COVERED:
            return Verdict(rule, Status.NOT_IN_FORCE, 0)
        if self.unset:
            return Verdict(rule, Status.NOT_SET, None, self.unset)
        verdict = _decide(rule, facts, self.terms)
        return replace(verdict, open_=self.reading.open_) if self.reading.open_ else verdict


def _decide(rule: Rule, facts: Mapping[str, Any], terms: Terms) -> Verdict:
    """The plain evaluation where it decides; else whatever the missing facts leave open."""
    holds = tuple(Evaluation(facts, terms).evaluate(condition.node) for condition in rule.conditions)
    walk = Evaluation(facts, terms)
    value = None if rule.amount is None else walk.evaluate(rule.amount)
    priority = None if rule.priority is None else Evaluation(facts, terms).evaluate(rule.priority)
    seen = tuple(walk.cited)
    known = (rule.amount is None or value is not None) and (rule.priority is None or priority is not None)
    if not (_fails(rule, holds) or (None not in holds and (known or False in holds))):
        return _decide_with_missing(rule, IntervalEvaluation(facts, terms), seen)
    caps = tuple(BindingCap(cited.cited, cited.limit, cited.uncapped) for cited in seen if _binds(cited))
    status, amount = status_and_amount(rule, holds, value, priority, ())
    return Verdict(rule, status, amount, (), holds, priority, value, (), (), seen, caps)


def _decide_with_missing(rule: Rule, bounds: IntervalEvaluation, seen: tuple[CitedValue, ...]) -> Verdict:
    holds = tuple(single_value(bounds.span(condition.node)) for condition in rule.conditions)
    value, priority = (
        None if node is None else single_value(bounds.span(node)) for node in (rule.amount, rule.priority)
    )
    deciding, worth = _facts_that_matter(rule, holds, bounds)
    missing = tuple(spec for spec in rule.facts if spec.name in {*deciding, *worth})
    status, amount = status_and_amount(rule, holds, value, priority, missing)
    caps = (
        tuple(bounds.binding_caps(rule.amount)) if rule.amount is not None and status is not Status.NOT_ELIGIBLE else ()
    )
    return Verdict(
        rule, status, amount, (), holds, priority, value, missing,
        tuple(spec for spec in missing if spec.name in deciding), seen, caps,
    )  # fmt: skip


def _facts_that_matter(rule: Rule, holds: Holds, bounds: IntervalEvaluation) -> tuple[set[str], set[str]]:
    """The facts that can still change whether the conditions hold, and those that can change what follows."""
    if _fails(rule, holds):
        return set(), set()
    deciding = {spec.name for condition in rule.conditions for spec in bounds.undecided_facts(condition.node)}
    if False in holds:  # a region that has set nothing: no amount will come of it
        return deciding, set()
    roots = [node for node in (rule.amount, rule.priority) if node is not None]
    return deciding, {spec.name for node in roots for spec in bounds.undecided_facts(node)}


def status_and_amount(
    rule: Rule, holds: Holds, value: int | None, priority: bool | None, missing: tuple[FactSpec, ...]
) -> tuple[Status, int | None]:
    """Status and amount (fen) of a rule in force from what its conditions, amount and priority came to."""
    if _fails(rule, holds):
        return Status.NOT_ELIGIBLE, 0
    if missing:
        return Status.MISSING_FACTS, None
    if False in holds:
        return Status.NOT_SET, None
    match rule.kind:
        case RuleKind.DISCRETION:
            return Status.DISCRETIONARY, None
        case RuleKind.ENTITLES:
            return (Status.PRIORITY if priority else Status.ELIGIBLE), None
    return Status.ELIGIBLE, value


def _fails(rule: Rule, holds: Holds) -> bool:
    """Whether a condition fails for good: not one that only waits for a region's setting."""
    pairs = zip(rule.conditions, holds, strict=True)
    return any(held is False and awaited_setting(condition.node) is None for condition, held in pairs)


def _binds(seen: CitedValue) -> bool:
    capped = isinstance(seen.cited.node, nodes.Cap) and seen.uncapped is not None and seen.limit is not None
    return capped and bool(seen.uncapped > seen.limit)

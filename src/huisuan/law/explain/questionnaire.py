"""Which questions to ask, and in which order: only those that can still change an answer.

    build_questionnaire(policies, "enterprise", {"in_anhui": True, "spend": 100_00}, on=day, as_known=day)

Rules that take the same fact (one name, one Chinese label, one range) of the same thing share one question. A rule is
settled as soon as no missing fact can change its status, its amount or its priority: a failed condition, a cap that
binds in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from huisuan.law.explain.combine import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.explain.explanation import answer_from_verdict
from huisuan.law.explain.intervals import BindingCap, IntervalEvaluation
from huisuan.law.explain.verdict import RuleEvaluator, Verdict
from huisuan.law.model import expressions as nodes
from huisuan.law.model.answers import Answer, Status
from huisuan.law.model.claimants import THE_CLAIMANT
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.ranges import Range, fact_span
from huisuan.law.model.rules import Rule, RuleKind
from huisuan.law.model.values import Value, ValueKind
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.stacking import PolicyRule

#: the values of facts by the keys of their questions; None is not known
KnownAnswers: TypeAlias = Mapping[str, Value | None]


@dataclass(frozen=True)
class Question:
    """A fact to be asked for, and every rule that takes it. The key stays as long as the law does: links carry it."""

    key: str
    spec: FactSpec
    places: tuple[PolicyRule, ...]


@dataclass(frozen=True)
class RuleProgress:
    """What a rule answers to what is known so far.

    `deciding` are the missing facts on which its conditions still depend, `amount_facts` those on which only the amount
    or the priority does; both empty: the verdict is settled. `amount` is what it can still come to (fen; rules that
    pay), and `caps` bind in any case.
    """

    place: PolicyRule
    evaluator: RuleEvaluator
    facts: Mapping[str, Any]
    verdict: Verdict
    deciding: tuple[FactSpec, ...] = ()
    amount_facts: tuple[FactSpec, ...] = ()
    amount: Range | None = None
    caps: tuple[BindingCap, ...] = ()

    @property
    def irrelevant(self) -> tuple[FactSpec, ...]:
        """The facts that are not known and need not be."""
        asked = {spec.name for spec in (*self.deciding, *self.amount_facts)}
        rule = self.place.rule
        read = nodes.facts_of(*rule.roots)
        return tuple(spec for spec in read if spec.name not in asked and self.facts.get(spec.name) is None)

    @property
    def settled(self) -> bool:
        """Whether nothing that is not known can change the answer."""
        return not (self.deciding or self.amount_facts)

    def answer(self, on: date, as_known: date) -> Answer:
        """The verdict in words, with its grounds."""
        return answer_from_verdict(
            self.place.policy, self.evaluator, self.verdict, self.facts, on=on, as_known=as_known
        )


@dataclass(frozen=True)
class OpenQuestion:
    """A question that can still change the answers of some rules; `now` where it decides whether they hold at all."""

    question: Question
    places: tuple[PolicyRule, ...]
    now: bool


@dataclass(frozen=True)
class Questionnaire:
    """The answers so far, rule by rule, and what is still to be asked, the most decisive first.

    `presumed` are the keys of the answers that follow from who is asking.
    """

    progress: tuple[RuleProgress, ...]
    questions: tuple[Question, ...]
    open: tuple[OpenQuestion, ...]
    presumed: Mapping[str, Value]


def build_questionnaire(
    policies: Sequence[Policy], claimant: str, answers: KnownAnswers, *, on: date, as_known: date
) -> Questionnaire:
    """The rules in force on the day for an audience (`CLAIMANTS`), answered as far as the answers go."""
    places = [
        PolicyRule(policy, rule)
        for policy in policies
        if policy.in_force(on, as_known)
        for rule in policy.rules
        if not rule.claimants or claimant in rule.claimants
    ]
    asked = _in_asking_order(list_questions(policies), places)
    presumed = {
        question.key: value for question in asked if (value := presumed_answer(question.spec, claimant)) is not None
    }
    known = {**presumed, **{key: value for key, value in answers.items() if value is not None}}
    facts: dict[str, dict[str, Any]] = {place.key: {} for place in places}
    for question in asked:
        for place in question.places:
            if question.key in known:
                facts[place.key][question.spec.name] = known[question.key]
    all_progress = tuple(assess_rule(place, facts[place.key], on, as_known) for place in places)
    return Questionnaire(all_progress, asked, tuple(_open_questions(asked, all_progress)), presumed)


def assess_rule(place: PolicyRule, facts: Mapping[str, Any], on: date, as_known: date) -> RuleProgress:
    """Evaluate a rule as far as the known facts go."""
    evaluator = RuleEvaluator(place.policy, place.rule, on, as_known)
    verdict = evaluator(facts)
    if verdict.unset or verdict.status in (Status.NOT_IN_FORCE, Status.NOT_YET_KNOWN):
        return RuleProgress(place, evaluator, facts, verdict)
    then = tuple(spec for spec in verdict.missing if spec not in verdict.deciding)
    possible = _possible_amount(evaluator.rule, IntervalEvaluation(facts, evaluator.terms), verdict.holds)
    caps = () if False in verdict.holds else verdict.caps
    return RuleProgress(place, evaluator, facts, verdict, verdict.deciding, then, possible, caps)


def _possible_amount(rule: Rule, bounds: IntervalEvaluation, holds: Sequence[bool | None]) -> Range | None:
    span = None if rule.amount is None else bounds.span(rule.amount)
    if not isinstance(span, Range) or False in holds:
        return None if rule.amount is None else Range(0, 0)
    return span if None not in holds else Range(0, span.high)


def combine_certain(all_progress: Iterable[RuleProgress], *, on: date, as_known: date) -> tuple[CombinedAnswer, ...]:
    """What the rules that pay certainly come to beside each other, by what they pay for.

    Raises:
        LawError: two of them pay for the same without a declared order; it names both.
    """
    paying = [progress for progress in all_progress if progress.place.rule.kind is RuleKind.PAYS]
    return combine_answers(
        [RuleInput(progress.place, _completed(progress)) for progress in paying], on=on, as_known=as_known
    )


def _completed(progress: RuleProgress) -> Mapping[str, Any]:
    """A settled answer is the same for any completion; what was spent is never made up where something is owed."""
    rule = progress.place.rule
    if not progress.settled:
        return progress.facts
    spent = rule.claim.spent if rule.claim and progress.verdict.amount_fen else ""
    lowest = {spec.name: _lowest(spec) for spec in rule.facts if spec.name != spent}
    return {**lowest, **progress.facts}


def _lowest(spec: FactSpec) -> Any:
    span = fact_span(spec)
    return span.low if isinstance(span, Range) else min(span) if span else "—"


def presumed_answer(spec: FactSpec, claimant: str) -> Value | None:
    """The answer that follows from the kind of claimant: an option, or a boolean fact, of the claimant's name."""
    if spec.kind == ValueKind.CHOICE and claimant in (spec.options or {}):
        return claimant
    return True if spec.kind == ValueKind.BOOL and spec.name == claimant else None


def list_questions(policies: Sequence[Policy]) -> tuple[Question, ...]:
    """Every question that the policies can ask, in the order of their texts."""
    meant: dict[str, dict[tuple[object, ...], list[tuple[PolicyRule, FactSpec]]]] = {}
    for policy in policies:
        for rule in policy.rules:
            for spec in rule.facts:
                same = meant.setdefault(spec.name, {}).setdefault(_meaning(policy, spec), [])
                same.append((PolicyRule(policy, rule), spec))
    return tuple(
        Question(key, takers[0][1], tuple(place for place, _ in takers))
        for name, meanings in meant.items()
        for key, takers in zip(_keys(name, list(meanings.values())), meanings.values(), strict=True)
    )


def _meaning(policy: Policy, spec: FactSpec) -> tuple[object, ...]:
    """What a fact is and of what: two projects have two cities, the claimant is one in every policy."""
    thing = "" if spec.about == THE_CLAIMANT else f"{policy.name}/{spec.about}"
    return thing, spec.zh, spec.kind, spec.unit, spec.maximum, tuple((spec.options or {}).items())


def _keys(name: str, meanings: list[list[tuple[PolicyRule, FactSpec]]]) -> list[str]:
    """The shortest keys that tell the meanings of one name apart: "spend", "8.2:city_paid", with the policy before it.

    A name that comes to mean two things loses its short key: an old link then says nothing, rather than the other one.
    """
    first = [takers[0][0] for takers in meanings]
    for keys in ([name] * len(first), [f"{place.rule.key}:{name}" for place in first]):
        if len(set(keys)) == len(keys):
            return keys
    return [f"{place.key}:{name}" for place in first]


def _in_asking_order(all_questions: Sequence[Question], places: Sequence[PolicyRule]) -> tuple[Question, ...]:
    """The questions of these rules: what decides about most of them first, money last."""
    order = {place.key: at for at, place in enumerate(places)}
    mine = [replace(question, places=tuple(p for p in question.places if p.key in order)) for question in all_questions]

    def rank(question: Question) -> tuple[int, int, int, int]:
        first = question.places[0]
        names = [spec.name for spec in first.rule.facts]
        return (_asking_step(question), -len(question.places), order[first.key], names.index(question.spec.name))

    return tuple(sorted((question for question in mine if question.places), key=rank))


def _asking_step(question: Question) -> int:
    if question.spec.kind == ValueKind.MONEY:
        return 3
    conditions = (condition for place in question.places for condition in place.rule.conditions)
    if not any(
        question.spec.name in {spec.name for spec in nodes.facts_of(condition.node)} for condition in conditions
    ):
        return 2
    return 0 if question.spec.kind in (ValueKind.BOOL, ValueKind.CHOICE) else 1


def _open_questions(asked: Iterable[Question], all_progress: Sequence[RuleProgress]) -> Iterator[OpenQuestion]:
    by_place = {progress.place.key: progress for progress in all_progress}
    for question in asked:
        decides = [by_place[place.key] for place in question.places]
        mattering = [
            progress for progress in decides if question.spec.name in _names(progress.deciding, progress.amount_facts)
        ]
        if mattering:
            # the amount is asked for once the conditions hold
            now = any(
                question.spec.name in _names(progress.deciding) or not progress.deciding for progress in mattering
            )
            yield OpenQuestion(question, tuple(progress.place for progress in mattering), now)


def _names(*specs: tuple[FactSpec, ...]) -> set[str]:
    return {spec.name for some in specs for spec in some}

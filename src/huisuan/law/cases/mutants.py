"""Would the cases notice? Each condition, cap, rate and comparison of a policy is removed or altered in turn.

A case that comes out otherwise has noticed the alteration. What no case notices may be wrong in the rule without
anybody knowing: a lawyer reads the cases, not the tree. (Mutation testing: DeMillo, Lipton and Sayward 1978.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from huisuan.law.cases.alterations import Alteration, alter_tree
from huisuan.law.cases.case_file import Case
from huisuan.law.cases.runner import run_case
from huisuan.law.model.grouping import Grouping, Period, SharedCap
from huisuan.law.model.rules import LEVELS, Allotment, Rule, Stacking
from huisuan.law.policy.load import load_installed
from huisuan.law.policy.policy import Policy

Altered = Rule | Allotment | Stacking | SharedCap


@dataclass(frozen=True)
class Mutant:
    """A rule, an allotment or an order with one thing altered; `level`: of the policy, where that is altered."""

    changed: Altered
    alteration: Alteration
    level: str = ""


@dataclass(frozen=True)
class Unnoticed:
    """An alteration that no case of its subject noticed."""

    subject: str
    alteration: Alteration

    @property
    def text(self) -> str:
        """What to do about it."""
        altered = self.alteration
        return f"没有一个算例察觉“{altered.what}”（第 {altered.sentence} 句“{altered.phrase}”）；请写一个会因此不同的"


@dataclass(frozen=True)
class MutantReport:
    """How many alterations were tried, and those that went unnoticed."""

    tried: int
    unnoticed: tuple[Unnoticed, ...]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "tried": self.tried,
            "unnoticed": [
                {
                    "subject": found.subject, "what": found.alteration.what,
                    "sentence": found.alteration.sentence, "phrase": found.alteration.phrase,
                }
                for found in self.unnoticed
            ],
        }  # fmt: skip


def list_subjects(policy: Policy) -> tuple[Altered, ...]:
    """What is altered: rules, budgets that are shared out, and the orders in which rules combine."""
    return (*policy.rules, *policy.versions, *policy.allotments, *policy.stackings, *policy.shared_caps)


def try_mutants(policy: Policy, cases: Sequence[Case], advance: Callable[[], None] = lambda: None) -> MutantReport:
    """Alter everything in every way and run the cases of its subject; `advance` is called after each subject.

    A case notices only by another outcome, not by being impossible to ask. Where policies on the search path pay for
    the same as this one, its place among them is altered, too.
    """
    tried = 0
    shared = _shared_grounds(policy)
    unnoticed: list[Unnoticed] = []
    for original in list_subjects(policy):
        key = _key(original)
        asked = [(_smallest(policy, original, case), case) for case in cases if case.subject == key]
        for mutant in (*_list_mutants(original), *_other_turns(policy, original, shared)):
            tried += 1
            if not any(_notices(_with(small, mutant), case) for small, case in asked):
                unnoticed.append(Unnoticed(key, mutant.alteration))
        advance()
    return MutantReport(tried, tuple(unnoticed))


def _notices(altered: Policy, case: Case) -> bool:
    """Whether a case comes out otherwise; of a question that went with what was altered it chooses no option."""
    if case.interpretations:
        known = altered.interpretation_specs()
        chosen = {name: option for name, option in case.interpretations.items() if name in known}
        case = replace(case, interpretations=chosen)
    return bool(run_case(altered, case).differences)


def _key(subject: Altered) -> str:
    match subject:
        case Stacking():
            return subject.ground
        case SharedCap():
            return subject.name
    return subject.key


def _smallest(policy: Policy, original: Altered, case: Case) -> Policy:
    """The smallest policy in which the case holds: with a single rule it is asked much faster."""
    if not isinstance(original, Rule) or policy.versions:
        return policy
    small = replace(policy, rules=(original,), allotments=(), stackings=(), shared_caps=())
    return small if run_case(small, case).holds else policy


def _with(policy: Policy, mutant: Mutant) -> Policy:
    if mutant.level:
        policy = replace(policy, level=mutant.level)
    match changed := mutant.changed:
        case Rule(version=version) if version:
            versions = tuple(
                changed if (rule.key, rule.version) == (changed.key, version) else rule for rule in policy.versions
            )
            return replace(policy, versions=versions)
        case Rule():
            rules = tuple(changed if rule.key == changed.key else rule for rule in policy.rules)
            return replace(policy, rules=rules)
        case Allotment():
            allotments = tuple(changed if other.key == changed.key else other for other in policy.allotments)
            return replace(policy, allotments=allotments)
        case Stacking():
            stackings = tuple(changed if other.ground == changed.ground else other for other in policy.stackings)
            return replace(policy, stackings=stackings)
        case SharedCap():
            caps = tuple(changed if other.sentence == changed.sentence else other for other in policy.shared_caps)
            return replace(policy, shared_caps=caps)


def _list_mutants(original: Altered) -> Iterator[Mutant]:
    match original:
        case Rule():
            yield from _conditions_altered(original)
            ground = Alteration("", original.sentence, original.phrase)
            for alteration, amount in alter_tree(original.amount, ground):
                yield Mutant(replace(original, amount=amount), alteration)
            for alteration, priority in alter_tree(original.priority, ground):
                yield Mutant(replace(original, priority=priority), alteration)
            if original.over is not None:
                yield from _groupings_altered(original, original.over)
        case Allotment(indicators=indicators):
            for place, indicator in enumerate(indicators):
                ground = Alteration(f"不计“{indicator.fact.zh}”", indicator.weight.sentence, indicator.weight.phrase)
                yield Mutant(replace(original, indicators=(*indicators[:place], *indicators[place + 1 :])), ground)
        case Stacking(order=order, by=by):
            if len(order) > 1:  # the order between policies is that of their levels: `_other_turns`
                yield Mutant(replace(original, order=order[::-1]), Alteration("先后对调", by.sentence, by.phrase))
        case SharedCap(rules=rules):
            ground = Alteration("先后对调", original.sentence, original.phrase)
            yield Mutant(replace(original, rules=rules[::-1]), ground)
            for alteration, limit in alter_tree(original.limit, ground):
                yield Mutant(replace(original, limit=limit), alteration)


def _shared_grounds(policy: Policy) -> frozenset[str]:
    """The grounds that rules of other policies on the search path pay for, too."""
    others = [other for other in load_installed()[0] if other.name != policy.name]
    return frozenset(rule.claim.ground for other in others for rule in other.rules if rule.claim)


def _other_turns(policy: Policy, original: Altered, shared: frozenset[str]) -> Iterator[Mutant]:
    """The policy in another place among those that pay for the same: first of all, or before a level it comes after."""
    if not isinstance(original, Stacking) or original.ground not in shared:
        return
    by = original.by
    first, last = LEVELS[0], LEVELS[-1]
    if policy.level == first and not original.after:
        yield Mutant(original, Alteration(f"级别改为 {last}，排到最后", by.sentence, by.phrase), last)
    else:
        altered = Alteration(f"级别改为 {first}，排到最先", by.sentence, by.phrase)
        yield Mutant(replace(original, after=()), altered, first)
    own = LEVELS.index(policy.level) if policy.level in LEVELS else len(LEVELS)
    for level in original.after:
        if LEVELS.index(level) > own:  # of a level before its own it says only who goes first where nobody else does
            kept = tuple(other for other in original.after if other != level)
            yield Mutant(replace(original, after=kept), Alteration(f"不再排在 {level} 之后", by.sentence, by.phrase))


def _groupings_altered(rule: Rule, over: Grouping) -> Iterator[Mutant]:
    """Totals over other claims: of another period, of everybody, with what repeats, in another turn."""
    changed = {
        "改为另一期间合计": replace(
            over, period=Period.ALWAYS if over.day and over.period != Period.ALWAYS else over.period
        )
    }
    changed["重复的也计"] = replace(over, once=())
    changed["先后对调"] = replace(over, order=over.order[::-1])
    changed["不按对象合计"] = replace(over, of=())
    for what, grouping in changed.items():
        if grouping != over:
            yield Mutant(replace(rule, over=grouping), Alteration(what, over.sentence, over.phrase))


def _conditions_altered(rule: Rule) -> Iterator[Mutant]:
    for place, condition in enumerate(rule.conditions):
        before, after = rule.conditions[:place], rule.conditions[place + 1 :]
        ground = Alteration(f"去掉条件“{condition.zh}”", condition.sentence, condition.phrase)
        yield Mutant(replace(rule, conditions=(*before, *after)), ground)
        for alteration, node in alter_tree(condition.node, ground):
            yield Mutant(replace(rule, conditions=(*before, replace(condition, node=node), *after)), alteration)

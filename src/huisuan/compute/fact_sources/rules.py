"""Which rules the platform can settle by itself, and how their facts are taken on a day."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import cast

from huisuan.compute.fact_sources.registry import settled_measure_of, state_facts, use_facts
from huisuan.law.model import FactSpec, LawError, Rule, RuleKind
from huisuan.law.model import expressions as nodes
from huisuan.law.policy import Policy, PolicyRule, list_policies, load_policy
from huisuan.parties.affiliation import Reach

_REACHES = {"same", "control"}


def chosen_options(policy: Policy, rule: Rule, on: date, as_known: date) -> dict[str, str]:
    """The options chosen on a day, as known on a day, for the open questions that a rule rests on."""
    adopted = policy.adopted(on, as_known)
    return {spec.name: str(adopted[spec.name].value) for spec in rule.interpretations() if spec.name in adopted}


def facts_that_matter(rule: Rule, options: Mapping[str, str]) -> list[FactSpec]:
    """The facts that the rule reads under these options, in the order of their declaration."""
    walked = (node for root in rule.roots for node in nodes.walk(root, options))
    named = {node.spec.name for node in walked if isinstance(node, nodes.Fact)}
    return [spec for spec in rule.facts if spec.name in named]


def facts_to_know(rule: Rule, options: Mapping[str, str]) -> list[FactSpec]:
    """Of the facts that matter those without which nobody can be answered.

    One that is read only as one way among others ("or found to be alike") is not: whoever needs it is told that it is
    missing, and all others are answered without it.
    """
    needed = {name for root in rule.roots for name in _needed(root, options)}
    return [spec for spec in facts_that_matter(rule, options) if spec.name in needed]


def _needed(node: nodes.Node, options: Mapping[str, str]) -> Iterator[str]:
    """The facts below a node, but for those that stand for one way among others of which another is known."""
    if isinstance(node, nodes.Fact):
        yield node.spec.name
    elif isinstance(node, nodes.Interpreted) and node.spec.name in options:
        yield from _needed(node.branches[options[node.spec.name]], options)
    elif isinstance(node, nodes.AnyOf):
        ways = [list(_needed(term, options)) for term in node.terms]
        known = [way for way, term in zip(ways, node.terms, strict=True) if _is_known(term, options)]
        yield from (name for way in known or ways for name in way)
    else:
        for child in nodes.children(node):
            yield from _needed(child, options)


def _is_known(node: nodes.Node, options: Mapping[str, str]) -> bool:
    facts = [found.spec for found in nodes.walk(node, options) if isinstance(found, nodes.Fact)]
    return bool(facts) and all(settled_measure_of(spec) is not None for spec in facts)


def is_settled_from_use(rule: Rule, options: Mapping[str, str]) -> bool:
    """Whether the rule pays, every fact that it needs is known to the platform, and some are summed over use."""
    facts = facts_to_know(rule, options)
    known = all(settled_measure_of(spec) is not None for spec in facts)
    return rule.kind is RuleKind.PAYS and known and bool(use_facts(facts))


def rules_settled_from_use(policy: Policy, on: date, as_known: date) -> list[PolicyRule]:
    """The rules of a policy that the platform can settle by itself on a day, as known on a day.

    None of one whose text nobody has compared with the issued one yet (`prepared`): no money goes by it.
    """
    if policy.prepared:
        return []
    return [PolicyRule(policy, rule) for rule in policy.rules if _is_settled(policy, rule, on, as_known)]


def _is_settled(policy: Policy, rule: Rule, on: date, as_known: date) -> bool:
    """The same, of the rule as its sentence reads on a day."""
    read = policy.rule_on(rule, on, as_known)
    return is_settled_from_use(read, chosen_options(policy, read, on, as_known))


def readable_policies() -> Iterator[Policy]:
    """Every policy that can be read; one that cannot is named where it is read itself."""
    for name in list_policies():
        try:
            yield load_policy(name)
        except LawError:
            continue


def days_settled(place: PolicyRule, year: int, as_known: date) -> tuple[date, date]:
    """[first day, day after the last) of the use that a rule is settled over in a year, as known on a day."""
    return place.rule.window.days(year, place.policy.valid_from, place.policy.last_day(as_known))


def rules_of_year(year: int, as_known: date) -> list[PolicyRule]:
    """The rules that the platform can settle of every policy that holds on some day of their part of a year."""
    found = []
    for policy in readable_policies():
        last = min(policy.last_day(as_known), date(year, 12, 31))
        if policy.valid_from.year <= year <= last.year and policy.in_force(last, as_known):
            found += rules_settled_from_use(policy, last, as_known)
    return [place for place in found if _holds_within(place, year, as_known)]


def _holds_within(place: PolicyRule, year: int, as_known: date) -> bool:
    starts, ends = days_settled(place, year, as_known)
    return place.policy.valid_from < ends and starts <= place.policy.last_day(as_known)


@dataclass(frozen=True)
class ReachSpan:
    """How far self-built-self-use reaches on [starts, ends)."""

    starts: date
    ends: date
    reach: Reach


def reach_spans(
    place: PolicyRule, starts: date, ends: date, as_known: date, parts: Sequence[date] = ()
) -> tuple[ReachSpan, ...]:
    """How far self-built-self-use reaches in each part of [starts, ends), as known on a day."""
    edges = [*(parts or (starts,)), ends]
    return tuple(
        ReachSpan(first, after, reach_of(place, last_day(after), as_known))
        for first, after in itertools.pairwise(edges)
    )


def reach_of(place: PolicyRule, on: date, as_known: date) -> Reach:
    """How far self-built-self-use reaches, by the rule's own question; to all under one control where it asks none."""
    adopted = place.policy.adopted(on, as_known)
    for spec in place.rule.read_facts_by:
        if set(spec.options) <= _REACHES and spec.name in adopted:
            return cast(Reach, str(adopted[spec.name].value))
    return "control"


def claimant_rule(rule: Rule, options: Mapping[str, str]) -> Rule | None:
    """Whether a party is one whom the rule is for, on the day: the conditions that only the register decides.

    None where there are none: everybody's use counts.
    """
    of_state = {spec.name for spec in state_facts(rule.facts)}
    conditions = []
    for condition in rule.conditions:
        named = {node.spec.name for node in nodes.walk(condition.node, options) if isinstance(node, nodes.Fact)}
        if named and named <= of_state:
            conditions.append(condition)
    if not conditions:
        return None
    facts = tuple(spec for spec in rule.facts if spec.name in of_state)
    return replace(
        rule, kind=RuleKind.ENTITLES, conditions=tuple(conditions), facts=facts, amount=None, priority=None, fund=None
    )


def last_day(ends: date) -> date:
    """The day on which the law is read: the last of the use that is settled."""
    return ends - timedelta(days=1)

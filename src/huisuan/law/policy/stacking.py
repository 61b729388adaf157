"""Several rules that pay for the same: their order, and that together they never pay more than was spent.

A ground ("compute-spend") is what a rule pays for. Two rules with one ground, in one policy or in two, need a
declared order; without one nothing is computed, and the error names both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule, RuleKind, Stacking
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import AdoptedSetting


class StackingMode(StrEnum):
    """How a later rule treats what an earlier one paid for the same."""

    ONCE = "once"
    TOGETHER = "together"
    REST = "rest"


@dataclass(frozen=True)
class PolicyRule:
    """A rule and the policy that it belongs to."""

    policy: Policy
    rule: Rule

    @property
    def key(self) -> str:
        """The rule's key among all policies: "anhui-agi-2023/2.2"."""
        return f"{self.policy.name}/{self.rule.key}"


@dataclass(frozen=True)
class StackedRules:
    """The rules of one ground in their order, and the question that says how they combine."""

    ground: str
    rules: tuple[PolicyRule, ...]
    stacking: Stacking | None = None
    declared_in: Policy | None = None


def adopted_mode(layer: StackedRules, on: date, as_known: date) -> AdoptedSetting | None:
    """The adopted mode in which the rules combine on a day, as known on a day; None where none is set."""
    if layer.stacking is None or layer.declared_in is None:
        return None
    return layer.declared_in.adopted(on, as_known).get(layer.stacking.by.name)


def check_overlaps(policy: Policy) -> None:
    """Within one policy every ground that several rules pay for has a declared order.

    Raises:
        LawError: it has none, or the order names a rule of this policy that does not pay for it.
    """
    keys = {rule.key for rule in policy.rules}
    for stacking in policy.stackings:
        unknown = [key for key in stacking.order if "/" not in key and key not in keys]
        if unknown:
            raise LawError(f"“{stacking.ground}”的先后中写了没有的规则 {'、'.join(unknown)}", code="law.rule_unknown")
    rules_by_ground([policy])


def rules_by_ground(policies: Sequence[Policy]) -> tuple[StackedRules, ...]:
    """The paying rules of the policies by ground, each ground's in its declared order.

    Raises:
        LawError: two rules pay for the same without a declared order; it names both.
    """
    by_ground: dict[str, list[PolicyRule]] = {}
    for place in _paying_rules(policies):
        by_ground.setdefault(_ground(place), []).append(place)
    return tuple(_in_declared_order(ground, places, policies) for ground, places in by_ground.items())


def _paying_rules(policies: Iterable[Policy]) -> Iterator[PolicyRule]:
    for policy in policies:
        for rule in policy.rules:
            if rule.kind is RuleKind.PAYS:
                yield PolicyRule(policy, rule)


def _ground(place: PolicyRule) -> str:
    claim = place.rule.claim
    return claim.ground if claim and claim.spent else f"{place.policy.name}/{place.rule.sentence}"


def _in_declared_order(ground: str, places: list[PolicyRule], policies: Sequence[Policy]) -> StackedRules:
    if len(places) == 1:
        return StackedRules(ground, tuple(places))
    wanted = {place.key for place in places}
    for policy in policies:
        for stacking in policy.stackings:
            order = [key if "/" in key else f"{policy.name}/{key}" for key in stacking.order]
            if stacking.ground == ground and wanted <= set(order):
                ordered = sorted(places, key=lambda place: order.index(place.key))
                return StackedRules(ground, tuple(ordered), stacking, policy)
    first, second = _undeclared(ground, places, policies)
    raise LawError(
        f"{first.key}（{first.rule.title}）与 {second.key}（{second.rule.title}）都对“{ground}”付款，"
        "但没有声明先后：请在其中一个政策里写 article.stacks(…)，并给出解释口径",
        code="law.stacking_undeclared",
    )


def _undeclared(ground: str, places: list[PolicyRule], policies: Sequence[Policy]) -> tuple[PolicyRule, PolicyRule]:
    """The first two rules that no order names together."""
    orders: list[Mapping[str, int]] = [
        {key if "/" in key else f"{policy.name}/{key}": at for at, key in enumerate(stacking.order)}
        for policy in policies
        for stacking in policy.stackings
        if stacking.ground == ground
    ]
    for at, first in enumerate(places):
        for second in places[at + 1 :]:
            if not any(first.key in order and second.key in order for order in orders):
                return first, second
    return places[0], places[-1]

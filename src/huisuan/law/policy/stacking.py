"""Several rules that pay for the same spend: who goes first, and how a later one treats what an earlier one paid.

A ground ("compute-spend") is what a rule pays for. The order is by level (nation, province, city, county), then by day
of issue; a policy says with one declaration how it combines with whatever goes before it, naming no other policy. A
policy that joins a ground and declares nothing is left out of the sum and says so; it does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import LEVELS, Rule, RuleKind, Stacking
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import AdoptedSetting


class StackingMode(StrEnum):
    """How a later rule treats what an earlier one paid on the part of the spend that both claim."""

    ONCE = "once"
    TOGETHER = "together"
    REST = "rest"
    BETTER = "better"


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
    """The rules of one ground in their order; `left_out` are those whose policy does not say how it combines."""

    ground: str
    rules: tuple[PolicyRule, ...]
    left_out: tuple[PolicyRule, ...] = ()

    def stacking(self, place: PolicyRule) -> Stacking | None:
        """What the rule's own policy declares for the ground."""
        return declared_stacking(place.policy, self.ground)


def declared_stacking(policy: Policy, ground: str) -> Stacking | None:
    """What a policy declares for a ground, if it does."""
    return next((stacking for stacking in policy.stackings if stacking.ground == ground), None)


def adopted_mode(place: PolicyRule, ground: str, on: date, as_known: date) -> AdoptedSetting | None:
    """The mode in which a rule follows those before it on a day, as known on a day; None where none is set."""
    stacking = declared_stacking(place.policy, ground)
    return None if stacking is None else place.policy.adopted(on, as_known).get(stacking.by.name)


def check_overlaps(policy: Policy) -> None:
    """Within one policy every ground that several rules pay for has a declared order.

    Raises:
        LawError: it has none, or the order names a rule that the policy has not.
    """
    keys = {rule.key for rule in policy.rules}
    for stacking in policy.stackings:
        unknown = [key for key in stacking.order if key not in keys]
        if unknown:
            raise LawError(
                f"“{stacking.ground}”的先后中写了没有的规则 {'、'.join(unknown)}；"
                "只写本政策的规则，与其他政策的先后按层级（after=）",
                code="law.rule_unknown",
            )
    for ground, places in _by_ground([policy]).items():
        declared = declared_stacking(policy, ground)
        unordered = [place for place in places if declared is None or place.rule.key not in declared.order]
        if len(places) > 1 and unordered:
            other = next(place for place in places if place is not unordered[0])
            first, second = sorted((other, unordered[0]), key=places.index)
            raise LawError(
                f"{first.key}（{first.rule.title}）与 {second.key}（{second.rule.title}）都对“{ground}”付款，"
                "但没有声明先后：请写 article.stacks(…, order=(…))，并给出解释口径",
                code="law.stacking_undeclared",
            )


def rules_by_ground(policies: Sequence[Policy]) -> tuple[StackedRules, ...]:
    """The paying rules of the policies by ground, each ground's in its order."""
    return tuple(_ordered(ground, places) for ground, places in _by_ground(policies).items())


def _by_ground(policies: Iterable[Policy]) -> dict[str, list[PolicyRule]]:
    by_ground: dict[str, list[PolicyRule]] = {}
    for place in _paying_rules(policies):
        by_ground.setdefault(ground_of(place), []).append(place)
    return by_ground


def _paying_rules(policies: Iterable[Policy]) -> Iterator[PolicyRule]:
    for policy in policies:
        for rule in policy.rules:
            if rule.kind is RuleKind.PAYS and not rule.repays:
                yield PolicyRule(policy, rule)


def ground_of(place: PolicyRule) -> str:
    """What a rule pays for; one that names no ground, or decides no amount, claims its own sentence."""
    claim = place.rule.claim
    return claim.ground if claim and claim.spent else f"{place.policy.name}/{place.rule.sentence}"


def _ordered(ground: str, places: Sequence[PolicyRule]) -> StackedRules:
    """Those of one ground by level, day of issue and name; of one policy in its own order."""
    silent = {place.policy.name: place.policy for place in places if declared_stacking(place.policy, ground) is None}
    named = {level for place in places for level in _after(place.policy, ground)}
    # one policy may be silent, the one that the others come after: as others place it, else the one issued first
    base = min(
        silent.values(), key=lambda policy: (policy.level not in named, policy.issued, policy.name), default=None
    )
    kept = [place for place in places if place.policy.name not in silent or place.policy is base]
    ordered = sorted(kept, key=lambda place: _turn(place, ground))
    if base is not None and ordered and ordered[0].policy is not base:
        kept = [place for place in ordered if place.policy is not base]  # silent, and not the first: it must say how
        ordered = kept
    return StackedRules(ground, tuple(ordered), tuple(place for place in places if place not in ordered))


def _after(policy: Policy, ground: str) -> tuple[str, ...]:
    declared = declared_stacking(policy, ground)
    return () if declared is None else declared.after


def _turn(place: PolicyRule, ground: str) -> tuple[int, date, str, int]:
    policy, declared = place.policy, declared_stacking(place.policy, ground)
    # levels count by twos: what comes after a level stands between it and the next
    rank = max([2 * _rank(policy.level), *(2 * _rank(level) + 1 for level in _after(policy, ground))])
    order = declared.order if declared else ()
    own = order.index(place.rule.key) if place.rule.key in order else len(order)
    return rank, policy.issued, policy.name, own


def _rank(level: str) -> int:
    """The place of a level; a policy that names none comes after all that do."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)

"""Which rules a settlement is of: those asked for, and the earlier ones of the same grounds, in the order they pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from huisuan.base.errors import InvalidRequest
from huisuan.compute.fact_sources.registry import require_known, use_facts
from huisuan.compute.fact_sources.rules import (
    chosen_options,
    days_settled,
    facts_to_know,
    last_day,
    rules_of_year,
    rules_settled_from_use,
)
from huisuan.law.model import LawError, RuleKind
from huisuan.law.policy import Policy, PolicyRule, StackedRules, load_policy, rules_by_ground


@dataclass(frozen=True)
class SettledRule:
    """A rule over its days of a year, and the rules that pay before it for the same, in their order.

    `layer`: all of them, with the question how they combine; None where it is alone.
    """

    place: PolicyRule
    starts: date
    ends: date
    layer: StackedRules | None = None
    earlier: tuple[str, ...] = ()

    @property
    def on(self) -> date:
        """The day on which the law is read: the last of its days, or of the policy's where they go on beyond it."""
        day, policy = last_day(self.ends), self.place.policy
        if self.place.rule.window.beyond_validity:
            return min(max(day, policy.valid_from), policy.valid_to)
        return day


def find_rules(policy: str, rule: str, year: int, as_known: date, instead: Policy | None = None) -> list[SettledRule]:
    """The rules to settle: one of a policy, all of a policy, or (both empty) all that hold in the year.

    Earlier rules that pay for the same come along and come first. `instead`: a policy that is read in the place of the
    one of its name, as it would be under other settings.

    Raises:
        InvalidRequest: no such policy or rule, one whose facts the platform does not know (it names them), or two that
            pay for the same without a declared order.
    """
    try:
        wanted = [_read_instead(place, instead) for place in _wanted(policy, rule, year, as_known)]
        others = [
            _read_instead(place, instead)
            for place in rules_of_year(year, as_known) if place.key not in {each.key for each in wanted}
        ]  # fmt: skip
        found: dict[str, SettledRule] = {}
        for place in wanted:
            if place.key not in found:
                found |= {each.place.key: each for each in _with_earlier(place, [*wanted, *others], year, as_known)}
        return list(found.values())
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def _read_instead(place: PolicyRule, instead: Policy | None) -> PolicyRule:
    return PolicyRule(instead, place.rule) if instead and instead.name == place.policy.name else place


def _wanted(name: str, rule: str, year: int, as_known: date) -> list[PolicyRule]:
    if not name:
        if rule:
            raise InvalidRequest("请同时写明政策：--policy", code="settlement.policy_missing")
        found = rules_of_year(year, as_known)
        if not found:
            raise InvalidRequest(f"{year} 年没有平台可以自行结算的条款在有效期内", code="settlement.no_rules")
        return found
    policy = load_policy(name)
    if policy.prepared:
        raise InvalidRequest(
            f"政策 {name} 的文本待与印发文本核对，不能据以结算；核对后删去 policy.toml 的 prepared",
            code="settlement.policy_prepared",
        )
    if rule:
        return [_known_rule(policy, rule, year, as_known)]
    day = min(max(date(year, 12, 31), policy.valid_from), policy.last_day(as_known))
    found = rules_settled_from_use(policy, day, as_known)
    if not found:
        keys = "、".join(each.key for each in policy.rules if each.kind is RuleKind.PAYS) or "无"
        raise InvalidRequest(
            f"政策 {name} 没有平台可以自行结算的条款；计算金额的条款：{keys}，用 --rule 指明其一可知缺哪些事实",
            code="settlement.no_rules",
        )
    return found


def _known_rule(policy: Policy, wanted: str, year: int, as_known: date) -> PolicyRule:
    place = PolicyRule(policy, policy.rule(wanted))
    if place.rule.kind is not RuleKind.PAYS:
        raise InvalidRequest(f"{place.key} 不计算金额，没有可结算的", code="settlement.rule_pays_nothing")
    on = last_day(days_settled(place, year, as_known)[1])
    read = policy.rule_on(place.rule, on, as_known)
    facts = facts_to_know(read, chosen_options(policy, read, on, as_known))
    require_known(facts, f"第 {place.rule.key} 句")
    if not use_facts(facts):
        raise InvalidRequest(
            f"第 {place.rule.key} 句没有按用量计的事实，不能从计量结算", code="settlement.rule_without_use"
        )
    return place


def _with_earlier(place: PolicyRule, every: list[PolicyRule], year: int, as_known: date) -> list[SettledRule]:
    """The rule after those that pay before it for the same."""
    ground = place.rule.claim.ground if place.rule.claim and place.rule.claim.spent else ""
    same = [each for each in every if each.rule.claim and each.rule.claim.spent and each.rule.claim.ground == ground]
    if len(same) < 2:
        return [SettledRule(place, *days_settled(place, year, as_known))]
    by_policy: dict[str, Policy] = {}
    for each in same:
        own = by_policy.get(each.policy.name, replace(each.policy, rules=()))
        by_policy[each.policy.name] = replace(own, rules=(*own.rules, each.rule))
    (layer,) = (layer for layer in rules_by_ground(list(by_policy.values())) if layer.ground == ground)
    ordered = [each.key for each in layer.rules]
    silent = place.key in {each.key for each in layer.left_out}  # it does not say how it combines: after all others
    keys = [*ordered, place.key] if silent else ordered[: ordered.index(place.key) + 1]
    whole = {each.key: each for each in same}
    return [
        SettledRule(whole[key], *days_settled(whole[key], year, as_known), layer, tuple(keys[:at]))
        for at, key in enumerate(keys)
    ]

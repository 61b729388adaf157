"""A rule as it is read for one claim: which settings hold, and, for use over a period, which hold for which part.

Where a sentence counts by the days of use (`by_day_of_use`), a period is cut wherever a setting changes. The facts of
a part carry its first day in their names: `spend@2024-07-01`, in JSON, in the columns of a file and in SQL alike. A
claim without such names is one part, read on the day that is asked. Pure.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, Node, SettingSpec
from huisuan.law.model.rewriting import replace_topmost, rewrite_tree
from huisuan.law.model.rules import Rule
from huisuan.law.model.terms import Terms
from huisuan.law.model.values import InvalidValue, ValueKind, format_value, parse_date
from huisuan.law.policy.open_parts import open_parts
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import AdoptedSetting, rule_terms

_PART = re.compile(r"(.+)@([0-9]{4}-[0-9]{2}-[0-9]{2})")
_Spec = TypeVar("_Spec", FactSpec, SettingSpec, InterpretationSpec)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class RuleReading:
    """A rule with everything that is read beside the facts; `rule` has a fact for each part of a period.

    `adopted` holds the settings by name, those of a part under the name of the part. `unset` lack: nothing can be
    answered. `open_` lack in some parts of a period, which the rule then leaves out (`open_parts`).
    """

    rule: Rule
    adopted: Mapping[str, AdoptedSetting]
    terms: Terms
    unset: tuple[SettingSpec | InterpretationSpec, ...]
    open_: tuple[SettingSpec | InterpretationSpec, ...] = ()


def part_name(name: str, first: date | str) -> str:
    """The name of a fact or setting within the part that begins on a day."""
    return f"{name}@{first}"


def dated_facts(rule: Rule) -> tuple[FactSpec, ...]:
    """The facts that are given part by part: those that the rule counts by the days of use."""
    return nodes.facts_of(*rule.by_day)


def part_starts(rule: Rule, names: Iterable[str]) -> tuple[date, ...]:
    """The first days of the parts that these names of facts or columns tell apart; none: the claim is one part.

    Raises:
        LawError: no day of the calendar, a fact that is not told apart by days, one that lacks in a part, or one that
            is given whole beside its parts.
    """
    given = list(names)
    counted = {spec.name: spec for spec in dated_facts(rule)}
    starts: set[date] = set()
    for name in given:
        found = _PART.fullmatch(name)
        if not found or found[1] not in {spec.name for spec in rule.facts}:
            continue
        if found[1] not in counted:
            known = "、".join(counted) or "无"
            raise LawError(f"{name}：{found[1]} 不按日分段；可分段的：{known}", code="law.fact_without_parts")
        try:
            starts.add(parse_date(found[2]))
        except InvalidValue as wrong:
            raise LawError(f"{name}：{wrong}", code="law.part_day_malformed") from None
    if starts:
        _check_parts(given, counted, sorted(starts))
    return tuple(sorted(starts))


def _check_parts(given: Sequence[str], counted: Iterable[str], starts: Sequence[date]) -> None:
    for name in counted:
        parts = [part_name(name, first) for first in starts]
        if name in given:
            raise LawError(
                f"{name} 与分段的事实并存：请只写 {'、'.join(parts)}（合计由各段相加）", code="law.fact_whole_and_parts"
            )


def without_totals(rule: Rule, facts: Mapping[str, object]) -> dict[str, object]:
    """The facts without those that only add up the parts beside them, as a settlement stores them.

    Raises:
        LawError: such a total is not what its parts add up to.
    """
    counted = {spec.name for spec in dated_facts(rule)}
    parts: dict[str, list[object]] = {}
    for name, value in facts.items():
        if (found := _PART.fullmatch(name)) and found[1] in facts and found[1] in counted:
            parts.setdefault(found[1], []).append(value)
    for name, values in parts.items():
        total = facts[name]
        if total != sum(value for value in values if isinstance(value, int)):
            raise LawError(f"{name} 是 {total}，不等于各段之和；请核对，或只写各段", code="law.parts_do_not_add_up")
    return {name: value for name, value in facts.items() if name not in parts}


def cut_rule(
    rule: Rule, starts: Sequence[date], versions: Sequence[Rule] = (), left_out: frozenset[date] = frozenset()
) -> Rule:
    """The rule for a period whose parts begin on these days; without any, the rule as it is read on one day.

    `versions`: per part, the rule as its sentence reads then; without them, it reads as at the end of the period. The
    parts that are `left_out` do not count; their facts are there all the same.
    """
    if not rule.by_day:
        return rule
    dated = {spec.name: spec for spec in dated_facts(rule)} if starts else {}
    counted = [version.by_day for version in versions or [rule] * len(starts)]
    place = itertools.count()

    def change(node: Node) -> Node | None:
        if isinstance(node, nodes.ByDay):
            at = next(place)  # the same place in every version: `versions.with_versions` checks that there are as many
            parts = tuple(
                _of_part(each[at].node, first)
                for each, first in zip(counted, starts, strict=True)
                if first not in left_out
            )
            return node.node if not parts else parts[0] if len(parts) == 1 else nodes.Sum(parts)
        if isinstance(node, nodes.Fact) and node.spec.name in dated:
            whole = tuple(nodes.Fact(_named(node.spec, first)) for first in starts)
            return whole[0] if len(whole) == 1 else nodes.Sum(whole)
        return None

    facts: list[FactSpec] = []
    for spec in rule.facts:
        facts += [_named(spec, first) for first in starts] if spec.name in dated else [spec]
    taken, kept = rule.read_facts_by, [first for first in starts if first not in left_out]
    return replace(
        rule, facts=tuple(facts),
        conditions=tuple(replace(each, node=replace_topmost(each.node, change)) for each in rule.conditions),
        amount=None if rule.amount is None else replace_topmost(rule.amount, change),
        priority=None if rule.priority is None else replace_topmost(rule.priority, change),
        read_facts_by=tuple(_named(spec, first) for spec in taken for first in kept) if starts else taken,
    )  # fmt: skip


def read_rule(policy: Policy, rule: Rule, on: date, as_known: date, starts: Sequence[date] = ()) -> RuleReading:
    """The rule on a day as known on a day; `starts`: the parts of a period whose last day is `on`.

    Raises:
        LawError: a part that begins after the period's last day, a period that reaches beyond the policy's validity,
            or a part within which a setting or the text changes (it says on which day to cut).
    """
    versions = [policy.rule_on(rule, first, as_known) for first in starts]
    cut = cut_rule(policy.rule_on(rule, on, as_known), starts, versions)
    adopted = dict(policy.adopted(on, as_known))
    if starts:
        _check_cuts(policy, rule, on, as_known, starts)
        for first, version in zip(starts, versions, strict=True):
            held = policy.adopted(first, as_known)
            adopted |= {part_name(name, first): held[name] for name in _names_by_day(version) if name in held}
    terms, unset = rule_terms(cut, adopted)
    left_out = open_parts(policy.rule_on(rule, on, as_known), starts, unset) if starts and unset else None
    if left_out:
        cut = cut_rule(policy.rule_on(rule, on, as_known), starts, versions, left_out)
        return RuleReading(cut, adopted, rule_terms(cut, adopted)[0], (), unset)
    return RuleReading(cut, adopted, terms, unset)


def find_part_starts(policy: Policy, rule: Rule, first: date, last: date, as_known: date) -> tuple[date, ...]:
    """Where a period [first, last] of use is to be cut: its first day and each on which a setting or the text changes.

    Empty where nothing changes within it, or the rule does not count by the days of use: then it is read on `last`.
    """
    if not rule.by_day or not policy.in_force(last, as_known):
        return ()
    days = sorted(
        {*_setting_changes(policy, rule, first, last, as_known), *_reworded(policy, rule, first, last, as_known)}
    )
    return (first, *days) if days else ()


def _setting_changes(policy: Policy, rule: Rule, first: date, last: date, as_known: date) -> tuple[date, ...]:
    versions = [rule, *(version for version in policy.versions if version.key == rule.key)]
    names = {name for version in versions for name in _names_by_day(version)}
    return policy.settings.changes(names, first + _DAY, last, as_known)


def _reworded(policy: Policy, rule: Rule, first: date, last: date, as_known: date) -> list[date]:
    """The days within a period, its first aside, since which the rule's sentence reads otherwise."""
    days = {change.valid_from for change in policy.changes if first < change.valid_from <= last}
    return [
        day
        for day in sorted(days)
        if policy.rule_on(rule, day - _DAY, as_known) is not policy.rule_on(rule, day, as_known)
    ]


def _check_cuts(policy: Policy, rule: Rule, on: date, as_known: date, starts: Sequence[date]) -> None:
    last = policy.last_day(as_known)
    if starts[-1] > on:
        raise LawError(f"分段自 {starts[-1]} 起，晚于所问的 {on}", code="law.part_outside")
    if starts[0] < policy.valid_from <= on or starts[0] <= last < on:
        edge = f"{policy.valid_from} 施行" if starts[0] < policy.valid_from else f"只到 {last}"
        raise LawError(
            f"自 {starts[0]} 至 {on} 的用量跨过两个版本：本政策{edge}；请在那天分开，各按各的政策算",
            code="law.claim_straddles_editions",
        )
    counted = "、".join(spec.name for spec in dated_facts(rule))
    for day in _reworded(policy, rule, starts[0], on, as_known):
        if day not in starts:
            raise LawError(
                f"第 {rule.sentence} 句自 {day} 起已改：该日前后的用量要分开写，另写 {counted} 加 @{day}",
                code="law.part_straddles_change",
            )
    names = _names_by_day(rule)
    for day in _setting_changes(policy, rule, starts[0], on, as_known):
        if day not in starts:
            before, after = (policy.adopted(each, as_known) for each in (day - _DAY, day))
            changed = next((name for name in names if _value(before, name) != _value(after, name)), rule.sentence)
            was, now = (_shown(rule, each, changed) for each in (before, after))
            raise LawError(
                f"{changed} 自 {day} 起由 {was} 改为 {now}：该日前后的用量要分开写，另写 {counted} 加 @{day}",
                code="law.part_straddles_change",
            )


def _value(adopted: Mapping[str, AdoptedSetting], name: str) -> object:
    return adopted[name].value if name in adopted else None


def _shown(rule: Rule, adopted: Mapping[str, AdoptedSetting], name: str) -> str:
    if name not in adopted:
        return "未定"
    value = adopted[name].value
    options = next((spec.options for spec in rule.interpretations() if spec.name == name), None)
    kind = next((spec.kind for spec in rule.settings() if spec.name == name), ValueKind.TEXT)
    return format_value(kind, value, options)


def _names_by_day(rule: Rule) -> tuple[str, ...]:
    """The settings and open questions that are read part by part, those of how facts are taken included."""
    found = [spec.name for spec in rule.read_facts_by]
    for root in rule.by_day:
        for node in nodes.walk(root):
            if isinstance(node, (nodes.Setting, nodes.Lookup, nodes.Interpreted)):
                found.append(node.spec.name)
    return tuple(dict.fromkeys(found))


def _of_part(node: Node, first: date) -> Node:
    """The node of one part: its facts, settings and figures carry the day."""

    def change(found: Node) -> Node:
        match found:
            case nodes.Fact(spec=spec):
                return nodes.Fact(_named(spec, first))
            case nodes.Setting(spec=setting) | nodes.Lookup(spec=setting):
                return replace(found, spec=_named(setting, first))
            case nodes.Interpreted(spec=question):
                return replace(found, spec=_named(question, first))
            case nodes.Cited(zh=zh, en=en) if zh:
                return replace(found, zh=f"{zh}（{first} 起）", en=f"{en} (from {first})")
        return found

    return rewrite_tree(node, change)


def _named(spec: _Spec, first: date) -> _Spec:
    return replace(
        spec, name=part_name(spec.name, first), zh=f"{spec.zh}（{first} 起）", en=f"{spec.en} (from {first})"
    )

"""The versions of a rule: how its sentence reads since each change, checked against the text of its days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy


def with_versions(rules: Sequence[Rule], versions: Iterable[Rule]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules as issued and their later versions, each with the facts of all: a claim is asked once, for any day.

    Raises:
        LawError: a version of no rule, of another kind, that counts by days where the other does not, or that means
            another fact by the same name.
    """
    later = list(versions)
    for version in later:
        base = next((rule for rule in rules if rule.key == version.key), None)
        if base is None or base.kind is not version.kind:
            raise LawError(
                f"第 {version.key} 句的规则（version={version.version}）：先要有按原文写的同类规则",
                code="law.version_without_rule",
            )
        if _count_by_day(base) != _count_by_day(version):
            raise LawError(
                f"第 {version.key} 句的两个文本（version={version.version}）要同样写 by_day_of_use",
                code="law.versions_count_otherwise",
            )
    facts = {rule.key: _all_facts([rule, *(each for each in later if each.key == rule.key)]) for rule in rules}
    same = tuple(replace(rule, facts=facts[rule.key]) for rule in rules)
    return same, tuple(replace(version, facts=facts[version.key]) for version in later)


def check_versions(policy: Policy) -> None:
    """Whatever the text says on a day, the rules of that day cite it word for word.

    Raises:
        LawError: a sentence was changed, and a rule still cites words that it has no longer.
    """
    for change in policy.changes:
        text = policy.text_on(change.valid_from, change.known_from)
        for base in policy.rules:
            rule = policy.rule_on(base, change.valid_from, change.known_from)
            for sentence, phrase in rule.citations():
                if phrase not in text.sentences[sentence].text:
                    file = f"changes/{change.path.name}"
                    raise LawError(
                        f"第 {sentence} 句自 {change.valid_from} 起已改（{file}），第 {rule.key} 句的"
                        f'规则仍引“{phrase}”；请按新文另写规则，注明 version="{change.name}"',
                        code="law.rule_cites_old_text",
                    )


def _all_facts(rules: Iterable[Rule]) -> tuple[FactSpec, ...]:
    found: dict[str, FactSpec] = {}
    for rule in rules:
        for spec in rule.facts:
            if found.setdefault(spec.name, spec) != spec:
                raise LawError(
                    f"第 {rule.key} 句：事实 {spec.name} 在两个文本里声明得不一样；请另取名字", code="law.fact_twice"
                )
    return tuple(found.values())


def _count_by_day(rule: Rule) -> int:
    return sum(isinstance(node, nodes.ByDay) for root in rule.roots for node in nodes.walk(root))

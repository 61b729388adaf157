"""The third reading: a rule in plain words, Chinese or English, with or without the values of one case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.explain.grouping_prose import grouping_words
from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.expressions import ROUNDING_UNITS, Node
from huisuan.law.model.rules import DAYS_EN, DAYS_ZH, Condition, Rule, RuleKind
from huisuan.law.model.terms import Terms
from huisuan.law.model.values import ValueKind, format_value
from huisuan.law.policy.setting_bounds import has_legal_bound
from huisuan.law.policy.settings import AdoptedSetting, rule_terms

Language: TypeAlias = Literal["zh", "en"]

PHRASES: dict[Language, dict[str, str]] = {
    "zh": {
        "less": "{0} − {1}（不小于 0）", "cap": "{0}，最高 {1}",
        "down": "{0}，向下取整到{1}", "half_up": "{0}，四舍五入到{1}", "fen": "分", "yuan": "元", "wan": "万元",
        "among": "{0} 属于 {1}", "when": "若 {0}，为 {1}；否则为 {2}", "not": "并非 {0}", "all": " 且 ", "any": " 或 ",
        "per": "解释口径“{0}”", "set": "{0}已确定{1}", "of": "按{0}（法定上限 {1}）", "plainly": "按{0}",
        "after": "{0}满{1}之日", "before": "{0}前{1}之日", "years": "{0}年", "months": "{0}个月", "days": "{0}天",
        "elapsed": "{0}至{1}的天数",
        "by_day": "{0}（按用量发生之日）", "closed": "（{0}）", "cited": "{0}（{1}“{2}”）",
        "named": "{0}：{1}", "next": "；",
    },
    "en": {
        "less": "{0} − {1} (not below 0)", "cap": "{0}, at most {1}", "down": "{0}, rounded down to the {1}",
        "half_up": "{0}, rounded to the nearest {1}, halves up", "fen": "fen", "yuan": "yuan", "wan": "10,000 yuan",
        "among": "{0} is one of {1}", "when": "if {0}: {1}; otherwise {2}",
        "set": "{0} has set {1}", "not": "not {0}", "all": " and ", "any": " or ", "per": "by the reading “{0}”",
        "of": "{0} (by law at most {1})", "plainly": "{0}",
        "after": "{1} after {0}", "before": "{1} before {0}", "years": "{0} years", "months": "{0} months",
        "days": "{0} days", "elapsed": "days from {0} to {1}",
        "by_day": "{0} (by the day of use)", "closed": "({0})", "cited": "{0} ({1} “{2}”)",
        "named": "{0}: {1}", "next": "; ",
    },
}  # fmt: skip
_SIGNS = {"<=": "≤", "<": "<", ">=": "≥", ">": ">", "=": "＝"}


class Wording:
    """Turns nodes into words. With `case`, facts carry their values, as a worked example."""

    def __init__(
        self, language: Language = "zh", terms: Terms | None = None, case: Mapping[str, Any] | None = None
    ) -> None:
        self.language: Language = language
        self.terms = terms
        self.case = case

    def expression(self, node: Node) -> str:
        """The words of a node."""
        return _WORDINGS[type(node)](self, node)

    def phrase(self, key: str, *parts: str) -> str:
        """One of the few fixed phrases, filled in."""
        return PHRASES[self.language][key].format(*parts)

    def _fact(self, node: nodes.Fact) -> str:
        spec = node.spec
        name = spec.zh if self.language == "zh" else spec.en
        if self.case is None:
            return name
        options = spec.options if self.language == "zh" else spec.options_en
        return f"{name} {self.value(spec.kind, self.case.get(spec.name), options)}"

    def value(self, kind: ValueKind, value: object, options: Mapping[str, str] | None = None) -> str:
        """A value in this language."""
        return format_value(kind, value, options, english=self.language == "en")

    def condition(self, condition: Condition) -> str:
        """A condition in words; one that only repeats its fact is said once."""
        name = condition.zh if self.language == "zh" else condition.en
        words = self.expression(condition.node)
        if words.startswith(name):
            return words
        return f"{name}：{words}" if self.language == "zh" else f"{name}: {words}"

    def _const(self, node: nodes.Const) -> str:
        return self.value(node.kind, node.value)

    def _setting(self, node: nodes.Setting) -> str:
        spec = node.spec
        name = spec.zh if self.language == "zh" else spec.en
        value = None if self.terms is None else self.terms.settings.get(spec.name)
        if value is not None and spec.kind != ValueKind.REGIONS:
            return f"{name} {self.value(spec.kind, value)}"
        return self.phrase("of", name, self.value(spec.kind, spec.at_most)) if has_legal_bound(spec) else name

    def _named(self, spec: nodes.SettingSpec) -> str:
        return spec.zh if self.language == "zh" else spec.en

    def _lookup(self, node: nodes.Lookup) -> str:
        name = self._named(node.spec)
        known = self.case is not None and self.terms is not None and node.spec.name in self.terms.settings
        value = Evaluation(self.case or {}, self.terms).evaluate(node) if known and self.terms else None
        return name if value is None else f"{name} {self.value(ValueKind.SHARE, value)}"

    def _sum(self, node: nodes.Sum) -> str:
        return " + ".join(self.expression(term) for term in node.terms)

    def _less(self, node: nodes.Minus) -> str:
        return self.phrase("less", self.expression(node.minuend), self.expression(node.subtrahend))

    def _times(self, node: nodes.Times) -> str:
        return f"{self._factor(node.left)} × {self._factor(node.right)}"

    def _factor(self, node: Node) -> str:
        inner = node.node if isinstance(node, nodes.Cited) and not node.zh else node
        words = self.expression(inner)
        closed = isinstance(inner, (nodes.Sum, nodes.Minus, nodes.Cap, nodes.When))
        return self.phrase("closed", words) if closed else words

    def _cap(self, node: nodes.Cap) -> str:
        return self.phrase("cap", self._bracketed(node.amount), self.expression(node.limit))

    def _rounded(self, node: nodes.Rounded) -> str:
        unit = next(name for name, fen in ROUNDING_UNITS.items() if fen == node.to)
        return self.phrase("half_up" if node.half_up else "down", self._bracketed(node.amount), self.phrase(unit))

    def _total(self, node: nodes.Total) -> str:
        return (
            (node.spec.zh if self.language == "zh" else node.spec.en) if self.case is None else self.expression(node.of)
        )

    def _shift(self, node: Shift) -> str:
        return self.phrase(
            "after" if node.months + node.days >= 0 else "before", self.expression(node.day), self._span(node)
        )

    def _span(self, node: Shift) -> str:
        """So many years, months and days."""
        years, months = divmod(abs(node.months), 12)
        counted = ((years, "years"), (months, "months"), (abs(node.days), "days"))
        return ("" if self.language == "zh" else " ").join(self.phrase(unit, str(n)) for n, unit in counted if n)

    def _elapsed(self, node: Elapsed) -> str:
        return self.phrase("elapsed", self.expression(node.earlier), self.expression(node.later))

    def _bracketed(self, node: Node) -> str:
        """In brackets where the words that follow could be read into its last branch."""
        words = self.expression(node)
        open_ended = isinstance(node, (nodes.When, nodes.Interpreted)) and words.count("；") + words.count(";")
        return self.phrase("closed", words) if open_ended else words

    def _compare(self, node: nodes.Compare) -> str:
        return f"{self.expression(node.left)} {_SIGNS[node.op]} {self.expression(node.right)}"

    def _among(self, node: nodes.Among) -> str:
        members = node.members
        if isinstance(members, nodes.Const) and isinstance(members.value, tuple) and isinstance(node.value, nodes.Fact):
            spec = node.value.spec
            options = (spec.options if self.language == "zh" else spec.options_en) or {}
            comma = "、" if self.language == "zh" else ", "
            listed = comma.join(options[member] for member in members.value)
            return self.phrase("among", self.expression(node.value), listed)
        if isinstance(members, nodes.Setting) and members.spec.kind == ValueKind.RATES:
            return self.phrase("set", self.expression(node.value), self._named(members.spec))
        return self.phrase("among", self.expression(node.value), self.expression(members))

    def _all(self, node: nodes.All) -> str:
        return self.phrase("all").join(self.expression(term) for term in node.terms)

    def _any(self, node: nodes.AnyOf) -> str:
        return self.phrase("any").join(self.expression(term) for term in node.terms)

    def _not(self, node: nodes.Not) -> str:
        return self.phrase("not", self.expression(node.term))

    def _when(self, node: nodes.When) -> str:
        if self.case is not None and self.terms is not None:
            holds = Evaluation(self.case, self.terms).evaluate(node.condition)
            if holds is not None:
                return self.expression(node.then if holds else node.otherwise)
        return self.phrase(
            "when", self.expression(node.condition), self.expression(node.then), self.expression(node.otherwise)
        )

    def _interpreted(self, node: nodes.Interpreted) -> str:
        chosen = None if self.terms is None else self.terms.options.get(node.spec.name)
        if chosen is not None:
            return self.expression(node.branches[chosen])
        options = node.spec.options if self.language == "zh" else node.spec.options_en
        return self.phrase("next").join(
            self.phrase("named", self.phrase("per", options[name]), self.expression(branch))
            for name, branch in node.branches.items()
        )

    def figure(self, node: nodes.Cited) -> str:
        """A named figure with what it is made of and its ground."""
        name = node.zh if self.language == "zh" else node.en
        return self.phrase("cited", self.phrase("named", name, self.expression(node.node)), node.sentence, node.phrase)

    def _by_day(self, node: nodes.ByDay) -> str:
        return self.phrase("by_day", self.expression(node.node))

    def _cited(self, node: nodes.Cited) -> str:
        name = node.zh if self.language == "zh" else node.en
        return name if name and not isinstance(node.node, nodes.Cap) else self.expression(node.node)


_WORDINGS: dict[type, Callable[[Wording, Any], str]] = {
    nodes.Fact: Wording._fact, nodes.Const: Wording._const, nodes.Setting: Wording._setting,
    nodes.Lookup: Wording._lookup, nodes.Sum: Wording._sum,
    nodes.Minus: Wording._less, nodes.Times: Wording._times, nodes.Cap: Wording._cap, nodes.Rounded: Wording._rounded,
    nodes.Total: Wording._total, Shift: Wording._shift, Elapsed: Wording._elapsed,
    nodes.Compare: Wording._compare, nodes.Among: Wording._among,
    nodes.All: Wording._all, nodes.AnyOf: Wording._any,
    nodes.Not: Wording._not, nodes.When: Wording._when, nodes.Interpreted: Wording._interpreted,
    nodes.ByDay: Wording._by_day, nodes.Cited: Wording._cited,
}  # fmt: skip


def rule_prose(rule: Rule, language: Language = "zh", terms: Terms | None = None) -> str:
    """The rule in words, as Markdown; with `terms`, settings carry their values, and open questions their answers."""
    wording = Wording(language, terms)
    zh = language == "zh"
    heading = f"### 第 {rule.sentence} 句　{rule.title}" if zh else f"### Sentence {rule.sentence}: {rule.title_en}"
    lines = [heading, "", f"> {rule.phrase}", ""]
    lines.append(f"**给谁**：{rule.to}" if zh else f"**For whom**: {rule.to_en}")
    lines += ["", f"**{'条件' if zh else 'Conditions'}**", ""]
    for number, condition in enumerate(rule.conditions, start=1):
        cited = wording.phrase("cited", wording.condition(condition), condition.sentence, condition.phrase)
        lines.append(f"{number}. {cited}")
    lines += [*_totals(rule, wording), ""]
    if rule.amount is None:
        lines += [*_granted(rule, wording), *_open_questions(rule, language, terms)]
        return "\n".join(lines) + "\n"
    amount = wording.expression(rule.amount)
    lines += [f"**金额**：{amount}" if zh else f"**Amount**: {amount}", ""]
    lines += _day_of_settings(rule, language, terms)
    figures = dict.fromkeys(wording.figure(node) for node in _named_figures(rule.amount, terms))
    return "\n".join([*lines, *(f"- {figure}" for figure in figures), *_open_questions(rule, language, terms)]) + "\n"


def _totals(rule: Rule, wording: Wording) -> Iterator[str]:
    """Over which claims a rule sums, and what counts once."""
    if rule.over is not None:
        words = grouping_words(rule, rule.over, wording.language)
        heading = "**合计**：" if wording.language == "zh" else "**Totals**: "
        yield f"\n{heading}{wording.phrase('cited', words, rule.over.sentence, rule.over.phrase)}"


def _day_of_settings(rule: Rule, language: Language, terms: Terms | None) -> list[str]:
    """By which day the settings are read, where the rule rests on any."""
    day, options = rule.reading_day, terms.options if terms else {}
    if day is None or (basis := day.chosen(options)) is None or not rule.settings():
        return []
    if language == "zh":
        return [f"**参数按哪天**：{DAYS_ZH[basis]}（{day.sentence}“{day.phrase}”）", ""]
    return [f"**Settings of**: {DAYS_EN[basis]} ({day.sentence} “{day.phrase}”)", ""]


def general_terms(rule: Rule, adopted: Mapping[str, AdoptedSetting]) -> Terms:
    """The options chosen for open questions, without the values of settings: the rule as it reads in any year."""
    return Terms({}, rule_terms(rule, adopted)[0].options)


def _open_questions(rule: Rule, language: Language, terms: Terms | None) -> Iterator[str]:
    """The open questions on the way, with the option chosen and the others."""
    chosen = {} if terms is None else terms.options
    specs = [spec for spec in rule.interpretations(chosen) if spec.name in chosen]
    if specs:
        yield "\n**解释口径**\n" if language == "zh" else "\n**Interpretations**\n"
    for spec in specs:
        zh = language == "zh"
        options = spec.options if zh else spec.options_en
        others = ("；" if zh else "; ").join(words for name, words in options.items() if name != chosen[spec.name])
        question, answer = (spec.zh if zh else spec.en), options[chosen[spec.name]]
        yield f"- {question}：{answer}（另可：{others}）" if zh else f"- {question} {answer} (or: {others})"


def _granted(rule: Rule, wording: Wording) -> Iterator[str]:
    """What a rule gives that names no amount."""
    zh = wording.language == "zh"
    if rule.kind is RuleKind.DISCRETION:
        by = rule.decided_by if zh else rule.decided_by_en
        yield f"**一事一议**：由{by}决定，不计算金额。" if zh else f"**Case by case**: decided by {by}; no amount."
        return
    yield f"**可享**：{rule.grants}" if zh else f"**Grants**: {rule.grants_en}"
    if rule.priority is not None:
        words = wording.expression(rule.priority)
        yield f"\n**优先条件**：{words}" if zh else f"\n**For priority**: {words}"


def _named_figures(node: Node, terms: Terms | None) -> Iterator[nodes.Cited]:
    """The cited figures of an amount that have a name; of an open question only the branch that holds."""
    if isinstance(node, nodes.Interpreted) and terms is not None and node.spec.name in terms.options:
        yield from _named_figures(node.branches[terms.options[node.spec.name]], terms)
        return
    if isinstance(node, nodes.Cited) and node.zh and not isinstance(node.node, nodes.Cap):
        yield node
    for child in nodes.children(node):
        yield from _named_figures(child, terms)

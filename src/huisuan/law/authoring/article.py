"""Articles while their files are read: a function over facts becomes a rule, once, at load."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from huisuan.law.authoring.declarations import Facts, Interpretation
from huisuan.law.authoring.operators import Bool, Money, Operand, Share, collecting_conditions
from huisuan.law.model import expressions as nodes
from huisuan.law.model.claimants import CLAIMANTS
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, Node, SettingSpec
from huisuan.law.model.handling import Declaration, Modification, Procedure, ProcedureKind, SentenceHandling, Validity
from huisuan.law.model.rules import Allotment, Claim, Condition, Indicator, Rule, RuleKind, Stacking
from huisuan.law.text.policy_text import PolicyText

F = TypeVar("F", bound=Facts)
STACKING_OPTIONS = {"once", "together", "rest"}


@dataclass
class ArticleRegistry:
    """The policy whose files are being read."""

    text: PolicyText
    rules: list[Rule] = field(default_factory=list)
    allotments: list[Allotment] = field(default_factory=list)
    stackings: list[Stacking] = field(default_factory=list)
    handlings: list[SentenceHandling] = field(default_factory=list)


_registry: ContextVar[ArticleRegistry | None] = ContextVar("loading", default=None)


@contextmanager
def registering(state: ArticleRegistry) -> Iterator[ArticleRegistry]:
    """While this is open, articles register with the policy."""
    token = _registry.set(state)
    try:
        yield state
    finally:
        _registry.reset(token)


def claims(ground: str, spent: Money) -> Claim:
    """What a rule pays for: the name of the ground, and the fact (fen) that says how much was spent on it."""
    return Claim(ground, nodes.facts_of(spent.node)[0].name)


class Article:
    """An article while its file is being read."""

    def __init__(self, number: str) -> None:
        state = _registry.get()
        if state is None:
            raise LawError("条款文件只能由 load_policy 读取")
        if number not in {article.number for article in state.text.articles}:
            raise LawError(f"政策中没有第 {number} 条")
        self.number = number
        self._registry = state

    def pays(
        self,
        sentence: str,
        phrase: str,
        *,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        by: tuple[str, ...] = (),
        name: str = "",
        claim: Claim | None = None,
        fund: Money | None = None,
        read_facts_by: tuple[Interpretation, ...] = (),
    ) -> Callable[[Callable[[F], Money]], Callable[[F], Money]]:
        """The decorated function says what the sentence owes, and to whom.

        `by` names who may claim (`AUDIENCES`), `claim` what it pays for, `fund` the most that a year may cost.

        Raises:
            LawError: a citation that is not in the text, an amount that is not rounded, facts not declared.
        """

        def register(function: Callable[[F], Money]) -> Callable[[F], Money]:
            facts, amount, conditions = _trace(function)
            if not isinstance(amount, Money) or not _is_rounded(amount.node):
                raise LawError(f'{sentence}：{function.__name__} 应返回 (...).rounded_down("fen")')
            rule = Rule(
                _rule_key(sentence, name),
                RuleKind.PAYS,
                sentence,
                phrase,
                to,
                to_en,
                title,
                title_en,
                facts,
                conditions,
                amount=amount.node,
                claimants=by,
                claim=claim or Claim(sentence, ""),
                fund=None if fund is None else fund.node,
                read_facts_by=tuple(each.spec for each in read_facts_by),
            )
            self._add_rule(rule, _source_place(function))
            return function

        return register

    def discretion(
        self,
        sentence: str,
        phrase: str,
        *,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        decided_by: str,
        decided_by_en: str = "",
        by: tuple[str, ...] = (),
    ) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
        """The decorated function says what must hold for case-by-case support; the amount is not computed."""

        def register(function: Callable[[F], None]) -> Callable[[F], None]:
            facts, _, conditions = _trace(function)
            rule = Rule(
                sentence, RuleKind.DISCRETION, sentence, phrase, to, to_en, title, title_en, facts, conditions,
                decided_by=decided_by, decided_by_en=decided_by_en or decided_by, claimants=by,
            )  # fmt: skip
            self._add_rule(rule, _source_place(function))
            return function

        return register

    def entitles(
        self,
        sentence: str,
        phrase: str,
        *,
        kind: ProcedureKind,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        grants: str,
        grants_en: str,
        by: tuple[str, ...] = (),
        name: str = "",
    ) -> Callable[[Callable[[F], Bool | None]], Callable[[F], Bool | None]]:
        """The decorated function says who may have a title, a priority or a channel; it returns what gives priority.

        `grants` says what one gets. A function that returns nothing knows no priority, only eligible or not.
        """

        def register(function: Callable[[F], Bool | None]) -> Callable[[F], Bool | None]:
            facts, priority, conditions = _trace(function)
            rule = Rule(
                _rule_key(sentence, name), RuleKind.ENTITLES, sentence, phrase, to, to_en, title, title_en, facts,
                conditions, priority=priority.node if isinstance(priority, Bool) else None, grants=grants,
                grants_en=grants_en, claimants=by,
            )  # fmt: skip
            self._add_rule(rule, _source_place(function))
            self._add_handling(Procedure(sentence, phrase, kind, title, title_en))
            return function

        return register

    def allots(
        self,
        sentence: str,
        phrase: str,
        *,
        name: str,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        facts: type[Facts],
        score: tuple[tuple[Operand, Share], ...],
        budget: Money,
    ) -> None:
        """The sentence shares out a budget: each one's score is the sum of weight times its share of an indicator."""
        indicators = tuple(Indicator(nodes.facts_of(fact.node)[0], _setting_spec(weight)) for fact, weight in score)
        allotment = Allotment(
            _rule_key(sentence, name), sentence, phrase, to, to_en, title, title_en, facts.specs(), indicators,
            _setting_spec(budget),
        )  # fmt: skip
        for spec in allotment.settings():
            self._registry.text.check_citation(spec.sentence, spec.phrase, allotment.key)
        self._registry.text.check_citation(sentence, phrase, allotment.key)
        self._registry.allotments.append(allotment)

    def stacks(self, ground: str, order: tuple[str, ...], by: Interpretation) -> None:
        """Rules that pay for the same ground combine in this order, by the option chosen for this question.

        Raises:
            LawError: an option that means nothing here.
        """
        if not set(by.spec.options) <= STACKING_OPTIONS:
            raise LawError(f"解释口径 {by.spec.name}：叠加口径的选项只能是 {'、'.join(sorted(STACKING_OPTIONS))}")
        self._registry.text.check_citation(by.spec.sentence, by.spec.phrase, by.spec.name)
        self._registry.stackings.append(Stacking(ground, order, by.spec))

    def procedure(
        self,
        sentence: str,
        phrase: str,
        *,
        kind: ProcedureKind,
        what: str,
        what_en: str,
        responsible: str = "",
        cooperating: str = "",
    ) -> None:
        """The sentence sets something up that offices do: a programme, a list, a title, a priority, a channel.

        Departments are those behind the sentence in `text.md`, unless the sentence itself names them.
        """
        self._add_handling(Procedure(sentence, phrase, kind, what, what_en, responsible, cooperating))

    def declares(self, sentence: str, phrase: str, *, reason: str, reason_en: str) -> None:
        """The sentence names an aim; there is nothing to decide, for this reason."""
        self._add_handling(Declaration(sentence, phrase, reason, reason_en))

    def modifies(self, sentence: str, phrase: str, setting: Operand, *, what: str, what_en: str) -> None:
        """The sentence changes what others pay, through a setting that those rules must read."""
        self._add_handling(Modification(sentence, phrase, _setting_spec(setting), what, what_en))

    def validity(self, sentence: str, phrase: str) -> None:
        """The sentence says until when the policy holds; `policy.toml` must name the same day."""
        self._add_handling(Validity(sentence, phrase))

    def _add_handling(self, said: SentenceHandling) -> None:
        self._registry.text.check_citation(said.sentence, said.phrase, f"第 {self.number} 条")
        self._registry.handlings.append(said)

    def _add_rule(self, rule: Rule, place: str) -> None:
        for sentence, phrase in rule.citations():
            self._registry.text.check_citation(sentence, phrase, place)
        for fact in rule.facts:
            if fact.asked_by not in self._registry.text.sentences:
                raise LawError(f"{place}：事实 {fact.name} 引用了不存在的句 {fact.asked_by}")
        for audience in rule.claimants:
            if audience not in CLAIMANTS:
                raise LawError(f"{place}：没有申报主体 {audience}；可用 {'、'.join(CLAIMANTS)}")
        for other in self._registry.rules:
            if other.key == rule.key:
                raise LawError(f"{place}：第 {rule.key} 句已有规则“{other.title}”；两条规则须声明先后，并各有 name=")
        _check_rates_are_required(rule, place)
        self._registry.rules.append(rule)


def _rule_key(sentence: str, name: str) -> str:
    return f"{sentence}.{name}" if name else sentence


def _setting_spec(handle: Operand) -> SettingSpec:
    if not isinstance(handle.node, nodes.Setting):
        raise LawError("此处应为一项参数（…_setting）")
    return handle.node.spec


def _is_rounded(node: Node) -> bool:
    """Whether whatever branch holds, the amount is rounded, once and last."""
    if isinstance(node, nodes.Interpreted):
        return all(_is_rounded(branch) for branch in node.branches.values())
    return isinstance(node, nodes.Rounded)


def _check_rates_are_required(rule: Rule, place: str) -> None:
    """A region without a rate must fail a condition: it is never taken for a rate of nothing."""
    asked = {
        node.members.spec.name
        for condition in rule.conditions
        for node in nodes.walk(condition.node)
        if isinstance(node, nodes.Among) and isinstance(node.members, nodes.Setting)
    }
    for root in rule.roots:
        for node in nodes.walk(root):
            if isinstance(node, nodes.Lookup) and node.spec.name not in asked:
                raise LawError(f"{place}：用了分地区参数 {node.spec.name}，须先写条件 set_by(…).required(…)")


def _source_place(function: Callable[..., object]) -> str:
    code = function.__code__
    return f"{Path(code.co_filename).name} 行 {code.co_firstlineno}（{function.__name__}）"


def _trace(function: Callable[[Any], Any]) -> tuple[tuple[FactSpec, ...], Operand | None, tuple[Condition, ...]]:
    parameters = list(inspect.signature(function).parameters)
    hints = get_type_hints(function)
    facts = hints.get(parameters[0]) if len(parameters) == 1 else None
    if facts is None or not issubclass(facts, Facts):
        raise LawError(f"{function.__name__} 应只有一个参数，类型为 Facts 的子类")
    with collecting_conditions() as conditions:
        result = function(facts())
    return facts.specs(), result, tuple(conditions)

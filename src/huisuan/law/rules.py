"""Articles and their rules: a function over facts becomes conditions and an amount, once, at load."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from huisuan.law import nodes
from huisuan.law.declare import Facts, Interpretation
from huisuan.law.handles import Condition, Money, writing_conditions
from huisuan.law.nodes import FactSpec, InterpretationSpec, Node, SettingSpec
from huisuan.law.text import LawError, PolicyText

F = TypeVar("F", bound=Facts)


@dataclass(frozen=True)
class Rule:
    """One sentence that decides something: who must be what (conditions), and what is owed (amount, in fen).

    `amount` is None for a discretionary sentence (一事一议): it never gives a number, but says who decides.
    """

    sentence: str
    phrase: str
    to: str
    to_en: str
    title: str
    title_en: str
    facts: tuple[FactSpec, ...]
    conditions: tuple[Condition, ...]
    amount: Node | None
    decided_by: str = ""
    read_facts_by: tuple[InterpretationSpec, ...] = ()

    @property
    def roots(self) -> tuple[Node, ...]:
        """Every tree of the rule."""
        conditions = tuple(condition.node for condition in self.conditions)
        return conditions if self.amount is None else (*conditions, self.amount)

    def settings(self) -> tuple[SettingSpec, ...]:
        """The settings it rests on, each once."""
        found = {node.spec.name: node.spec for node in self._all() if isinstance(node, nodes.Setting)}
        return tuple(found.values())

    def interpretations(self) -> tuple[InterpretationSpec, ...]:
        """The open questions it rests on, each once: those in its tree, and those that say how its facts are taken."""
        found = {spec.name: spec for spec in self.read_facts_by}
        found |= {node.spec.name: node.spec for node in self._all() if isinstance(node, nodes.Interpreted)}
        return tuple(found.values())

    def citations(self) -> Iterator[tuple[str, str]]:
        """Every (sentence, phrase) that the rule cites."""
        yield self.sentence, self.phrase
        for condition in self.conditions:
            yield condition.sentence, condition.phrase
        for spec in self.read_facts_by:
            yield spec.sentence, spec.phrase
        for node in self._all():
            if isinstance(node, nodes.Cited):
                yield node.sentence, node.phrase
            if isinstance(node, (nodes.Setting, nodes.Interpreted)):
                yield node.spec.sentence, node.spec.phrase

    def _all(self) -> Iterator[Node]:
        for root in self.roots:
            yield from nodes.walk(root)


@dataclass
class Loading:
    """The policy whose files are being read."""

    text: PolicyText
    rules: list[Rule] = field(default_factory=list)


_loading: ContextVar[Loading | None] = ContextVar("loading", default=None)


@contextmanager
def loading(state: Loading) -> Iterator[Loading]:
    """While this is open, articles register with the policy."""
    token = _loading.set(state)
    try:
        yield state
    finally:
        _loading.reset(token)


class Article:
    """An article while its file is being read."""

    def __init__(self, number: str) -> None:
        state = _loading.get()
        if state is None:
            raise LawError("条款文件只能由 load_policy 读取")
        if number not in {article.number for article in state.text.articles}:
            raise LawError(f"政策中没有第 {number} 条")
        self.number = number
        self._state = state

    def pays(
        self,
        sentence: str,
        phrase: str,
        *,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        read_facts_by: tuple[Interpretation, ...] = (),
    ) -> Callable[[Callable[[F], Money]], Callable[[F], Money]]:
        """The decorated function says what the sentence owes, and to whom.

        Raises:
            LawError: a citation that is not in the text, an amount that is not rounded, facts not declared.
        """

        def register(function: Callable[[F], Money]) -> Callable[[F], Money]:
            facts, amount, conditions = _trace(function)
            if not isinstance(amount, Money) or not isinstance(amount.node, nodes.Rounded):
                raise LawError(f'{sentence}：{function.__name__} 应返回 (...).rounded_down("fen")')
            rule = Rule(
                sentence,
                phrase,
                to,
                to_en,
                title,
                title_en,
                facts,
                conditions,
                amount.node,
                "",
                tuple(each.spec for each in read_facts_by),
            )
            self._add(rule, _place(function))
            return function

        return register

    def discretion(
        self, sentence: str, phrase: str, *, to: str, to_en: str, title: str, title_en: str, decided_by: str
    ) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
        """The decorated function says what must hold for case-by-case support; the amount is not computed."""

        def register(function: Callable[[F], None]) -> Callable[[F], None]:
            facts, _, conditions = _trace(function)
            rule = Rule(sentence, phrase, to, to_en, title, title_en, facts, conditions, None, decided_by)
            self._add(rule, _place(function))
            return function

        return register

    def _add(self, rule: Rule, place: str) -> None:
        for sentence, phrase in rule.citations():
            self._state.text.cited(sentence, phrase, place)
        for fact in rule.facts:
            if fact.asked_by not in self._state.text.sentences:
                raise LawError(f"{place}：事实 {fact.name} 引用了不存在的句 {fact.asked_by}")
        for other in self._state.rules:
            if other.sentence == rule.sentence:
                raise LawError(f"{place}：第 {rule.sentence} 句已有规则“{other.title}”；两条规则须声明先后")
        self._state.rules.append(rule)


def _place(function: Callable[..., object]) -> str:
    code = function.__code__
    return f"{Path(code.co_filename).name} 行 {code.co_firstlineno}（{function.__name__}）"


def _trace(function: Callable[[Any], Money | None]) -> tuple[tuple[FactSpec, ...], Money | None, tuple[Condition, ...]]:
    parameters = list(inspect.signature(function).parameters)
    hints = get_type_hints(function)
    facts = hints.get(parameters[0]) if len(parameters) == 1 else None
    if facts is None or not issubclass(facts, Facts):
        raise LawError(f"{function.__name__} 应只有一个参数，类型为 Facts 的子类")
    with writing_conditions() as conditions:
        amount = function(facts())
    return facts.specs(), amount, tuple(conditions)

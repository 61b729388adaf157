"""Whether every figure of a text is met by a rule: by a comparison, cap or setting of its value and direction.

A figure that no rule needs is accounted for where the article says so: it stands in the phrase of a procedure, an aim,
a change to other sentences, or the validity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Shift
from huisuan.law.model.expressions import Node
from huisuan.law.model.handling import Procedure
from huisuan.law.model.rules import Allotment, Rule
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.policy import Policy
from huisuan.law.text.figures import (
    OPERATORS_ZH,
    Operator,
    TextFigure,
    bare_operators,
    find_figures,
)
from huisuan.law.text.policy_text import Sentence

_UNCITED = "后没有数，也没有规则引用；请写成规则，或写进 procedure、declares 的引文"
#: seen from the other side, and denied
_FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "=": "="}
_DENIED = {"<=": ">", "<": ">=", ">=": "<", ">": "<=", "=": "="}


@dataclass(frozen=True)
class UnmetFigure:
    """A figure, or a word such as 不满, that no rule meets: the sentence, what it says, and what to do."""

    sentence: str
    what: str


@dataclass(frozen=True)
class _Use:
    """A figure that a rule computes with: the sentence that it cites, its kind and value, and how it is used."""

    sentence: str
    kind: ValueKind
    value: object
    operator: Operator


def unmet_figures(policy: Policy) -> list[UnmetFigure]:
    """Every figure and every operator of the text that is neither met by a rule nor declared, in the text's order."""
    rules: tuple[Rule | Allotment, ...] = (*policy.rules, *policy.allotments)
    uses = {use for rule in rules for use in _uses(rule)}
    found: list[UnmetFigure] = []
    for sentence in policy.text.sentences.values():
        declared = list(_declared_spans(policy, sentence))
        cited = list(_spans(sentence, [phrase for rule in policy.rules for phrase in _cited(rule, sentence.number)]))
        for figure in find_figures(sentence.text):
            if not _within(figure.start, figure.end, declared) and (why := _why_unmet(sentence, figure, uses)):
                found.append(UnmetFigure(sentence.number, why))
        for start, end in bare_operators(sentence.text):
            if not _within(start, end, [*declared, *cited]):
                found.append(UnmetFigure(sentence.number, f"“{sentence.text[start:end]}”{_UNCITED}"))
    return found


def _why_unmet(sentence: Sentence, figure: TextFigure, uses: set[_Use]) -> str:
    """What is wrong with a figure; "" where a rule meets it."""
    same = [use for use in uses if use.sentence == sentence.number and _names(use, figure)]
    if any(_meets(use.operator, figure.operator) for use in same):
        return ""
    wanted = f"“{figure.text}”（{OPERATORS_ZH[figure.operator]}）"
    if same:
        used = "、".join(sorted(OPERATORS_ZH[use.operator] for use in same))
        return f"{wanted}：规则里用作“{used}”，方向不同；请核对比较或上限"
    return f"{wanted}：没有规则用到；请写成比较、上限或参数，或写进 procedure、declares 的引文"


def _names(use: _Use, figure: TextFigure) -> bool:
    return use.kind is figure.kind and use.value in figure.values


def _meets(used: Operator, wanted: Operator) -> bool:
    return wanted is Operator.EXACTLY or used is wanted


def _uses(rule: Rule | Allotment) -> Iterator[_Use]:
    for spec in rule.settings():
        if spec.at_most is not None:
            yield _Use(spec.sentence, spec.kind, spec.at_most, Operator.AT_MOST)
    if isinstance(rule, Rule):
        for root in (*rule.roots, *(() if rule.fund is None else (rule.fund,))):
            yield from _uses_below(root, rule.sentence, Operator.EXACTLY)
        for condition in rule.conditions:
            yield from _uses_below(condition.node, condition.sentence, Operator.EXACTLY)


def _uses_below(node: Node, sentence: str, operator: Operator, *, denied: bool = False) -> Iterator[_Use]:
    """The figures below a node. `denied`: under an odd number of `Not`, where "more" means "at most"."""
    match node:
        case nodes.Const(value=value, kind=kind):
            yield _Use(sentence, kind, value, operator)
        case nodes.Cited():
            yield from _uses_below(node.node, node.sentence, operator, denied=denied)
        case nodes.Compare():
            op = _DENIED[node.op] if denied else node.op
            yield from _uses_below(node.left, sentence, Operator(_FLIPPED[op]))
            yield from _uses_below(node.right, sentence, Operator(op))
        case nodes.Not():
            yield from _uses_below(node.term, sentence, operator, denied=not denied)
        case nodes.When():  # that it decides is not denied with what it decides about
            yield from _uses_below(node.condition, sentence, operator)
            for branch in (node.then, node.otherwise):
                yield from _uses_below(branch, sentence, operator, denied=denied)
        case Shift(months=months, days=days):  # "not yet 3 years" is a day before which something lies
            length = abs(months) // 12 if months and months % 12 == 0 else abs(months) or abs(days)
            yield _Use(sentence, ValueKind.INT, length, operator if months + days > 0 else Operator(_FLIPPED[operator]))
            yield from _uses_below(node.day, sentence, Operator.EXACTLY)
        case nodes.Minus():
            yield from _uses_below(node.minuend, sentence, operator, denied=denied)
            yield from _uses_below(node.subtrahend, sentence, Operator(_FLIPPED[operator]), denied=denied)
        case nodes.Cap():
            yield from _uses_below(node.amount, sentence, operator, denied=denied)
            yield from _uses_below(node.limit, sentence, Operator.AT_MOST)
        case _:
            for child in nodes.children(node):
                yield from _uses_below(child, sentence, operator, denied=denied)


def _cited(rule: Rule, sentence: str) -> Iterator[str]:
    yield from (phrase for number, phrase in rule.citations() if number == sentence)


def _declared_spans(policy: Policy, sentence: Sentence) -> Iterator[tuple[int, int]]:
    """What the phrases of handlings cover; a title or priority that a rule decides is no declaration."""
    titles = {rule.title for rule in policy.rules}
    phrases = [
        handling.phrase
        for handling in policy.handlings
        if handling.sentence == sentence.number and not (isinstance(handling, Procedure) and handling.what in titles)
    ]
    yield from _spans(sentence, phrases)


def _spans(sentence: Sentence, phrases: list[str]) -> Iterator[tuple[int, int]]:
    for phrase in phrases:
        start = sentence.text.find(phrase)
        if start >= 0:
            yield start, start + len(phrase)


def _within(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)

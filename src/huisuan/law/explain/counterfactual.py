"""The nearest eligible case: which facts would have to be what, for every failed condition at once.

Each failed condition gets the smallest change that makes it true: a number or day moves to the bound, a choice to the
options that count, a yes to a no. The result is evaluated before it is returned: what does not hold is not promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.explain.verdict import RuleEvaluator, Verdict
from huisuan.law.model import expressions as nodes
from huisuan.law.model.answers import NeededChange, Status
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.values import FIRST_DAY, LAST_DAY, MAX_SHARE_DENOMINATOR, ValueKind, format_value

#: fact name -> the value it would have to take; of a choice the first of several that would do
FactChanges: TypeAlias = dict[str, Any]

_NEGATED = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}
_MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "=": "="}
_NOT_ELIGIBLE = (Status.NOT_ELIGIBLE, Status.NOT_IN_FORCE, Status.NOT_YET_KNOWN, Status.NOT_SET)


def nearest_eligible(evaluator: RuleEvaluator, facts: Mapping[str, Any], verdict: Verdict) -> tuple[NeededChange, ...]:
    """The changes that make a case eligible; none where no small change would."""
    search = _Search(evaluator, facts)
    needed: FactChanges = {}
    for condition in verdict.failed:
        changes = search.changes_for(condition.node, wanted=True)
        if changes is None or any(needed.get(name, value) != value for name, value in changes.items()):
            return ()
        needed |= changes
    if evaluator({**facts, **needed}).status in _NOT_ELIGIBLE:
        return ()
    specs = {spec.name: spec for spec in evaluator.rule.facts}
    return tuple(
        _needed_change(specs[name], facts.get(name), value, search.fitting_options(specs[name]))
        for name, value in needed.items()
    )


class _Search:
    """Searches the changes that would make one case eligible."""

    def __init__(self, evaluator: RuleEvaluator, facts: Mapping[str, Any]) -> None:
        self.evaluator, self.facts = evaluator, facts
        self._options: dict[str, tuple[str, ...]] = {}

    def fitting_options(self, spec: FactSpec) -> tuple[str, ...]:
        """All options of a choice that would do."""
        return self._options.get(spec.name, ())

    def changes_for(self, node: Node, *, wanted: bool) -> FactChanges | None:  # noqa: PLR0911
        """The least change that gives the node the truth wanted; {} where it has it, None where none was found."""
        if Evaluation(self.facts, self.evaluator.terms).evaluate(node) is wanted:
            return {}
        match node:
            case nodes.Cited():
                return self.changes_for(node.node, wanted=wanted)
            case nodes.Interpreted():
                return self.changes_for(node.branches[self.evaluator.terms.options[node.spec.name]], wanted=wanted)
            case nodes.Not():
                return self.changes_for(node.term, wanted=not wanted)
            case nodes.All() | nodes.AnyOf():
                every = isinstance(node, nodes.All) is wanted
                return self._every(node.terms, wanted) if every else self._some(node.terms, wanted)
            case nodes.Fact():
                return {node.spec.name: wanted}
            case nodes.Among():
                return self._among(node, wanted)
            case nodes.Compare():
                return self._compared(node, wanted)
        return None

    def _every(self, terms: tuple[Node, ...], wanted: bool) -> FactChanges | None:
        found: FactChanges = {}
        for term in terms:
            changes = self.changes_for(term, wanted=wanted)
            if changes is None:
                return None
            found |= changes
        return found

    def _some(self, terms: tuple[Node, ...], wanted: bool) -> FactChanges | None:
        candidates = [changes for term in terms if (changes := self.changes_for(term, wanted=wanted)) is not None]
        return min(candidates, key=len, default=None)

    def _among(self, node: nodes.Among, wanted: bool) -> FactChanges | None:
        if not isinstance(node.value, nodes.Fact):
            return None
        spec = node.value.spec
        members = Evaluation(self.facts, self.evaluator.terms).evaluate(node.members)
        fits = tuple(option for option in spec.options or {} if (option in members) is wanted)
        self._options[spec.name] = fits
        return {spec.name: fits[0]} if fits else None

    def _compared(self, node: nodes.Compare, wanted: bool) -> FactChanges | None:
        """A fact against something that does not depend on it: the fact goes to the edge."""
        for fact, other, op in ((node.left, node.right, node.op), (node.right, node.left, _MIRRORED[node.op])):
            bare = fact.node if isinstance(fact, nodes.Cited) else fact
            bare = bare.of if isinstance(bare, nodes.Total) else bare
            if isinstance(bare, nodes.Fact):
                edge = Evaluation(self.facts, self.evaluator.terms).evaluate(other)
                meant = op if wanted else _NEGATED.get(op, "")
                values = [value for value in _edge_values(bare.spec, meant, edge) if edge is not None]
                return {bare.spec.name: values[0]} if values else None
        return None


def _edge_values(spec: FactSpec, op: str, edge: Any) -> Iterator[Any]:
    """The value nearest to the bound that satisfies the comparison and may be declared."""
    step: Any = timedelta(days=1) if spec.kind == ValueKind.DATE else 1
    if spec.kind == ValueKind.SHARE:
        step = Fraction(1, MAX_SHARE_DENOMINATOR)
        edge = Fraction(edge)
        down = Fraction(edge.numerator * MAX_SHARE_DENOMINATOR // edge.denominator, MAX_SHARE_DENOMINATOR)
        edge = down if op in ("<=", ">") else -(-edge.numerator * MAX_SHARE_DENOMINATOR // edge.denominator) * step
    elif spec.kind in (ValueKind.MONEY, ValueKind.INT):
        edge = Fraction(edge)
        edge = edge.__floor__() if op in ("<=", ">") else edge.__ceil__()
    value = {"<=": edge, ">=": edge, "=": edge}.get(op)
    value = edge + step if op == ">" else edge - step if op == "<" else value
    if value is not None and _allowed(spec, value):
        yield value


def _allowed(spec: FactSpec, value: Any) -> bool:
    if isinstance(value, date):
        return FIRST_DAY <= value <= LAST_DAY
    most = Fraction(1) if spec.kind == ValueKind.SHARE else spec.maximum
    return bool(value >= 0 and (most is None or value <= most))


def _needed_change(spec: FactSpec, now: Any, needed: Any, options: tuple[str, ...]) -> NeededChange:
    words = []
    for english in (False, True):
        names = (spec.options_en if english else spec.options) or {}
        was = format_value(spec.kind, now, names, english=english)
        fits = (" / " if english else "、").join(names[option] for option in options)
        to = fits or format_value(spec.kind, needed, names, english=english)
        words.append((was, to))
    unit = f" {spec.unit}" if spec.unit and spec.kind == ValueKind.INT else ""
    return NeededChange(
        spec.name, spec.zh, spec.en, now, needed,
        f"“{spec.zh}”须由 {words[0][0]} 变为 {words[0][1]}{unit}",
        f"“{spec.en}” would have to be {words[1][1]} instead of {words[1][0]}",
    )  # fmt: skip

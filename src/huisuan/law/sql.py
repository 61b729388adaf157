"""The second reading: a rule as SQL over a table of facts, exact on 64-bit integers, in an engine's dialect.

Three layers, so that nothing is computed twice: facts (checked), conditions and amount, then the answer.
A missing fact is NULL throughout; SQL's three-valued logic is the same as the explanation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from huisuan.law import nodes
from huisuan.law.arithmetic import Arithmetic
from huisuan.law.evaluate import Terms
from huisuan.law.nodes import FactSpec, InterpretationSpec, Node, SettingSpec
from huisuan.law.policy import Policy
from huisuan.law.rules import Rule
from huisuan.law.settings import terms_of
from huisuan.law.values import Kind

E = exp.Expr

_COMPARISONS: dict[str, type[exp.Binary]] = {"<=": exp.LTE, "<": exp.LT, ">=": exp.GTE, ">": exp.GT, "=": exp.EQ}
RAW = "raw__"  # what the source had in the column, before it was checked


def column(name: str) -> exp.Column:
    """A column by its name, quoted."""
    return exp.column(exp.to_identifier(name, quoted=True))


def text(value: str) -> E:
    """A text literal."""
    return exp.Literal.string(value)


def case(*branches: tuple[E, E], otherwise: E | None = None) -> exp.Case:
    """CASE WHEN ... THEN ... ELSE ... END."""
    built = exp.Case()
    for condition, result in branches:
        built = built.when(condition, result, copy=False)
    return built if otherwise is None else built.else_(otherwise, copy=False)


def _paren(expression: E) -> E:
    return exp.Paren(this=expression) if isinstance(expression, (exp.Binary, exp.Not)) else expression


class SqlEngine:
    """Says every operation of the law's arithmetic in SQL."""

    def fact(self, spec: FactSpec) -> E:
        """The fact's checked column."""
        return column(spec.name)

    def share_parts(self, spec: FactSpec) -> tuple[E, E]:
        """A share's checked column comes as two."""
        return column(f"{spec.name}__num"), column(f"{spec.name}__den")

    def const(self, value: int | bool | date | str) -> E:
        """A literal."""
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        if isinstance(value, date):
            return exp.cast(text(value.isoformat()), "DATE")
        if isinstance(value, str):
            return text(value)
        return exp.cast(exp.Literal.number(value), "BIGINT")  # a bare literal is 32 bits wide, and overflows

    def plus(self, left: E, right: E) -> E:
        """Sum."""
        return _paren(exp.Add(this=left, expression=right))

    def less(self, left: E, right: E) -> E:
        """Difference, never below zero; NULL where either is."""
        difference = exp.Sub(this=left.copy(), expression=right.copy())
        zero = exp.Literal.number(0)
        return case((exp.GT(this=left, expression=right), difference), (exp.LTE(this=left, expression=right), zero))

    def times(self, left: E, right: E) -> E:
        """Product."""
        one = self.const(1)
        if left == one:
            return right
        return left if right == one else _paren(exp.Mul(this=left, expression=right))

    def least(self, left: E, right: E) -> E:
        """The smaller; NULL where either is (an engine's LEAST would skip it)."""
        over, under = exp.GT(this=left, expression=right), exp.LTE(this=left.copy(), expression=right.copy())
        return case((over, right.copy()), (under, left.copy()))

    def divided(self, left: E, right: E) -> E:
        """Whole quotient of integers that are not negative."""
        return exp.IntDiv(this=_paren(left), expression=_paren(right))

    def compare(self, op: str, left: E, right: E) -> E:
        """Comparison."""
        return _paren(_COMPARISONS[op](this=left, expression=right))

    def among(self, value: E, members: tuple[str, ...]) -> E:
        """Membership."""
        return exp.In(this=value, expressions=[text(member) for member in members])

    def every(self, terms: tuple[E, ...]) -> E:
        """And."""
        return _paren(exp.and_(*terms, copy=False))

    def some(self, terms: tuple[E, ...]) -> E:
        """Or."""
        return _paren(exp.or_(*terms, copy=False))

    def opposite(self, term: E) -> E:
        """Not."""
        return _paren(exp.not_(term, copy=False))

    def when(self, condition: E, then: E, otherwise: E) -> E:
        """Then or otherwise; NULL where the condition is."""
        return case((condition, then), (exp.not_(condition.copy()), otherwise))


@dataclass(frozen=True)
class Compiled:
    """A rule on a day as SQL: `over(table)` answers every row of a table of checked facts.

    The table has a column per fact (a share: two, `__num` and `__den`), and beside it `raw__` columns that hold
    what stood there before the check.
    """

    rule: Rule
    terms: Terms
    in_force: bool
    unset: tuple[SettingSpec | InterpretationSpec, ...]

    def over(self, table: str | exp.Select, carried: tuple[str, ...] = ()) -> exp.Select:
        """SELECT carried columns, then `status`, `amount_fen`, `reasons`, for every row of the table."""
        kept = [column(name) for name in carried]
        fixed = self._fixed()
        if fixed is not None:
            return _select([*kept, *_answer(*fixed)], table)
        arithmetic: Arithmetic[E] = Arithmetic(SqlEngine(), self.terms, f"第 {self.rule.sentence} 句")
        amount: E = exp.null()
        bound: list[tuple[str, E]] = []
        if self.rule.amount is not None:
            amount = arithmetic.number(self.rule.amount).num
            bound = list(_caps(self.rule.amount, arithmetic))
        middle: list[E] = [
            exp.Star(),
            *(
                exp.alias_(arithmetic.truth(each.node), f"c__{at}", quoted=True)
                for at, each in enumerate(self.rule.conditions)
            ),
            exp.alias_(amount, "a__", quoted=True),
            *(exp.alias_(each, f"b__{at}", quoted=True) for at, (_, each) in enumerate(bound)),
        ]
        return _select([*kept, *self._answers(arithmetic, [sentence for sentence, _ in bound])], _select(middle, table))

    def _fixed(self) -> tuple[str, E, E] | None:
        """The answer that no fact can change: the policy is not in force, or a setting was never made."""
        if not self.in_force:
            return "not_in_force", exp.Literal.number(0), text("not_in_force")
        if self.unset:
            return "missing_facts", exp.null(), text(";".join(f"setting:{spec.name}" for spec in self.unset))
        return None

    def _answers(self, arithmetic: Arithmetic[E], capped: list[str]) -> tuple[E, E, E]:
        rule = self.rule
        conditions = [column(f"c__{at}") for at in range(len(rule.conditions))]
        fails: E = exp.or_(*(exp.not_(each) for each in conditions)) if conditions else exp.false()
        known: E = exp.column(exp.to_identifier("a__", quoted=True)).is_(exp.null()).not_()
        if rule.amount is None:
            known = exp.true()
        holds = exp.and_(*conditions, known)
        paid = "eligible" if rule.amount is not None else "discretionary"
        failed = _joined(
            [
                case((exp.not_(each), text(f"failed:{condition.name}@{condition.sentence}")))
                for each, condition in zip(conditions, rule.conditions, strict=True)
            ]
        )
        remarks: list[E] = [case((column(f"b__{at}"), text(f"capped@{each}"))) for at, each in enumerate(capped)]
        if rule.amount is not None:
            remarks.append(case((column("a__").eq(0), text(f"zero@{rule.sentence}"))))
            quiet = exp.and_(column("a__") > 0, *(exp.not_(column(f"b__{at}")) for at in range(len(capped))))
            said: E = case((quiet, text("")), otherwise=_joined(remarks))
        else:
            said = text(f"discretion@{rule.sentence}")
        missing = _joined(list(self._missing(arithmetic)))
        status = case((fails, text("not_eligible")), (holds, text(paid)), otherwise=text("missing_facts"))
        amount = case((fails.copy(), exp.Literal.number(0)), (holds.copy(), column("a__")))
        reasons = case((holds.copy(), said), (fails.copy(), failed), otherwise=missing)
        return _answer(status, exp.cast(amount, "BIGINT"), reasons)

    def _missing(self, arithmetic: Arithmetic[E]) -> Iterator[E]:
        """One CASE per fact: missing (or unusable) where it is NULL and what rests on it cannot be told."""
        roots = [(column(f"c__{at}"), each.node) for at, each in enumerate(self.rule.conditions)]
        if self.rule.amount is not None:
            roots.append((column("a__"), self.rule.amount))
        for spec in self.rule.facts:
            wanted = [
                exp.and_(root.copy().is_(exp.null()), *guards)
                for root, node in roots
                for name, guards in _guarded_facts(node, arithmetic, ())
                if name == spec.name
            ]
            if wanted:
                lacks = column(f"{spec.name}__num" if spec.kind == Kind.SHARE else spec.name).is_(exp.null())
                unusable = column(f"{RAW}{spec.name}").is_(exp.null()).not_()
                word = case((unusable, text(f"invalid:{spec.name}")), otherwise=text(f"missing:{spec.name}"))
                yield case((exp.and_(lacks, exp.or_(*wanted)), word))


def compile_rule(policy: Policy, rule: Rule, on: date, as_known: date) -> Compiled:
    """The rule as SQL, on a day, as known on a day."""
    terms, unset = terms_of(rule, policy.adopted(on, as_known))
    return Compiled(rule, terms, policy.in_force(on), unset)


def _select(columns: list[E], source: str | exp.Select) -> exp.Select:
    table = exp.to_table(source) if isinstance(source, str) else source.subquery("t")
    return exp.select(*columns).from_(table)


def _answer(status: str | E, amount: E, reasons: E) -> tuple[E, E, E]:
    said = text(status) if isinstance(status, str) else status
    return (
        exp.alias_(said, "status"),
        exp.alias_(exp.cast(amount, "BIGINT") if isinstance(amount, (exp.Literal, exp.Null)) else amount, "amount_fen"),
        exp.alias_(reasons, "reasons"),
    )


def _joined(parts: list[E]) -> E:
    return exp.Anonymous(this="CONCAT_WS", expressions=[text(";"), *parts]) if parts else text("")


def _caps(node: Node, arithmetic: Arithmetic[E], guards: tuple[E, ...] = ()) -> Iterator[tuple[str, E]]:
    """Every cap on the path taken, with the condition under which it binds, in the explanation's order."""
    for child, guard in _paths(node, arithmetic):
        yield from _caps(child, arithmetic, (*guards, *guard))
    if isinstance(node, nodes.Cited) and isinstance(node.node, nodes.Cap):
        over = arithmetic.truth(nodes.Compare(">", node.node.amount, node.node.limit))
        yield node.sentence, exp.and_(over, *(each.copy() for each in guards)) if guards else over


def _guarded_facts(node: Node, arithmetic: Arithmetic[E], guards: tuple[E, ...]) -> Iterator[tuple[str, tuple[E, ...]]]:
    """Every fact that the tree looks at, with the branches that must be taken to reach it."""
    if isinstance(node, nodes.Fact):
        yield node.spec.name, tuple(each.copy() for each in guards)
    for child, guard in _paths(node, arithmetic):
        yield from _guarded_facts(child, arithmetic, (*guards, *guard))


def _paths(node: Node, arithmetic: Arithmetic[E]) -> Iterator[tuple[Node, tuple[E, ...]]]:
    if isinstance(node, nodes.Interpreted):
        yield arithmetic.branch(node), ()
    elif isinstance(node, nodes.When):
        condition = arithmetic.truth(node.condition)
        yield node.condition, ()
        yield node.then, (condition,)
        yield node.otherwise, (exp.not_(condition.copy()),)
    else:
        yield from ((child, ()) for child in nodes.children(node))

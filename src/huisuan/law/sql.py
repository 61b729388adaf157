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
from huisuan.law.dialect import Dialect
from huisuan.law.evaluate import Terms
from huisuan.law.nodes import InterpretationSpec, SettingSpec
from huisuan.law.once import computed_once
from huisuan.law.paths import Reached, caps_of
from huisuan.law.policy import Policy
from huisuan.law.rules import Rule, RuleKind
from huisuan.law.settings import terms_of
from huisuan.law.sql_engine import E, SqlEngine, big, case, column, negated, text
from huisuan.law.values import Kind

RAW = "raw__"  # what the source had in the column, before it was checked


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

    @property
    def reads(self) -> frozenset[str]:
        """The facts that the answer rests on, under the options chosen."""
        if self._fixed() is not None:
            return frozenset()
        walked = (node for root in self.rule.roots for node in nodes.walk(root, self.terms.options))
        return frozenset(node.spec.name for node in walked if isinstance(node, nodes.Fact))

    def over(
        self, table: str | exp.Select, carried: tuple[str, ...] = (), *, capped: bool = False,
        dialect: Dialect = Dialect.DUCKDB,
    ) -> exp.Select:  # fmt: skip
        """SELECT carried columns, then `status`, `amount_fen`, `reasons`, for every row of the table.

        With `capped`, a column of that name says whether a cap bound, for those who do not read the reasons.
        """
        kept = [column(name) for name in carried]
        fixed = self._fixed()
        if fixed is not None:
            return _select([*kept, *_answer(*fixed), *([_named(exp.false(), "capped")] if capped else [])], table)
        arithmetic: Arithmetic[E] = Arithmetic(SqlEngine(dialect), self.terms, f"第 {self.rule.key} 句")
        amount: E = big(exp.null())
        bound: list[tuple[str, E]] = []
        if self.rule.amount is not None:
            amount = arithmetic.number(self.rule.amount).num
            bound = list(caps_of(self.rule.amount, arithmetic))
        prefers = arithmetic.truth(self.rule.priority) if self.rule.priority is not None else exp.true()
        parts = {f"c__{at}": arithmetic.truth(each.node) for at, each in enumerate(self.rule.conditions)}
        parts |= {"a__": amount, "p__": prefers, **{f"b__{at}": each for at, (_, each) in enumerate(bound)}}
        reached = self._reached(arithmetic)
        decided = _select([exp.Star(), *self._decided()], computed_once(parts | reached.columns, _from(table)))
        answer = self._answers(reached, [sentence for sentence, _ in bound])
        return _select([*kept, *answer, *([_capped(len(bound))] if capped else [])], decided)

    def _fixed(self) -> tuple[str, E, E] | None:
        """The answer that no fact can change: the policy is not in force, or a setting was never made."""
        if not self.in_force:
            return "not_in_force", exp.Literal.number(0), text("not_in_force")
        if self.unset:
            return "missing_facts", exp.null(), text(";".join(f"setting:{spec.name}" for spec in self.unset))
        return None

    def _decided(self) -> tuple[E, E]:
        """Whether a condition fails; whether all hold and what is answered is known."""
        conditions = [column(f"c__{at}") for at in range(len(self.rule.conditions))]
        fails: E = exp.or_(*(negated(each) for each in conditions), copy=False) if conditions else exp.false()
        known: E = exp.true()
        if self.rule.amount is not None or self.rule.priority is not None:
            known = column("p__" if self.rule.amount is None else "a__").is_(exp.null()).not_()
        holds = exp.and_(*(each.copy() for each in conditions), known, copy=False)
        return _named(fails, "f__"), _named(holds, "h__")

    def _answers(self, reached: Reached, capped: list[str]) -> tuple[E, E, E]:
        rule = self.rule
        conditions = [column(f"c__{at}") for at in range(len(rule.conditions))]
        fails, holds, prefers = column("f__"), column("h__"), column("p__")
        paid: E = text("discretionary" if rule.kind is RuleKind.DISCRETION else "eligible")
        if rule.priority is not None:
            paid = case((prefers.copy(), text("priority")), otherwise=paid)
        failed = _joined(
            [
                (negated(each), text(f"failed:{condition.name}@{condition.sentence}"))
                for each, condition in zip(conditions, rule.conditions, strict=True)
            ]
        )
        remarks: list[tuple[E, E]] = [(column(f"b__{at}"), text(f"capped@{each}")) for at, each in enumerate(capped)]
        if rule.amount is not None:
            remarks.append((column("a__").eq(0), text(f"zero@{rule.sentence}")))
            unbound = (negated(column(f"b__{at}")) for at in range(len(capped)))
            quiet = exp.and_(column("a__") > 0, *unbound, copy=False)
            said: E = case((quiet, text("")), otherwise=_joined(remarks))
        elif rule.kind is RuleKind.DISCRETION:
            said = text(f"discretion@{rule.sentence}")
        elif rule.priority is None:
            said = text("")
        else:
            without = text(f"no_priority@{rule.sentence}")
            said = case((prefers.copy(), text(f"priority@{rule.sentence}")), otherwise=without)
        missing = _joined(list(self._missing(reached)))
        status = case((fails, text("not_eligible")), (holds, paid), otherwise=text("missing_facts"))
        amount = case((fails.copy(), exp.Literal.number(0)), (holds.copy(), column("a__")))
        reasons = case((holds.copy(), said), (fails.copy(), failed), otherwise=missing)
        return _answer(status, big(amount), reasons)

    def _reached(self, arithmetic: Arithmetic[E]) -> Reached:
        """Which facts the conditions, the amount and the priority rest on."""
        reached = Reached(arithmetic)
        for at, each in enumerate(self.rule.conditions):
            reached.add(f"c__{at}", each.node)
        if self.rule.amount is not None:
            reached.add("a__", self.rule.amount)
        if self.rule.priority is not None:
            reached.add("p__", self.rule.priority)
        return reached

    def _missing(self, reached: Reached) -> Iterator[tuple[E, E]]:
        """Per fact when it is NULL and what rests on it cannot be told, and the word: missing, or unusable."""
        for spec in self.rule.facts:
            needed = reached.needed(spec.name)
            if needed is not None:
                lacks = column(f"{spec.name}__num" if spec.kind == Kind.SHARE else spec.name).is_(exp.null())
                unusable = column(f"{RAW}{spec.name}").is_(exp.null()).not_()
                word = case((unusable, text(f"invalid:{spec.name}")), otherwise=text(f"missing:{spec.name}"))
                yield exp.and_(lacks, needed, copy=False), word


def compile_rule(policy: Policy, rule: Rule, on: date, as_known: date) -> Compiled:
    """The rule as SQL, on a day, as known on a day."""
    terms, unset = terms_of(rule, policy.adopted(on, as_known))
    return Compiled(rule, terms, policy.in_force(on), unset)


def _select(columns: list[E], source: str | exp.Select) -> exp.Select:
    return exp.select(*columns, copy=False).from_(_from(source), copy=False)


def _from(source: str | exp.Select) -> exp.Table | exp.Subquery:
    return exp.to_table(source) if isinstance(source, str) else source.subquery("t", copy=False)


def _named(expression: E, name: str) -> E:
    return exp.alias_(expression, name, quoted=True, copy=False)


def _capped(caps: int) -> E:
    bound: E = exp.or_(*(column(f"b__{at}") for at in range(caps)), copy=False) if caps else exp.false()
    return _named(exp.and_(column("h__"), bound, copy=False), "capped")


def _answer(status: str | E, amount: E, reasons: E) -> tuple[E, E, E]:
    said = text(status) if isinstance(status, str) else status
    whole = big(amount) if isinstance(amount, (exp.Literal, exp.Null)) else amount
    return (
        exp.alias_(said, "status", copy=False),
        exp.alias_(whole, "amount_fen", copy=False),
        exp.alias_(reasons, "reasons", copy=False),
    )


def _joined(said: list[tuple[E, E]]) -> E:
    """The words whose condition holds, with semicolons; of two or fewer, one of the few texts there can be."""
    few = [(condition, word.this) for condition, word in said if isinstance(word, exp.Literal)]
    if len(few) < len(said) or len(said) > 2:
        parts = (case(each) for each in said)
        return exp.Anonymous(this="CONCAT_WS", expressions=[text(";"), *parts])
    both = [(exp.and_(*(each for each, _ in few)), text(";".join(word for _, word in few)))] if len(few) == 2 else []
    return case(*both, *said, otherwise=text("")) if said else text("")

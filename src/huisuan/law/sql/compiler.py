"""The second reading: a rule as SQL over a table of facts, exact on 64-bit integers, in an engine's dialect.

Layers, so that nothing is computed twice: facts (checked), conditions and amount, then the answer. A missing fact is
NULL throughout; rows that it leaves open, and only those, are answered by what is certain whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from huisuan.law.model import expressions as nodes
from huisuan.law.model.awaited import awaited_setting
from huisuan.law.model.exact_arithmetic import Arithmetic
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Rule, RuleKind
from huisuan.law.model.terms import Terms
from huisuan.law.policy.by_day import read_rule
from huisuan.law.policy.policy import Policy, PolicyStanding
from huisuan.law.sql.branch_reachability import caps_with_conditions
from huisuan.law.sql.common_subexpressions import extract_common
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.intervals import Guard, GuardColumns, SqlIntervals, is_not_true
from huisuan.law.sql.naming import BOUNDED, BOUNDED_STEP, OPEN_COLUMN, PLAIN, RAW, Columns
from huisuan.law.sql.sql_arithmetic import SqlBackend, SqlExpr, as_bigint, case, column, not_, string_literal


@dataclass(frozen=True)
class CompiledRule:
    """A rule on a day as SQL: `over(table)` answers every row of a table of checked facts.

    The table has a column per fact (a share: two, `__num` and `__den`), and beside it `raw__` columns that hold
    what stood there before the check.
    """

    rule: Rule
    terms: Terms
    standing: PolicyStanding
    unset: tuple[SettingSpec | InterpretationSpec, ...]
    open_: tuple[SettingSpec | InterpretationSpec, ...] = ()  # not set in parts of the period, which are left out

    @property
    def facts_read(self) -> frozenset[str]:
        """The facts that the answer rests on, under the options chosen."""
        if self._fixed() is not None:
            return frozenset()
        walked = (node for root in self.rule.roots for node in nodes.walk(root, self.terms.options))
        return frozenset(node.spec.name for node in walked if isinstance(node, nodes.Fact))

    def select(
        self, table: str | exp.Select, carried: tuple[str, ...] = (), *, capped: bool = False,
        dialect: Dialect = Dialect.DUCKDB,
    ) -> exp.Select:  # fmt: skip
        """SELECT carried columns, then `status`, `amount_fen`, `reasons`, for every row of the table.

        With `capped`, a column of that name says whether a cap bound, for those who do not read the reasons.
        """
        kept = [column(name) for name in carried]
        fixed = self._fixed()
        if fixed is not None:
            return _select([*kept, *_answer(*fixed), *([_aliased(exp.false(), "capped")] if capped else [])], table)
        place = f"第 {self.rule.key} 句"
        plain: Arithmetic[SqlExpr] = Arithmetic(SqlBackend(dialect), self.terms, place)
        bounds = SqlIntervals(self.terms, place, dialect)
        caps = [sentence for sentence, _ in self._caps(plain)]
        ways = GuardColumns()
        missing = list(self._missing_codes(bounds, ways))
        computed = extract_common(self._columns(PLAIN, plain), _from(table))
        decided = _select([exp.Star(), *self._outcome_columns(PLAIN)], computed)
        undecided = _select([exp.Star(), _aliased(_none_of(PLAIN.outcomes), OPEN_COLUMN)], decided)
        further = self._columns(BOUNDED, bounds) | {name: step for step, name in ways.columns.items()}
        bounded = extract_common(further, _from(undecided), step=BOUNDED_STEP, only=column(OPEN_COLUMN))
        again = _select([exp.Star(), *self._outcome_columns(BOUNDED)], bounded)
        # one CASE for both: a row that the plain arithmetic decides never comes to the branches of the other
        first, second = self._branches(PLAIN, caps), self._branches(BOUNDED, caps)
        left = string_literal("missing_facts"), exp.null(), _join_codes(missing)
        status, owed, reasons = (
            case(*soon, *late, otherwise=other) for soon, late, other in zip(first, second, left, strict=True)
        )
        answer = _answer(status, as_bigint(owed), reasons)
        bound = case((column(OPEN_COLUMN), _is_capped(BOUNDED, len(caps))), otherwise=_is_capped(PLAIN, len(caps)))
        return _select([*kept, *answer, *([_aliased(bound, "capped")] if capped else [])], again)

    def _fixed(self) -> tuple[str, SqlExpr, SqlExpr] | None:
        """The answer that no fact can change: the policy is not known, not in force, or a setting was never made."""
        if self.standing is PolicyStanding.NOT_YET_KNOWN:
            return "not_yet_known", exp.null(), string_literal("not_yet_known")
        if self.standing is PolicyStanding.NOT_COVERED:
            return "not_in_force", exp.Literal.number(0), string_literal("not_in_force")
        if self.unset:
            return "not_set", exp.null(), string_literal(";".join(f"setting:{spec.name}" for spec in self.unset))
        return None

    def _columns(self, names: Columns, arithmetic: Arithmetic[SqlExpr]) -> dict[str, SqlExpr]:
        """What the answer is made of: the conditions, the amount, the priority, and where a cap binds."""
        rule = self.rule
        columns = {
            f"{names.conditions}{at}": arithmetic.condition(condition.node)
            for at, condition in enumerate(rule.conditions)
        }
        if rule.amount is not None:
            columns[names.amount] = arithmetic.whole_number(rule.amount)
        if rule.priority is not None:
            columns[names.priority] = arithmetic.condition(rule.priority)
        return columns | {f"{names.caps}{at}": cap for at, (_, cap) in enumerate(self._caps(arithmetic))}

    def _caps(self, arithmetic: Arithmetic[SqlExpr]) -> list[tuple[str, SqlExpr]]:
        return [] if self.rule.amount is None else list(caps_with_conditions(self.rule.amount, arithmetic))

    def _outcome_columns(self, names: Columns) -> tuple[SqlExpr, ...]:
        """Whether a condition fails; whether all else holds and a region has set nothing; whether the rest is known."""
        held = [
            (column(f"{names.conditions}{at}"), awaited_setting(condition.node) is not None)
            for at, condition in enumerate(self.rule.conditions)
        ]
        plain, awaited = [[condition for condition, waits in held if waits is which] for which in (False, True)]
        fails: SqlExpr = exp.or_(*(not_(condition.copy()) for condition in plain), copy=False) if plain else exp.false()
        unset: SqlExpr = exp.false()
        if awaited:
            known = (not_(condition.copy().is_(exp.null())) for condition in awaited)
            lacking = exp.or_(*(not_(condition.copy()) for condition in awaited), copy=False)
            unset = exp.and_(*(condition.copy() for condition in plain), *known, exp.Paren(this=lacking), copy=False)
        worth = [(self.rule.amount, names.amount), (self.rule.priority, names.priority)]
        settled = [not_(column(name).is_(exp.null())) for node, name in worth if node is not None]
        holds = exp.and_(*(condition.copy() for condition, _ in held), *settled, exp.true(), copy=False)
        return tuple(
            _aliased(outcome, name) for outcome, name in zip((fails, unset, holds), names.outcomes, strict=True)
        )

    def _branches(
        self, names: Columns, capped: list[str]
    ) -> tuple[list[tuple[SqlExpr, SqlExpr]], list[tuple[SqlExpr, SqlExpr]], list[tuple[SqlExpr, SqlExpr]]]:
        """Status, amount and reasons of the outcomes that are certain, each with what must be true for it."""
        rule = self.rule
        fails, unset, holds = (column(name) for name in names.outcomes)
        prefers, amount = column(names.priority), column(names.amount) if rule.amount is not None else exp.null()
        paid: SqlExpr = string_literal("discretionary" if rule.kind is RuleKind.DISCRETION else "eligible")
        if rule.priority is not None:
            paid = case((prefers.copy(), string_literal("priority")), otherwise=paid)
        failed: list[tuple[SqlExpr, SqlExpr]] = []
        waiting: list[tuple[SqlExpr, SqlExpr]] = []
        for at, condition in enumerate(rule.conditions):
            spec, lacks = awaited_setting(condition.node), not_(column(f"{names.conditions}{at}"))
            if spec is None:
                failed.append((lacks, string_literal(f"failed:{condition.name}@{condition.sentence}")))
            else:
                waiting.append((lacks, string_literal(f"setting:{spec.name}")))
        statuses: list[tuple[SqlExpr, SqlExpr]] = [(holds, paid), (fails, string_literal("not_eligible"))]
        amounts: list[tuple[SqlExpr, SqlExpr]] = [(holds.copy(), amount), (fails.copy(), exp.Literal.number(0))]
        reasons = [*self._remarks(names, capped), (fails.copy(), _join_codes(failed))]
        if waiting:
            statuses.append((unset, string_literal("not_set")))
            amounts.append((unset.copy(), exp.null()))
            reasons.append((unset.copy(), _join_codes(waiting)))
        return statuses, amounts, reasons

    def _remarks(self, names: Columns, capped: list[str]) -> list[tuple[SqlExpr, SqlExpr]]:
        """The reasons where all conditions hold; the most frequent, that there is nothing to say, is asked first."""
        rule, holds = self.rule, column(names.outcomes[2])
        if rule.amount is not None:
            caps = [column(f"{names.caps}{at}") for at in range(len(capped))]
            remarks: list[tuple[SqlExpr, SqlExpr]] = [
                (cap, string_literal(f"capped@{sentence}")) for cap, sentence in zip(caps, capped, strict=True)
            ]
            remarks.append((column(names.amount).eq(0), string_literal(f"zero@{rule.sentence}")))
            if self.open_:
                left_out = ";".join(f"setting:{spec.name}" for spec in self.open_)
                return [(holds, _join_codes([*remarks, (exp.true(), string_literal(left_out))]))]
            quiet = exp.and_(holds.copy(), column(names.amount) > 0, *(not_(cap.copy()) for cap in caps), copy=False)
            return [(quiet, string_literal("")), (holds, _join_codes(remarks))]
        if rule.kind is RuleKind.DISCRETION:
            return [(holds, string_literal(f"discretion@{rule.sentence}"))]
        if rule.priority is None:
            return [(holds, string_literal(""))]
        without = string_literal(f"no_priority@{rule.sentence}")
        prefers = column(names.priority), string_literal(f"priority@{rule.sentence}")
        return [(holds, case(prefers, otherwise=without))]

    def _missing_codes(self, bounds: SqlIntervals, ways: GuardColumns) -> Iterator[tuple[SqlExpr, SqlExpr]]:
        """Per fact that can be missed when it can still change the answer, and the word: missing, or unusable."""
        rule = self.rule
        found: dict[str, list[Guard]] = {}
        roots: list[tuple[nodes.Node, Guard]] = [(condition.node, ()) for condition in rule.conditions]
        set_by = tuple(
            is_not_true(not_(bounds.condition(condition.node)))
            for condition in rule.conditions
            if awaited_setting(condition.node) is not None
        )
        roots += [(node, set_by) for node in (rule.amount, rule.priority) if node is not None]
        for root, given in roots:
            for spec, way in bounds.undecided_facts(root, given):
                found.setdefault(spec.name, []).append(ways.columns_of(way))
        for spec in rule.facts:
            if spec.name in found:
                wanted = [
                    exp.and_(*(condition.copy() for condition in way), copy=False)
                    for way in dict.fromkeys(found[spec.name])
                ]
                unusable = column(f"{RAW}{spec.name}").is_(exp.null()).not_()
                word = case(
                    (unusable, string_literal(f"invalid:{spec.name}")), otherwise=string_literal(f"missing:{spec.name}")
                )
                yield exp.or_(*wanted, copy=False), word


def compile_rule(
    policy: Policy, rule: Rule, on: date, as_known: date, starts: Sequence[date] = (), began: date | None = None
) -> CompiledRule:
    """The rule as SQL, on a day, as known on a day; `starts`: the parts of a period that ends on that day.

    `began`: on which day began what the claims are about, where that is another.
    """
    day = policy.day_read(on, as_known, began)
    standing = PolicyStanding.NOT_COVERED if day is None else policy.standing(day, as_known)
    reading = read_rule(policy, rule, day or on, as_known, starts)
    return CompiledRule(reading.rule, reading.terms, standing, reading.unset, reading.open_)


def _select(columns: list[SqlExpr], source: str | exp.Select) -> exp.Select:
    return exp.select(*columns, copy=False).from_(_from(source), copy=False)


def _from(source: str | exp.Select) -> exp.Table | exp.Subquery:
    return exp.to_table(source) if isinstance(source, str) else source.subquery("t", copy=False)


def _aliased(expression: SqlExpr, name: str) -> SqlExpr:
    return exp.alias_(expression, name, quoted=True, copy=False)


def _is_capped(names: Columns, caps: int) -> SqlExpr:
    if not caps:
        return exp.false()
    bound = exp.or_(*(column(f"{names.caps}{at}") for at in range(caps)), copy=False)
    return exp.and_(column(names.outcomes[2]), bound, copy=False)


def _none_of(names: Iterable[str]) -> SqlExpr:
    """Whether none of these columns is true; never NULL."""
    return exp.and_(*(is_not_true(column(name)) for name in names), copy=False)


def _answer(status: str | SqlExpr, amount: SqlExpr, reasons: SqlExpr) -> tuple[SqlExpr, SqlExpr, SqlExpr]:
    status_text = string_literal(status) if isinstance(status, str) else status
    whole = as_bigint(amount) if isinstance(amount, (exp.Literal, exp.Null)) else amount
    return (
        exp.alias_(status_text, "status", copy=False),
        exp.alias_(whole, "amount_fen", copy=False),
        exp.alias_(reasons, "reasons", copy=False),
    )


def _join_codes(codes: list[tuple[SqlExpr, SqlExpr]]) -> SqlExpr:
    """The words whose condition holds, with semicolons; of two or fewer, one of the few texts there can be."""
    few = [(condition, word.this) for condition, word in codes if isinstance(word, exp.Literal)]
    if len(few) < len(codes) or len(codes) > 2:
        parts = (case(branch) for branch in codes)
        return exp.Anonymous(this="CONCAT_WS", expressions=[string_literal(";"), *parts])
    both = (
        [(exp.and_(*(condition for condition, _ in few)), string_literal(";".join(word for _, word in few)))]
        if len(few) == 2
        else []
    )
    return case(*both, *codes, otherwise=string_literal("")) if codes else string_literal("")

"""The law's arithmetic in an engine's SQL: exact on 64-bit integers, NULL for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

from sqlglot import exp

from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import INT64_MAX
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import denominator, numerator

SqlExpr: TypeAlias = exp.Expr

_COMPARISONS: dict[str, type[exp.Binary]] = {"<=": exp.LTE, "<": exp.LT, ">=": exp.GTE, ">": exp.GT, "=": exp.EQ}


def column(name: str) -> exp.Column:
    """A column by its name, quoted."""
    return exp.column(exp.to_identifier(name, quoted=True), copy=False)


def string_literal(value: str) -> SqlExpr:
    """A text literal."""
    return exp.Literal.string(value)


def case(*branches: tuple[SqlExpr, SqlExpr], otherwise: SqlExpr | None = None) -> exp.Case:
    """CASE WHEN ... THEN ... ELSE ... END."""
    built = exp.Case()
    for condition, result in branches:
        built = built.when(condition, result, copy=False)
    return built if otherwise is None else built.else_(otherwise, copy=False)


def as_bigint(expression: SqlExpr) -> exp.Cast:
    """As 64 bits."""
    return exp.cast(expression, exp.DataType(this=exp.DType.BIGINT), copy=False)


def not_(expression: SqlExpr) -> exp.Not:
    """Logical negation; NULL stays NULL."""
    return exp.not_(expression, copy=False)


def _factored(expression: SqlExpr) -> tuple[int, SqlExpr | None]:
    """A figure, and what it is multiplied with: nothing (it is a figure and no more), or all of it, times 1."""
    product = expression.this if isinstance(expression, exp.Paren) else None
    figure, factor = (product.this, product.expression) if isinstance(product, exp.Mul) else (expression, None)
    if isinstance(figure, exp.Cast) and isinstance(figure.this, exp.Literal) and figure.this.is_int:
        return int(figure.this.this), factor
    return 1, expression


def _parenthesized(expression: SqlExpr) -> SqlExpr:
    return exp.Paren(this=expression) if isinstance(expression, (exp.Binary, exp.Not)) else expression


def _day_of_month(day: SqlExpr) -> SqlExpr:
    return exp.Extract(this=exp.var("DAY"), expression=day)


def map_lookup(values: Mapping[str, SqlExpr], key: SqlExpr) -> SqlExpr:
    """For DuckDB, what a MAP has for the key; NULL where it has nothing.

    It stands in the place of IN, which DuckDB makes a join where it is longer, and a join loses the order of the rows
    (duckdb 2.0.0, its issue 24398). It is asked once per dictionary entry of a Parquet column, as long as no CASE
    stands between.
    """
    entries = [
        exp.PropertyEQ(this=string_literal(key_text), expression=value.copy()) for key_text, value in values.items()
    ]
    return exp.Anonymous(
        this="MAP_EXTRACT_VALUE", expressions=[exp.ToMap(this=exp.Struct(expressions=entries)), key.copy()]
    )


class SqlBackend:
    """Says every operation of the law's arithmetic in an engine's SQL; choices are known to be among their options."""

    def __init__(self, dialect: Dialect = Dialect.DUCKDB) -> None:
        self.dialect = dialect

    def fact(self, spec: FactSpec) -> SqlExpr:
        """The fact's checked column."""
        return column(spec.name)

    def share_parts(self, spec: FactSpec) -> tuple[SqlExpr, SqlExpr]:
        """A share's checked column comes as two."""
        return column(numerator(spec.name)), column(denominator(spec.name))

    def const(self, value: int | bool | date | str) -> SqlExpr:
        """A literal."""
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        if isinstance(value, date):
            return exp.cast(string_literal(value.isoformat()), "DATE")
        if isinstance(value, str):
            return string_literal(value)
        return as_bigint(exp.Literal.number(value))  # a bare literal is 32 bits wide, and overflows

    def add(self, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """Sum."""
        (first, rest), (second, further) = _factored(left), _factored(right)
        if rest is None and further is None:
            return self.const(first + second)
        return _parenthesized(exp.Add(this=left, expression=right))

    def subtract(self, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """Difference, never below zero; NULL where either is."""
        difference = exp.Sub(this=left.copy(), expression=right.copy())  # of what is missing, missing
        return case((exp.LTE(this=left, expression=right), exp.Literal.number(0)), otherwise=difference)

    def multiply(self, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """Product; figures that meet are multiplied here, not again in every row."""
        (first, rest), (second, further) = _factored(left), _factored(right)
        if (rest is not None and further is not None) or first * second > INT64_MAX:
            return _parenthesized(exp.Mul(this=left, expression=right))
        figure, factor = self.const(first * second), further if rest is None else rest
        if factor is None:
            return figure
        return (
            factor
            if first * second == 1
            else _parenthesized(exp.Mul(this=figure, expression=_parenthesized(factor.copy())))
        )

    def lookup(self, key: SqlExpr, numbers: Mapping[str, int], options: tuple[str, ...]) -> SqlExpr:
        """The number of a key, 0 where there is none; NULL where the key is."""
        if self.dialect is Dialect.DUCKDB and options:
            return map_lookup({option: self.const(numbers.get(option, 0)) for option in options}, key)
        found: SqlExpr = self.const(0)
        if numbers and self.dialect is Dialect.DUCKDB:
            listed = map_lookup({region: self.const(number) for region, number in numbers.items()}, key)
            found = exp.Coalesce(this=listed, expressions=[found])
        elif numbers:
            branches = [
                exp.If(this=string_literal(region), true=self.const(number)) for region, number in numbers.items()
            ]
            found = exp.Case(this=key.copy(), ifs=branches, default=found)
        return case((not_(key.is_(exp.null())), found))

    def minimum(self, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """The smaller; NULL where either is (an engine's LEAST would skip it)."""
        over, under = exp.GT(this=left, expression=right), exp.LTE(this=left.copy(), expression=right.copy())
        return case((over, right.copy()), (under, left.copy()))

    def floor_divide(self, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """Whole quotient of integers that are not negative."""
        return _parenthesized(exp.IntDiv(this=_parenthesized(left), expression=_parenthesized(right)))

    def shift_day(self, day: SqlExpr, months: int, days: int, *, late: bool) -> SqlExpr:
        """The day so much later; every engine ends a short month on its last day."""
        moved = self._months_later(day, months) if months else day
        if late and months:
            short = exp.LT(this=_day_of_month(moved.copy()), expression=_day_of_month(day.copy()))
            moved = self._days_later(moved, case((short, exp.Literal.number(1)), otherwise=exp.Literal.number(0)))
        return self._days_later(moved, exp.Literal.number(days)) if days else moved

    def _months_later(self, day: SqlExpr, months: int) -> SqlExpr:
        if self.dialect is Dialect.SPARK:
            return exp.Anonymous(this="ADD_MONTHS", expressions=[day.copy(), exp.Literal.number(months)])
        interval = exp.Interval(this=string_literal(str(months)), unit=exp.var("MONTH"))
        return exp.cast(exp.Add(this=day.copy(), expression=interval), "DATE")

    def _days_later(self, day: SqlExpr, days: SqlExpr) -> SqlExpr:
        if self.dialect is Dialect.SPARK:
            return exp.Anonymous(this="DATE_ADD", expressions=[day, days])
        return _parenthesized(exp.Add(this=day, expression=days))

    def days_between(self, later: SqlExpr, earlier: SqlExpr) -> SqlExpr:
        """Days, never below zero; NULL where either is."""
        if self.dialect is Dialect.SPARK:
            between: SqlExpr = exp.Anonymous(this="DATEDIFF", expressions=[later.copy(), earlier.copy()])
        else:
            between = _parenthesized(exp.Sub(this=later.copy(), expression=earlier.copy()))
        return case((exp.LTE(this=later, expression=earlier), self.const(0)), otherwise=as_bigint(between))

    def compare(self, op: str, left: SqlExpr, right: SqlExpr) -> SqlExpr:
        """Comparison."""
        return _parenthesized(_COMPARISONS[op](this=left, expression=right))

    def is_member(self, value: SqlExpr, members: tuple[str, ...], options: tuple[str, ...]) -> SqlExpr:
        """Membership; in an empty list (IN () is no SQL) only what is missing is not known to be out."""
        if self.dialect is Dialect.DUCKDB and options:
            return map_lookup({option: exp.true() if option in members else exp.false() for option in options}, value)
        if not members:
            return case((not_(value.is_(exp.null())), exp.false()))
        if self.dialect is Dialect.DUCKDB:
            listed = map_lookup(dict.fromkeys(members, exp.true()), value)
            return case((not_(value.is_(exp.null())), not_(listed.is_(exp.null()))))
        return exp.In(this=value, expressions=[string_literal(member) for member in members])

    def all_of(self, terms: tuple[SqlExpr, ...]) -> SqlExpr:
        """And."""
        return _parenthesized(exp.and_(*terms, copy=False))

    def any_of(self, terms: tuple[SqlExpr, ...]) -> SqlExpr:
        """Or."""
        return _parenthesized(exp.or_(*terms, copy=False))

    def negate(self, term: SqlExpr) -> SqlExpr:
        """Not."""
        return _parenthesized(not_(term))

    def choose(self, condition: SqlExpr, then: SqlExpr, otherwise: SqlExpr) -> SqlExpr:
        """Then or otherwise; NULL where the condition is."""
        return case((condition, then), (not_(condition.copy()), otherwise))

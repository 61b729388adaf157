"""What a cell must look like to be a value: how a column is checked, once for every dialect.

Engines differ in what they trim, what their casts forgive and where `$` matches. So a cell in words is compared with
a pattern that admits exactly what `model.values` admits, and cast only then; no cast decides.
"""

from __future__ import annotations

import re

from sqlglot import exp

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import FIRST_DAY, LAST_DAY, MAX_SHARE_DENOMINATOR, WHITESPACE, ValueKind
from huisuan.law.sql.dialect import COLUMN_TYPES, TEXT_TYPE, Dialect
from huisuan.law.sql.naming import RAW, denominator, numerator
from huisuan.law.sql.sql_arithmetic import SqlExpr, as_bigint, case, column, map_lookup, string_literal

INTEGER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)|HUGEINT|DECIMAL\([0-9]+,0\)")

_NUMBER = "[0-9]{1,18}"
TRUE, FALSE = "[Tt][Rr][Uu][Ee]|1|是", "[Ff][Aa][Ll][Ss][Ee]|0|否"
FRACTION = "[0-9]{1,5}/[1-9][0-9]{0,4}"
PER_CENT = "[0-9]{1,3}([.][0-9]{1,2})?%"
# the days of FIRST_DAY to LAST_DAY: PostgreSQL's cast to DATE raises where others say NULL
_DAY = (
    "(19|2[01])[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))|((19|2[01])(0[48]|[2468][048]|[13579][26])|2000)-02-29"
)


def checked_columns(spec: FactSpec, held: str | None, dialect: Dialect) -> list[SqlExpr]:
    """The fact's columns: what stood there, and its value if it is one (a share: numerator and denominator).

    `held` is the type of the source's column in DuckDB's words; None: there is no such column.

    Raises:
        LawError: a type that cannot carry the fact (a float for money).
    """
    reading = _CellParser(spec, held, dialect)
    stood = reading.value() if held is None or spec.kind == ValueKind.TEXT else column(spec.name)
    raw = _aliased(stood, f"{RAW}{spec.name}")
    if spec.kind == ValueKind.SHARE:
        above, below = reading.share()
        return [raw, _aliased(above, numerator(spec.name)), _aliased(below, denominator(spec.name))]
    return [raw, _aliased(reading.value(), spec.name)]


class _CellParser:
    """One fact's column of one type, in one dialect."""

    def __init__(self, spec: FactSpec, held: str | None, dialect: Dialect) -> None:
        self.spec, self.held, self.dialect = spec, held, dialect
        self.cell = column(spec.name)
        self.trimmed = exp.Trim(this=self.cell, expression=string_literal(WHITESPACE))

    def value(self) -> SqlExpr:
        """The value, or NULL."""
        if self.held is None:
            return exp.cast(exp.null(), COLUMN_TYPES[self.spec.kind])
        match self.spec.kind:
            case ValueKind.MONEY | ValueKind.INT:
                return self._number()
            case ValueKind.BOOL:
                return self._truth()
            case ValueKind.DATE:
                return self._day()
            case ValueKind.CHOICE:
                return self._choice()
        self._must_be(TEXT_TYPE)
        return exp.Nullif(this=self.trimmed.copy(), expression=string_literal(""))

    def share(self) -> tuple[SqlExpr, SqlExpr]:
        """Numerator and denominator of "1/3", "20%" or "12.5%", at most 100% and no finer than 0.01%."""
        if self.held is None:
            return _bigint_copy(exp.null()), _bigint_copy(exp.null())
        self._must_be(TEXT_TYPE)
        above, below = _bigint_copy(self._part("/", 1)), _bigint_copy(self._part("/", 2))
        hundredths = _bigint_copy(exp.Mul(this=exp.cast(self._part("%", 1), "DECIMAL(9, 2)"), expression=_integer(100)))
        small = exp.and_(
            exp.LTE(this=above, expression=below), exp.LTE(this=below, expression=_integer(MAX_SHARE_DENOMINATOR))
        )
        at_most_all = exp.LTE(this=hundredths, expression=_integer(10_000))
        fraction, per_cent = self._is(FRACTION), self._is(PER_CENT)
        return (
            case((fraction, case((small, above))), (per_cent, case((at_most_all, hundredths)))),
            case((fraction.copy(), case((small.copy(), below))), (per_cent.copy(), _integer(10_000))),
        )

    def _number(self) -> SqlExpr:
        number: SqlExpr = self.cell
        if self.held == TEXT_TYPE:
            number = case((self._is(_NUMBER), _bigint_copy(self.trimmed)))
        elif not INTEGER.fullmatch(str(self.held)):
            raise LawError(
                f"列 {self.spec.name}（{self.spec.zh}）的类型是 {self.held}；应为整数（金额以分计）",
                code="law.column_type",
            )
        declared = exp.Between(this=number, low=_integer(0), high=_integer(self.spec.maximum or 0))
        return case((declared, _bigint_copy(number)))

    def _truth(self) -> SqlExpr:
        self._must_be("BOOLEAN")
        if self.held == "BOOLEAN":
            return self.cell
        return case((self._is(TRUE), exp.true()), (self._is(FALSE), exp.false()))

    def _day(self) -> SqlExpr:
        self._must_be("DATE")
        if self.held == "DATE":
            first, last = (exp.cast(string_literal(day.isoformat()), "DATE") for day in (FIRST_DAY, LAST_DAY))
            return case((exp.Between(this=self.cell, low=first, high=last), self.cell.copy()))
        return case((self._is(_DAY), exp.cast(self.trimmed.copy(), "DATE")))

    def _choice(self) -> SqlExpr:
        self._must_be(TEXT_TYPE)
        if self.dialect == Dialect.DUCKDB:
            return map_lookup({option: string_literal(option) for option in self.spec.options or {}}, self.cell)
        options = [string_literal(option) for option in self.spec.options or {}]
        return case((exp.In(this=self.cell, expressions=options), self.cell.copy()))

    def _is(self, pattern: str) -> SqlExpr:
        """Whether the whole trimmed cell matches."""
        cell = self.trimmed.copy()
        match self.dialect:
            case Dialect.DUCKDB:
                return exp.Anonymous(this="REGEXP_FULL_MATCH", expressions=[cell, string_literal(pattern)])
            case Dialect.SPARK:  # Java's $ would let a line's end follow
                return exp.RegexpLike(this=cell, expression=string_literal(rf"\A(?:{pattern})\z"))
        return exp.RegexpLike(this=cell, expression=string_literal(f"^(?:{pattern})$"))

    def _part(self, delimiter: str, at: int) -> SqlExpr:
        return exp.SplitPart(this=self.trimmed.copy(), delimiter=string_literal(delimiter), part_index=_integer(at))

    def _must_be(self, wanted: str) -> None:
        if self.held not in (wanted, TEXT_TYPE):
            raise LawError(
                f"列 {self.spec.name}（{self.spec.zh}）的类型是 {self.held}；应为 {wanted}", code="law.column_type"
            )


def _aliased(expression: SqlExpr, name: str) -> SqlExpr:
    return exp.alias_(expression, name, quoted=True, copy=False)


def _integer(value: int) -> SqlExpr:
    return exp.Literal.number(value)


def _bigint_copy(expression: SqlExpr) -> SqlExpr:
    return as_bigint(expression.copy())

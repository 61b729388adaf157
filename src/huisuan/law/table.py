"""Answers for a whole file: one row in, one row out, in the same order.

A cell that cannot be read (a negative amount, a word for a number) spoils its own row only: that fact counts as
missing, and the row's reasons say `invalid:` instead of `missing:`. Columns that are no facts are carried over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from huisuan.law.nodes import FactSpec
from huisuan.law.policy import Policy
from huisuan.law.rules import Rule
from huisuan.law.sql import RAW, column, compile_rule
from huisuan.law.text import LawError
from huisuan.law.values import FINEST_SHARE, FIRST_DAY, LAST_DAY, Kind

if TYPE_CHECKING:
    import duckdb

ANSWER = ("status", "amount_fen", "reasons")
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
WORDS = "VARCHAR"
#: the type that carries each kind of fact best
TYPES = {
    Kind.MONEY: "BIGINT", Kind.INT: "BIGINT", Kind.BOOL: "BOOLEAN", Kind.DATE: "DATE", Kind.SHARE: WORDS,
    Kind.CHOICE: WORDS, Kind.TEXT: WORDS,
}  # fmt: skip


@dataclass(frozen=True)
class Computed:
    """What came out: rows by status, cells that could not be read by fact, the sum in fen."""

    rows: int
    by_status: Mapping[str, int]
    invalid: Mapping[str, int]
    absent: tuple[str, ...]
    carried: tuple[str, ...]
    amount_fen: int


def compute_file(policy: Policy, rule: Rule, source: Path, target: Path, *, on: date, as_known: date) -> Computed:
    """Compute every row of a Parquet or CSV file on DuckDB; the target appears whole or not at all.

    Raises:
        LawError: a file that cannot be read, a column of a type that cannot carry its fact (a float for money).
    """
    import duckdb

    for path in (source, target):
        if path.suffix not in (".parquet", ".csv"):
            raise LawError(f"{path}：只认 .parquet 与 .csv")
    if not source.is_file():
        raise LawError(f"{source}：没有这个文件")
    draft = target.with_name(f".{target.name}.draft{target.suffix}")
    try:
        with duckdb.connect() as engine:
            types = _open(engine, source)
            query, carried = answers(policy, rule, "source", types, on=on, as_known=as_known)
            layout = "FORMAT parquet" if target.suffix == ".parquet" else "FORMAT csv, HEADER true"
            engine.execute(f"COPY ({query.sql('duckdb')}) TO '{_quoted(draft)}' ({layout})")
            done = _summary(engine, draft, rule, types, carried)
        draft.replace(target)
    except duckdb.Error as error:
        raise LawError(f"{source}：{str(error).splitlines()[0]}") from None
    finally:
        draft.unlink(missing_ok=True)
    return done


def answers(
    policy: Policy, rule: Rule, table: str, types: Mapping[str, str], *, on: date, as_known: date
) -> tuple[exp.Select, tuple[str, ...]]:
    """The query that answers every row of a DuckDB table with columns of these types, and the columns carried over."""
    facts = {spec.name: spec for spec in rule.facts}
    carried = tuple(name for name in types if name not in facts)
    clash = set(carried) & set(ANSWER)
    if clash:
        raise LawError(f"输入里已有列 {'、'.join(sorted(clash))}：与结果列同名，请改名")
    columns: list[exp.Expr] = [column(name) for name in carried]
    for name, spec in facts.items():
        columns.extend(_checked(spec, types.get(name)))
    checked = exp.select(*columns).from_(exp.to_table(table))
    return compile_rule(policy, rule, on, as_known).over(checked, carried), carried


def _open(engine: duckdb.DuckDBPyConnection, source: Path) -> dict[str, str]:
    """Make the file the view `source`; its columns with their types. CSV cells all come as text."""
    reader = "read_parquet('{0}')" if source.suffix == ".parquet" else "read_csv('{0}', all_varchar=true, header=true)"
    engine.execute(f"CREATE VIEW source AS SELECT * FROM {reader.format(_quoted(source))}")
    return {name: kind for name, kind, *_ in engine.execute("DESCRIBE source").fetchall()}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _checked(spec: FactSpec, held: str | None) -> list[exp.Expr]:
    """The fact's columns: what stood there, and its value if it is one."""
    stood = _value(spec, held) if held is None or spec.kind == Kind.TEXT else column(spec.name)
    raw = exp.alias_(stood, f"{RAW}{spec.name}", quoted=True)
    if spec.kind == Kind.SHARE:
        parts = _share(spec, held)
        names = (f"{spec.name}__num", f"{spec.name}__den")
        return [raw, *(exp.alias_(part, name, quoted=True) for part, name in zip(parts, names, strict=True))]
    return [raw, exp.alias_(_value(spec, held), spec.name, quoted=True)]


def _value(spec: FactSpec, held: str | None) -> exp.Expr:
    name = f'"{spec.name}"'
    if held is None:
        return _sql(f"CAST(NULL AS {TYPES[spec.kind]})")
    if spec.kind in (Kind.MONEY, Kind.INT):
        if held == WORDS:
            name = f"CASE WHEN regexp_full_match(trim({name}), '[0-9]{{1,18}}') THEN CAST(trim({name}) AS BIGINT) END"
        elif held not in INTEGERS and not (held.startswith("DECIMAL") and held.endswith(",0)")):
            raise LawError(f"列 {spec.name}（{spec.zh}）的类型是 {held}；应为整数（金额以分计）")
        return _sql(f"CASE WHEN {name} BETWEEN 0 AND {spec.maximum} THEN CAST({name} AS BIGINT) END")
    if spec.kind == Kind.BOOL:
        _held(spec, held, "BOOLEAN")
        true, false = "'true', '1', '是'", "'false', '0', '否'"
        words = (
            f"CASE WHEN lower(trim({name})) IN ({true}) THEN true WHEN lower(trim({name})) IN ({false}) THEN false END"
        )
        return _sql(name if held == "BOOLEAN" else words)
    if spec.kind == Kind.DATE:
        _held(spec, held, "DATE")
        iso = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
        words = f"CASE WHEN regexp_full_match(trim({name}), '{iso}') THEN TRY_CAST(trim({name}) AS DATE) END"
        day = name if held == "DATE" else words
        return _sql(f"CASE WHEN {day} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN {day} END")
    _held(spec, held, WORDS)
    if spec.kind == Kind.CHOICE:
        # looked up once per dictionary entry of a Parquet column; CASE would compare every row
        options = ", ".join(f"'{option}': '{option}'" for option in spec.options or {})
        return _sql(f"MAP {{{options}}}[{name}]")
    return _sql(f"nullif(trim({name}), '')")


def _share(spec: FactSpec, held: str | None) -> tuple[exp.Expr, exp.Expr]:
    """Numerator and denominator of "1/3", "20%" or "12.5%", at most 100% and no finer than 0.01%."""
    if held is None:
        return _sql("CAST(NULL AS BIGINT)"), _sql("CAST(NULL AS BIGINT)")
    _held(spec, held, WORDS)
    name = f'trim("{spec.name}")'
    above, below = f"CAST(split_part({name}, '/', 1) AS BIGINT)", f"CAST(split_part({name}, '/', 2) AS BIGINT)"
    fraction = f"regexp_full_match({name}, '[0-9]{{1,5}}/[1-9][0-9]{{0,4}}')"
    hundredths = f"CAST(round(CAST(rtrim({name}, '%') AS DECIMAL(9, 2)) * 100) AS BIGINT)"
    per_cent = f"regexp_full_match({name}, '[0-9]{{1,3}}([.][0-9]{{1,2}})?%')"
    small = f"{above} <= {below} AND {below} <= {FINEST_SHARE}"
    num = (
        f"CASE WHEN {fraction} THEN CASE WHEN {small} THEN {above} END "
        f"WHEN {per_cent} THEN CASE WHEN {hundredths} <= 10000 THEN {hundredths} END END"
    )
    den = f"CASE WHEN {fraction} THEN CASE WHEN {small} THEN {below} END WHEN {per_cent} THEN 10000 END"
    return _sql(num), _sql(den)


def _held(spec: FactSpec, held: str, wanted: str) -> None:
    if held not in (wanted, WORDS):
        raise LawError(f"列 {spec.name}（{spec.zh}）的类型是 {held}；应为 {wanted}")


def _sql(words: str) -> exp.Expr:
    from sqlglot import parse_one

    return parse_one(words, read="duckdb")


def _summary(
    engine: duckdb.DuckDBPyConnection, target: Path, rule: Rule, types: Mapping[str, str], carried: tuple[str, ...]
) -> Computed:
    file = _quoted(target)
    rows = engine.execute(
        f"SELECT status, count(*), CAST(coalesce(sum(CAST(amount_fen AS BIGINT)), 0) AS BIGINT) FROM '{file}' "
        "GROUP BY status ORDER BY status"
    ).fetchall()
    marks = engine.execute(
        "SELECT mark, count(*) FROM (SELECT unnest(string_split(reasons, ';')) AS mark "
        f"FROM '{file}' WHERE reasons LIKE '%invalid:%') WHERE mark LIKE 'invalid:%' GROUP BY mark ORDER BY mark"
    ).fetchall()
    return Computed(
        rows=sum(count for _, count, _ in rows),
        by_status={status: count for status, count, _ in rows},
        invalid={mark.removeprefix("invalid:"): count for mark, count in marks},
        absent=tuple(spec.name for spec in rule.facts if spec.name not in types),
        carried=carried,
        amount_fen=sum(amount for _, _, amount in rows),
    )

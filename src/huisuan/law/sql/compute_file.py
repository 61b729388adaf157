"""Answers for a whole file: one row in, one row out, in the same order.

A cell that cannot be read (a negative amount, a word for a number) affects its own row only: that fact counts as
missing, and the row's reasons say `invalid:` instead of `missing:`. Columns that are no facts are carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from sqlglot import exp

from huisuan.base.duck import lease_duck
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.by_day import cut_rule, part_starts
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.cell_parsing import checked_columns
from huisuan.law.sql.compiler import compile_rule
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import ANSWER, ROW, is_reserved
from huisuan.law.sql.spark import Spark
from huisuan.law.sql.sql_arithmetic import column

if TYPE_CHECKING:
    import duckdb


#: with statistics, a column would be REQUIRED in the output of one month and OPTIONAL in that of the next
_PLAIN = {"disabled_optimizers": "statistics_propagation"}


#: queries made last, by what they were made from, which is kept, so that an id stays its own: to make one takes as long
#: as to answer a hundred thousand rows
_made: dict[tuple[object, ...], tuple[Policy, Rule, exp.Select, tuple[str, ...]]] = {}
_MOST_MADE = 64
_asking = Lock()


@dataclass(frozen=True)
class FileSummary:
    """What came out: rows by status, cells that could not be read by fact, the sum in fen; `read`: its columns."""

    rows: int
    by_status: Mapping[str, int]
    invalid: Mapping[str, int]
    absent: tuple[str, ...]
    carried: tuple[str, ...]
    amount_fen: int
    read: tuple[str, ...] = ()


def compute_file(
    policy: Policy,
    rule: Rule,
    source: Path,
    target: Path,
    *,
    on: date,
    as_known: date,
    spark: Spark | None = None,
    began: date | None = None,
) -> FileSummary:
    """Compute every row of a Parquet or CSV file, on DuckDB or on Spark; the target appears whole or not at all.

    Raises:
        LawError: a file that cannot be read, a column of a type that cannot carry its fact (a float for money).
    """
    ask = partial(answer_query, policy, rule, on=on, as_known=as_known, began=began)
    with transform_file(source, target) as (engine, types, draft):
        query, carried = ask("source", types)
        if spark is not None:
            asked = cut_rule(rule, part_starts(rule, types))
            query = _gather(engine, carried, _on_spark(ask, engine, spark, asked, types, source, draft.parent))
        layout = "FORMAT parquet" if target.suffix == ".parquet" else "FORMAT csv, HEADER true"
        engine.execute(f"COPY ({query.sql('duckdb', copy=False)}) TO '{_sql_path(draft)}' ({layout})")
        return summarise_file(engine, draft, cut_rule(rule, part_starts(rule, types)), types, carried)


@contextmanager
def transform_file(source: Path, target: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str], Path]]:
    """An engine that has the file as its table `source`, the types of its columns, and where to write a draft.

    The draft becomes the target when the block ends well; otherwise nothing is left of it.

    Raises:
        LawError: files of another kind, none there, or what the engine says about them.
    """
    import duckdb

    for path in (source, target):
        if path.suffix not in (".parquet", ".csv"):
            raise LawError(f"{path}：只认 .parquet 与 .csv", code="law.file_type")
    if not source.is_file():
        raise LawError(f"{source}：没有这个文件", code="law.file_missing")
    if not target.parent.is_dir():
        raise LawError(f"{target.parent}：没有这个文件夹", code="law.folder_missing")
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as aside, lease_duck(_PLAIN) as engine:
        draft = Path(aside) / target.name
        try:
            yield engine, _open(engine, source), draft
        except duckdb.Error as error:
            raise LawError(f"{source}：{str(error).splitlines()[0]}", code="law.file_unreadable") from None
        draft.replace(target)


def answer_query(
    policy: Policy, rule: Rule, table: str, types: Mapping[str, str], *, on: date, as_known: date,
    dialect: Dialect = Dialect.DUCKDB, capped: bool = False, began: date | None = None,
) -> tuple[exp.Select, tuple[str, ...]]:  # fmt: skip
    """The query that answers every row of a table with columns of these (DuckDB's) types, and the columns carried over.

    It is to be written out in the same dialect: `query.sql(dialect)`. `capped`: see `Compiled.over`. Columns such as
    `spend@2024-07-01` tell the parts of a period apart that ends `on` the day; `began`: see `explain`.
    """
    key = id(policy), id(rule), table, tuple(types.items()), on, as_known, dialect, capped, began
    with _asking:
        made = _made.get(key)
    if made is None:
        make = partial(_make_query, policy, rule, table, types, on, as_known, began)
        made = policy, rule, *make(dialect, capped=capped)
        with _asking:
            _made[key] = made
            if len(_made) > _MOST_MADE:
                del _made[next(iter(_made))]
    return made[2].copy(), made[3]  # writing a query out changes it


def _make_query(
    policy: Policy, rule: Rule, table: str, types: Mapping[str, str], on: date, as_known: date, began: date | None,
    dialect: Dialect, *, capped: bool,
) -> tuple[exp.Select, tuple[str, ...]]:  # fmt: skip
    starts = part_starts(rule, types)
    facts = {spec.name: spec for spec in cut_rule(rule, starts).facts}
    carried = tuple(name for name in types if name not in facts)
    for name in carried:  # DuckDB and PostgreSQL take Spend and spend for one column
        if name.lower() in ANSWER or name.lower() in facts:
            raise LawError(
                f"输入里有列 {name}：与{'结果列' if name.lower() in ANSWER else '事实'}同名，请改名",
                code="law.column_name_taken",
            )
        if is_reserved(name):
            raise LawError(f"输入里有列 {name}：这样的名称留给计算过程，请改名", code="law.column_name_reserved")
    compiled = compile_rule(policy, rule, on, as_known, starts, began)
    columns: list[exp.Expr] = [column(name) for name in carried]
    for name, spec in facts.items():
        cells = checked_columns(
            spec, types.get(name), dialect
        )  # of a fact that is not read, too: its type is refused or not
        columns += cells if name in compiled.facts_read else []
    source = exp.select(*columns, copy=False).from_(exp.to_table(table), copy=False) if columns else table
    return compiled.select(source, carried, capped=capped, dialect=dialect), carried


def _open(engine: duckdb.DuckDBPyConnection, source: Path) -> dict[str, str]:
    """Make the file the view `source`; its columns with their types. CSV cells all come as text."""
    reader = "read_parquet('{0}')" if source.suffix == ".parquet" else "read_csv('{0}', all_varchar=true, header=true)"
    engine.execute(f"CREATE VIEW source AS SELECT * FROM {reader.format(_sql_path(source))}")
    return {name: kind for name, kind, *_ in engine.execute("DESCRIBE source").fetchall()}


def _on_spark(
    ask: Callable[..., tuple[exp.Select, tuple[str, ...]]], engine: duckdb.DuckDBPyConnection, spark: Spark,
    rule: Rule, types: Mapping[str, str], source: Path, aside: Path,
) -> tuple[Path, Path]:  # fmt: skip
    """Let Spark answer; the Parquet file it read and the folder of its answers, each with the row it is for."""
    if source.suffix == ".csv":  # what a quote, a comma and an empty cell mean is for one reader to say
        engine.execute(f"COPY source TO '{_sql_path(aside / 'cells.parquet')}' (FORMAT parquet)")
        source = aside / "cells.parquet"
    facts = {spec.name: types[spec.name] for spec in rule.facts if spec.name in types}
    query, _ = ask("source", {ROW: "BIGINT", **facts}, dialect=Dialect.SPARK)
    spark.run_query(query.sql(Dialect.SPARK), source, facts, aside / "answered")
    return source, aside / "answered"


def _gather(engine: duckdb.DuckDBPyConnection, carried: tuple[str, ...], places: tuple[Path, Path]) -> exp.Select:
    """The columns carried over with Spark's answers beside them, in the source's order."""
    source, answered = places
    parts = ", ".join(f"'{_sql_path(part)}'" for part in sorted(answered.glob("*.parquet")))
    engine.execute(
        f"CREATE VIEW gathered AS SELECT * FROM read_parquet('{_sql_path(source)}', file_row_number=true) "
        f"JOIN (SELECT {ROW} AS file_row_number, status, amount_fen, reasons FROM read_parquet([{parts}])) "
        "USING (file_row_number)"
    )
    counted = engine.execute("SELECT (SELECT count(*) FROM source), (SELECT count(*) FROM gathered)").fetchone()
    if counted is None or counted[0] != counted[1]:
        raise LawError(f"{source}：Spark 答的行数与输入不符（{counted}）", code="law.spark_rows_differ")
    return exp.select(*(column(name) for name in (*carried, *ANSWER))).from_("gathered").order_by("file_row_number")


def _sql_path(path: Path) -> str:
    return str(path).replace("'", "''")


def summarise_file(
    engine: duckdb.DuckDBPyConnection, target: Path, rule: Rule, types: Mapping[str, str], carried: tuple[str, ...]
) -> FileSummary:
    """What came out of a file of answers that was written from columns of these types."""
    file = _sql_path(target)
    rows = engine.execute(
        f"SELECT status, count(*), CAST(coalesce(sum(CAST(amount_fen AS BIGINT)), 0) AS BIGINT) FROM '{file}' "
        "GROUP BY status ORDER BY status"
    ).fetchall()
    marks = engine.execute(
        "SELECT mark, count(*) FROM (SELECT unnest(string_split(reasons, ';')) AS mark "
        f"FROM '{file}' WHERE reasons LIKE '%invalid:%') WHERE mark LIKE 'invalid:%' GROUP BY mark ORDER BY mark"
    ).fetchall()
    return FileSummary(
        rows=sum(count for _, count, _ in rows),
        by_status={status: count for status, count, _ in rows},
        invalid={mark.removeprefix("invalid:"): count for mark, count in marks},
        absent=tuple(spec.name for spec in rule.facts if spec.name not in types),
        carried=carried,
        amount_fen=sum(amount for _, _, amount in rows),
        read=tuple(types),
    )

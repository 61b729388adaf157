"""One rule, two engines: PostgreSQL answers every row as DuckDB does, to the fen and to the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from django.db import connection

from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, parse_date
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import answer_query, compute_file
from huisuan.law.sql.dialect import COLUMN_TYPES, Dialect
from support.engines import (
    DAY,
    KNOWN,
    POLICY,
    ROWS,
    RULES,
    TRIAL,
    Told,
    beside,
    elsewise,
    expected,
    spoiled,
    trial_cells,
)
from support.random_facts import as_words, random_rows, typed
from support.trial_policy import DAY as TRIAL_DAY
from support.trial_policy import trial_policy


@pytest.mark.parametrize("rule", RULES)
def test_duckdb_keeps_the_order_of_rows_that_lie_in_many_row_groups(rule: Rule, tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table({**typed(rule, random_rows(3, rule, 600)), **beside(600)}), source, row_group_size=50)
    compute_file(POLICY, rule, source, target, on=DAY, as_known=KNOWN)
    assert pq.read_table(target)["编号 no"].to_pylist() == list(range(600))


def on_duckdb(query: str, facts: pa.Table) -> Told:
    with duckdb.connect() as engine:
        engine.register("facts", facts)
        return engine.execute(query).fetchall()


def on_postgres(query: str, facts: pa.Table, types: Mapping[str, str]) -> Told:
    """What a PostgreSQL table of these columns gives, in the order it was filled."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE facts ({columns})")
        with cursor.copy("COPY facts FROM STDIN") as copy:
            for row in zip(*(facts[name].to_pylist() for name in types), strict=True):
                copy.write_row(row)
        cursor.execute(query)
        told: Told = cursor.fetchall()
        cursor.execute("DROP TABLE facts")
    return told


def asked(policy: Policy, rule: Rule, types: Mapping[str, str], dialect: Dialect, on: date = DAY) -> str:
    query, _ = answer_query(policy, rule, "facts", types, on=on, as_known=KNOWN, dialect=dialect)
    return query.sql(dialect)


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES)
def test_postgresql_answers_every_row_as_duckdb_does(rule: Rule) -> None:
    types = {spec.name: COLUMN_TYPES[spec.kind] for spec in rule.facts}
    facts = pa.table(typed(rule, random_rows(20_231_012, rule, ROWS)))
    for policy in (POLICY, elsewise(POLICY, rule)):
        ours = on_duckdb(asked(policy, rule, types, Dialect.DUCKDB), facts)
        assert on_postgres(asked(policy, rule, types, Dialect.POSTGRES), facts, types) == ours
        assert len({reasons for _, _, reasons in ours}) >= 3


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES)
def test_postgresql_reads_columns_of_text_as_duckdb_does(rule: Rule) -> None:
    types = dict.fromkeys((spec.name for spec in rule.facts), "VARCHAR")
    facts = pa.table(spoiled(as_words(rule, random_rows(7, rule, ROWS))))
    ours = on_duckdb(asked(POLICY, rule, types, Dialect.DUCKDB), facts)
    assert on_postgres(asked(POLICY, rule, types, Dialect.POSTGRES), facts, types) == ours


@pytest.mark.django_db
def test_a_cell_means_in_postgresql_what_it_means_in_a_form(tmp_path: Path) -> None:
    policy, cells = trial_policy(tmp_path), trial_cells()
    query = asked(policy, policy.rule("1.1"), TRIAL, Dialect.POSTGRES, on=TRIAL_DAY)
    assert on_postgres(query, cells, TRIAL) == expected(policy, cells)


def is_day(words: str) -> bool:
    try:
        parse_date(words)
    except InvalidValue:
        return False
    return True


@pytest.mark.django_db
def test_every_engine_knows_every_day_of_three_centuries(tmp_path: Path) -> None:
    policy = trial_policy(tmp_path)
    rule = policy.rule("1.1")
    days = [f"{y:04}-{m:02}-{d:02}" for y in (0, *range(1896, 2206)) for m in range(14) for d in (0, 1, *range(27, 33))]
    cells = pa.table({"finished": days, "part": ["20%"] * len(days), "cost": [10_000] * len(days)})
    refused = [not is_day(day) for day in days]
    ours = on_duckdb(asked(policy, rule, TRIAL, Dialect.DUCKDB, on=TRIAL_DAY), cells)
    assert ["invalid:finished" in reasons for _, _, reasons in ours] == refused
    assert on_postgres(asked(policy, rule, TRIAL, Dialect.POSTGRES, on=TRIAL_DAY), cells, TRIAL) == ours

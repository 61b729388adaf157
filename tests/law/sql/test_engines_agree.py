"""One rule, three engines: Spark and PostgreSQL answer every row as DuckDB does, to the fen and to the reason."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from django.db import connection

from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, ValueKind, parse_date
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import AdoptedSetting, Settings
from huisuan.law.sql.compute_file import FileSummary, answer_query, compute_file
from huisuan.law.sql.dialect import COLUMN_TYPES, Dialect
from huisuan.law.sql.spark import Spark, missing_requirements
from support.random_claims import in_bulk, random_claims
from support.random_facts import as_words, random_rows, typed
from support.representative_rules import representative_rules
from support.summing_policy import summing_policy
from support.trial_policy import DAY as TRIAL_DAY
from support.trial_policy import by_form, trial_policy

POLICY = load_policy("anhui-agi-2023")
RULES = [pytest.param(rule, id=rule.key) for rule in representative_rules(POLICY)]
DAY, KNOWN = date(2024, 12, 31), date(2025, 12, 31)
ROWS = 1_500
#: cells that some engine, left to itself, would take and another would not
ODD = (
    "", " ", "\t", "十万", "1e3", " 12 ", "\u300012\u00a0", "12\n", "\n12", "１２", "+12", "-0", "1_000", "12.0",
    "0x10", "1" * 19, "00012", "T", "yes", "TRUE", " 是\u3000", "真", "on", "2024-2-3", "2024-02-30", "2023-02-29",
    "1900-02-29", "2024-12-31\n", "2024-12-31T00:00", "epoch", "infinity", "20%\n", "33.333%", "1/3 ", "01/3", "1/0",
    "4/3", "NULL", 'a"b', "\\", "it's",
)  # fmt: skip


def elsewise(policy: Policy, rule: Rule) -> Policy:
    """The policy as the province might have set it: odd shares, half the money, the last option everywhere."""
    options = {spec.name: list(spec.options)[-1] for spec in rule.interpretations()}
    bounds = {spec.name: spec for spec in rule.settings()}

    def other(each: AdoptedSetting) -> AdoptedSetting:
        if each.name in options:
            return replace(each, value=options[each.name])
        kind = bounds[each.name].kind if each.name in bounds else None
        if kind == ValueKind.SHARE:
            return replace(each, value=Fraction(1, 7))
        if kind == ValueKind.MONEY and isinstance(each.value, int):
            return replace(each, value=each.value // 2 + 1)
        if kind == ValueKind.RATES:
            return replace(each, value={"340100": Fraction(1, 10), "340200": Fraction(1, 7), "340300": Fraction(0)})
        return each

    return replace(policy, settings=Settings(tuple(other(adopted) for adopted in policy.settings.adopted)))


@pytest.fixture(scope="module")
def spark() -> Iterator[Spark]:
    """One session for the module, which cuts even small files into many pieces."""
    lack = missing_requirements()
    if lack:
        pytest.skip(lack)
    with Spark("local[2]") as started:
        started.session.conf.set("spark.sql.files.maxPartitionBytes", 64 * 1024)
        started.session.conf.set("spark.sql.files.openCostInBytes", 0)
        yield started


def beside(rows: int) -> dict[str, pa.Array]:
    """Columns that are no facts, of types that Spark has not or has otherwise."""
    names = ("甲", None, "", 'a"b', "a,b", "第一行\n第二行", " ")
    return {
        "编号 no": pa.array(range(rows), pa.uint32()),
        "name": pa.array([names[at % len(names)] for at in range(rows)], pa.string()),
        "paid": pa.array([Decimal(at) for at in range(rows)], pa.decimal128(38, 0)),
        "at": pa.array(range(rows), pa.timestamp("ns")),
    }


def both(policy: Policy, rule: Rule, source: Path, spark: Spark, target: str) -> tuple[FileSummary, Path]:
    """Compute on both engines and compare what they say and write; what DuckDB said, and its file."""
    ours, theirs = source.with_name(f"duckdb.{target}"), source.with_name(f"spark.{target}")
    done = compute_file(policy, rule, source, ours, on=DAY, as_known=KNOWN)
    assert compute_file(policy, rule, source, theirs, on=DAY, as_known=KNOWN, spark=spark) == done
    if target == "csv":
        assert ours.read_bytes() == theirs.read_bytes()
    else:
        assert pq.read_schema(ours) == pq.read_schema(theirs)
        assert pq.read_table(ours).equals(pq.read_table(theirs))
    return done, ours


@pytest.mark.spark
@pytest.mark.parametrize("rule", RULES)
def test_spark_writes_the_file_that_duckdb_writes(rule: Rule, tmp_path: Path, spark: Spark) -> None:
    rows = random_rows(20_231_012, rule, ROWS)
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({**typed(rule, rows), **beside(ROWS)}), source, row_group_size=400)
    for policy in (POLICY, elsewise(POLICY, rule)):
        done, file = both(policy, rule, source, spark, "parquet")
        assert done.rows == ROWS
        answered = pq.read_table(file)
        assert answered["编号 no"].to_pylist() == list(range(ROWS))
        assert len(set(answered["reasons"].to_pylist())) >= 3


def spoiled(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns with every sixth cell made odd."""
    chance = random.Random(7)
    return {
        name: pa.array([chance.choice(ODD) if chance.random() < 0.17 else cell for cell in cells.to_pylist()])
        for name, cells in columns.items()
    }


@pytest.mark.spark
@pytest.mark.parametrize("rule", RULES)
def test_spark_reads_a_csv_of_unusable_cells_as_duckdb_does(rule: Rule, tmp_path: Path, spark: Spark) -> None:
    rows = random_rows(7, rule, ROWS)
    source = tmp_path / "in.csv"
    pyarrow.csv.write_csv(pa.table({**spoiled(as_words(rule, rows)), **beside(ROWS)}), source)
    done, _ = both(POLICY, rule, source, spark, "csv")
    assert done.rows == ROWS
    assert done.invalid


@pytest.mark.spark
def test_rows_keep_their_order_over_many_tasks(tmp_path: Path, spark: Spark) -> None:
    rule, count = POLICY.rule("2.2"), 100_000
    rows = random_rows(1, rule, count // 10) * 10
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({**typed(rule, rows), **beside(count)}), source, row_group_size=5_000)
    assert spark.session.read.schema("spend BIGINT").parquet(str(source)).rdd.getNumPartitions() > 10
    both(POLICY, rule, source, spark, "parquet")


@pytest.mark.spark
@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint8(), pa.uint16(), pa.int32(), pa.uint32(), pa.uint64(), pa.decimal128(20, 0)], ids=str
)
def test_whole_numbers_of_any_width_are_read_alike(kind: pa.DataType, tmp_path: Path, spark: Spark) -> None:
    rule = POLICY.rule("2.2")
    source = tmp_path / "in.parquet"
    most = 2**64 - 1 if kind == pa.uint64() else 120
    pq.write_table(pa.table({"spend": pa.array([0, 5, None, most], kind), "self_use": [0, 0, 0, 0]}), source)
    done, _ = both(POLICY, rule, source, spark, "parquet")
    assert done.absent == ("in_anhui", "kind")


@pytest.mark.spark
@pytest.mark.parametrize("columns", [{"spend": pa.array([], pa.int64())}, {"name": pa.array([], pa.string())}])
def test_no_rows_and_no_facts_are_answered_too(columns: Any, tmp_path: Path, spark: Spark) -> None:
    parquet, csv = tmp_path / "in.parquet", tmp_path / "in.csv"
    pq.write_table(pa.table(columns), parquet)
    pyarrow.csv.write_csv(pa.table(columns), csv)
    for source in (parquet, csv):
        done, _ = both(POLICY, POLICY.rule("2.2"), source, spark, source.suffix[1:])
        assert done.rows == 0


@pytest.mark.spark
def test_days_before_the_gregorian_calendar_and_names_like_patterns_do_no_harm(tmp_path: Path, spark: Spark) -> None:
    folder = tmp_path / "a[1] {试}'验 %20*"
    folder.mkdir()
    days = [
        date(1, 1, 1),
        date(1582, 10, 10),
        date(1900, 1, 1),
        date(2199, 12, 31),
        date(2200, 1, 1),
        date(9999, 12, 31),
    ]
    pq.write_table(pa.table({"finished_on": days, "added_p": [400] * len(days)}), folder / "in.parquet")
    done, _ = both(POLICY, POLICY.rule("1.2"), folder / "in.parquet", spark, "parquet")
    assert done.invalid == {"finished_on": 4}
    assert {path.name for path in folder.iterdir()} == {"in.parquet", "duckdb.parquet", "spark.parquet"}


@pytest.mark.parametrize("rule", RULES)
def test_duckdb_keeps_the_order_of_rows_that_lie_in_many_row_groups(rule: Rule, tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table({**typed(rule, random_rows(3, rule, 600)), **beside(600)}), source, row_group_size=50)
    compute_file(POLICY, rule, source, target, on=DAY, as_known=KNOWN)
    assert pq.read_table(target)["编号 no"].to_pylist() == list(range(600))


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """`huisuan law compute anhui-agi-2023 2.2` with these words, in a process of its own."""
    program = Path(sys.executable).with_name("huisuan")
    said = [program, "law", "compute", "anhui-agi-2023", "2.2", "--on", "2024-12-31", *words]
    return subprocess.run(said, capture_output=True, text=True, check=False)


@pytest.mark.spark
def test_the_command_computes_on_spark_and_says_what_it_says_of_duckdb(tmp_path: Path) -> None:
    if missing_requirements():
        pytest.skip(missing_requirements())
    source, ours, theirs = (tmp_path / name for name in ("in.csv", "ours.csv", "theirs.csv"))
    source.write_text("in_anhui,kind,spend,self_use\n是,enterprise,10000,0\n是,enterprise,十万,0\n", encoding="utf-8")
    said = [
        command("--input", source, "--output", target, "--json", *more)
        for target, more in ((ours, ()), (theirs, ("--engine", "spark", "--master", "local[1]")))
    ]
    assert [run.returncode for run in said] == [1, 1]  # a cell could not be read
    told = [json.loads(run.stdout) | {"output": ""} for run in said]
    assert told[0] == told[1]
    assert told[0]["amount_fen"] == 2_000
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_master_is_refused_without_spark_and_where_it_is_none(tmp_path: Path) -> None:
    paths = ("--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv")
    assert command(*paths, "--master", "local[2]").returncode == 2
    if missing_requirements():
        pytest.skip(missing_requirements())
    refused = command(*paths, "--engine", "spark", "--master", "loca[2]")
    assert refused.returncode == 1
    assert "应如 local[2]、spark://主机:7077、yarn" in refused.stderr


Told = list[tuple[str, int | None, str]]


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


TRIAL = {"finished": "VARCHAR", "part": "VARCHAR", "cost": "BIGINT"}
BLANKS = (" ", "\t", "\u00a0", "\u3000", "\n", "\r", "\r\n", "\x0b", "\x1f", "\x85", "\u2003", "\u2028", "\ufeff")


def trial_cells() -> pa.Table:
    """Cells of a day and a share: odd ones, and good ones with something around them."""
    finished = [*ODD, *(f"{blank}2024-12-31{blank}" for blank in BLANKS), *(f"2024-12-31{blank}" for blank in BLANKS)]
    part = [*ODD, *(f"{blank}20%{blank}" for blank in BLANKS), *(f"1/3{blank}" for blank in BLANKS)]
    return pa.table({"finished": finished, "part": part, "cost": [10_000] * len(part)})


def expected(policy: Policy, cells: pa.Table) -> Told:
    """What a form that is filled in with these cells answers."""
    told = (by_form(policy, row["finished"], row["part"]) for row in cells.to_pylist())
    return [(status, int(amount) if amount else None, reasons) for status, amount, reasons in told]


@pytest.mark.django_db
def test_a_cell_means_in_postgresql_what_it_means_in_a_form(tmp_path: Path) -> None:
    policy, cells = trial_policy(tmp_path), trial_cells()
    query = asked(policy, policy.rule("1.1"), TRIAL, Dialect.POSTGRES, on=TRIAL_DAY)
    assert on_postgres(query, cells, TRIAL) == expected(policy, cells)


@pytest.mark.spark
def test_a_cell_means_in_spark_what_it_means_in_a_form(tmp_path: Path, spark: Spark) -> None:
    policy, cells = trial_policy(tmp_path), trial_cells()
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(cells, source)
    compute_file(policy, policy.rule("1.1"), source, target, on=TRIAL_DAY, as_known=KNOWN, spark=spark)
    told = [tuple(row.values()) for row in pq.read_table(target).to_pylist()]
    assert told == expected(policy, cells)


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


def test_where_spark_is_lacking_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(LawError, match=r"pip install 'huisuan\[spark\]'"):
        Spark()
    monkeypatch.setitem(sys.modules, "pyspark", sys)  # as if it were there: it is Java that is not
    with pytest.raises(LawError, match="没有 Java：Spark 需要 Java 17"):
        Spark()


def test_spark_sums_claims_bit_for_bit_as_duckdb_does(tmp_path: Path, spark: Spark) -> None:
    rows = [row for row in random_claims(11, 600) if row["rule"] in ("1.1", "1.2")]
    policy = summing_policy(tmp_path)
    assert in_bulk(policy, rows, tmp_path, spark) == in_bulk(policy, rows, tmp_path)

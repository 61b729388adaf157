"""Spark answers every row as DuckDB does, to the fen and to the reason. One session for all: a start takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import FileSummary, compute_file
from huisuan.law.sql.spark import Spark, missing_requirements
from support.engines import (
    DAY,
    KNOWN,
    POLICY,
    ROWS,
    RULES,
    beside,
    elsewise,
    expected,
    spoiled,
    trial_cells,
)
from support.random_claims import in_bulk, random_claims
from support.random_facts import as_words, random_rows, typed
from support.summing_policy import summing_policy
from support.trial_policy import DAY as TRIAL_DAY
from support.trial_policy import trial_policy


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
    assert done.absent == ("in_anhui", "kind", "alike")


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


@pytest.mark.slow
def test_a_master_is_refused_without_spark_and_where_it_is_none(tmp_path: Path) -> None:
    paths = ("--input", tmp_path / "in.csv", "--output", tmp_path / "out.csv")
    assert command(*paths, "--master", "local[2]").returncode == 2
    if missing_requirements():
        pytest.skip(missing_requirements())
    refused = command(*paths, "--engine", "spark", "--master", "loca[2]")
    assert refused.returncode == 1
    assert "应如 local[2]、spark://主机:7077、yarn" in refused.stderr


@pytest.mark.spark
def test_a_cell_means_in_spark_what_it_means_in_a_form(tmp_path: Path, spark: Spark) -> None:
    policy, cells = trial_policy(tmp_path), trial_cells()
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(cells, source)
    compute_file(policy, policy.rule("1.1"), source, target, on=TRIAL_DAY, as_known=KNOWN, spark=spark)
    told = [tuple(row.values()) for row in pq.read_table(target).to_pylist()]
    assert told == expected(policy, cells)


def test_where_spark_is_lacking_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(LawError, match=r"pip install 'huisuan\[spark\]'"):
        Spark()
    monkeypatch.setitem(sys.modules, "pyspark", sys)  # as if it were there: it is Java that is not
    with pytest.raises(LawError, match="没有 Java：Spark 需要 Java 17"):
        Spark()


@pytest.mark.spark
def test_spark_sums_claims_bit_for_bit_as_duckdb_does(tmp_path: Path, spark: Spark) -> None:
    rows = [row for row in random_claims(11, 600) if row["rule"] in ("1.1", "1.2")]
    policy = summing_policy(tmp_path)
    assert in_bulk(policy, rows, tmp_path, spark) == in_bulk(policy, rows, tmp_path)

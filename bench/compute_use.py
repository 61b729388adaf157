"""Sentence 2.2 over many rows: the rule on DuckDB against the same formula by hand, and against OpenFisca-core.

`python bench/law.py --peer` runs it. The aims: ours / hand-written <= 1.3, ours / OpenFisca <= 0.2 (five times as fast)
with reading the input, no row of ours wrong.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import by_hand
import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from exact import check_oracle, rows_wrong, rows_wrong_in_yuan, write_oracle
from measure import Line, Run, Spent, Timing, interleaved, line, machine

from huisuan.law.policy import load_policy
from huisuan.law.sql.compute_file import answer_query, compute_file

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".venv-bench" / "bin" / "python"
SEED = 0.2024
DAY, KNOWN = date(2024, 12, 31), date(2025, 12, 31)
BY_HAND, FIVE_TIMES = 1.3, 0.2
PEER_NEEDS = 700  # bytes of memory a row: arrays, their float32 copies, the Arrow table
JSON_ROWS = 5_000  # its form takes time that grows with the square of the rows

OURS, OURS_AMOUNT, OURS_ARROW = "huisuan", "huisuan, amount only", "huisuan, in memory"

FACTS = """
SELECT CASE WHEN a >= 0.01 THEN a < 0.93 END AS in_anhui,
       CASE WHEN k < 0.01 THEN NULL WHEN k < 0.6 THEN 'enterprise' WHEN k < 0.8 THEN 'university'
            WHEN k < 0.95 THEN 'institute' ELSE 'other' END AS kind,
       CASE WHEN m >= 0.01 THEN spend END AS spend,
       CASE WHEN s < 0.01 THEN NULL WHEN s < 0.7 THEN 0
            WHEN s < 0.72 THEN spend + CAST(u * 10 AS BIGINT) ELSE CAST(spend * u AS BIGINT) END AS self_use
FROM (SELECT random() AS a, random() AS k, random() AS m, random() AS s, random() AS u,
             CAST(floor(pow(10, random() * 12)) AS BIGINT) AS spend FROM range({rows}))
"""


class OpenFisca:
    """The peer's process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PEER, ROOT / "bench" / "openfisca_peer.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.versions: dict[str, str] = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        words = self._process.stdout.readline()
        if not words:
            raise SystemExit(f"the OpenFisca process ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(words)
        return answer

    def run(self, way: str, source: Path, target: Path) -> Spent:
        """What one run spent, as its own process measured it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"way": way, "input": str(source), "output": str(target)}) + "\n")
        self._process.stdin.flush()
        seconds, processor = self._answer()["spent"]
        return seconds, processor

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Bench:
    """One working folder with its generated facts; `lines` and `notes` grow."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds
        self.policy = load_policy("anhui-agi-2023")
        self.rule = self.policy.rule("2.2")
        self.lines: list[Line] = []
        self.notes: list[str] = []

    def facts(self, rows: int) -> Path:
        """Facts and the exact answers to them, generated (one thread: the same rows every time)."""
        path = self.folder / f"facts-{rows}.parquet"
        if not path.exists():
            with duckdb.connect() as engine:
                engine.execute(f"SET threads = 1; SELECT setseed({SEED})")
                engine.execute(f"COPY ({FACTS.format(rows=rows)}) TO '{path}' (FORMAT parquet)")
            write_oracle(path, self.oracle(rows))
            check_oracle(path, self.oracle(rows), 100_000)
        return path

    def oracle(self, rows: int) -> Path:
        """Where the exact answers are."""
        return self.folder / f"exact-{rows}.parquet"

    def output(self, name: str) -> Path:
        """A file for a contestant's answers."""
        return self.folder / f"{name}.parquet"

    def ours(self, rows: int) -> None:
        """The product's own path, summary included."""
        source = self.folder / f"facts-{rows}.parquet"
        compute_file(self.policy, self.rule, source, self.output("ours"), on=DAY, as_known=KNOWN)

    def ours_amount(self, rows: int) -> None:
        """The rule's own query, of which only the amount is asked: what the peers that give no reasons do."""
        with duckdb.connect() as engine:
            engine.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{self.folder}/facts-{rows}.parquet')")
            query = f"SELECT amount_fen FROM ({self.query(engine)})"
            engine.execute(f"COPY ({query}) TO '{self.output('ours-amount')}' (FORMAT parquet)")

    def ours_in_memory(self, table: pa.Table) -> pa.Table:
        """The rule's query over an Arrow table; one table in, one table out."""
        with duckdb.connect() as engine:
            engine.register("facts", table)
            return engine.sql(self.query(engine)).to_arrow_table()

    def query(self, engine: duckdb.DuckDBPyConnection) -> str:
        """The rule as SQL over the table `facts`."""
        types = {name: kind for name, kind, *_ in engine.execute("DESCRIBE facts").fetchall()}
        return answer_query(self.policy, self.rule, "facts", types, on=DAY, as_known=KNOWN)[0].sql("duckdb")

    def against_hand(self, rows: int) -> None:
        """Ours against the formula by hand: all three columns, and (a shorter job) the amount alone."""
        source = self.facts(rows)
        whole: dict[str, Callable[[Path], None]] = {
            "DuckDB SQL by hand": partial(by_hand.duckdb_sql, by_hand.SQL, source),
            "Polars by hand": partial(by_hand.polars_to, by_hand.polars(source)),
        }
        amount: dict[str, Callable[[Path], None]] = {
            "DuckDB SQL by hand, amount only": partial(by_hand.duckdb_sql, by_hand.AMOUNT_SQL, source),
            "Polars by hand, amount only": partial(by_hand.polars_to, by_hand.polars_amount(source)),
        }
        files = {name: self.output(f"hand-{at}") for at, name in enumerate((*whole, *amount))}
        contestants: dict[str, Run] = {
            OURS: partial(self.ours, rows),
            OURS_AMOUNT: partial(self.ours_amount, rows),
            **{name: partial(run, files[name]) for name, run in (whole | amount).items()},
        }
        took = interleaved(contestants, self.rounds)
        self._our_lines(rows, took)
        for name, path in files.items():
            wrong = rows_wrong(path, self.oracle(rows), amount_only=name in amount)
            for own in (OURS, OURS_AMOUNT) if name in amount else (OURS,):
                aim = None if name in amount else BY_HAND
                self.lines.append(line(name, rows, took[name], (own, took[own]), aim, wrong=wrong))

    def against_openfisca(self, peer: OpenFisca, rows: int) -> None:
        """Ours against OpenFisca from a file, and from arrays in memory; OpenFisca gives the amount only."""
        source = self.facts(rows)
        table = pq.read_table(source)
        contestants: dict[str, Run] = {
            OURS: partial(self.ours, rows),
            "OpenFisca from Parquet": partial(peer.run, "file", source, self.output("openfisca-file")),
            OURS_AMOUNT: partial(self.ours_amount, rows),
            "OpenFisca from arrays": partial(peer.run, "arrays", source, self.output("openfisca-arrays")),
            OURS_ARROW: lambda: _unmeasured(self.ours_in_memory(table)),
        }
        took = interleaved(contestants, self.rounds)
        pq.write_table(self.ours_in_memory(table), self.output("ours-arrow"))
        self._our_lines(rows, took)
        for own in (OURS, OURS_AMOUNT):
            self._beside("OpenFisca from Parquet", "file", rows, took, own, FIVE_TIMES)
        self._beside("OpenFisca from arrays", "arrays", rows, took, OURS, FIVE_TIMES)
        self._beside("OpenFisca from arrays", "arrays", rows, took, OURS_ARROW, None)

    def against_json(self, peer: OpenFisca, rows: int) -> None:
        """Ours against OpenFisca's own input form, the JSON of its web API."""
        source = self.facts(rows)
        contestants: dict[str, Run] = {
            OURS: partial(self.ours, rows),
            "OpenFisca from JSON": partial(peer.run, "json", source, self.output("openfisca-json")),
        }
        took = interleaved(contestants, self.rounds)
        self._our_lines(rows, took)
        self._beside("OpenFisca from JSON", "json", rows, took, OURS, FIVE_TIMES)

    def _our_lines(self, rows: int, took: Mapping[str, Timing]) -> None:
        files = {OURS: "ours", OURS_AMOUNT: "ours-amount", OURS_ARROW: "ours-arrow"}
        for name in [each for each in files if each in took]:
            wrong = rows_wrong(self.output(files[name]), self.oracle(rows), amount_only=name == OURS_AMOUNT)
            self.lines.append(line(name, rows, took[name], wrong=wrong))

    def _beside(self, name: str, way: str, rows: int, took: Mapping[str, Timing], own: str, aim: float | None) -> None:
        wrong, unknown = rows_wrong_in_yuan(self.output(f"openfisca-{way}"), self.oracle(rows))
        remark = f"({wrong / rows:.1%}, and {unknown:,} missing taken for 0)"
        self.lines.append(line(name, rows, took[name], (own, took[own]), aim, wrong=wrong, remark=remark))


def _unmeasured(_: object) -> None:
    """Drop a result, so that the clock outside is the one that counts."""


def run(rows: int, rounds: int) -> tuple[list[Line], dict[str, Any], list[str]]:
    """All comparisons: lines, machine, notes."""
    about = machine("duckdb", "polars", "pyarrow")
    with tempfile.TemporaryDirectory(prefix="huisuan-bench-") as folder:
        bench = Bench(Path(folder), rounds)
        bench.against_hand(rows)
        if PEER.exists():
            peer = OpenFisca()
            about |= peer.versions
            for size in sorted({min(rows, 1_000_000), rows}):
                if psutil.virtual_memory().available > size * PEER_NEEDS:
                    bench.against_openfisca(peer, size)
                else:
                    bench.notes.append(f"OpenFisca skipped at {size:,} rows: too little memory is free.")
            bench.against_json(peer, min(rows, JSON_ROWS))
            peer.close()
        else:
            bench.notes.append("OpenFisca skipped: its environment is absent. To install it: sh setup/bench.sh")
    bench.notes += [
        f"{rounds} rounds after a warm-up, contestants in turn. ours / this (below 1: ours is faster): the median of "
        "the rounds' own ratios; then that of the fastest rounds, and that of processor time, which other work on the "
        "machine disturbs less. From Parquet to Parquet unless named otherwise.",
        "huisuan and both by hand give status, amount_fen and reasons; huisuan also checks every cell and sums up the "
        "file. OpenFisca gives the amount only.",
        "Rows wrong: not the exact answer (by 64-bit and 128-bit integers; OpenFisca: off by at least one fen before "
        "rounding). OpenFisca's process measures itself, imports left out.",
    ]
    return bench.lines, about, bench.notes

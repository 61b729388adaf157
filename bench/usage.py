"""Usage records: how fast a year of accounting is imported, against what the machine itself can do.

    .venv/bin/python bench/usage.py [--lines 1000000] [--seed 7]

Import: a generated sacct file of so many lines (see huisuan.compute.metering.intake.synthetic_sacct), from its bytes
on disk to committed records in PostgreSQL. Peers: DuckDB's bare read_csv and aggregate of the same file (what
reading alone costs), and COPY of the very same rows into a table without index, check or trigger (what PostgreSQL
alone costs).

Settlement: the imported year as Parquet (the snapshot that a run reads), billed and entitled under sentence 2.2. Peer:
DuckDB's bare aggregate of the same Parquet by the same keys (party, centre, model, month), in turn with ours; by the
least processor time of a round, so that who else works on the machine changes little.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from measure import interleaved

T = TypeVar("T")
LINES, USERS, SEED = 1_000_000, 400, 7
ROUNDS = 7
CENTRE = "bench"


@dataclass(frozen=True)
class Measure:
    """One line of the table: so many rows in so many seconds; `ratio` is our time over the peer's."""

    name: str
    rows: int
    seconds: float
    ratio: float | None = None

    def shown(self) -> str:
        """As a line of a Markdown table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return f"| {self.name} | {self.rows:,} | {self.seconds:.2f} | {self.rows / self.seconds:,.0f} | {ratio} |"


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and the seconds it took."""
    began = time.perf_counter()
    rows = work()
    return rows, time.perf_counter() - began


@contextmanager
def platform(folder: Path) -> Iterator[None]:
    """A platform of its own: private PostgreSQL, tables, one party and one centre; gone at the end."""
    os.environ["HUISUAN_HOME"] = str(folder)
    os.environ.pop("DATABASE_URL", None)
    from huisuan.serving import database

    database.prepare_database()
    try:
        _found_centre()
        yield
    finally:
        database.stop_private_server()


def _found_centre() -> None:
    from stdnum.cn import uscc

    from huisuan.compute.centres.services import CentrePlan, add_centre
    from huisuan.parties.csv_import import import_parties

    code = "91340100MA2N00001"
    code += uscc.calc_check_digit(code)
    import_parties(f"uscc,name,kind,region\n{code},基准测试,centre_operator,340100\n".encode())
    partitions = ("a800=A800-SXM4-80GB:96x8:a800", "npu=Ascend-910B3:64x8:910b3")
    add_centre(CENTRE, CentrePlan(name="基准", operator=code, region="340100", partitions=partitions))


def write_year(path: Path, lines: int, seed: int) -> None:
    """A generated sacct file of so many lines after its header."""
    from huisuan.compute.metering.intake.synthetic_sacct import generate_year

    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in islice(generate_year(2024, lines, USERS, seed), lines + 1))


def import_rate(path: Path, lines: int) -> list[Measure]:
    """Import the file, import it again (nothing changes), and what the two peers need. Needs `platform`."""
    from huisuan.compute.metering.imports.import_file import UsageFile, import_usage

    def once() -> int:
        file = UsageFile(content=path.read_bytes(), name=path.name, format="sacct")
        report = import_usage(CENTRE, file, datetime.now(UTC))
        assert report.lines == lines
        assert report.refused == []
        return report.new or report.unchanged

    records, ours = timed(once)
    same, again = timed(once)
    assert same == records
    read, reading = timed(lambda: bare_read(path))
    copied, copying = timed_copy(path.parent)
    assert (read, copied) == (lines, records)
    return [
        Measure("import of sacct lines, end to end (records)", records, ours),
        Measure("the same, in lines", lines, ours),
        Measure("the same file again: nothing changes", records, again),
        Measure("peer: DuckDB read_csv + aggregate of the file", read, reading, ours / reading),
        Measure("limit: COPY of the same rows into a bare table", copied, copying, ours / copying),
    ]


def bare_read(path: Path) -> int:
    """DuckDB reads the file as CSV and sums it by account: no check, no card, no time zone, nothing kept."""
    import duckdb

    rows = duckdb.execute(
        "SELECT Account, count(*), sum(ElapsedRaw) FROM read_csv(?, delim = '|', header = true, quote = '') "
        "GROUP BY Account",
        [str(path)],
    ).fetchall()
    return sum(row[1] for row in rows)


def timed_copy(folder: Path) -> tuple[int, float]:
    """The imported rows, COPYed into a table that has their columns and nothing else."""
    from django.db import connection, transaction

    rows = folder / "rows.copy"
    with connection.cursor() as cursor:
        with rows.open("wb") as file, cursor.copy("COPY compute_usagerecord TO STDOUT") as copy:
            file.writelines(copy)
        cursor.execute("CREATE TABLE bare AS SELECT * FROM compute_usagerecord WITH NO DATA")

        def load() -> int:
            with transaction.atomic(), rows.open("rb") as file, cursor.copy("COPY bare FROM STDIN") as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)
            return int(cursor.rowcount)

        counted, seconds = timed(load)
        cursor.execute("DROP TABLE bare")
    return counted, seconds


def settlement_rate(folder: Path) -> list[Measure]:
    """Bill and entitle the imported year, and the bare aggregate beside it. Needs `import_rate` to have run."""
    from huisuan.compute.metering.exports.usage_parquet import export_usage

    usage = folder / "usage.parquet"
    first, last = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    began = time.perf_counter()
    rows = export_usage(usage, None, first, last)
    exporting = time.perf_counter() - began
    _claim(usage)

    def bare() -> None:
        bare_aggregate(usage)

    def ours() -> None:
        settled(usage)

    spent = interleaved({"bare": bare, "ours": ours}, ROUNDS)
    peer, mine = spent["bare"].processor, spent["ours"].processor
    return [
        Measure("settlement of the year's Parquet: bills, lines, entitlements (processor time)", rows, mine),
        Measure("peer: DuckDB's bare aggregate by the same keys (processor time)", rows, peer, mine / peer),
        Measure("export of the snapshot from PostgreSQL (once a run)", rows, exporting),
    ]


def _claim(usage: Path) -> None:
    """Give the records of the snapshot to 400 parties: nobody maps the tenants of a benchmark."""
    import duckdb

    claimed = usage.with_suffix(".claimed")
    duckdb.execute(
        f"COPY (SELECT * REPLACE ('91340100MA2N' || lpad(CAST(sequence % 400 AS VARCHAR), 5, '0') || 'X' AS party) "
        f"FROM read_parquet('{usage}')) TO '{claimed}' (FORMAT parquet)"
    )
    claimed.replace(usage)


def bare_aggregate(usage: Path) -> int:
    """Card-seconds by party, centre, model and month of the start: no split, no price, no relation, no rule."""
    import duckdb

    with duckdb.connect() as engine:
        found = engine.execute(
            "SELECT party, centre, model, date_trunc('month', make_timestamp((started + 28800) * 1000000)) AS month, "
            f"sum(card_seconds), count(*) FROM read_parquet('{usage}') GROUP BY ALL"
        ).fetchall()
    return sum(row[-1] for row in found)


def settled(usage: Path) -> int:
    """What a settlement run computes between reading its snapshot and writing its result."""
    import duckdb

    from huisuan.law.policy import PolicyRule, load_policy
    from huisuan.parties.affiliation import AffiliationSpan
    from huisuan.parties.party_state import PartyState, StateSpan
    from huisuan.settlement.runs.billing import Billing, Price
    from huisuan.settlement.runs.entitle import AskedRule, make_answers

    starts, ends = date(2024, 1, 1), date(2025, 1, 1)
    half = date(2024, 7, 1)
    prices = [
        Price(CENTRE, "A800-SXM4-80GB", 1280, starts, half), Price(CENTRE, "A800-SXM4-80GB", 1150, half, None),
        Price(CENTRE, "Ascend-910B3", 980, starts, None),
    ]  # fmt: skip
    parties = [f"91340100MA2N{number:05d}X" for number in range(400)]
    own = [AffiliationSpan(party, CENTRE, date(2024, 5, 1), ends, "benchmark") for party in parties[:20]]
    policy = load_policy("anhui-agi-2023")
    with duckdb.connect() as engine:
        billing = Billing(engine, usage, starts, ends)
        moved = date(2024, 11, 5)  # of one firm in twenty, from one city of the province to another
        assert billing.bill(prices, own, {party: [moved] for party in parties[:20]}) == []
        there, elsewhere = PartyState("enterprise", "340100"), PartyState("enterprise", "340200")
        spans = [StateSpan(party, starts, ends, there) for party in parties[20:]]
        spans += [StateSpan(party, starts, moved, there) for party in parties[:20]]
        spans += [StateSpan(party, moved, ends, elsewhere) for party in parties[:20]]
        last = date(2024, 12, 31)
        asked = AskedRule.over(PolicyRule(policy, policy.rule("2.2")), starts, last, last)
        make_answers(billing, asked, spans, {CENTRE: "340100"})
        ((entitled,),) = billing.rows("SELECT count(*) FROM answers WHERE status = 'eligible'")
    assert entitled == len(parties)
    return int(entitled)


def main() -> None:
    """Measure, and print a table with ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=LINES)
    options.add_argument("--seed", type=int, default=SEED)
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hs-bench-"))
    try:
        with platform(folder / "home"):
            path = folder / "sacct.txt"
            write_year(path, asked.lines, asked.seed)
            measures = import_rate(path, asked.lines) + settlement_rate(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("| what | rows | seconds | rows/s | our time / peer's |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for measure in measures:
        print(measure.shown())


if __name__ == "__main__":
    main()

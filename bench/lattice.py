"""The whole lattice of generalisations of a table, beside one GROUP BY a combination in DuckDB: equal answers.

    .venv/bin/python bench/lattice.py [--rows 1000000] [--seed 1] [--json]

Three quasi-identifiers (age, region, birth month) with 5 x 4 x 5 levels, so 100 combinations, and a sensitive column.
Seconds of wall time of one run each, both with all cores. Exit code 1: an answer differs, or ours takes over 6 s.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import duckdb
import numpy as np
import pyarrow as pa
from measure import machine

from huisuan.opendata.anonymity.hierarchies import Hierarchy, build_hierarchy
from huisuan.opendata.anonymity.lattice import Generalisation, measure_lattice

AIM_S = 6.0
K = 5
Figures = dict[tuple[int, ...], tuple[int, int, int]]


def main() -> int:
    """Print the times and whether the answers agree."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    about = machine("numpy", "duckdb")
    draw = np.random.default_rng(options.seed)
    columns = {
        "age": [str(n) for n in draw.integers(0, 100, options.rows)],
        "region": [f"34{n // 10:02}{n % 10:02}" for n in draw.integers(10, 170, options.rows)],
        "born": [f"{1950 + n // 12}-{n % 12 + 1:02}-01" for n in draw.integers(0, 720, options.rows)],
    }
    told = [str(n) for n in draw.integers(0, 8, options.rows)]
    hierarchies = [build_hierarchy(name, values) for name, values in columns.items()]
    begun = time.perf_counter()
    lattice = measure_lattice(hierarchies, K, told)
    ours = time.perf_counter() - begun
    begun = time.perf_counter()
    wanted = by_duckdb(hierarchies, lattice, told)
    theirs = time.perf_counter() - begun
    wrong = sum(wanted[one.levels] != (one.k, one.l or 0, one.rows_at_risk) for one in lattice)
    found = {"rows": options.rows, "combinations": len(lattice), "ours_s": ours, "duckdb_s": theirs, "wrong": wrong}
    if options.json:
        print(json.dumps({"machine": about, **found}, indent=2))
    else:
        print(f"{options.rows:,} rows, {len(lattice)} combinations, {about}")
        print(f"ours {ours:.2f} s, DuckDB {theirs:.2f} s, ours / theirs {ours / theirs:.2f}, wrong {wrong}")
    return 1 if wrong or ours > AIM_S else 0


def by_duckdb(hierarchies: list[Hierarchy], lattice: list[Generalisation], told: list[str]) -> Figures:
    """k, l and the rows at risk of every combination, each by a GROUP BY over all rows."""
    arrays = {
        f"c{place}_{number}": level.codes[hierarchy.rows].astype(np.int32)
        for place, hierarchy in enumerate(hierarchies)
        for number, level in enumerate(hierarchy.levels)
    }
    base = duckdb.connect()
    base.register("plain", pa.table({**arrays, "told": told}))
    base.execute("CREATE TABLE t AS SELECT * FROM plain")
    figures: Figures = {}
    for one in lattice:
        names = ", ".join(f"c{place}_{level}" for place, level in enumerate(one.levels))
        row = base.execute(
            f"SELECT min(n), min(l), coalesce(sum(n) FILTER (n < {K}), 0)"
            f" FROM (SELECT count(*) n, count(DISTINCT told) l FROM t GROUP BY {names})"
        ).fetchone()
        assert row is not None
        figures[one.levels] = (int(row[0]), int(row[1]), int(row[2]))
    return figures


if __name__ == "__main__":
    sys.exit(main())

"""Random claims of the summing policy, and what a file of them comes to."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from huisuan.law.explain.claims import ClaimInput, decide_claims
from huisuan.law.explain.limits import shared_limits
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.claims_file import ClaimsSummary, claims_file
from huisuan.law.sql.spark import Spark

DAY = date(2024, 6, 30)
KEYS = ("1.1", "1.2", "1.4", "1.5", "1.6")
SCHEMA = pa.schema(
    {
        "claimant": pa.string(), "claim": pa.string(), "rule": pa.string(), "enterprise": pa.bool_(),
        "compliant": pa.bool_(), "price": pa.int64(), "paid_on": pa.date32(), "contract": pa.string(),
        "fee": pa.int64(), "billed_on": pa.date32(), "bill": pa.string(), "cost": pa.int64(),
        "project": pa.string(), "kind": pa.string(), "number": pa.string(),
        "proved": pa.bool_(), "paid": pa.int64(), "payment": pa.string(),
    }
)  # fmt: skip
Row = dict[str, Any]


def random_claims(seed: int, count: int) -> list[Row]:
    """Claims of a few claimants, so that years, contracts, projects and standards meet."""
    chance = random.Random(seed)

    def day() -> date | None:
        if chance.random() < 0.03:
            return None
        return chance.choice([date(2024, chance.randrange(1, 13), 1), date(2025, 1, 1), date(2024, 3, 1)])

    def fen() -> int | None:
        if chance.random() < 0.03:
            return None
        return chance.choice([chance.randrange(10 ** chance.randrange(1, 11)), chance.randrange(10**9), 5, 0])

    def named(prefix: str) -> str | None:
        if chance.random() < 0.03:
            return chance.choice([None, " "])
        return f"{prefix}{chance.randrange(chance.choice([40, 4000]))}"

    return [
        {
            "claimant": chance.choice([*"甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳", None]), "claim": f"C{at:04}",
            "rule": chance.choice(KEYS), "enterprise": chance.choice([True, True, True, False]),
            "compliant": chance.choice([True] * 20 + [False, None]),
            "price": fen(), "paid_on": day(), "contract": named("HT"), "fee": fen(), "billed_on": day(),
            "bill": named("B"), "cost": fen(), "project": named("P"),
            "kind": chance.choice(["world", "state", "x", None]), "number": named("N"),
            "proved": chance.choice([True, True, False, None]), "paid": fen(), "payment": named("Z"),
        }
        for at in range(count)
    ]  # fmt: skip


def in_bulk(
    policy: Policy, rows: list[Row], folder: Path, spark: Spark | None = None
) -> tuple[ClaimsSummary, list[tuple[str, str, int | None, str]]]:
    """The second reading: per claim, in the order of entry, its period, status, amount in fen and reasons."""
    source, target = folder / "claims.parquet", folder / "decided.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), source)
    rules = [policy.rule(key) for key in sorted({row["rule"] for row in rows} & {*KEYS})]
    summary = claims_file(
        policy, rules, shared_limits(policy, DAY, DAY), source, target, on=DAY, as_known=DAY, spark=spark
    )
    told = duckdb.sql(f"SELECT claim, period, status, amount_fen, reasons FROM '{target}'").fetchall()
    assert [row[0] for row in told] == [row["claim"] for row in rows]
    return summary, [row[1:] for row in told]


def one_by_one(policy: Policy, rows: list[Row]) -> list[tuple[str, str, int | None, str]]:
    """The first reading, as `in_bulk` gives the second; a cell that cannot be used is missing, its reason invalid."""
    claims = [ClaimInput(row["rule"], row["claimant"], _facts(policy, row), row["claim"]) for row in rows]
    answers = decide_claims(policy, claims, on=DAY, as_known=DAY)
    return [
        (
            answer.period, answer.status.value, answer.amount_fen,
            ";".join(_code(reason.code, row) for reason in answer.reasons),
        )
        for answer, row in zip(answers, rows, strict=True)
    ]  # fmt: skip


def _facts(policy: Policy, row: Row) -> Row:
    facts = {spec.name: row[spec.name] for spec in policy.rule(row["rule"]).facts}
    blank = {name: None for name, value in facts.items() if isinstance(value, str) and not value.strip()}
    most = {name: None for name in ("price", "fee", "cost", "paid") if (facts.get(name) or 0) > 10_000_000_000}
    return {**facts, **blank, **most} | ({"kind": None} if facts.get("kind") == "x" else {})


def _code(code: str, row: Row) -> str:
    kind, _, name = code.partition(":")
    unusable = kind == "missing" and row[name] is not None and str(row[name]).strip()
    return f"invalid:{name}" if unusable else code

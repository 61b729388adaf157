"""Claims of a whole file, summed by claimant (or object) and period: one row in, one row out, in the same order.

Beside the facts the file has a column `claimant`, may have `claim` (the claim's name; else its row's number), and has
`rule` where it holds claims of several rules. Two files with the same claims in another order get the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from huisuan.law.model.errors import LawError
from huisuan.law.model.grouping import SharedCap
from huisuan.law.model.rules import Rule
from huisuan.law.policy.by_day import read_rule
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.claims_query import CLAIM, CLAIMANT, RULE, claims_query
from huisuan.law.sql.compute_file import transform_file
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import ANSWER, ROW, is_reserved
from huisuan.law.sql.spark import Spark

if TYPE_CHECKING:
    import duckdb


#: caps that several rules share, each with its limit in fen; None: not set on the day
Caps: TypeAlias = Sequence[tuple[SharedCap, int | None]]


@dataclass(frozen=True)
class ClaimsSummary:
    """What came out: rows by status, and the sum in fen."""

    by_status: Mapping[str, int]
    amount_fen: int

    @property
    def rows(self) -> int:
        """The claims in all."""
        return sum(self.by_status.values())


def claims_file(
    policy: Policy, rules: Sequence[Rule], caps: Caps, source: Path, target: Path, *, on: date, as_known: date,
    spark: Spark | None = None,
) -> ClaimsSummary:  # fmt: skip
    """Decide every claim of a Parquet or CSV file; the target appears whole or not at all.

    `caps` are those that the policy's rules share, with what they come to on the day (`explain.shared_limits`).

    Raises:
        LawError: a file that cannot be read, without claimants, or with claims of other rules; a rule without totals.
    """
    with transform_file(source, target) as (engine, types, draft):
        _check_columns(types, rules)
        engine.execute(f"CREATE TEMP TABLE numbered AS SELECT row_number() OVER () - 1 AS {ROW}, * FROM source")
        if len(rules) > 1 or RULE in types:
            _check_rules(engine, rules)
        dialect = Dialect.DUCKDB if spark is None else Dialect.SPARK
        query = _whole_query(policy, rules, caps, types, (on, as_known), dialect)
        if spark is None:
            engine.execute("CREATE OR REPLACE VIEW source AS SELECT * FROM numbered")
            engine.execute(f"CREATE TEMP TABLE answered AS {query}")
        else:
            _on_spark(engine, spark, query, types, draft.parent)
        carried = [name for name in types if name not in {spec.name for rule in rules for spec in rule.facts}]
        shown = ", ".join([*(f'n."{name}"' for name in carried), 'a."period"', *(f"a.{name}" for name in ANSWER)])
        layout = "FORMAT parquet" if target.suffix == ".parquet" else "FORMAT csv, HEADER true"
        engine.execute(
            f"COPY (SELECT {shown} FROM numbered n JOIN answered a USING ({ROW}) ORDER BY {ROW}) "
            f"TO '{_quoted(draft)}' ({layout})"
        )
        return _summary(engine)


def _check_columns(types: Mapping[str, str], rules: Sequence[Rule]) -> None:
    """Columns of the claims' own names must be there, and none may stand in the way of a step.

    Raises:
        LawError: naming the column.
    """
    facts = {spec.name for rule in rules for spec in rule.facts}
    for needed in (CLAIMANT, *([RULE] if len(rules) > 1 else [])):
        if needed not in types:
            raise LawError(f"输入里没有列 {needed}：合计须知道每笔是谁的、按哪条规则", code="law.column_missing")
    for name in types:
        if name not in facts and (name.lower() in (*ANSWER, "period") or is_reserved(name)):
            raise LawError(f"输入里有列 {name}：与结果列同名，请改名", code="law.column_name_taken")
    both = facts & {CLAIMANT, CLAIM, RULE}
    if both:
        raise LawError(f"事实 {'、'.join(both)} 与申报的列同名，请给事实改名", code="law.column_name_taken")


def _check_rules(engine: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    """Every row names one of the rules.

    Raises:
        LawError: naming the first row that does not.
    """
    known = ", ".join(f"'{rule.key}'" for rule in rules)
    found = engine.execute(
        f'SELECT {ROW} + 1, "{RULE}" FROM numbered WHERE "{RULE}" IS NULL OR "{RULE}" NOT IN ({known}) '
        "ORDER BY 1 LIMIT 1"
    ).fetchone()
    if found is not None:
        raise LawError(f"第 {found[0]} 笔的 rule 是“{found[1]}”；应为 {known}", code="law.rule_unknown")


def _whole_query(
    policy: Policy,
    rules: Sequence[Rule],
    caps: Caps,
    types: Mapping[str, str],
    days: tuple[date, date],
    dialect: Dialect,
) -> str:
    parts: dict[str, str] = {}
    answered: list[str] = []
    for at, asked in enumerate(rules):
        rule = read_rule(policy, asked, *days).rule
        if rule.over is None:
            raise LawError(f"第 {rule.key} 句不按多笔申报合计", code="law.rule_without_totals")
        # what the rule is taken apart into is read as it stands, whatever versions its sentence has
        law = replace(policy, versions=())
        query = claims_query(law, rule, rule.over, at, types, on=days[0], as_known=days[1], dialect=dialect)
        parts |= query.parts
        answered.append(f"SELECT *, {at} AS rule__ FROM {query.answered}")
    parts["capped_0"] = " UNION ALL ".join(answered)
    keys = [rule.key for rule in rules]
    sharing = [(cap, limit) for cap, limit in caps if set(cap.rules) & set(keys)]
    for at, (cap, limit) in enumerate(sharing):
        parts[f"running_{at}"], parts[f"capped_{at + 1}"] = _shared(cap, keys, limit, at)
    named = ", ".join(f"{name} AS ({sql})" for name, sql in parts.items())
    return (
        f"WITH {named} SELECT {ROW}, period__ AS period, status, CAST(amount_fen AS BIGINT) AS amount_fen, reasons "
        f"FROM capped_{len(sharing)}"
    )


def _shared(cap: SharedCap, keys: Sequence[str], limit: int | None, at: int) -> tuple[str, str]:
    """Two parts of a query: what came before each claim under the cap, and what the cap leaves. In every dialect."""
    turns = " ".join(f"WHEN {keys.index(key)} THEN {turn}" for turn, key in enumerate(cap.rules) if key in keys)
    members = ", ".join(str(keys.index(key)) for key in cap.rules if key in keys)
    counts = f"rule__ IN ({members}) AND status IN ('eligible', 'missing_facts', 'not_set')"
    window = (
        f"(PARTITION BY CASE WHEN {counts} THEN 1 ELSE 0 END, whose__, period__ "
        f"ORDER BY CASE rule__ {turns} END, turn__ ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    running = (
        f"SELECT *, CASE WHEN {counts} THEN 1 ELSE 0 END AS shares__, "
        f"sum(CAST(amount_fen AS DECIMAL(38, 0))) OVER {window} AS came__, "
        f"sum(CASE WHEN amount_fen IS NULL THEN 1 ELSE 0 END) OVER {window} AS open__ FROM capped_{at}"
    )
    most = "NULL" if limit is None else str(limit)
    allowed = f"CAST(least(came__, {most}) - least(came__ - amount_fen, {most}) AS BIGINT)"
    open_ = f"shares__ = 1 AND NOT amount_fen IS NULL AND (open__ > 0 OR {most} IS NULL)"
    cut = f"shares__ = 1 AND open__ = 0 AND {allowed} < amount_fen"
    capped = (
        f"SELECT {ROW}, whose__, period__, turn__, rule__, "
        f"CASE WHEN {open_} THEN 'missing_facts' ELSE status END AS status, "
        f"CASE WHEN {open_} THEN NULL WHEN {cut} THEN {allowed} ELSE amount_fen END AS amount_fen, "
        f"CASE WHEN {open_} THEN 'undecided@{cap.sentence}' WHEN {cut} THEN "
        f"concat_ws(';', CASE WHEN reasons <> '' THEN reasons END, 'together@{cap.sentence}') ELSE reasons END "
        f"AS reasons FROM running_{at}"
    )
    return running, capped


def _on_spark(
    engine: duckdb.DuckDBPyConnection, spark: Spark, query: str, types: Mapping[str, str], aside: Path
) -> None:
    """Let Spark answer the rows, written for it as Parquet."""
    source = aside / "claims.parquet"
    engine.execute(
        f"COPY (SELECT * EXCLUDE ({ROW}) FROM numbered ORDER BY {ROW}) TO '{_quoted(source)}' (FORMAT parquet)"
    )
    spark.run_query(query, source, types, aside / "answered")
    parts = ", ".join(f"'{_quoted(part)}'" for part in sorted((aside / "answered").glob("*.parquet")))
    engine.execute(f"CREATE TEMP TABLE answered AS SELECT * FROM read_parquet([{parts}])")
    counted = engine.execute("SELECT (SELECT count(*) FROM numbered), (SELECT count(*) FROM answered)").fetchone()
    if counted is None or counted[0] != counted[1]:
        raise LawError(f"Spark 答的行数与输入不符（{counted}）", code="law.spark_rows_differ")


def _summary(engine: duckdb.DuckDBPyConnection) -> ClaimsSummary:
    rows = engine.execute(
        "SELECT status, count(*), CAST(coalesce(sum(amount_fen), 0) AS VARCHAR) FROM answered "
        "GROUP BY status ORDER BY status"
    ).fetchall()
    return ClaimsSummary({status: count for status, count, _ in rows}, sum(int(amount) for *_, amount in rows))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

"""The impact of a change of the law: one rule's answers to the same facts under two states of the law.

The facts are a table of an open DuckDB connection; the comparison stays there as the table `compared`, for
further sums: identity, status_before, before_fen, status_after, after_fen. An answer without a number (facts
missing, case by case) counts as 0 in every sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from huisuan.law.budget.model import LARGEST_CHANGES
from huisuan.law.model.answers import Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings_history import names_deciding
from huisuan.law.sql.compute_file import answer_query

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class AnswerTotals:
    """All answers under one state of the law: rows by status, and the sum in fen."""

    by_status: Mapping[str, int]
    amount_fen: int


@dataclass(frozen=True)
class AnswerChange:
    """The answer to one row, before and after; None where the answer has no number."""

    identity: str
    status_before: str
    before_fen: int | None
    status_after: str
    after_fen: int | None

    @property
    def difference_fen(self) -> int:
        """What the row gains; negative: loses."""
        return (self.after_fen or 0) - (self.before_fen or 0)


@dataclass(frozen=True)
class RuleImpact:
    """The impact on one rule: totals before and after, winners and losers (rows, fen), and the largest changes."""

    key: str
    title: str
    rows: int
    before: AnswerTotals
    after: AnswerTotals
    winners: int
    won_fen: int
    losers: int
    lost_fen: int
    changed: int
    largest: tuple[AnswerChange, ...]

    @property
    def difference_fen(self) -> int:
        """What the whole costs more; negative: less."""
        return self.after.amount_fen - self.before.amount_fen

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON carries it (amounts in fen)."""
        largest = [{**asdict(change), "difference_fen": change.difference_fen} for change in self.largest]
        return {**asdict(self), "difference_fen": self.difference_fen, "largest": largest}


@dataclass(frozen=True)
class LawState:
    """One state of the law, read on a day as known on a day, over one table of facts.

    `types`: the columns of the table, where they are others than those of the comparison (parts of a year).
    """

    policy: Policy
    on: date
    as_known: date
    table: str
    types: Mapping[str, str] | None = None


def affected_rules(policy: Policy, names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules that rest on one of these settings or interpretations, in the order of the text."""
    changed = set(names)
    return tuple(rule for rule in policy.rules if changed & names_deciding(policy, rule))


_ABSENT = Status.NOT_IN_FORCE.value  # of whom one reading has no row


def compare_answers(
    engine: duckdb.DuckDBPyConnection,
    key: str,
    before: LawState,
    after: LawState,
    types: Mapping[str, str],
    *,
    identity: str,
    largest: int = LARGEST_CHANGES,
) -> RuleImpact:
    """Answer every row under both readings and set the answers against each other; makes the table `compared`.

    `types` names the columns of the tables with their DuckDB types; `identity` is the column that tells rows apart.
    The two readings may have tables of their own, where an interpretation says how facts are taken; who is in one of
    them alone (the other law does not hold on the days of its use) is not in force in the other, with nothing.

    Raises:
        LawError: no such rule, no such column, or rows without a unique identity.
    """
    if identity not in types:
        raise LawError(
            f"没有列 {identity}：比较要靠它认出每一行；现有的列：{'、'.join(types)}", code="law.identity_missing"
        )
    for name, reading in (("answers_before", before), ("answers_after", after)):
        _answer(engine, name, reading, key, types, identity)
    return compare_answered(engine, after.policy.rule(key), largest=largest)


def compare_answered(engine: duckdb.DuckDBPyConnection, rule: Rule, *, largest: int = LARGEST_CHANGES) -> RuleImpact:
    """Set the tables `answers_before` and `answers_after` (identity, status, amount_fen) against each other.

    Makes the table `compared`.
    """
    engine.execute(
        "CREATE OR REPLACE TABLE compared AS SELECT identity, "  # noqa: S608 (a status of ours)
        f"coalesce(b.status, '{_ABSENT}') AS status_before, coalesce(b.amount_fen, if(b.status IS NULL, 0, NULL)) "
        f"AS before_fen, coalesce(a.status, '{_ABSENT}') AS status_after, "
        "coalesce(a.amount_fen, if(a.status IS NULL, 0, NULL)) AS after_fen "
        "FROM answers_before b FULL JOIN answers_after a USING (identity)"
    )
    return RuleImpact(rule.key, rule.title, *_totals(engine), _largest(engine, largest))


def _answer(
    engine: duckdb.DuckDBPyConnection, name: str, reading: LawState, key: str, types: Mapping[str, str], identity: str
) -> None:
    query, carried = answer_query(
        reading.policy, reading.policy.rule(key), reading.table, reading.types or types, on=reading.on,
        as_known=reading.as_known,
    )  # fmt: skip
    if identity not in carried:
        raise LawError(
            f"列 {identity} 是第 {key} 句的事实，不能用来认行；请另加一列编号", code="law.identity_is_a_fact"
        )
    engine.execute(
        f'CREATE OR REPLACE TABLE {name} AS SELECT CAST("{identity}" AS VARCHAR) AS identity, '  # noqa: S608
        f"status, CAST(amount_fen AS BIGINT) AS amount_fen FROM ({query.sql('duckdb')})"
    )
    twice = engine.execute(
        f"SELECT identity FROM {name} WHERE identity IS NOT NULL GROUP BY identity HAVING count(*) > 1 "  # noqa: S608
        f"UNION ALL SELECT '' FROM {name} WHERE identity IS NULL LIMIT 1"
    ).fetchone()
    if twice:
        raise LawError(
            f"列 {identity} 的值“{twice[0]}”为空或不止一行：认不出是谁的变化", code="law.identity_not_unique"
        )


def _totals(engine: duckdb.DuckDBPyConnection) -> tuple[int, AnswerTotals, AnswerTotals, int, int, int, int, int]:
    """Rows, both sides, winners and what they win, losers and what they lose, rows with any change."""
    found = engine.execute(
        "SELECT status_before, status_after, count(*), CAST(coalesce(sum(before_fen), 0) AS BIGINT), "
        "CAST(coalesce(sum(after_fen), 0) AS BIGINT), "
        "count(*) FILTER (difference > 0), CAST(coalesce(sum(difference) FILTER (difference > 0), 0) AS BIGINT), "
        "count(*) FILTER (difference < 0), CAST(coalesce(-sum(difference) FILTER (difference < 0), 0) AS BIGINT), "
        "count(*) FILTER (difference <> 0 OR status_before <> status_after OR before_fen IS DISTINCT FROM after_fen) "
        "FROM (SELECT *, coalesce(after_fen, 0) - coalesce(before_fen, 0) AS difference FROM compared) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for status_before, status_after, rows, *_ in found:
        before[status_before] = before.get(status_before, 0) + rows
        after[status_after] = after.get(status_after, 0) + rows
    rows, before_fen, after_fen, winners, won, losers, lost, changed = (
        sum(row[at] for row in found) for at in range(2, 10)
    )
    return rows, AnswerTotals(before, before_fen), AnswerTotals(after, after_fen), winners, won, losers, lost, changed


def _largest(engine: duckdb.DuckDBPyConnection, count: int) -> tuple[AnswerChange, ...]:
    found = engine.execute(
        "SELECT identity, status_before, before_fen, status_after, after_fen FROM compared "
        "WHERE coalesce(after_fen, 0) <> coalesce(before_fen, 0) OR status_before <> status_after "
        "ORDER BY abs(coalesce(after_fen, 0) - coalesce(before_fen, 0)) DESC, identity LIMIT ?",
        [count],
    ).fetchall()
    return tuple(AnswerChange(*row) for row in found)

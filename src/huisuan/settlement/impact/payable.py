"""What is payable under both sides of a proposal that changes only how rules combine: settled in memory, not stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import duckdb

from huisuan.law.budget.impact import RuleImpact, compare_answered
from huisuan.law.model import Rule, Status
from huisuan.law.policy import Policy
from huisuan.settlement.runs.drafts import RuleDraft, YearReadings, answer_drafts, bill_drafts
from huisuan.settlement.runs.inputs import latest_cursors, open_usage
from huisuan.settlement.runs.rules import find_rules

_Row: TypeAlias = tuple[str, str, int | None]


@dataclass(frozen=True)
class StackedSide:
    """A policy as one side has it, and the rule of which the payable amounts are asked."""

    policy: Policy
    rule: Rule


def compare_payable(
    engine: duckdb.DuckDBPyConnection, before: StackedSide, after: StackedSide, year: int, as_known: date
) -> RuleImpact:
    """Settle the year with each side of the law, as `settle_year` does, and compare what is payable (`compared`).

    Where the way to combine is not set, or an earlier rule's amount is not known, the status says "not set".
    """
    for name, side in (("answers_before", before), ("answers_after", after)):
        engine.execute(f"CREATE TABLE {name} (identity VARCHAR, status VARCHAR, amount_fen BIGINT)")
        rows = _payable(side, year, as_known)
        if rows:
            engine.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", rows)  # noqa: S608 (a name of ours)
    return compare_answered(engine, after.rule)


def _payable(side: StackedSide, year: int, as_known: date) -> list[_Row]:
    """By party its status and what is payable (fen)."""
    readings = YearReadings(as_known, latest_cursors())
    rules = find_rules(side.policy.name, side.rule.key, year, as_known, instead=side.policy)
    drafts = [RuleDraft.of(settled, year, readings) for settled in rules]
    with open_usage() as usage:
        answered = answer_drafts(drafts, bill_drafts(drafts, usage))
        billing = answered[f"{side.policy.name}/{side.rule.key}"].billing
        found = billing.rows(
            "SELECT party, status, amount_fen, payable_fen FROM answers JOIN payable USING (party) ORDER BY party"
        )
    return [
        (party, Status.NOT_SET.value if owed is not None and payable is None else status, payable)
        for party, status, owed, payable in found
    ]

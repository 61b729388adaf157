"""What of each amount is payable beside the rules that pay before it for the same use, set-based.

Two rules pay for the same only as far as both count the same bills: of what an earlier rule pays, the share that falls
on the common part (rounded up, so that together they never pay more than was spent) stands in the later one's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huisuan.compute.fact_sources.registry import UseMeasure, measure_of
from huisuan.law.model import FactSpec
from huisuan.law.policy import StackingMode, adopted_mode, part_name
from huisuan.law.sql.compute_file import answer_query
from huisuan.settlement.runs.billing import Billing
from huisuan.settlement.runs.entitle import PARTY_COLUMN, AskedRule, within_place
from huisuan.settlement.runs.rules import SettledRule


@dataclass(frozen=True)
class AnsweredRule:
    """A rule of a run with its bills and answers."""

    settled: SettledRule
    asked: AskedRule
    billing: Billing


def make_payable(rule: AnsweredRule, earlier: Sequence[AnsweredRule]) -> None:
    """Make `payable` (party, payable_fen; None where an earlier rule or the way to combine is undecided) of `answers`.

    Also `claimed`: the bills that the rule pays for.
    """
    engine, spent = rule.billing.engine, _spent(rule)
    engine.execute(_claimed_query(spent))
    if not earlier:
        engine.execute(f"CREATE TABLE payable AS SELECT {PARTY_COLUMN}, amount_fen AS payable_fen FROM answers")  # noqa: S608
        return
    parts = " UNION ALL ".join(_paid_on_common(each.billing.schema) for each in earlier)
    engine.execute(_BEFORE.format(parts=parts))
    mode = stacking_mode(rule.settled, rule.asked)
    if mode is None:
        engine.execute(_UNDECIDED)
    elif mode is StackingMode.TOGETHER or spent is None:
        engine.execute(_TOGETHER)
    elif mode is StackingMode.BETTER:
        engine.execute(_BETTER)
    else:
        _ask_again(rule, spent, "paid" if mode is StackingMode.REST else "common")


def stacking_mode(settled: SettledRule, asked: AskedRule) -> StackingMode | None:
    """In which way a rule combines with the earlier ones on the day; None where nobody has set it."""
    layer = settled.layer
    adopted = adopted_mode(settled.place, layer.ground, asked.on, asked.as_known) if layer else None
    return StackingMode(str(adopted.value)) if adopted else None


def _spent(rule: AnsweredRule) -> FactSpec | None:
    """The fact that says how much was spent, where it is a sum of bills."""
    claim = rule.asked.place.rule.claim
    for spec in rule.asked.facts:
        measure = measure_of(spec)
        if claim and spec.name == claim.spent and isinstance(measure, UseMeasure) and measure.column == "amount_fen":
            return spec
    return None


def _claimed_query(spent: FactSpec | None) -> str:
    within = "true" if spent is None else within_place(spent)
    return (
        "CREATE TABLE claimed AS SELECT party, centre, month, amount_fen AS fen FROM counted "  # noqa: S608
        f"LEFT JOIN place USING (centre) WHERE {within}"
    )


def _paid_on_common(schema: str) -> str:
    """By party what an earlier rule pays on the bills that this one pays for too, and how much they come to."""
    return (
        f"SELECT party, payable_fen AS paid, common, spent FROM {schema}.payable "  # noqa: S608
        f"JOIN (SELECT party, sum(fen) AS spent FROM {schema}.claimed GROUP BY party) USING (party) "
        f"LEFT JOIN (SELECT party, sum(least(e.fen, c.fen)) AS common FROM {schema}.claimed e "
        "JOIN claimed c USING (party, centre, month) GROUP BY party) USING (party)"
    )


_BEFORE = """
CREATE TABLE before AS
SELECT party, bool_or(paid IS NULL) AS undecided,
       CAST(sum(CASE WHEN spent > 0 THEN (paid * coalesce(common, 0) + spent - 1) // spent ELSE 0 END) AS BIGINT)
           AS paid,
       CAST(coalesce(max(common) FILTER (paid > 0), 0) AS BIGINT) AS common
FROM ({parts}) GROUP BY party
"""
_UNDECIDED = """
CREATE TABLE payable AS
SELECT party, CASE WHEN amount_fen = 0 OR before.party IS NULL THEN amount_fen END AS payable_fen
FROM answers LEFT JOIN before USING (party)
"""
_TOGETHER = """
CREATE TABLE payable AS
SELECT party, CASE WHEN amount_fen = 0 OR before.party IS NULL THEN amount_fen WHEN undecided THEN NULL
              ELSE least(amount_fen, greatest(coalesce(claim.fen, amount_fen) - paid, 0)) END AS payable_fen
FROM answers LEFT JOIN before USING (party)
LEFT JOIN (SELECT party, CAST(sum(fen) AS BIGINT) AS fen FROM claimed GROUP BY party) claim USING (party)
"""
# of what the rule owes on the common part, what earlier rules paid on it is taken off: in all the better of the two
_BETTER = """
CREATE TABLE payable AS
SELECT party, CASE WHEN amount_fen = 0 OR before.party IS NULL THEN amount_fen WHEN undecided THEN NULL
              ELSE CAST(least(amount_fen - least(paid, (CAST(amount_fen AS HUGEINT) * common + fen - 1) // fen),
                              greatest(fen - paid, 0)) AS BIGINT) END AS payable_fen
FROM answers LEFT JOIN before USING (party)
LEFT JOIN (SELECT party, CAST(sum(fen) AS BIGINT) AS fen FROM claimed GROUP BY party) claim USING (party)
"""
_PAYABLE_AGAIN = """
CREATE TABLE payable AS
SELECT party, CASE WHEN a.amount_fen = 0 OR before.party IS NULL THEN a.amount_fen WHEN undecided THEN NULL
              ELSE least(a.amount_fen, g.amount_fen) END AS payable_fen
FROM answers a LEFT JOIN before USING (party) LEFT JOIN again g USING (party)
"""


def _ask_again(rule: AnsweredRule, spent: FactSpec, less: str) -> None:
    """The rule's answers where what is taken off the spend (`less` of `before`) is not counted."""
    engine, asked = rule.billing.engine, rule.asked
    whole, off = _quoted(spent.name), f"coalesce(before.{less}, 0)"
    reduced = [f"greatest({whole} - {off}, 0) AS {whole}"]
    if spent.name in asked.by_part:  # off each part by its share of the whole, rounded up: never paid twice
        names = [_quoted(part_name(spent.name, first)) for first in asked.parts]
        share = "(CAST({off} AS HUGEINT) * {name} + {whole} - 1) // greatest({whole}, 1)"
        reduced += [
            f"CAST(greatest({name} - {share.format(off=off, name=name, whole=whole)}, 0) AS BIGINT) AS {name}"
            for name in names
        ]
    engine.execute(
        f"CREATE VIEW rest AS SELECT f.* REPLACE ({', '.join(reduced)}) "  # noqa: S608
        "FROM facts f LEFT JOIN before USING (party)"
    )
    query, _ = answer_query(
        asked.place.policy, asked.place.rule, "rest", asked.types, on=asked.on, as_known=asked.as_known
    )
    engine.execute(f"CREATE TABLE again AS {query.sql('duckdb')}")
    engine.execute(_PAYABLE_AGAIN)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

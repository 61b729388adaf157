"""The one sentence that is settled so far, and everything in the code that is about it alone.

Which sentence, of which kinds of parties, from which facts, and how far self-built-self-use reaches. A registry of
sources of facts by their `known_by` is to take this module's place: nothing about a sentence stands anywhere else in
this room.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from huisuan.law.policy import Policy, part_name
from huisuan.parties.affiliation import Reach

SETTLES = "2.2"
USER_KINDS = ("enterprise", "university", "institute")
#: column of the facts -> its type in DuckDB; money in fen
FACT_TYPES = {"party": "VARCHAR", "in_anhui": "BOOLEAN", "kind": "VARCHAR", "spend": "BIGINT", "self_use": "BIGINT"}
#: what a part of a bill adds to each fact that counts by the days of use
_BY_DAY = {"spend": "amount_fen", "self_use": "excluded_fen"}


def facts_query(starts: Sequence[date]) -> str:
    """Makes `facts` of the bills and the register: a row for every registered party with a bill.

    Beside the year's totals, the facts of each part that begins on one of these days.
    """
    parts = "".join(
        f", coalesce(CAST(sum({column}) FILTER (starts = DATE '{first}') AS BIGINT), 0) AS \"{part_name(name, first)}\""
        for name, column in _BY_DAY.items()
        for first in starts
    )
    return f"""
CREATE TABLE facts AS
SELECT party, any_value(in_anhui) AS in_anhui, any_value(kind) AS kind,
       CAST(sum(amount_fen) AS BIGINT) AS spend, CAST(sum(excluded_fen) AS BIGINT) AS self_use{parts}
FROM {"bill_parts" if parts else "bills"} JOIN register USING (party) GROUP BY party ORDER BY party
"""  # noqa: S608 (names and days of ours)


def fact_types(starts: Sequence[date]) -> dict[str, str]:
    """The columns that the rule reads: part by part, where the year is cut."""
    if not starts:
        return FACT_TYPES
    by_day = {part_name(name, first): FACT_TYPES[name] for name in _BY_DAY for first in starts}
    return {name: kind for name, kind in FACT_TYPES.items() if name not in _BY_DAY} | by_day


@dataclass(frozen=True)
class ReachSpan:
    """How far self-built-self-use reaches on [starts, ends)."""

    starts: date
    ends: date
    reach: Reach


def reach_spans(
    policy: Policy, starts: date, ends: date, as_known: date, parts: Sequence[date] = ()
) -> tuple[ReachSpan, ...]:
    """How far self-built-self-use reaches (2.2.affiliated) in each part of [starts, ends), as known on a day."""
    edges = [*(parts or (starts,)), ends]
    return tuple(
        ReachSpan(first, last, reach_of(policy, last - timedelta(days=1), as_known))
        for first, last in itertools.pairwise(edges)
    )


def reach_of(policy: Policy, on: date, as_known: date) -> Reach:
    """How far self-built-self-use reaches (2.2.affiliated) on a day, as known on a day."""
    chosen = policy.adopted(on, as_known).get("2.2.affiliated")
    return cast(Reach, chosen.value if chosen else "control")

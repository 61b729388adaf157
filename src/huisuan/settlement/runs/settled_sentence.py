"""The one sentence that is settled so far, and everything in the code that is about it alone.

Which sentence, of which kinds of parties, from which facts, and how far self-built-self-use reaches. A registry of
sources of facts by their `known_by` is to take this module's place: nothing about a sentence stands anywhere else in
this room.
"""

from __future__ import annotations

from datetime import date
from typing import cast

from huisuan.law.policy import Policy
from huisuan.parties.affiliation import Reach

SETTLES = "2.2"
USER_KINDS = ("enterprise", "university", "institute")
#: column of the facts -> its type in DuckDB; money in fen
FACT_TYPES = {"party": "VARCHAR", "in_anhui": "BOOLEAN", "kind": "VARCHAR", "spend": "BIGINT", "self_use": "BIGINT"}
#: makes `facts` of the bills and the register: a row for every registered party with a bill
FACTS = """
CREATE TABLE facts AS
SELECT party, any_value(in_anhui) AS in_anhui, any_value(kind) AS kind,
       CAST(sum(amount_fen) AS BIGINT) AS spend, CAST(sum(excluded_fen) AS BIGINT) AS self_use
FROM bills JOIN register USING (party) GROUP BY party ORDER BY party
"""


def reach_of(policy: Policy, on: date, as_known: date) -> Reach:
    """How far self-built-self-use reaches (2.2.affiliated) on a day, as known on a day."""
    chosen = policy.adopted(on, as_known).get("2.2.affiliated")
    return cast(Reach, chosen.value if chosen else "control")

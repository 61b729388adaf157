"""The names of the columns that a generated query adds, and which of them an input must not use.

A query works in layers, and each layer carries the columns below it along: facts (checked), conditions and amount,
answer. A column of the input that had one of these names would be read in the place of a step, so it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: the columns of an answer
ANSWER = ("status", "amount_fen", "reasons")
RAW = "raw__"  # prefix: what the source had in a fact's column before it was checked
OPEN_COLUMN = "m__"  # whether the facts that are there leave the answer open
STEP_PREFIX = "s__"  # prefix: a subexpression computed once (common_subexpressions)
BOUNDED_STEP = "t__"  # the same over rows with missing facts
GUARD = "g__"  # prefix: what must hold for a missing fact to matter
ROW = "row__"  # where in the source's order a row stood


@dataclass(frozen=True)
class Columns:
    """The columns of one pass over the rows.

    Numbered ones (prefixes of conditions and caps), the amount, the priority, and the three outcomes: a condition
    fails, a region has set nothing, all holds and the rest is known.
    """

    conditions: str
    caps: str
    amount: str
    priority: str
    outcomes: tuple[str, str, str]


PLAIN = Columns("c__", "b__", "a__", "p__", ("f__", "n__", "h__"))
#: only of rows that the plain arithmetic leaves open: what is certain whatever the missing facts are
BOUNDED = Columns("d__", "k__", "e__", "q__", ("u__", "v__", "w__"))

_RESERVED = re.compile(rf"{RAW}.*|.*__(num|den)|[a-z]__[0-9]*", re.IGNORECASE)


def numerator(fact: str) -> str:
    """The column of a share's numerator."""
    return f"{fact}__num"


def denominator(fact: str) -> str:
    """The column of a share's denominator."""
    return f"{fact}__den"


def is_reserved(name: str) -> bool:
    """Whether a query may name a column of its own so; DuckDB and PostgreSQL do not tell cases apart."""
    return _RESERVED.fullmatch(name) is not None

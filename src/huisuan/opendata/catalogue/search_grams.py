"""Search in Chinese, which has no spaces: every single character and every two that stand together.

The database makes them of what is searched and keeps them in an index (`opendata_grams`, in its migrations). A row
that holds a word holds all pairs of it; whether they stand in its order is looked up in the few rows that do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, Q

LONGEST_SEARCH = 100
_LONGEST_GRAM = 2  # characters of the longest gram: up to there a row that has the gram holds the word


def word_grams(word: str) -> list[str]:
    """What a row must have in order to hold a folded word: its pairs, or the one character that it is."""
    return sorted(set(map("".join, pairwise(word)))) if len(word) > 1 else [word]


class GramQuery(SearchQuery):
    """The `tsquery` of all grams of a word: its lexemes as they are, which no parser of PostgreSQL's takes apart."""

    template = "%(expressions)s::tsquery"  # cast: `to_tsquery` would divide it into words

    def __init__(self, word: str) -> None:
        quoted = (gram.replace("\\", "\\\\").replace("'", "''") for gram in word_grams(word))
        super().__init__(" & ".join(f"'{gram}'" for gram in quoted))


class HoldsGrams(Func):
    """That an entry has all grams of a word: as the index of the list answers it, entry by entry."""

    template = "(opendata_grams(%(expressions)s))"
    arg_joiner = ") @@ ("
    output_field = BooleanField()

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(F("searched"), GramQuery(word))


def holds_word(word: str) -> Q:
    """That an entry holds a folded word somewhere, by the index: to be asked within `by_index`."""
    condition = Q(HoldsGrams(word))
    if len(word) > _LONGEST_GRAM:  # its pairs need not stand in its order
        condition &= Q(searched__contains=word)
    return condition


def looked_at(condition: Q) -> Q:
    """The same condition without the index, for entries that are looked at one by one, in their order."""
    found = Q(_connector=condition.connector, _negated=condition.negated)
    for part in condition.children:
        if isinstance(part, Q):
            found.children.append(looked_at(part))
        else:
            found.children.append(("searched__contains", part.word) if isinstance(part, HoldsGrams) else part)
    return found


@contextmanager
def by_index() -> Iterator[None]:
    """Within it PostgreSQL reads indexes: it takes the grams of a text for cheap, and would make them of every one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off")
        yield
        cursor.execute("RESET enable_seqscan; RESET jit")  # what is rolled back takes it back by itself

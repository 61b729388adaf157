"""Search in Chinese, which has no spaces: every single character and every two that stand together.

The database makes them of what is searched (`opendata_grams`, in its migrations). A row that holds a word holds all
pairs of it; whether they stand in its order is looked up in the few rows that do.
"""

from __future__ import annotations

from itertools import pairwise

from django.contrib.postgres.search import SearchQuery

LONGEST_SEARCH = 100
LONGEST_GRAM = 2  # characters of the longest gram: up to there a row that has the gram holds the word


def word_grams(word: str) -> list[str]:
    """What a row must have in order to hold a folded word: its pairs, or the one character that it is."""
    return sorted(set(map("".join, pairwise(word)))) if len(word) > 1 else [word]


class GramQuery(SearchQuery):
    """The `tsquery` of all grams of a word: its lexemes as they are, which no parser of PostgreSQL's takes apart."""

    template = "%(expressions)s::tsquery"  # cast: `to_tsquery` would divide it into words

    def __init__(self, word: str) -> None:
        quoted = (gram.replace("\\", "\\\\").replace("'", "''") for gram in word_grams(word))
        super().__init__(" & ".join(f"'{gram}'" for gram in quoted))

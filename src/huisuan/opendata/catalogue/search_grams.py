"""Search in Chinese, which has no spaces: every single character and every two that stand together. Pure.

A row that holds a word holds all pairs of it; whether they stand in its order is looked up in the few rows that do.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

LONGEST_SEARCH = 100
LONGEST_GRAM = 2  # characters of the longest gram: up to there a row that has the gram holds the word


def text_grams(texts: Iterable[str]) -> list[str]:
    """All single characters and pairs of some folded texts, sorted, each once."""
    found: set[str] = set()
    for text in texts:
        found.update(text)
        found.update(map("".join, pairwise(text)))
    return sorted(found)


def word_grams(word: str) -> list[str]:
    """What a row must have in order to hold a folded word: its pairs, or the one character that it is."""
    return sorted(set(map("".join, pairwise(word)))) if len(word) > 1 else [word]

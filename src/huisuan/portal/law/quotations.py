"""The text of the law with the quoted phrases marked, each with the number of the step that quotes it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class QuotedStretch:
    """A stretch of a sentence: quoted or not, and the steps whose quotation ends here."""

    text: str
    quoted: bool
    notes: tuple[int, ...] = ()


def pieces(text: str, phrases: Sequence[tuple[int, str]]) -> list[QuotedStretch]:
    """Cut a sentence at the ends of its quoted phrases; `phrases` are (step, phrase), overlaps allowed."""
    spans = [(at, at + len(phrase), step) for step, phrase in phrases if phrase and (at := text.find(phrase)) >= 0]
    cuts = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    return [
        QuotedStretch(
            text[start:end],
            any(first <= start and end <= last for first, last, _ in spans),
            tuple(sorted({step for _, last, step in spans if last == end})),
        )
        for start, end in itertools.pairwise(cuts)
    ]

"""What stands in one text by itself, and whether a cell is nothing but a value. Pure."""

from __future__ import annotations

import re
from operator import itemgetter

from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.numbers import TextMatch, find_numbers
from huisuan.opendata.scanning.words import find_words

_NUMBER = re.compile(r"[+-]?\d[\d,.]*%?|\d{2,4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?: \d{1,2}:\d{2}(?::\d{2})?)?")
_YEAR = re.compile(r"(?:19|20)\d\d")  # stands over a column of figures as often as in one
_START = itemgetter(TextMatch._fields.index("start"))


def find_in_cell(text: str) -> list[TextMatch]:
    """What stands in a folded text, without overlaps, in its order."""
    found: list[TextMatch] = []
    end = 0
    for match in sorted((*find_numbers(text), *find_words(text)), key=_START):
        if match.start >= end:
            found.append(match)
        elif match.start != found[-1].start or match.end <= end:
            continue
        else:
            found[-1] = match  # of two that begin together, the longer one
        end = match.end
    return found


def is_a_value(cell: str) -> bool:
    """Whether a cell is a number, a day, or as a whole what is looked for: such a cell is data, never a heading."""
    text = fold_text(cell).text.strip()
    if _NUMBER.fullmatch(text):
        return _YEAR.fullmatch(text) is None
    return any((match.start, match.end) == (0, len(text)) for match in find_in_cell(text))

"""The glossary names what the code has: each term in its second column is a word of the source."""

from __future__ import annotations

import re
from pathlib import Path

from support.source_tree import modules

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text("utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]


def test_every_term_of_the_code_is_in_the_code() -> None:
    rows = [row for row in ROWS if "`" in row[1]]
    assert len(rows) > 50
    words = {word for module in modules() for word in re.findall(r"\w+", module.source + " " + module.file)}
    assert not sorted({term for row in rows for term in re.findall(r"`(\w+)`", row[1])} - words)


def test_every_term_stands_once_with_a_word_of_the_field_and_a_meaning() -> None:
    terms = [row[0] for row in ROWS if "`" in row[1]]
    assert len(terms) == len(set(terms))
    assert all(len(row) == 4 and all(cell.strip(" |") for cell in row) for row in ROWS)

"""Words of a file that are stored beside a finding: names of parts and headings, with what they say masked. Pure."""

from __future__ import annotations

from huisuan.opendata.scanning.cells import find_in_cell
from huisuan.opendata.scanning.finding_kinds import mask_value
from huisuan.opendata.scanning.folding import fold_text

LONGEST_PART_LABEL = 300  # characters


def safe_label(text: str) -> str:
    """The text; where a number or an address stands in it, that masked."""
    folded = fold_text(text).text
    found = find_in_cell(folded)
    if not found:
        return text
    pieces, at = [], 0
    for match in found:
        pieces += [folded[at : match.start], mask_value(match.kind, match.value)]
        at = match.end
    return "".join([*pieces, folded[at:]])


def part_label(part: str) -> str:
    """What a part of a file (a sheet, an entry of an archive) is called where it is stored and shown."""
    return safe_label(part)[:LONGEST_PART_LABEL]

"""What a programme's own selection decides: facts that nobody can state beforehand, and how many places there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError

#: who knows such a fact: the platform, from what was decided under the programme
SELECTION = "selection"
_DIGITS = "零一二三四五六七八九"
_COUNTS = re.compile(rf"\d+|[{_DIGITS}十百千万]+")


@dataclass(frozen=True)
class SelectionSpec:
    """The facts of the rule that hold for who is chosen; at most `places` are, as the phrase says (0: no number)."""

    facts: tuple[str, ...]
    places: int = 0
    phrase: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {"facts": list(self.facts), "places": self.places, "phrase": self.phrase}


def selection(*facts: object, places: int = 0, phrase: str = "") -> SelectionSpec:
    """The selection of a programme as an article writes it.

    Raises:
        LawError: no fact, one that others are said to know, or a number of places that the phrase does not name.
    """
    found = [_fact(each) for each in facts]
    if not found:
        raise LawError("评选（selection）须写明由它确定的事实", code="law.selection_fact_wrong")
    if places < 0 or (places and not {str(places), count_zh(places)} & set(_COUNTS.findall(phrase))):
        raise LawError(f"评选名额 {places} 不在引文“{phrase}”中", code="law.figure_not_quoted")
    return SelectionSpec(tuple(found), places, phrase)


def count_zh(count: int) -> str:
    """A count below a hundred as a text writes it; larger ones in digits."""
    if not 0 < count < 100:
        return str(count)
    tens, ones = divmod(count, 10)
    return ("" if tens < 2 else _DIGITS[tens]) + "十" * bool(tens) + (_DIGITS[ones] if ones else "")


def _fact(handle: object) -> str:
    node = getattr(handle, "node", None)
    specs = () if node is None else nodes.facts_of(node)
    if len(specs) != 1 or specs[0].known_by != SELECTION:
        raise LawError(
            f'评选（selection）确定的须是一项 known_by="{SELECTION}" 的事实', code="law.selection_fact_wrong"
        )
    return specs[0].name

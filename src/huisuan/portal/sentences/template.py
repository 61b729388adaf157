"""One sentence of the catalogue: Chinese with holes, and its English with the same holes. Pure.

The Chinese holds `{name}` for data, which is kept as it stands, `{#name}` for a number and `{*name}` for words that are
translated in their turn. The English names each of them once or more as `{name}`; `{name|card|cards}` is the first word
where that number is 1, else the second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

HOLE = re.compile(r"\{([#*]?)([a-z_]+)\}")
_FILLED = re.compile(r"\{([a-z_]+)(?:\|([^{}|]*)\|([^{}|]*))?\}")
_NUMBER = re.compile(r"[-+]?\d[\d,.]*")


class BadTemplate(ValueError):
    """A sentence of the catalogue that cannot be used; says which and why."""


@dataclass(frozen=True)
class Hole:
    """A place in the Chinese; `kind` is `` (data), `#` (a number) or `*` (words)."""

    name: str
    kind: str


@dataclass(frozen=True)
class Template:
    """A sentence: `literals` stand before, between and behind its `holes`, so that there is one more of them."""

    chinese: str
    english: str
    literals: tuple[str, ...]
    holes: tuple[Hole, ...]

    @classmethod
    def of(cls, chinese: str, english: str) -> Template:
        """Read a pair of the catalogue.

        Raises:
            BadTemplate: two holes touch, one occurs twice, or the two sides have not the same holes.
        """
        parts = HOLE.split(chinese)
        literals = tuple(parts[::3])
        holes = tuple(Hole(name, kind) for kind, name in zip(parts[1::3], parts[2::3], strict=True))
        names = {hole.name for hole in holes}
        if any(not literal for literal in literals[1:-1]) or not any(literals):
            raise BadTemplate(f"{chinese!r}: nothing stands between two holes")
        if len(names) < len(holes):
            raise BadTemplate(f"{chinese!r}: a hole occurs twice")
        if names != {found[1] for found in _FILLED.finditer(english)}:
            raise BadTemplate(f"{chinese!r}: its English has other holes")
        return cls(chinese, english, literals, holes)

    @cached_property
    def weight(self) -> int:
        """How much of the sentence is fixed, in characters: of two that fit, the heavier one is meant."""
        return sum(map(len, self.literals))

    @cached_property
    def longest(self) -> str:
        """The longest fixed part; a text without it cannot be this sentence."""
        return max(self.literals, key=len)

    @cached_property
    def _starts(self) -> list[re.Pattern[str]]:
        """Where each fixed part between two holes may stand: before a number, only where that number follows."""
        starts = []
        for at, hole in enumerate(self.holes[1:], 1):
            after = re.escape(self.literals[at + 1]) if at + 1 < len(self.holes) else r"\Z"
            follows = f"(?={_NUMBER.pattern}{after})" if hole.kind == "#" else ""
            starts.append(re.compile(re.escape(self.literals[at]) + follows))
        return starts

    def match(self, text: str) -> dict[str, str] | None:
        """What stands in the holes of a text, None if it is another sentence. Never tries again: linear in the text."""
        first, last = self.literals[0], self.literals[-1]
        if not self.holes:
            return {} if text == first else None
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        values, at = [], len(first)
        for start in self._starts:
            found = start.search(text, at, end)
            if found is None:
                return None
            values.append(text[at : found.start()])
            at = found.end()
        values.append(text[at:end])
        for hole, value in zip(self.holes, values, strict=True):
            if hole.kind == "#" and not _NUMBER.fullmatch(value):
                return None
        return {hole.name: value for hole, value in zip(self.holes, values, strict=True)}

    def is_plain(self, values: Mapping[str, str]) -> bool:
        """Whether these look like one thing each: data without `；`, no joint at an end, brackets closed where opened.

        Where they do not, the text is more likely several sentences in a row.
        """
        data = (values[hole.name] for hole in self.holes if hole.kind == "")
        whole = all(not value.endswith(("；", "、", "：", "，")) and _is_balanced(value) for value in values.values())
        return whole and all("；" not in value for value in data)

    def rendered(self, values: Mapping[str, str]) -> str:
        """The English with these in its holes."""
        return _FILLED.sub(_filler(values), self.english)


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "（") - (sign == "）")
        if depth < 0:
            return False
    return depth == 0


def _filler(values: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def fill(found: re.Match[str]) -> str:
        name, one, many = found.groups()
        value = values[name]
        return value if one is None else one if value == "1" else many

    return fill

"""Text as it is judged: full-width signs made plain, invisible ones left out, so that neither hides a number. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

#: zero-width and other invisible signs; full-width digits, letters and signs of numbers and addresses; spaces, dashes
#: and digits of other scripts. Chinese commas and stops stay: they hide nothing, and are everywhere
_UNUSUAL = re.compile(
    "[\u00a0\u00ad\u0660-\u0669\u06f0-\u06f9\u180e\u2000-\u200f\u2010-\u2015\u2028-\u202f\u2060-\u206f\u2070-\u209c"
    "\u2212\u2460-\u2473\u3000\ufe0e\ufe0f\ufe63\ufeff\uff0b\uff0d\uff0e\uff10-\uff19\uff20-\uff3a\uff3f\uff41-\uff5a\U0001d7ce-\U0001d7ff]"
)
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
_INVISIBLE = frozenset("\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\ufe0e\ufe0f\ufeff")


@dataclass(frozen=True)
class FoldedText:
    """A text to be judged; `origins` gives for each of its characters its place in the text as written, None: same."""

    text: str
    origins: Sequence[int] | None

    def origin(self, place: int) -> int:
        """Where a character stands in the text as written; the end of the text for the end."""
        if self.origins is None:
            return place
        return self.origins[place] if place < len(self.origins) else (self.origins[-1] + 1 if self.origins else 0)


def fold_text(text: str) -> FoldedText:
    """Fold a text; one without anything unusual costs a single search."""
    if _UNUSUAL.search(text) is None:
        return FoldedText(text, None)
    pieces: list[str] = []
    origins: list[int] = []
    at = 0
    for found in _UNUSUAL.finditer(text):
        start = found.start()
        pieces.append(text[at:start])
        origins.extend(range(at, start))
        plain = _plain(found[0])
        pieces.append(plain)
        origins.extend([start] * len(plain))
        at = start + 1
    pieces.append(text[at:])
    origins.extend(range(at, len(text)))
    return FoldedText("".join(pieces), origins)


def _plain(sign: str) -> str:
    if sign in _INVISIBLE or "\u2060" <= sign <= "\u206f":
        return ""
    if sign in _DASHES:
        return "-"
    if sign.isspace():
        return " "
    return unicodedata.normalize("NFKC", sign) if not sign.isdigit() else str(unicodedata.digit(sign, 0))

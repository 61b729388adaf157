"""Text as it is judged: full-width signs made plain, invisible ones left out, so that neither hides a number. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

#: what stands in every text and is never folded; Chinese commas and stops hide nothing
_UNUSUAL = re.compile("[^\t\n\r -~\u4e00-\u9fff，。、；：（）“”‘’《》〈〉「」『』〔〕【】！？…·]")
#: full-width letters and signs of numbers and addresses, and small letters and figures
_WIDE = re.compile("[\u2070-\u209c\u2460-\u2473\uff0b\uff0e\uff0f\uff20-\uff3a\uff3f\uff41-\uff5a]")
#: a digit in a circle, in brackets or with a stop: it may number a list, and what follows is then a number of its own
_ENCLOSED = re.compile("[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793\U0001f100-\U0001f10c]")
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_ALIKE = dict.fromkeys("\u2022\u2027\u2219\u22c5\u30fb\uff65", "·") | {"\u2044": "/", "\u2215": "/", "\u2800": " "}
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_INVISIBLE = frozenset(["Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me"])  # classes of Unicode


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
    pieces: list[str] = []
    origins: list[int] = []
    at = 0
    for found in _UNUSUAL.finditer(text):
        start, plain = found.start(), _plain(found[0])
        if _ENCLOSED.match(found[0]):
            before, after = text[max(start - 1, 0) : start], text[start + 1 : start + 2]
            plain = " " * _is_other_digit(before) + plain + " " * _is_other_digit(after)
        if plain == found[0]:
            continue
        pieces += [text[at:start], plain]
        origins.extend(range(at, start))
        origins.extend([start] * len(plain))
        at = start + 1
    if not at:
        return FoldedText(text, None)
    pieces.append(text[at:])
    origins.extend(range(at, len(text)))
    return FoldedText("".join(pieces), origins)


def _is_other_digit(sign: str) -> bool:
    return sign.isdigit() and not _ENCLOSED.match(sign)


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    """A sign as it is judged: a digit of any script as 0 to 9, what nobody sees as nothing."""
    if unicodedata.category(sign) in _INVISIBLE or sign in _BLANK_LETTERS:
        return ""
    if sign in _DASHES:
        return "-"
    if sign.isspace():
        return " "
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", sign) if _WIDE.match(sign) else _ALIKE.get(sign, sign)

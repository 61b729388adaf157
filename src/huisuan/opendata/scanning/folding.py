"""Text as it is judged: full-width signs made plain, invisible ones left out, so that neither hides a number. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
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
#: digits written as words: eleven signs or more in a row, of which one at least is such a word, are a number
_WORDS = "〇零幺一二三四五六七八九壹贰叁肆伍陆柒捌玖"
_SPELT = re.compile(f"[{_WORDS}][{_WORDS}0-9]{{5,}}+")
_SPELT_WHOLE = re.compile(f"[0-9]*+[{_WORDS}][{_WORDS}0-9]{{5,}}+[Xx]?")
_NUMBER_OF_ITS_OWN = re.compile("[0-9]{10}")
_DIGITS_OF_WORDS = str.maketrans(_WORDS, "001123456789123456789")
_FEWEST_SPELT = 11
_INVISIBLE = frozenset(["Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me"])  # classes of Unicode


@dataclass(frozen=True)
class FoldedText:
    """A text to be judged, made of pieces: `starts` say where each begins, `origins` where it begins in the text as
    written, and `whole` whether its signs are those that were written; else all of them stand for the one there. None:
    nothing was folded.
    """

    text: str
    starts: Sequence[int] | None = None
    origins: Sequence[int] = ()
    whole: Sequence[bool] = ()

    def origin(self, place: int) -> int:
        """Where a character stands in the text as written; the end of the text for the end."""
        if self.starts is None:
            return place
        piece = bisect_right(self.starts, min(place, len(self.text) - 1)) - 1
        if piece < 0:
            return 0
        if self.whole[piece]:
            return self.origins[piece] + place - self.starts[piece]
        return self.origins[piece] + (place >= len(self.text))


def fold_text(text: str) -> FoldedText:
    """Fold a text; one without anything unusual costs two searches."""
    if _SPELT.search(text):
        text = _SPELT_WHOLE.sub(_in_digits, text)
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    whole: list[bool] = []
    at = length = 0
    for found in _UNUSUAL.finditer(text):
        sign, start = found[0], found.start()
        plain = _plain(sign)
        if _ENCLOSED.match(sign):
            before, after = text[max(start - 1, 0) : start], text[start + 1 : start + 2]
            plain = " " * _is_other_digit(before) + plain + " " * _is_other_digit(after)
        if plain == sign:
            continue
        for piece, origin, as_written in ((text[at:start], at, True), (plain, start, False)):
            if piece:
                pieces.append(piece)
                starts.append(length)
                origins.append(origin)
                whole.append(as_written)
                length += len(piece)
        at = start + 1
    if not at:
        return FoldedText(text)
    if at < len(text):
        pieces.append(text[at:])
        starts.append(length)
        origins.append(at)
        whole.append(True)
    return FoldedText("".join(pieces), starts, origins, whole)


def _in_digits(found: re.Match[str]) -> str:
    if len(found[0]) < _FEWEST_SPELT or _NUMBER_OF_ITS_OWN.search(found[0]):
        return found[0]
    return found[0].translate(_DIGITS_OF_WORDS)


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

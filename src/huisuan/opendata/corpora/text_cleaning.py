"""A text as it goes into a corpus: one way to write each sign, no control characters, broken lines joined. Pure."""

from __future__ import annotations

import re
import unicodedata

#: digits and letters of full width; other signs of full width are Chinese punctuation and stay
_WIDE = {code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
#: control characters, what has no width or turns the direction, halves of pairs, private use
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
    "\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff]"
)
_BLANKS = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029\u000b\u000c]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
#: what ends a sentence, a clause of a list or a heading with its number: a line that ends so is not a broken one
_ENDS = frozenset("。！？；：…」』”’》】）)!?;:")
#: how a new paragraph, article or item of a list begins; a line that begins so does not go on with the one before
_BEGINS = re.compile(
    "第[一二三四五六七八九十百零〇0-9]+[条章节编款]|[（(]?[一二三四五六七八九十0-9]+[)）、.．]|[—●·•■]"
)
_SIGNS = re.compile(r"[\W_]+")


def clean_text(text: str) -> str:
    """The text in NFC, digits and letters of full width made plain, nothing unseen, broken lines joined."""
    text = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text))
    text = unicodedata.normalize("NFC", text).translate(_WIDE)
    return "\n".join(_joined([_BLANKS.sub(" ", line) for line in text.split("\n")]))


def _joined(lines: list[str]) -> list[str]:
    """Paragraphs: a line as wide as the page that ends within a sentence goes on with the next one."""
    widest = max(map(_width, lines))
    found: list[str] = []
    broken = False
    for line in lines:
        text = line.strip()
        if broken and text and line[0] != " " and not _BEGINS.match(text):
            found[-1] += ("" if _HAN.match(found[-1][-1]) or _HAN.match(text) else " ") + text
        elif text:
            found.append(text)
        broken = bool(text) and text[-1] not in _ENDS and _width(line) * 5 >= widest * 4
    return found


def _width(line: str) -> int:
    """How wide a line is set: a Chinese sign is twice as wide as a letter."""
    return sum(2 if sign > "\u2e7f" else 1 for sign in line)


def han_share(text: str) -> float:
    """The share of Chinese characters in the letters of a text, 0 to 1; 0 for one without letters."""
    letters = sum(map(str.isalpha, text))
    return len(_HAN.findall(text)) / letters if letters else 0.0


def compared_text(text: str) -> str:
    """What of a text is compared with others: letters and digits alone, in small letters."""
    return _SIGNS.sub("", text).lower()

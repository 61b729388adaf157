"""Numbers in a text: runs of digits, whole or cut by separators, cells or lines, judged as one number each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from huisuan.opendata.scanning.checks import (
    MOBILE,
    has_id_check_digit,
    is_landline,
    is_uscc,
    looks_like_old_id,
    looks_like_resident_id,
    passes_luhn,
)
from huisuan.opendata.scanning.finding_kinds import Confidence, FindingKind


class TextMatch(NamedTuple):
    """A finding in a text: from `start` to before `end`; `value` is normalised, without separators."""

    kind: FindingKind
    start: int
    end: int
    value: str
    confidence: Confidence = Confidence.HIGH


#: seven digits or more, divided by up to three spaces, dots, dashes, tabs (the next cell) and the like, or a line end
_RUN = re.compile(r"\d(?:(?:[ \t.·_/-]{0,3}+|\r?\n)\d){6,}+(?:[Xx]|[ \t.·_/-]{1,3}+[Xx](?![A-Za-z0-9]))?", re.ASCII)
_GROUP = re.compile(r"\d+[Xx]?|[Xx]", re.ASCII)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LETTERS_AND_DIGITS = "0123456789" + "".join(_LETTERS)
_LONGEST_WORD, _LONGEST_CODE = 12, 20  # characters that are looked at
_UNITS = ("元", "万", "亿", "吨", "平方", "公里", "千瓦", "人次", "%")
_CUE = 24  # characters before a number in which its kind may be said
_ID_CUE = re.compile(r"身份证|身份号|证件号|公民身份|ID\s*(?:card|no)", re.IGNORECASE)
_CARD_CUE = re.compile(r"卡号|账号|帐号|账户|帐户|银行|card", re.IGNORECASE)
_PASS_CUE = re.compile(r"护照|通行证|回乡证|台胞证|证件|passport", re.IGNORECASE)
_PASS = re.compile(r"(?:[EGDSPKH][A-HJ-NP-Z]?\d{7,8}|[CWHMT]\d{8}(?:\d\d)?)")
_LONGEST, _MOST_GROUPS = 19, 19
_FEWEST_APART = 10  # digits of the shortest number that may be cut
_MOBILE_DIGITS = 11
_MONEY = frozenset("¥￥$")
_CENTS = re.compile(r"\.\d").match
_USUAL_GROUPS = 5  # into which all but a resident ID and a card in fours are cut


class _Span(NamedTuple):
    start: int
    end: int
    digits: str
    separators: tuple[str, ...]
    sizes: tuple[int, ...]


def find_numbers(text: str) -> Iterator[TextMatch]:
    """Every number of a kind, none twice, in the order of the text."""
    for run in _RUN.finditer(text):
        whole = run[0]
        if whole.isdigit():  # as nearly all are
            match = _judge_plain(text, run.start(), run.end(), whole)
            if match is not None:
                yield match
            continue
        groups = [(run.start() + found.start(), found[0]) for found in _GROUP.finditer(whole)]
        first = 0
        while first < len(groups):
            match, used = _longest(text, groups, first)
            if match is not None:
                yield match
            first += max(used, 1)


def _judge_plain(text: str, start: int, end: int, digits: str) -> TextMatch | None:
    """What a run of digits without separators is: as `_judge`, which most runs are too long or too short for."""
    size = end - start
    if text[start - 1 : start] in _LETTERS or text[end : end + 1] in _LETTERS:
        return _judge(text, _Span(start, end, digits, (), (size,))) if size <= _LONGEST else None
    judges = _BY_LENGTH.get(size)
    if judges is None:
        return None
    span = _Span(start, end, digits, (), (size,))
    for judge in judges:
        found = judge(text, span)
        if found is not None:
            return found
    return None


def _longest(text: str, groups: Sequence[tuple[int, str]], first: int) -> tuple[TextMatch | None, int]:
    """What the groups from the first one on are together; the surest reading, then the one with most digits."""
    best: tuple[TextMatch | None, int] = (None, 0)
    total = 0
    for last in range(first, min(first + _MOST_GROUPS, len(groups))):
        total += len(groups[last][1])
        if total > _LONGEST:
            break
        if last > first and not _may_be_one(groups, first, last, total):
            continue
        found = _judge(text, _span(text, groups[first : last + 1]))
        if found is not None and (best[0] is None or found.confidence <= best[0].confidence):
            best = found, last - first + 1
    return best


def _may_be_one(groups: Sequence[tuple[int, str]], first: int, last: int, total: int) -> bool:
    """Whether groups may be one number, looked at quickly: a table of small numbers is one long run."""
    if total < _FEWEST_APART:
        return False
    if last - first < _USUAL_GROUPS:
        return True
    if total == 18 and "".join([digits for _, digits in groups[first : last + 1]])[6:8] in ("19", "20"):
        return True
    return len(groups[first][1]) == len(groups[first + 1][1]) == len(groups[first + 2][1]) == 4


def _span(text: str, groups: Sequence[tuple[int, str]]) -> _Span:
    ends = [start + len(digits) for start, digits in groups]
    separators = tuple(text[end:start] for end, (start, _) in zip(ends, groups[1:], strict=False))
    digits = "".join(digits for _, digits in groups)
    return _Span(groups[0][0], ends[-1], digits, separators, tuple(len(digits) for _, digits in groups))


def _judge(text: str, span: _Span) -> TextMatch | None:
    """The first kind that a number is; a check that fails lets the next kind try."""
    before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
    if not span.separators and (before in _LETTERS or after in _LETTERS):
        found = _within_letters(text, span)
        if found is not None or after in _LETTERS or not _is_word(text, span.start):
            return found
    for judge in (_resident_id, _bank_card, _old_id, _mobile, _landline):
        found = judge(text, span)
        if found is not None:
            return found
    return None


def _is_word(text: str, end: int) -> bool:
    """Whether the letters before a place are a word of their own, such as `tel`, and no part of a hash."""
    start = end
    while start > end - _LONGEST_WORD and text[start - 1 : start] in _LETTERS:
        start -= 1
    return not text[start - 1 : start].isdigit()


def _within_letters(text: str, span: _Span) -> TextMatch | None:
    """A code of letters and digits around a run of digits: a credit code, or, where it is said, a passport."""
    before = text[max(span.start - 18, 0) : span.start]
    start = span.start - len(before) + len(before.rstrip(_LETTERS_AND_DIGITS))
    after = text[span.end : start + _LONGEST_CODE]
    end = span.end + len(after) - len(after.lstrip(_LETTERS_AND_DIGITS))
    code = text[start:end].upper()
    if is_uscc(code):
        return TextMatch(FindingKind.USCC, start, end, code)
    if _PASS.fullmatch(code) and _PASS_CUE.search(text, max(start - _CUE, 0), start):
        return TextMatch(FindingKind.PASSPORT, start, end, code)
    return None


def _resident_id(text: str, span: _Span) -> TextMatch | None:
    number = span.digits.upper()
    if len(number) != 18:
        return None
    if not number[:17].isdigit() or not looks_like_resident_id(number):
        return _match(FindingKind.USCC, span) if _is_plain_uscc(span) else None
    if has_id_check_digit(number):
        apart = len(span.separators) > 4 and len(set(span.separators)) > 1
        return _match(FindingKind.RESIDENT_ID, span, Confidence.LOW if apart else Confidence.HIGH)
    if _said(_ID_CUE, text, span) and len(set(span.separators)) <= 1:
        return _match(FindingKind.RESIDENT_ID, span, Confidence.LOW)
    return _match(FindingKind.USCC, span) if _is_plain_uscc(span) else None


def _is_plain_uscc(span: _Span) -> bool:
    return not span.separators and is_uscc(span.digits)


def _old_id(text: str, span: _Span) -> TextMatch | None:
    if len(span.digits) != 15 or not span.digits.isdigit() or span.separators or not looks_like_old_id(span.digits):
        return None
    return _match(FindingKind.RESIDENT_ID, span, Confidence.HIGH if _said(_ID_CUE, text, span) else Confidence.LOW)


def _bank_card(text: str, span: _Span) -> TextMatch | None:
    number = span.digits
    if not 16 <= len(number) <= 19 or not number.isdigit() or not passes_luhn(number):
        return None
    in_fours = span.sizes[:3] == (4, 4, 4) and len(set(span.separators)) == 1
    if span.separators and not in_fours and not (len(span.separators) == 1 and "\n" in span.separators[0]):
        return None
    known = number.startswith(("62", "9558")) or (len(number) == 16 and number[0] in "45" and in_fours)
    return _match(FindingKind.BANK_CARD, span) if known or _said(_CARD_CUE, text, span) else None


def _mobile(text: str, span: _Span) -> TextMatch | None:
    number = span.digits
    if len(number) > _MOBILE_DIGITS:
        code = len(number) - _MOBILE_DIGITS
        number = number[code:] if number[:code] in ("86", "0086") else number
    if not MOBILE.fullmatch(number) or text.startswith(_UNITS, span.end):
        return None
    if text[span.start - 1 : span.start] in _MONEY or (text[span.end : span.end + 1] == "." and _CENTS(text, span.end)):
        return None
    if not span.separators:
        return TextMatch(FindingKind.MOBILE, span.start, span.end, number)
    sizes = list(span.sizes)
    prefix = len(span.digits) - len(number)  # +86 may stand in a group of its own or before the first
    while prefix > 0:
        taken = min(prefix, sizes[0])
        prefix, sizes = prefix - taken, [sizes[0] - taken, *sizes[1:]] if sizes[0] > taken else sizes[1:]
    usual = tuple(sizes) in ((11,), (3, 4, 4), (3, 8), (7, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3))
    same = len(set(span.separators[-(len(sizes) - 1) :])) <= 1 if len(sizes) > 1 else True
    cut_by_line = len(span.separators) == 1 and "\n" in span.separators[0]
    if not (usual and same) and not cut_by_line:
        return None
    return _match(FindingKind.MOBILE, span, Confidence.LOW if cut_by_line else Confidence.HIGH, number)


def _landline(text: str, span: _Span) -> TextMatch | None:
    digits = span.digits
    if not digits.isdigit():
        return None
    if not span.separators:
        areas = [size for size in (3, 4) if is_landline(digits[:size], digits[size:])]
        return _match(FindingKind.LANDLINE, span) if areas and len(digits) in (11, 12) else None
    whole = (
        len(span.sizes) == 2
        and span.separators[0] in ("-", " ")
        and is_landline(digits[: span.sizes[0]], digits[span.sizes[0] :])
    )
    return _match(FindingKind.LANDLINE, span) if whole else None


def _match(
    kind: FindingKind, span: _Span, confidence: Confidence = Confidence.HIGH, value: str | None = None
) -> TextMatch:
    return TextMatch(kind, span.start, span.end, value or span.digits.upper(), confidence)


def _said(cue: re.Pattern[str], text: str, span: _Span) -> bool:
    """Whether the words before a number, or the cell or line that it stands in, say its kind."""
    return cue.search(text, max(span.start - _CUE, 0), span.start) is not None


#: which kinds a run of so many digits may be, in the order in which they try
_BY_LENGTH = {
    11: (_mobile, _landline), 12: (_landline,), 13: (_mobile,), 15: (_old_id, _mobile), 16: (_bank_card,),
    17: (_bank_card,), 18: (_resident_id, _bank_card), 19: (_bank_card,),
}  # fmt: skip

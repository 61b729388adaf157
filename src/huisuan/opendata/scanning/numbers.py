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
    may_be_plain_uscc,
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


_USUAL_SIGNS = r" \t.·_/\-"
_OTHER_SIGNS = (
    r",，、:：;；。*~|\\'’\"“”()（）+=#"  # between the digits of a number only where all are of its usual groups
)
_SIGNS = f"[{_USUAL_SIGNS}{_OTHER_SIGNS}]"
#: members of an enumeration, looked up once
_RESIDENT_ID, _MOBILE, _LANDLINE = FindingKind.RESIDENT_ID, FindingKind.MOBILE, FindingKind.LANDLINE
_BANK_CARD, _USCC, _PASSPORT = FindingKind.BANK_CARD, FindingKind.USCC, FindingKind.PASSPORT
#: seven digits or more, divided by up to three spaces, dots, dashes, tabs (the next cell) and the like, or a line end
_RUN = re.compile(
    rf"\d(?:(?:{_SIGNS}{{0,3}}+|\r?\n\t?)\d){{6,}}+(?:[Xx]|{_SIGNS}{{1,3}}+[Xx](?![A-Za-z0-9]))?", re.ASCII
)
_OTHER = re.compile(f"[{_OTHER_SIGNS}]")
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
_LENGTHS_APART = frozenset((10, 11, 12, 13, 15, 16, 17, 18, 19))  # digits of numbers that may be cut
_LONGEST_ID, _SHORTEST_CARD, _FOUR = 18, 16, 4
_USUAL_LANDLINE = 2  # groups
_MAY_BEGIN = "018"  # what is shorter than a card: landlines and mobile numbers, 86 and 0086 as well
_MOBILE_DIGITS = 11
_IN_THREE = ((3, 4, 4),)
_AFTER_AREA = ("-", " ", ")", "）", ") ", "） ", ")-", "）-")
_MONEY = frozenset("¥￥$")
_CENTS = re.compile(r"\.\d").match
_USUAL_GROUPS = 6  # into which a mobile number may be cut, 0086 as well


def find_numbers(text: str) -> Iterator[TextMatch]:
    """Every number of a kind, none twice, in the order of the text."""
    for run in _RUN.finditer(text):
        whole = run[0]
        start, end = run.span()
        if whole.isdigit() or whole[:-1].isdigit():  # as nearly all are
            match = None
            if text[end : end + 1] in _LETTERS or text[start - 1 : start] in _LETTERS:
                match = _judge_plain(text, start, end, whole)
            else:  # the same, without a call: most runs are of a length that no kind has
                for judge in _BY_LENGTH.get(end - start, ()):
                    match = judge(text, start, end, whole, (), ())
                    if match is not None:
                        break
            if match is not None:
                yield match
            continue
        edges = text[start - 1 : start] in _LETTERS, text[end : end + 1] in _LETTERS
        if len(whole) > _FEWEST_APART or True in edges:  # fewer digits than a number has: amounts, places, versions
            yield from _judge_groups(text, start, whole, edges)


def _judge_groups(text: str, start: int, whole: str, edges: tuple[bool, bool]) -> Iterator[TextMatch]:
    """The numbers in a run that separators divide; `edges` say whether letters stand before and after it."""
    groups = [(start + found.start(), found[0]) for found in _GROUP.finditer(whole)]
    left = sum([len(digits) for _, digits in groups])
    last = len(groups) - 1
    first = 0
    while first <= last and (left >= _FEWEST_APART or edges[1] or not first):
        place, digits = groups[first]
        single = None
        if len(digits) in _BY_LENGTH or (edges[0] and not first) or (edges[1] and first == last):
            single = _judge_plain(text, place, place + len(digits), digits)
        match, used = single, 1
        if left >= _SHORTEST_CARD or digits[0] in _MAY_BEGIN:
            match, used = _longest(text, groups, first, single)
        if match is not None:
            yield match
        for _, digits in groups[first : first + used]:
            left -= len(digits)
        first += used


def _judge_plain(text: str, start: int, end: int, digits: str) -> TextMatch | None:
    """What a run of digits without separators is; most runs are of a length that no kind has."""
    after = text[end : end + 1] in _LETTERS
    if (after or text[start - 1 : start] in _LETTERS) and end - start <= _LONGEST:
        found = _within_letters(text, start, end)
        if found is not None or after or not _is_word(text, start):
            return found
    for judge in _BY_LENGTH.get(end - start, ()):
        found = judge(text, start, end, digits, (), ())
        if found is not None:
            return found
    return None


def _longest(
    text: str, groups: Sequence[tuple[int, str]], first: int, single: TextMatch | None
) -> tuple[TextMatch | None, int]:
    """What the groups from the first one on are together; the surest reading, then the one with most digits."""
    digits = groups[first][1]
    best: tuple[TextMatch | None, int] = single, 1
    for last in range(first + 1, min(first + _MOST_GROUPS, len(groups))):
        digits += groups[last][1]
        total = len(digits)
        if total > _LONGEST:
            break
        if total not in _LENGTHS_APART or not _may_be_one(digits, groups, first, last):
            continue
        found = _judge_apart(text, groups[first : last + 1], digits)
        if found is not None and (best[0] is None or found.confidence <= best[0].confidence):
            best = found, last - first + 1
    return best


def _may_be_one(digits: str, groups: Sequence[tuple[int, str]], first: int, last: int) -> bool:
    """Whether groups may be one number, looked at quickly: a table of small numbers is one long run."""
    number = last - first + 1
    if len(digits) < _SHORTEST_CARD:
        return (digits[0] == "0" and number == _USUAL_LANDLINE) or (
            number <= _USUAL_GROUPS and digits.startswith(("1", "86", "0086"))
        )
    if len(digits) == _LONGEST_ID and digits[6:8] in ("19", "20"):
        return True
    return number == _USUAL_LANDLINE or all(len(groups[place][1]) == _FOUR for place in range(first, first + 3))


def _judge_apart(text: str, groups: Sequence[tuple[int, str]], digits: str) -> TextMatch | None:
    """The first kind that groups of digits together are; a check that fails lets the next kind try."""
    start, end = groups[0][0], groups[-1][0] + len(groups[-1][1])
    ends = [place + len(group) for place, group in groups]
    separators = tuple([text[at:place] for at, (place, _) in zip(ends, groups[1:], strict=False)])
    sizes = tuple([len(group) for _, group in groups])
    for judge in (_resident_id, _bank_card) if len(digits) >= _SHORTEST_CARD else (_mobile, _landline):
        found = judge(text, start, end, digits, separators, sizes)
        if found is not None:
            return found
    return None


def _is_word(text: str, end: int) -> bool:
    """Whether the letters before a place are a word of their own, such as `tel`, and no part of a hash."""
    start = end
    while start > end - _LONGEST_WORD and text[start - 1 : start] in _LETTERS:
        start -= 1
    return not text[start - 1 : start].isdigit()


def _within_letters(text: str, start: int, end: int) -> TextMatch | None:
    """A code of letters and digits around a run of digits: a credit code, or, where it is said, a passport."""
    before = text[max(start - 18, 0) : start]
    start -= len(before) - len(before.rstrip(_LETTERS_AND_DIGITS))
    after = text[end : start + _LONGEST_CODE]
    end += len(after) - len(after.lstrip(_LETTERS_AND_DIGITS))
    code = text[start:end].upper()
    if is_uscc(code):
        return TextMatch(_USCC, start, end, code)
    if _PASS.fullmatch(code) and _said(_PASS_CUE, text, start):
        return TextMatch(_PASSPORT, start, end, code)
    return None


# Each judge looks at digits from `start` to before `end`; apart, by the separators between groups of some sizes.


def _resident_id(
    text: str, start: int, end: int, digits: str, separators: Sequence[str], _sizes: Sequence[int]
) -> TextMatch | None:
    if len(digits) != _LONGEST_ID:
        return None
    number = digits.upper()
    if number[:17].isdigit() and looks_like_resident_id(number):
        if has_id_check_digit(number):
            mixed = len(set(separators)) > 1
            if mixed and _OTHER.search("".join(separators)):
                return None  # figures of a list
            apart = len(separators) > 4 and mixed
            return TextMatch(_RESIDENT_ID, start, end, number, Confidence.LOW if apart else Confidence.HIGH)
        if _said(_ID_CUE, text, start) and len(set(separators)) <= 1:
            return TextMatch(_RESIDENT_ID, start, end, number, Confidence.LOW)
    if not separators and may_be_plain_uscc(number) and is_uscc(number):
        return TextMatch(_USCC, start, end, number)
    return None


def _old_id(
    text: str, start: int, end: int, digits: str, _separators: Sequence[str], _sizes: Sequence[int]
) -> TextMatch | None:
    if not digits.isdigit() or not looks_like_old_id(digits):
        return None
    sure = Confidence.HIGH if _said(_ID_CUE, text, start) else Confidence.LOW
    return TextMatch(_RESIDENT_ID, start, end, digits, sure)


def _bank_card(
    text: str, start: int, end: int, digits: str, separators: Sequence[str], sizes: Sequence[int]
) -> TextMatch | None:
    if not 16 <= len(digits) <= 19 or not digits.isdigit() or not passes_luhn(digits):
        return None
    in_fours = sizes[:3] == (4, 4, 4) and len(set(separators)) == 1
    if separators and not in_fours and not (len(separators) == 1 and "\n" in separators[0]):
        return None
    known = digits.startswith(("62", "9558")) or (len(digits) == 16 and digits[0] in "45" and in_fours)
    return TextMatch(_BANK_CARD, start, end, digits) if known or _said(_CARD_CUE, text, start) else None


def _mobile(
    text: str, start: int, end: int, digits: str, separators: Sequence[str], sizes: Sequence[int]
) -> TextMatch | None:
    number = digits
    if len(number) > _MOBILE_DIGITS:
        code = len(number) - _MOBILE_DIGITS
        number = number[code:] if number[:code] in ("86", "0086") else number
    if not MOBILE.fullmatch(number) or text.startswith(_UNITS, end):
        return None
    if text[start - 1 : start] in _MONEY or (text[end : end + 1] == "." and _CENTS(text, end)):
        return None
    if not separators:
        return TextMatch(_MOBILE, start, end, number)
    left = list(sizes)
    prefix = len(digits) - len(number)  # +86 may stand in a group of its own or before the first
    while prefix > 0:
        taken = min(prefix, left[0])
        prefix, left = prefix - taken, [left[0] - taken, *left[1:]] if left[0] > taken else left[1:]
    usual = tuple(left) in (
        _IN_THREE
        if _OTHER.search("".join(separators))
        else ((11,), *_IN_THREE, (3, 8), (7, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3))
    )
    same = len(set(separators[-(len(left) - 1) :])) <= 1 if len(left) > 1 else True
    cut_by_line = len(separators) == 1 and "\n" in separators[0]
    if not (usual and same) and not cut_by_line:
        return None
    return TextMatch(_MOBILE, start, end, number, Confidence.LOW if cut_by_line else Confidence.HIGH)


def _landline(
    _text: str, start: int, end: int, digits: str, separators: Sequence[str], sizes: Sequence[int]
) -> TextMatch | None:
    if digits[0] != "0" or not digits.isdigit():
        return None
    if not separators:
        areas = [size for size in (3, 4) if is_landline(digits[:size], digits[size:])]
        return TextMatch(_LANDLINE, start, end, digits) if areas and len(digits) in (11, 12) else None
    whole = len(sizes) == 2 and separators[0] in _AFTER_AREA and is_landline(digits[: sizes[0]], digits[sizes[0] :])
    return TextMatch(_LANDLINE, start, end, digits) if whole else None


def _said(cue: re.Pattern[str], text: str, start: int) -> bool:
    """Whether the words before a number, or the cell or line that it stands in, say its kind."""
    return cue.search(text, max(start - _CUE, 0), start) is not None


#: which kinds a run of so many digits may be, in the order in which they try
_BY_LENGTH = {
    11: (_mobile, _landline), 12: (_landline,), 13: (_mobile,), 15: (_old_id, _mobile), 16: (_bank_card,),
    17: (_bank_card,), 18: (_resident_id, _bank_card), 19: (_bank_card,),
}  # fmt: skip

"""The figures that a sentence names, each with what its words make of it: at least, at most, more, less. Pure.

Whole numbers are compared with whole numbers: the 4 of "400P" is no figure, and "0%" does not stand in "20%".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from huisuan.law.model.values import ValueKind, parse_chinese_money, parse_share
from huisuan.law.text.list_marks import LIST_MARK

FigureValue = int | Fraction | date


class Operator(StrEnum):
    """What the words around a figure make of it."""

    EXACTLY = "="
    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"


OPERATORS_ZH = {
    Operator.EXACTLY: "等于", Operator.AT_LEAST: "不低于", Operator.AT_MOST: "不超过", Operator.ABOVE: "超过",
    Operator.BELOW: "不满",
}  # fmt: skip
_BEFORE = {
    "至少": Operator.AT_LEAST, "达到": Operator.AT_LEAST, "届满": Operator.AT_LEAST, "最高": Operator.AT_MOST,
    "最多": Operator.AT_MOST, "超过": Operator.ABOVE, "高于": Operator.ABOVE, "大于": Operator.ABOVE,
    "多于": Operator.ABOVE, "不满": Operator.BELOW, "未满": Operator.BELOW, "不足": Operator.BELOW,
    "低于": Operator.BELOW, "少于": Operator.BELOW, "小于": Operator.BELOW,
}  # fmt: skip
#: how a text says no before a comparison: 不得超过 is no more 超过 than 不超过 is
_NO = "(?:不|未)(?:得|能|应|可|宜|会|允许)?"
_OR_EQUAL = "(?:或者?)?等于"
_OPPOSITE = {
    Operator.AT_LEAST: Operator.BELOW, Operator.AT_MOST: Operator.ABOVE, Operator.ABOVE: Operator.AT_MOST,
    Operator.BELOW: Operator.AT_LEAST,
}  # fmt: skip
_OR_EQUAL_TO = {Operator.ABOVE: Operator.AT_LEAST, Operator.BELOW: Operator.AT_MOST}
_STRICT = {Operator.AT_LEAST: Operator.ABOVE, Operator.AT_MOST: Operator.BELOW}
#: the civil code, article 1259: 以上, 以下, 以内, 届满 include the figure; 不满, 超过, 以外 do not
_AFTER = {
    "以上": Operator.AT_LEAST, "以下": Operator.AT_MOST, "以内": Operator.AT_MOST, "之内": Operator.AT_MOST,
    "届满": Operator.AT_LEAST, "以外": Operator.ABOVE,
}  # fmt: skip
_FIGURE = re.compile(
    r"(?<![\d.])(?:"
    r"(?P<day>(\d{4})年(?:(\d{1,2})月(?:(\d{1,2})日)?)?(底)?)"
    r"|(?P<share>\d+(?:\.\d+)?%|\d+/\d+)"
    r"|(?P<money>\d+(?:\.\d+)?(?:亿|万)?元)"
    r"|(?P<count>\d+(?:\.\d+)?(?:亿|万)?)"
    r")"
)
_OPERATOR = re.compile(
    rf"(?P<no>{_NO})?(?:等于或者?)?(?P<word>{'|'.join(sorted(_BEFORE, key=len, reverse=True))})(?P<equal>{_OR_EQUAL})?"
    r"|(?P<short>达不到|不到(?=\d|$))"
)
_CLAUSE_END = re.compile(r"[，。；：,;]")
_WITH = r"[（(](?:含|包括|包含)[^）)]*[）)]"
_WITHOUT = r"[（(](?:不含|不包括|不包含)[^）)]*[）)]"
_UNIT = re.compile(
    rf"[^\d，。；：、,;（）()]{{0,3}}?(?:{_WITH}|(?P<without>{_WITHOUT}))?(?P<word>{'|'.join(_AFTER)})(?P<less>{_WITHOUT})?"
)
_LISTED = re.compile(r"[^\d，。；：,;]{0,2}[、或和至]")
_MULTIPLES = {"亿": 100_000_000, "万": 10_000}
_BY_THEN = re.compile(r"之?前")


@dataclass(frozen=True)
class TextFigure:
    """One figure of a sentence: as written, what it can be, and the operator that its words make.

    `values` holds more than one value for a day of which only month or year is named: its first and its last.
    Money is in fen, a share exact, a count without its unit.
    """

    text: str
    kind: ValueKind
    values: tuple[FigureValue, ...]
    operator: Operator
    start: int
    end: int


def find_figures(sentence: str) -> tuple[TextFigure, ...]:
    """The figures of a sentence in their order. A list ("最高100万元、50万元") shares the operator of its first.

    What numbers the items of a list ("：1.弄虚作假的；2.…") is no figure.
    """
    found: list[TextFigure] = []
    marks = [mark.span() for mark in LIST_MARK.finditer(sentence)]
    for match in _FIGURE.finditer(sentence):
        if any(start <= match.start() < end for start, end in marks):
            continue
        kind, values = _value(match)
        before = found[-1] if found else None
        listed = before is not None and _LISTED.fullmatch(sentence[before.end : match.start()])
        operator = _operator(sentence, match, before.end if before else 0)
        if operator is Operator.EXACTLY and before is not None and listed:
            operator = before.operator
        found.append(TextFigure(match[0], kind, values, operator, match.start(), match.end()))
    return tuple(found)


def bare_operators(sentence: str) -> Iterator[tuple[int, int]]:
    """Where words like 不满 or 最高 stand with no figure behind them in their clause: start and end of each."""
    figures = find_figures(sentence)
    for match in _OPERATOR.finditer(sentence):
        end = _CLAUSE_END.search(sentence, match.end())
        clause_end = end.start() if end else len(sentence)
        if not any(match.start() <= figure.start < clause_end for figure in figures):
            yield match.start(), match.end()


def names_figure(phrase: str, kind: ValueKind, value: FigureValue) -> bool:
    """Whether a phrase names that figure, as a whole number of that kind."""
    return any(value in figure.values for figure in find_figures(phrase) if figure.kind is kind)


def _value(match: re.Match[str]) -> tuple[ValueKind, tuple[FigureValue, ...]]:
    if match["day"]:
        days = _days(*(int(part) if part else None for part in match.group(2, 3, 4)))
        return ValueKind.DATE, days[-1:] if match[5] else days
    if match["share"]:
        return ValueKind.SHARE, (parse_share(match["share"]),)
    if match["money"]:
        return ValueKind.MONEY, (parse_chinese_money(match["money"]),)
    digits = match["count"].rstrip("亿万")
    value = Fraction(digits) * _MULTIPLES.get(match["count"][len(digits) :], 1)
    return ValueKind.INT, (int(value) if value.denominator == 1 else value,)


def _days(year: int | None, month: int | None, day: int | None) -> tuple[date, ...]:
    """The day, or the first and the last of the month or year; none where the calendar has no such day."""
    assert year is not None
    try:
        if day is not None and month is not None:
            return (date(year, month, day),)
        last_month = month or 12
        last = calendar.monthrange(year, last_month)[1]
        return date(year, month or 1, 1), date(year, last_month, last)
    except (ValueError, calendar.IllegalMonthError):
        return ()


def _operator(sentence: str, match: re.Match[str], since: int) -> Operator:
    if after := _UNIT.match(sentence, match.end()):
        operator = _AFTER[after["word"]]
        return _STRICT.get(operator, operator) if after["without"] or after["less"] else operator
    if match["day"] and _BY_THEN.match(sentence, match.end()):
        return Operator.AT_MOST
    clause = _CLAUSE_END.split(sentence[since : match.start()])[-1]
    words = list(_OPERATOR.finditer(clause))
    return _meaning(words[-1]) if words else Operator.EXACTLY


def _meaning(words: re.Match[str]) -> Operator:
    """What a comparison says with the no before it and the "or equal" around it."""
    if words["short"]:
        return Operator.BELOW
    operator = _BEFORE[words["word"]]
    if words["equal"] or "等于或" in words[0]:
        operator = _OR_EQUAL_TO.get(operator, operator)
    return _OPPOSITE[operator] if words["no"] else operator

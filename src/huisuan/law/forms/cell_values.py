"""One cell, one field: the value of a fact from what a person typed, or what was expected and what to do.

Submitted files and the web form share these parsers. Machines write as JSON does (fen, true, ISO dates);
people write yuan, 是 and 否, the words of a choice, 2024/12/31.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

from huisuan.base.money import parse_written_yuan, plain_yuan
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import InvalidValue, Value, ValueKind, format_fen, parse_value

_DIGITS = re.compile(r"[0-9]{1,18}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,18}")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)")
TRUE, FALSE = frozenset({"true", "1", "是", "yes"}), frozenset({"false", "0", "否", "no"})


class InvalidCell(InvalidValue):
    """What a cell holds is no value of its fact: what was expected, what to do, and both in English."""

    def __init__(self, expected: str, remedy: str, english: str) -> None:
        super().__init__(f"应为{expected}；{remedy}")
        self.expected, self.remedy, self.english = expected, remedy, english


def parse_cell(spec: FactSpec, text: str, *, by_people: bool) -> Value | None:
    """The value that a cell holds; an empty one holds none (not known).

    Raises:
        Misread: what was expected and what to do.
    """
    text = text.strip()
    if not text:
        return None
    value = _PARSERS[spec.kind](spec, text, by_people)
    if spec.maximum is not None and isinstance(value, int) and value > spec.maximum:
        most = f"{format_fen(spec.maximum)} 元" if spec.kind == ValueKind.MONEY else f"{spec.maximum:,}"
        english = f"at most {most.replace(' 元', ' yuan')}"
        raise InvalidCell(
            f"不超过 {most} 的值", "请核对单位和位数", f"Expected: {english}. Check the unit and the digits."
        )
    return value


def format_cell(spec: FactSpec, value: Value | None) -> str:
    """A value as a person would type it: `value_of` reads the same value back."""
    if value is None:
        return ""
    if spec.kind == ValueKind.MONEY and isinstance(value, int):
        return plain_yuan(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Fraction):
        hundredths = value * 10_000
        if hundredths.denominator != 1:
            return f"{value.numerator}/{value.denominator}"
        return f"{hundredths.numerator // 100}.{hundredths.numerator % 100:02d}%"
    return option_labels(spec).get(str(value), str(value))


def option_labels(spec: FactSpec) -> dict[str, str]:
    """The options as people choose them, by name; two with the same words are told apart by their names."""
    options = spec.options or {}
    uses = Counter(options.values())
    return {name: word if uses[word] == 1 else f"{word}（{name}）" for name, word in options.items()}


def _parse_money(spec: FactSpec, text: str, by_people: bool) -> int:
    if not by_people:
        if not _DIGITS.fullmatch(text):
            raise InvalidCell(
                "整数分（不带小数、不带单位）", "请乘以 100 去掉小数，或把标题改为“…（元）”再以元填写",
                "Expected: a whole number of fen. Or head the column in yuan.",
            )  # fmt: skip
        return int(text)
    fen = parse_written_yuan(text.removesuffix("元").strip(), digits=16)
    if fen is None:
        raise InvalidCell(
            "以元计的金额，至多两位小数，如 1234567.85", "请去掉文字和符号，换算成元，按凭证写到分",
            "Expected: an amount in yuan with at most two decimals, such as 1234567.85.",
        )  # fmt: skip
    return fen


def _parse_count(spec: FactSpec, text: str, by_people: bool) -> int:
    unit = f"（{spec.unit}）" if spec.unit else ""
    if not (_GROUPED if by_people else _DIGITS).fullmatch(text):
        raise InvalidCell(
            f"不小于 0 的整数{unit}",
            "请去掉小数、文字和单位",
            "Expected: a whole number, zero or more, without a unit.",
        )
    return int(text.replace(",", ""))


def _parse_boolean(spec: FactSpec, text: str, by_people: bool) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise InvalidCell("是 或 否", "不清楚就空着", "Expected: yes or no; leave it empty if not known.")
    return text.lower() in TRUE


def _parse_day(spec: FactSpec, text: str, by_people: bool) -> Value:
    found = _DAY.fullmatch(text) if by_people else None
    if found:
        year, month, day = (part for part in found.groups() if part)
        text = f"{year}-{month:0>2}-{day:0>2}"
    return _parse_json(spec, text, "日期，如 2024-12-31", "请写年月日，须是日历上有的一天", "a day such as 2024-12-31")


def _parse_share(spec: FactSpec, text: str, by_people: bool) -> Value:
    remedy = "请写百分数（至多两位小数）或分数，并把单元格格式设为文本"
    return _parse_json(
        spec, text, "不超过 100% 的比例，如 20% 或 1/3", remedy, "a share such as 20% or 1/3, 100% at most"
    )


def _parse_choice(spec: FactSpec, text: str, by_people: bool) -> str:
    options = option_labels(spec)
    if text in options:
        return text
    for words in (options, spec.options_en or {}):
        named = [option for option, word in words.items() if word.lower() == text.lower()]
        if len(named) == 1:
            return named[0]
    english = ", ".join((spec.options_en or options).values())
    raise InvalidCell(f"选项之一：{'、'.join(options.values())}", "请从下拉列表中选", f"Expected one of: {english}.")


def _parse_text(spec: FactSpec, text: str, by_people: bool) -> str:
    if any(ord(sign) < 32 and sign not in "\t\n\r" for sign in text):
        raise InvalidCell("文字", "请去掉看不见的控制字符", "Expected: text without control characters.")
    return text


def _parse_json(spec: FactSpec, text: str, expected: str, remedy: str, english: str) -> Value:
    try:
        return parse_value(spec.kind, text)
    except InvalidValue:
        raise InvalidCell(expected, remedy, f"Expected: {english}.") from None


_PARSERS = {
    ValueKind.MONEY: _parse_money,
    ValueKind.INT: _parse_count,
    ValueKind.BOOL: _parse_boolean,
    ValueKind.DATE: _parse_day,
    ValueKind.SHARE: _parse_share,
    ValueKind.CHOICE: _parse_choice,
    ValueKind.TEXT: _parse_text,
}

"""Values of facts and settings: exact, and read from text in one way everywhere.

Money is an integer number of fen; a share is an exact `Fraction`; dates are calendar days. No float, ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = bool | int | Fraction | date | str

INT64_MAX = 2**63 - 1  # every intermediate result must fit a signed 64-bit integer (see `exact_arithmetic`)
MAX_SHARE_DENOMINATOR = 10_000  # a declared share has at most this denominator: 0.01%


class ValueKind(StrEnum):
    """What a fact or a setting is."""

    MONEY = "money"
    INT = "int"
    SHARE = "share"
    BOOL = "bool"
    DATE = "date"
    CHOICE = "choice"
    TEXT = "text"
    REGIONS = "regions"  # of settings only: a list of region codes
    RATES = "rates"  # of settings only: a share per region code


class InvalidValue(ValueError):
    """A value that is not what it should be; the message says what was expected."""


# [0-9], not \\d, which takes the digits of every script: what one reading takes, all must take
_CHINESE_MONEY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(亿|万)?元")
_SHARE = re.compile(r"([0-9]{1,5})/([1-9][0-9]{0,4})|([0-9]{1,3}(?:\.[0-9]{1,2})?)%")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
WHITESPACE = " \t\u00a0\u3000"  # what may stand around a value; strip() and an engine's TRIM each take other characters
_UNIT = {None: 1, "万": 10_000, "亿": 100_000_000}


def parse_chinese_money(text: str) -> int:
    """Fen from an amount as the law writes it: 1000万元, 100万元, 200亿元.

    Raises:
        Wrong: not such an amount, or not a whole number of fen.
    """
    found = _CHINESE_MONEY.fullmatch(text)
    if not found:
        raise InvalidValue(f"“{text}”不是金额（应如 1000万元）")
    fen = Fraction(found[1]) * _UNIT[found[2]] * 100
    if fen.denominator != 1:
        raise InvalidValue(f"“{text}”不是整数分")
    return int(fen)


def parse_share(text: str) -> Fraction:
    """An exact share from "1/3" (five digits at most) or "12.34%" (two decimals at most).

    Raises:
        Wrong: anything else, 1.5e-3 and 0.2 included: a share says its base.
    """
    found = _SHARE.fullmatch(text.strip(WHITESPACE))
    if not found:
        raise InvalidValue(f"“{text}”不是比例（应如 1/3 或 20%，百分数至多两位小数）")
    if found[3] is not None:
        return Fraction(found[3]) / 100
    return Fraction(int(found[1]), int(found[2]))


def parse_date(text: str) -> date:
    """A day from ISO 8601 (2024-12-31).

    Raises:
        Wrong: not a day of the calendar, or before 1900 or after 2199.
    """
    if not _DATE.fullmatch(text.strip(WHITESPACE)):
        raise InvalidValue(f"“{text}”不是日期（应如 2024-12-31）")
    try:
        day = date.fromisoformat(text.strip(WHITESPACE))
    except ValueError:
        raise InvalidValue(f"“{text}”不是日历上的日期") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidValue(f"“{text}”不在 {FIRST_DAY} 与 {LAST_DAY} 之间")
    return day


def format_fen(fen: int | Fraction) -> str:
    """Fen as yuan with thousands separators; what lies below a fen is shown as an exact fraction."""
    whole, rest = divmod(Fraction(fen), 1)
    text = f"{whole // 100:,}.{whole % 100:02d}"
    return text if not rest else f"{text} 又 {rest} 分"


def format_share(share: Fraction) -> str:
    """A share as people write it: 20%, 12.5%, or 1/3 where the per cent does not end."""
    per_cent = share * 100
    if per_cent.denominator == 1:
        return f"{per_cent.numerator}%"
    scaled = per_cent * 1_000_000
    if scaled.denominator == 1:
        digits = f"{scaled.numerator:07d}"
        return f"{digits[:-6]}.{digits[-6:].rstrip('0')}%"
    return str(share)


def parse_value(
    kind: ValueKind, raw: object, *, maximum: int | None = None, options: Mapping[str, str] | None = None
) -> Value:
    """A fact's value from JSON.

    Raises:
        Wrong: of another type, negative, above the declared maximum, or not among the options.
    """
    if kind in (ValueKind.MONEY, ValueKind.INT):
        return _parse_integer(raw, "整数分" if kind == ValueKind.MONEY else "整数", maximum)
    if kind == ValueKind.BOOL:
        if not isinstance(raw, bool):
            raise InvalidValue(f"{_as_written(raw)} 不是 true 或 false")
        return raw
    if not isinstance(raw, str):
        raise InvalidValue(f"{_as_written(raw)} 不是文本")
    if kind == ValueKind.SHARE:
        return _parse_declared_share(raw)
    if kind == ValueKind.DATE:
        return parse_date(raw)
    if kind == ValueKind.CHOICE and raw not in (options or {}):
        raise InvalidValue(f"“{raw}”不在选项中：{'、'.join(options or {})}")
    return raw.strip(WHITESPACE)


def _parse_integer(raw: object, what: str, maximum: int | None) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise InvalidValue(f"{_as_written(raw)} 不是{what}（不带小数、不带引号）")
    if raw < 0:
        raise InvalidValue(f"{raw} 为负；应不小于 0")
    if maximum is not None and raw > maximum:
        raise InvalidValue(f"{raw} 超过可申报的最大值 {maximum}")
    return raw


def _parse_declared_share(raw: str) -> Fraction:
    share = parse_share(raw)
    if share > 1:
        raise InvalidValue(f"“{raw}”超过 100%")
    written = raw.strip(WHITESPACE).partition("/")[2]
    if written and int(written) > MAX_SHARE_DENOMINATOR:
        raise InvalidValue(f"“{raw}”过细：分母至多 {MAX_SHARE_DENOMINATOR}")
    return share


def _as_written(raw: object) -> str:
    if isinstance(raw, (list, dict)):
        return "列表或对象"
    return str(raw) if type(raw) not in (str, bool, type(None)) else json.dumps(raw, ensure_ascii=False)


def to_json(value: object) -> object:
    """A value as JSON carries it: money and counts as integers, a share as text, a date as ISO 8601."""
    if isinstance(value, Fraction):
        return format_share(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in sorted(value.items())}
    return value


def format_value(  # noqa: PLR0911
    kind: ValueKind, value: object, options: Mapping[str, str] | None = None, *, english: bool = False
) -> str:
    """A value as a person reads it, with its unit where it is money; a missing one is a question mark."""
    if isinstance(value, (tuple, frozenset)):
        return (", " if english else "、").join((options or {}).get(item, item) for item in sorted(value))
    if isinstance(value, Mapping):
        named = [f"{(options or {}).get(key, key)} {to_json(item)}" for key, item in sorted(value.items())]
        return (", " if english else "、").join(named) or ("none" if english else "无")
    if kind == ValueKind.MONEY and isinstance(value, (int, Fraction)):
        whole, rest = divmod(Fraction(value), 1)
        text = f"{format_fen(whole)} {'yuan' if english else '元'}"
        return text if not rest else f"{text} and {rest} fen" if english else f"{text}又 {rest} 分"
    if value is None:
        return "?" if english else "？"
    if isinstance(value, bool):
        return ("no", "yes")[value] if english else ("否", "是")[value]
    if isinstance(value, int):
        return f"{value:,}"
    return (options or {}).get(str(value), str(to_json(value)))

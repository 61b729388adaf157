"""What makes a number one of its kind: check digits, dates, areas, lengths. Pure.

Resident IDs after GB 11643-1999 (MOD 11-2), credit codes after GB 32100-2015 (MOD 31-3), cards by the Luhn formula.
County codes are never a reason to refuse: thousands that people still bear were abolished long ago.
"""

from __future__ import annotations

import re
from datetime import date

_PROVINCES = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(first, last + 1)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_SIGNS = "10X98765432"
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {sign: value for value, sign in enumerate(_USCC_SIGNS)}
_USCC_WEIGHTS = tuple(3**place % 31 for place in range(17))
_OLDEST, _NEWEST = 1900, 2035  # years of birth
MOBILE = re.compile(r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)")


def looks_like_resident_id(number: str) -> bool:
    """18 signs with a province and a day of birth; the check digit is not looked at."""
    return number[:2] in _PROVINCES and _is_day(number[6:10], number[10:12], number[12:14])


def has_id_check_digit(number: str) -> bool:
    """Whether the last of 18 signs is the one that MOD 11-2 asks for."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return _ID_SIGNS[total % 11] == number[17].upper()


def looks_like_old_id(number: str) -> bool:
    """15 digits with a province and a day of birth of the last century."""
    return number[:2] in _PROVINCES and _is_day("19" + number[6:8], number[8:10], number[10:12])


def is_uscc(code: str) -> bool:
    """18 signs of a unified social credit code with its check sign."""
    if len(code) != 18 or any(sign not in _USCC_VALUES for sign in code):
        return False
    total = sum(weight * _USCC_VALUES[sign] for weight, sign in zip(_USCC_WEIGHTS, code[:17], strict=True))
    return code[2:8].isdigit() and _USCC_VALUES[code[17]] == (31 - total % 31) % 31


def passes_luhn(number: str) -> bool:
    """Whether the digits of a card add up."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_landline(area: str, number: str) -> bool:
    """An area code and a number of a fixed line."""
    return (
        _AREA.fullmatch(area) is not None
        and len(number) in (7, 8)
        and number[0] in "2345678"
        and len(area + number) >= 10
    )


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        return _OLDEST <= int(year) <= _NEWEST and bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False


def id_of_18_signs(number: str) -> str:
    """An old ID of 15 digits as the one of 18 that its bearer got since; anything else as it is."""
    if len(number) != 15 or not (number.isascii() and number.isdigit()) or not looks_like_old_id(number):
        return number
    longer = f"{number[:6]}19{number[6:]}"
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, longer, strict=True))
    return longer + _ID_SIGNS[total % 11]

"""What makes a number one of its kind: check digits, dates, areas, lengths. Pure.

Resident IDs after GB 11643-1999 (MOD 11-2), credit codes after GB 32100-2015 (MOD 31-3), cards by the Luhn formula.
County codes are never a reason to refuse: thousands that people still bear were abolished long ago.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from operator import mul

_PROVINCES = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(first, last + 1)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_SIGNS = "10X98765432"
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
#: the value of each sign as a byte; 255: none
_USCC_VALUES = bytes(_USCC_SIGNS.find(chr(byte)) % 256 for byte in range(256))
_USCC_WEIGHTS = tuple(3**place % 31 for place in range(17))
_YEARS = frozenset(str(year) for year in range(1900, 2036))  # of birth
_LEAP_DAY = "0229"
_DAYS = frozenset(f"{month:02}{day:02}" for month in range(1, 13) for day in range(1, monthrange(2000, month)[1] + 1))
#: what a digit of a card adds, in odd and in even places from its end
_LUHN = tuple(
    bytes((byte - 48) * k - 9 * ((byte - 48) * k > 9) if 48 <= byte < 58 else 0 for byte in range(256)) for k in (1, 2)
)
_ID_ZEROS = ord("0") * sum(_ID_WEIGHTS)
MOBILE = re.compile(r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)")


def looks_like_resident_id(number: str) -> bool:
    """18 signs with a province and a day of birth; the check digit is not looked at."""
    return number[:2] in _PROVINCES and _is_day(number[6:10], number[10:14])


def has_id_check_digit(number: str) -> bool:
    """Whether the last of 18 signs is the one that MOD 11-2 asks for."""
    return _id_check_sign(number[:17]) == number[17].upper()


def _id_check_sign(front: str) -> str:
    return _ID_SIGNS[(sum(map(mul, _ID_WEIGHTS, front.encode())) - _ID_ZEROS) % 11]


def looks_like_old_id(number: str) -> bool:
    """15 digits with a province and a day of birth of the last century."""
    return number[:2] in _PROVINCES and _is_day("19" + number[6:8], number[8:12])


def may_be_plain_uscc(digits: str) -> bool:
    """Whether 18 digits begin as a credit code without letters does: one of 31 numbers has the right check sign."""
    return digits[0] != "0" and digits[1] in "123459" and (digits[2:4] in _PROVINCES or digits[2:4] == "10")


def is_uscc(code: str) -> bool:
    """18 signs of a unified social credit code with its check sign."""
    if len(code) != 18 or not code[2:8].isdigit() or not code.isascii():
        return False
    values = code.encode().translate(_USCC_VALUES)
    return 255 not in values and values[17] == -sum(map(mul, _USCC_WEIGHTS, values)) % 31


def passes_luhn(number: str) -> bool:
    """Whether the digits of a card add up."""
    digits = number.encode()[::-1]
    return (sum(digits[::2].translate(_LUHN[0])) + sum(digits[1::2].translate(_LUHN[1]))) % 10 == 0


def is_landline(area: str, number: str) -> bool:
    """An area code and a number of a fixed line."""
    return (
        _AREA.fullmatch(area) is not None
        and len(number) in (7, 8)
        and number[0] in "2345678"
        and len(area + number) >= 10
    )


def _is_day(year: str, month_and_day: str) -> bool:
    return year in _YEARS and month_and_day in _DAYS and (month_and_day != _LEAP_DAY or isleap(int(year)))


def id_of_18_signs(number: str) -> str:
    """An old ID of 15 digits as the one of 18 that its bearer got since; anything else as it is."""
    if len(number) != 15 or not (number.isascii() and number.isdigit()) or not looks_like_old_id(number):
        return number
    longer = f"{number[:6]}19{number[6:]}"
    return longer + _id_check_sign(longer)

"""Tokens that stand for values: HMAC-SHA-256 of the normalised value under a key. Same person, same token. Pure.

A token is all letters, so that no number can be read into it.
"""

from __future__ import annotations

import hashlib
import hmac

from huisuan.opendata.scanning.checks import id_of_18_signs
from huisuan.opendata.scanning.folding import fold_text

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_TOKEN = 26  # letters: 104 bits, so that two values of a province never share one


def mask_token(key: bytes, value: str) -> str:
    """The token of a value, however it is written."""
    return hmac.new(key, normal_value(value).encode(), hashlib.sha256).hexdigest()[:_TOKEN].translate(_LETTERS)


def normal_value(value: str) -> str:
    """A value without how it is written: full-width signs, blanks and dashes; an ID of 15 digits as that of 18."""
    plain = "".join(fold_text(value).text.split()).replace("-", "").upper()
    return id_of_18_signs(plain)

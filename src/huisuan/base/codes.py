"""Codes that people type: numbers of contracts, invoices, vouchers and documents, as they are compared."""

from __future__ import annotations

import re
import unicodedata

_DASHES = re.compile(r"[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d\u30fc\u2500\u2501]+|-{2,}")
_BRACKETS = str.maketrans("〔〕【】［］（）〈〉", "[][][]()<>")


def fold_code(text: str) -> str:
    """The code as it is compared: half width, capitals, no blanks, one kind of bracket and of dash.

    The same again for what it returns. Dashes themselves count: GB/T 1-11 is no GB/T 11-1.
    """
    plain, before = text, ""
    while plain != before:  # what is taken away can bring together what composes: a letter and its accent
        before, plain = plain, _folded(plain)
    return plain


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper()).translate(_BRACKETS)
    return _DASHES.sub("-", "".join(sign for sign in plain if unicodedata.category(sign)[0] not in "CZ"))

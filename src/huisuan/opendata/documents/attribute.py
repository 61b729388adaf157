"""What is printed at the end of an official document: how it may be disclosed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from huisuan.opendata.vocabulary import ATTRIBUTE_WORDS, Attribute, find_word

_LOOKED_AT = 40  # lines from the end: what follows are copies, printers and days
_WORDS = "|".join(sorted((word for words in ATTRIBUTE_WORDS.values() for word in words), key=len, reverse=True))
_PRINTED = re.compile(
    rf"(?:公开(?:属性|方式|选项|类别)[:：\s]*|[（(]?此件\s*)({_WORDS})|^[（(【\[]?({_WORDS})[）)】\]]?$"
)


def printed_attribute(lines: Iterable[str]) -> Attribute | None:
    """The last attribute that is printed near the end; None: none is."""
    for line in reversed(list(lines)[-_LOOKED_AT:]):
        found = _PRINTED.search("".join(line.split()))
        if found is not None:
            return find_word(ATTRIBUTE_WORDS, found[1] or found[2])
    return None

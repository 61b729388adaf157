"""Text that is too long or holds signs of control: refused where typed, changed for all to see elsewhere."""

from __future__ import annotations

import hashlib
import re

from huisuan.base.errors import InvalidRequest

_DIGEST_SIGNS = 24
#: signs that no paper can bear (nor XML, most of them), but for the end of a line
CONTROL_SIGN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def check_length(text: str, most: int, what: str) -> str:
    """The text, of at most `most` characters; `what` names its field.

    Raises:
        InvalidRequest: it is longer. Nothing that somebody typed is cut behind their back.
    """
    if len(text) > most:
        raise InvalidRequest(f"{what}：有 {len(text)} 个字，至多 {most} 个，请改短", code="text.too_long")
    return text


def shortened(text: str, most: int) -> str:
    """The text, or its beginning with … at the end: `most` characters in all. For what is shown, never for a name."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def distinct_key(text: str, most: int) -> str:
    """The text, or its beginning and a digest of the whole: `most` characters that no other text has."""
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_SIGNS]
    return f"{text[: most - _DIGEST_SIGNS - 1]} {digest}"

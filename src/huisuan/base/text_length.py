"""Text that is too long: refused where a person typed it, shortened for all to see where a program handed it on."""

from __future__ import annotations

import hashlib

from huisuan.base.errors import InvalidRequest

_DIGEST_SIGNS = 24


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

"""What a webhook's address may look like. Pure."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

LONGEST_WEBHOOK = 500  # characters


def webhook_address_fault(url: str) -> Literal["", "form", "scheme", "password"]:
    """What is wrong with it: no address at all, neither http nor https, or a password, which would be shown."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "form"
    if len(url) > LONGEST_WEBHOOK or not url.isascii() or not url.isprintable() or " " in url or not host:
        return "form"
    if parts.scheme not in ("http", "https"):
        return "scheme"
    return "password" if parts.username is not None or parts.password is not None else ""

"""A QR code as an image in the page itself: nothing is fetched, nothing is stored."""

from __future__ import annotations

import segno


def as_image(text: str) -> str:
    """The address of the image, for `src`."""
    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))

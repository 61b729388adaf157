"""How large a file of evidence may be."""

from __future__ import annotations

LARGEST_BYTES = 20 * 1024 * 1024

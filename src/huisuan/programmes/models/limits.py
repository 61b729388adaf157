"""How large a file of evidence may be, and how many come with an objection."""

from __future__ import annotations

LARGEST_BYTES = 20 * 1024 * 1024
MOST_OBJECTION_FILES = 5

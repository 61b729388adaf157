"""Rows that stay as they were written: the database refuses to change or delete them, whoever asks."""

from __future__ import annotations

import pgtrigger

UPDATE_OR_DELETE = pgtrigger.Update | pgtrigger.Delete


def append_only(name: str) -> pgtrigger.Protect:
    """The trigger of that name under which a table only grows."""
    return pgtrigger.Protect(name=name, operation=UPDATE_OR_DELETE)

"""What is written to the tables of programmes, money and documents while it is listened to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_WRITES = re.compile(r'\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?((?:programmes|treasury|documents)_\w+)', re.IGNORECASE)


class ProgrammeWrites:
    """An execute wrapper of a connection: keeps the tables that are written to, each with where."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.where = ""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Pass a statement on, and keep what it writes to."""
        for table in _WRITES.findall(str(sql)):
            self.found.setdefault(table, self.where)
        return execute(sql, params, many, context)

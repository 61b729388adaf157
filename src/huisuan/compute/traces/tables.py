"""The tables between a trace's lines and `reading` that Python fills. Pure."""

from __future__ import annotations

from huisuan.compute.duck.relation import DuckRelation

#: lines with quotes, cut into cells by Python
QUOTED_LINES = DuckRelation("quoted_lines", {"line_no": "BIGINT", "f": "VARCHAR[]"})

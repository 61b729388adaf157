"""The tables between a trace's lines and `reading` that Python fills. Pure."""

from __future__ import annotations

from huisuan.compute.duck.relation import Relation

#: each text of a state, the word that it means, and its kind
STATE_MAP = Relation("state_map", {"text": "VARCHAR", "word": "VARCHAR", "kind": "VARCHAR"})
#: lines with quotes, cut into cells by Python
QUOTED_LINES = Relation("quoted_lines", {"line_no": "BIGINT", "f": "VARCHAR[]"})

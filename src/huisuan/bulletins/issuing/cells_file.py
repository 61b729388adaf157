"""The data of a bulletin of figures, beside its words: for whoever adds up, and for the attack."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

_COLUMNS = ("measure", "period", "region", "kind", "value", "unit", "region_name", "kind_name")


def write_cells_json(cells: Mapping[str, Any]) -> bytes:
    """What `huisuan bulletin attack` reads."""
    return (json.dumps(cells, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def write_cells_csv(snapshot: Mapping[str, Any]) -> bytes:
    """The same cells as a table; no value: not published."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for one in snapshot["cells_data"]["cells"]:
        measure, period, region, kind = one["key"]
        names = snapshot["places"].get(region, "合计"), snapshot["kinds"].get(kind, "合计")
        value = "" if one["value"] is None else one["value"]
        rows.writerow([measure, period, region, kind, value, snapshot["unit"], *names])
    return written.getvalue().encode("utf-8-sig")

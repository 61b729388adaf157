"""The columns of a released table as a Table Schema (Data Package standard).

Every column is a string: what a department calls a number may be a mask or a range in what was released.
"""

from __future__ import annotations

from typing import Any

from huisuan.opendata.access.released import list_columns, standing
from huisuan.opendata.models import GateRelease


def table_schema(release: GateRelease) -> dict[str, Any]:
    """The schema of a release that the reader may have."""
    listed = {each["name"]: each for each in standing(release).columns}
    return {
        "fields": [_field(name, listed.get(name, {})) for name in list_columns(release)],
        "missingValues": [""],
    }


def _field(name: str, listed: dict[str, str]) -> dict[str, str]:
    said = "；".join(filter(None, (listed.get("type", ""), listed.get("unit", ""))))
    return {"name": name, "type": "string", **({"description": said} if said else {})}

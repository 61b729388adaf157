"""The regions that the package brings along, loaded after every migration."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any


def load_regions(**_: Any) -> None:
    """Bring the table of regions up to the package's own list (`regions.csv`, GB/T 2260)."""
    from huisuan.parties.models import Region

    with (files("huisuan.parties") / "regions.csv").open(encoding="utf-8") as file:
        rows = [Region(**row) for row in csv.DictReader(file)]
    Region.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["code"], update_fields=["name_zh", "name_en"]
    )

"""The accelerators that the package knows (`accelerators.csv`); each figure there names its source. Pure."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

#: Trials on a machine without accelerators hold processor slots; they have no TFLOPS and no price by default.
PROCESSOR_SLOT = "CPU-SLOT"


@cache
def catalogue_rows() -> tuple[dict[str, str], ...]:
    """The lines of the list, by column."""
    with (files("huisuan.compute.accelerators") / "accelerators.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))

"""The accelerators that the package knows, loaded after every migration. Each figure names its source."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

#: Trials on a machine without accelerators hold processor slots; they have no TFLOPS and no price by default.
PROCESSOR_SLOT = "CPU-SLOT"


def load_accelerators(**_: Any) -> None:
    """Bring the catalogue up to the package's own list (`accelerators.csv`)."""
    from huisuan.compute.models import Accelerator

    with (files("huisuan.compute.accelerators") / "accelerators.csv").open(encoding="utf-8") as file:
        rows = [Accelerator(**row) for row in csv.DictReader(file)]
    Accelerator.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["model"],
        update_fields=["vendor", "memory_gib", "tflops_fp16", "source"],
    )

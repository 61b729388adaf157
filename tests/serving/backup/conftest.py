"""A home with a sealed month, a settlement and files of evidence, and its backup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.homes import Homes
from support.migrated_cluster import copy_cluster


@pytest.fixture(scope="package")
def homes() -> Iterator[Homes]:
    """Homes in a folder of their own."""
    folder = Path(tempfile.mkdtemp(prefix="hs-bk-"))
    yield Homes(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def backup(homes: Homes) -> Path:
    """A backup of the home `a`."""
    copy_cluster(homes.folder / "a")
    homes.run("a", "-m", "support.backed_up", "seed")
    made = homes.folder / "b.huisuan"
    report = json.loads(homes.huisuan("a", "backup", made, "--json"))
    assert (report["records"], report["settlement_runs"], report["heads"]) == (2, 1, {"c1": 2})
    return made


@pytest.fixture(scope="package")
def state(homes: Homes, backup: Path) -> dict[str, Any]:
    """The state of the home `a`."""
    return homes.state("a")

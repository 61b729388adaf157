"""The real Ray of the tests in this folder: one for the whole run, started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.ray_cluster import RayCluster

HERE = Path(__file__).parent
REAL = "ray"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the cluster is marked."""
    for item in items:
        if HERE in item.path.parents and REAL in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session")
def ray() -> Iterator[RayCluster]:
    """A running Ray."""
    from support.ray_cluster import RayCluster, lacking

    if why := lacking():
        pytest.skip(why)
    made = RayCluster()
    try:
        made.start()
        yield made
    finally:
        made.stop()

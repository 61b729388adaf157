"""The real Slurm cluster of the tests in this folder, started when the first test asks for it.

Each worker of pytest-xdist has one of its own: they share no port and no file, so that two halve the time.

`cluster` is the cluster itself, `by_commands` and `by_rest` the options with which an engine finds it, `site` an engine
on it, once by commands and once by slurmrestd.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.slurm_cluster import Cluster
    from support.slurm_site import Site

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the cluster is marked."""
    for item in items:
        if HERE in item.path.parents and "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slurm)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster of three nodes, with accounting and slurmrestd."""
    from support.slurm_cluster import Cluster, lacking

    if why := lacking():
        pytest.skip(why)
    made = Cluster(Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp")))  # sockets want a short path
    try:
        made.start()
        made.start_rest()
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def by_commands(cluster: Cluster) -> dict[str, str]:
    """Options of an engine that speaks by sbatch, squeue and the like."""
    return {"conf": cluster.environment["SLURM_CONF"], "account": "anhui", "patience_seconds": "20"}


@pytest.fixture(scope="session")
def by_rest(cluster: Cluster, by_commands: dict[str, str]) -> dict[str, str]:
    """Options of an engine that speaks by slurmrestd."""
    made = f"env SLURM_CONF={by_commands['conf']} scontrol token lifespan=3600"
    return by_commands | {"rest_url": f"http://127.0.0.1:{cluster.rest_port}", "jwt_command": made}


@pytest.fixture(params=["commands", "rest"])
def site(
    request: pytest.FixtureRequest, cluster: Cluster, by_commands: dict[str, str], by_rest: dict[str, str]
) -> Iterator[Site]:
    """An engine on the cluster, with a lease that lasts; its jobs are gone when the test is."""
    from support.slurm_site import Site

    made = Site(cluster, by_rest if request.param == "rest" else by_commands)
    yield made
    made.clear()


@pytest.fixture
def plain_site(cluster: Cluster, by_commands: dict[str, str]) -> Iterator[Site]:
    """The same by commands alone, where the way of speaking makes no difference."""
    from support.slurm_site import Site

    made = Site(cluster, by_commands)
    yield made
    made.clear()

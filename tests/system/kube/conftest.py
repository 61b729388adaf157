"""A cluster in which every test decides what happens, and the engine that runs jobs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huisuan.compute.engines.kubernetes import KubernetesEngine
from support.kube_cluster import CARD, NAMESPACE, KubeWorld

Engines = Callable[..., KubernetesEngine]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeWorld]:
    made = KubeWorld(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture
def world(cluster: KubeWorld) -> KubeWorld:
    """The cluster, with nothing in it but a node of no use that spells the names of cards."""
    cluster.clear()
    cluster.node("spells", {CARD: "0", "huawei.com/Ascend910B3": "0"}, ready="False")
    return cluster


@pytest.fixture
def made(world: KubeWorld, tmp_path: Path) -> Engines:
    """Makes the engine, anew on the same folder each time."""

    def make(**options: str) -> KubernetesEngine:
        given = {"kubeconfig": str(world.kubeconfig), "namespace": NAMESPACE, "image": "ubuntu:24.04", **options}
        return KubernetesEngine(tmp_path / "jobs", given)

    return make


@pytest.fixture
def engine(made: Engines) -> KubernetesEngine:
    return made()

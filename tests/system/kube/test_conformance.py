"""The Kubernetes engine shows what every engine must: the official client, an imitated API server, real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from huisuan.compute.engines.kubernetes import KubernetesEngine
from huisuan.testing.engine_conformance import Bench, EngineConformance
from support.kube_cluster import CARD, NAMESPACE, KubeWorld
from support.kube_operations import Hands

pytestmark = pytest.mark.kube


class TestKubernetes(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        folder = tmp_path_factory.mktemp("kubernetes")
        world = KubeWorld(folder)
        hands = Hands(world, folder)
        options = {"kubeconfig": str(world.kubeconfig), "namespace": NAMESPACE, "image": "ubuntu:24.04"}
        yield Bench(lambda: KubernetesEngine(folder / "jobs", options), {"local_card": CARD}, waits={"cards": 64})
        hands.close()
        world.close()

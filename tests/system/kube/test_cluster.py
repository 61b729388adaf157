"""The cluster itself: nodes and cards, a server that is away, what the doctor finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.compute.engines.interface import EngineError, RunState
from huisuan.compute.engines.kubernetes import KubernetesEngine
from support.kube_cluster import CARD, NAMESPACE, KubeWorld
from support.kube_jobs import JOB, UID, seen
from support.ports import free_port

pytestmark = pytest.mark.kube
Engines = Callable[..., KubernetesEngine]


def test_nodes_show_their_whole_cards_by_partition_and_what_pods_hold(made: Engines, world: KubeWorld) -> None:
    world.node("a", {CARD: "8", "nvidia.com/gpucores": "800", "cpu": "64", "rdma/hca": "4"}, {"pool": "a100"})
    world.node("b", {"huawei.com/Ascend910B3": "8"}, {"pool": "ascend"}, unschedulable=True)
    world.node("c", {CARD: "8"}, {"pool": "a100"}, ready="Unknown")
    world.node("d", {"cpu": "64"})
    limits = {"resources": {"limits": {CARD: "2"}}}
    spec = {"nodeName": "a", "containers": [limits, limits], "initContainers": [{"resources": {"limits": {CARD: "6"}}}]}
    world.put("pods", "of-someone-else", {"metadata": {}, "spec": spec, "status": {"phase": "Running"}})
    found = made(partition_label="pool").capacity()
    assert [(n.name, n.partition, n.local_card, n.cards, n.used, n.state) for n in found] == [
        ("a", "a100", CARD, 8, 6, "up"),
        ("b", "ascend", "huawei.com/Ascend910B3", 8, 0, "drained"),
        ("c", "a100", CARD, 8, 0, "down"),
    ]


def test_a_server_that_is_away_is_not_taken_for_one_that_has_nothing(
    engine: KubernetesEngine, world: KubeWorld, tmp_path: Path
) -> None:
    engine.submit(JOB)
    config = tmp_path / "away"
    config.write_text(world.kubeconfig.read_text().replace(str(world.entry.url.port), str(free_port())))
    away = KubernetesEngine(tmp_path / "jobs", {"kubeconfig": str(config), "namespace": NAMESPACE})
    with pytest.raises(EngineError, match="连不上"):
        away.observe([UID])
    assert away.diagnose()[0][1] is False
    assert seen(engine).state is RunState.QUEUED


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    engine = KubernetesEngine(tmp_path, {"kubeconfig": str(tmp_path / "none")})
    with pytest.raises(EngineError, match="none"):
        engine.capacity()


def test_a_refusal_says_what_to_do(engine: KubernetesEngine, world: KubeWorld) -> None:
    world.refuse("POST", "jobs", 403)
    with pytest.raises(EngineError, match="授权"):
        engine.submit(JOB)


def test_the_doctor_names_what_is_missing_and_how_to_mend_it(made: Engines, world: KubeWorld) -> None:
    world.node("a", {CARD: "8"})
    assert all(well for _, well, _ in made(queues="yes").diagnose())
    world.allowed = lambda asked: asked["resource"] != "nodes" and asked.get("subresource") != "log"
    found = {what: (well, mend) for what, well, mend in made().diagnose()}
    assert "Role" in found[f"权限 get pods/log（命名空间 {NAMESPACE}）"][1]
    assert "ClusterRole" in found["权限 list nodes（整个集群）"][1]


def test_the_doctor_sees_a_cluster_without_cards_or_kueue_and_one_that_is_too_old(
    made: Engines, world: KubeWorld
) -> None:
    world.version, world.groups = "v1.20.2", ["batch"]
    found = {what: well for what, well, _ in made(queues="yes", partition_label="pool").diagnose()}
    assert (found["Kubernetes API v1.20.2"], found["Kueue"], found["加速卡资源"]) == (False, False, False)
    assert found["分区标签 pool"] is False

"""By hand, against a real control plane: HUISUAN_KUBE_ADMIN and HUISUAN_KUBE_AGENT name a kubeconfig each.

The administrator's is used to grant the agent what docs/for-centres.md says it needs, and no more, and to play two
nodes; the agent's is the engine's own (a user named agent). How far this was done: docs/for-centres.md.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from huisuan.compute.engines.interface import RunState
from huisuan.compute.engines.kubernetes import KubernetesEngine
from huisuan.testing.engine_conformance import Bench, EngineConformance
from support.kube_cluster import CARD

ADMIN, AGENT = os.environ.get("HUISUAN_KUBE_ADMIN", ""), os.environ.get("HUISUAN_KUBE_AGENT", "")
DOCS = Path(__file__).parents[3] / "docs" / "for-centres.md"
NAMESPACE = "huisuan"

pytestmark = pytest.mark.kube
if not (ADMIN and AGENT):
    pytest.skip("no real control plane is named (HUISUAN_KUBE_ADMIN, HUISUAN_KUBE_AGENT)", allow_module_level=True)


def grant() -> None:
    """Apply the documented roles, for a user named agent instead of the service account."""
    from kubernetes import client, config, utils
    from kubernetes.client.exceptions import ApiException

    settings = client.Configuration()
    loader: Any = config
    loader.load_kube_config(ADMIN, client_configuration=settings)
    api = client.ApiClient(settings)
    with contextlib.suppress(ApiException):
        client.CoreV1Api(api).create_namespace({"metadata": {"name": NAMESPACE}})
    (block,) = (
        text for text in re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.S) if "kind: ClusterRole" in text
    )
    for each in yaml.safe_load_all(block):
        if each["kind"].endswith("Binding"):
            each["subjects"] = [{"kind": "User", "name": "agent", "apiGroup": "rbac.authorization.k8s.io"}]
        with contextlib.suppress(utils.FailToCreateError):
            utils.create_from_dict(api, each)


class TestReal(EngineConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        from support.kube_node import PlayedNodes

        grant()
        folder = tmp_path_factory.mktemp("real")
        nodes = PlayedNodes(ADMIN, folder, 2)
        options = {"kubeconfig": AGENT, "namespace": NAMESPACE, "image": "played", "partition_label": "pool"}
        yield Bench(
            lambda: KubernetesEngine(folder / "jobs", options),
            {"local_card": CARD, "partition": "a100"},
            patience=90,
            waits={"cards": 64},
        )
        nodes.close()

    def test_a_gang_runs_on_two_nodes_and_is_metered_pod_by_pod(self, runs: Bench) -> None:
        gang = runs.job("gang", "sh", "-c", "sleep $((2 + HUISUAN_NODE_RANK))", nodes=2, cards=14)
        runs.engine().submit(gang)
        seen = runs.over("gang")
        assert seen.state is RunState.COMPLETED
        used = runs.used("gang")
        assert max(each.cards for each in used) == 14
        assert {node for each in used for node in each.nodes.split(",")} == {"played-1", "played-2"}

    def test_four_cards_and_eight_share_two_nodes(self, runs: Bench) -> None:
        jobs = [runs.job(f"share{cards}", "sleep", "2", cards=cards) for cards in (4, 8)]
        for job in jobs:
            runs.engine().submit(job)
        time.sleep(1)
        for job in jobs:
            assert (
                runs.over(next(label for label, each in runs.runs.items() if each is job)).state is RunState.COMPLETED
            )

    def test_a_name_that_is_taken_by_another_job_is_not_ours(self, runs: Bench, tmp_path: Path) -> None:
        runs.over("fails")
        other = KubernetesEngine(tmp_path, {"kubeconfig": AGENT, "namespace": NAMESPACE, "image": "played"})
        other.submit(runs.runs["fails"])
        assert other.observe([runs.runs["fails"].name])[runs.runs["fails"].name].exit_code == 3
        with pytest.raises(ValueError, match="已有名为"):
            KubernetesEngine(tmp_path / "b", other.cluster._options).submit(replace(runs.runs["fails"], cards=2))

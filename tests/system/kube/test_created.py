"""What is created in a cluster for a run, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.engines import load
from huisuan.compute.engines.interface import EngineError, JobSpec, RunState
from huisuan.compute.engines.kubernetes import KubernetesEngine
from huisuan.compute.engines.kubernetes.config import KubernetesSite, parse_kubernetes_site
from huisuan.compute.engines.kubernetes.manifest import job_manifests, literally
from support.kube_cluster import CARD, KubeWorld
from support.kube_jobs import GANG, JOB, UID, seen
from support.kube_operations import expanded

pytestmark = pytest.mark.kube
Engines = Callable[..., KubernetesEngine]


def container(job: JobSpec, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = job_manifests(job, KubernetesSite(image="img", **options))[-1][1]["spec"]["template"][
        "spec"
    ]["containers"][0]
    return made


def test_the_entry_point_offers_it(tmp_path: Path) -> None:
    assert isinstance(load("kubernetes", tmp_path), KubernetesEngine)


def test_a_job_begins_once_counts_its_limit_from_its_own_start_and_gets_no_token(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(JOB)
    spec = world.there("jobs", UID)["spec"]  # type: ignore[index]
    pod = spec["template"]["spec"]
    assert (spec["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    assert "activeDeadlineSeconds" not in spec  # that of a Job runs while it waits for cards
    assert pod["activeDeadlineSeconds"] == 600
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["resources"]["limits"] == {CARD: "4"}
    assert pod["tolerations"] == [{"key": CARD, "operator": "Exists"}]


@given(st.text(alphabet=st.sampled_from("$()aB_汉 \n{}`'\"\\"), max_size=40))
def test_whatever_a_user_writes_kubernetes_passes_on_unchanged(text: str) -> None:
    assert expanded(literally(text), {"a": "EXPANDED", "aB": "EXPANDED", "": "EXPANDED"}) == text


def test_words_and_environment_are_given_literally() -> None:
    made = container(replace(JOB, command=("echo", "$(HOME) $HOME"), environment={"A": "$(B)"}))
    assert made["command"] == ["echo", "$$(HOME) $$HOME"]
    assert {"name": "A", "value": "$$(B)"} in made["env"]


def test_a_gang_is_one_indexed_job_whose_pods_know_their_rank_and_the_first(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(GANG)
    spec = world.there("jobs", UID)["spec"]  # type: ignore[index]
    assert (spec["parallelism"], spec["completions"], spec["completionMode"]) == (2, 2, "Indexed")
    pod = spec["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {CARD: "8"}
    assert pod["subdomain"] == f"gang-{UID}"
    environment = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert environment["HUISUAN_HEAD"] == f"{UID}-0.gang-{UID}"
    assert (environment["HUISUAN_NODES"], environment["HUISUAN_CARDS_PER_NODE"]) == ("2", "8")
    # a Service's name begins with a letter (DNS-1035), a job's uid does not
    assert world.there("services", f"gang-{UID}")["spec"]["clusterIP"] == "None"  # type: ignore[index]


def test_a_script_is_a_file_that_no_shell_reads_first(engine: KubernetesEngine, world: KubeWorld) -> None:
    script = "#!/usr/bin/env python3\nprint('$(HOME)')\r\n"
    engine.submit(replace(JOB, command=(), script=script))
    assert world.there("configmaps", UID)["data"] == {"script": script}  # type: ignore[index]
    made = container(replace(JOB, command=(), script=script))
    assert (made["command"], made["volumeMounts"][0]["mountPath"]) == (["/huisuan/script"], "/huisuan")


def test_with_kueue_a_job_is_created_suspended_in_the_queue_of_its_partition(made: Engines, world: KubeWorld) -> None:
    engine = made(queues="yes")
    engine.submit(replace(JOB, partition="a100"))
    job = world.there("jobs", UID)
    assert job is not None
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "a100"
    assert job["spec"]["suspend"] is True
    assert (seen(engine).state, seen(engine).reason) == (RunState.QUEUED, "已挂起，等待 Kueue 准入")


def test_a_partition_chooses_nodes_by_the_label_that_the_centre_named() -> None:
    (_, job), *_ = job_manifests(replace(JOB, partition="a100"), KubernetesSite(image="img", partition_label="pool"))
    assert job["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "a100"}


def test_processors_and_memory_come_with_each_card() -> None:
    limits = container(JOB, cpu_per_card="500m", memory_per_card="64Gi")["resources"]["limits"]
    assert limits == {CARD: "4", "cpu": "2000m", "memory": "256Gi"}


def test_a_working_directory_is_a_folder_of_the_volume_that_the_agent_sees_too(tmp_path: Path) -> None:
    (tmp_path / "up" / "a").mkdir(parents=True)
    made = container(replace(JOB, workdir=tmp_path / "up" / "a"), workdir_claim="shared", workdir_root=tmp_path)
    assert made["volumeMounts"] == [{"name": "work", "mountPath": "/work", "subPath": "up/a"}]
    assert made["workingDir"] == "/work"


@pytest.mark.parametrize(
    ("change", "options", "why"),
    [
        ({"local_card": "nvidia.com/gpucores"}, {}, "一张卡的一部分"),
        ({"local_card": "nvidia.com/gpumem-percentage"}, {}, "一张卡的一部分"),
        ({"local_card": "nvidia.com/mig-1g.5gb"}, {}, "一张卡的一部分"),
        ({"local_card": "a100"}, {}, "不是 Kubernetes 的资源名"),
        ({"local_card": ""}, {}, "不是 Kubernetes 的资源名"),
        ({"nodes": 3}, {}, "不能均分"),
        ({}, {"image": ""}, "须指明容器镜像"),
        ({"workdir": Path("/tmp/x")}, {}, "不接收工作目录"),
        ({"workdir": Path("/etc")}, {"workdir_claim": "c", "workdir_root": Path("/srv")}, "不在引擎选项 workdir_root"),
        ({"script": "#!/bin/sh\n"}, {}, "不能都有"),
        ({"command": (), "script": "echo hi"}, {}, "第一行应是 #!"),
        ({"command": (), "script": "#!/bin/sh\n" + "x" * 900_000}, {}, "超过"),
        ({"command": ("a\0b",)}, {}, "NUL"),
        ({"uid": "../etc"}, {}, "作业名格式不对"),
        ({"uid": "A" * 26}, {}, "作业名格式不对"),
    ],
)
def test_what_can_never_run_is_refused_with_the_reason(
    change: dict[str, Any], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        job_manifests(replace(JOB, **change), KubernetesSite(**{"image": "img", **options}))


def test_cards_are_asked_for_as_the_nodes_spell_them(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(replace(JOB, local_card="huawei.com/ascend910b3"))  # the platform keeps names in small letters
    job = world.there("jobs", UID)
    assert job is not None
    limits = job["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"huawei.com/Ascend910B3": "4"}


def test_cards_that_no_node_offers_now_are_named_with_those_there_are(engine: KubernetesEngine) -> None:
    with pytest.raises(EngineError, match=r"提供 hygon\.com/dcu；现有：huawei\.com/Ascend910B3、nvidia\.com/gpu"):
        engine.submit(replace(JOB, local_card="hygon.com/dcu"))
    assert engine.observe([UID]) == {}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"kubeconfg": "x"}, "没有选项 kubeconfg"),
        ({"queues": "true"}, "应为 yes 或 no"),
        ({"workdir_claim": "x"}, "要么都设"),
        ({"cpu_per_card": "a lot"}, "不是 Kubernetes 的数量"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_kubernetes_site(options)

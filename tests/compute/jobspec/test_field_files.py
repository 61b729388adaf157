"""Job files as they come from the field: what sbatch, SkyPilot and Kubernetes users really write, and what it means.

Each was written after the situation of a public bug report; the right value is what the tool itself does with it.
"""

from __future__ import annotations

from typing import Any

import pytest

from huisuan.compute.accelerators import matching_models
from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.array_indices import parse_indices, ranges
from huisuan.compute.jobspec.core.parse_result import FileRefused
from huisuan.compute.placement.filters import filter_pool
from huisuan.compute.placement.messages import rejection_text
from huisuan.compute.placement.types import Needs, Pool, Rejection

FAMILY_910B = ["Ascend-910B2", "Ascend-910B3"]


def sbatch(*options: str) -> Any:
    lines = "".join(f"#SBATCH {option}\n" for option in options)
    return recognise.parse_job_file(f"#!/bin/bash\n{lines}python t.py\n", "x.sbatch").request


def refusal(text: str, name: str = "x.sbatch") -> str:
    with pytest.raises(FileRefused) as found:
        recognise.parse_job_file(text, name)
    return str(found.value)


def manifest(resources: str, pod: str = "") -> str:
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: ft}}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 600
  template:
    spec:
      restartPolicy: Never
{pod}      containers:
        - name: main
          image: reg/x:1
          command: [python, t.py]
          resources: {{limits: {{{resources}}}}}
"""


# --- cards and processor slots


def pool(model: str, cards: int = 8, nodes: int = 2, *, gang: bool = True) -> Pool:
    return Pool(
        centre="hf", city="340100", model=model, vendor="NVIDIA", memory_gib=80, tflops_fp16=Needs().min_tflops_fp16,
        fen_per_card_hour=100, bins=(0,) * cards + (nodes,), sizes=(0,) * cards + (nodes,),
        abilities=frozenset({"gang"} if gang else ()),
    )  # fmt: skip


@pytest.mark.parametrize("option", ["--gres=gpu:1", "--gpus=1", "--gpus-per-node=1", "--gpus-per-task=1"])
def test_a_job_that_asks_for_a_card_never_goes_to_a_processor_slot(option: str) -> None:
    request = sbatch(option)
    needs = Needs(cards=request.devices, takes_slots=request.cards is None)
    found = filter_pool(needs, pool("CPU-SLOT"))
    assert found is Rejection.MODEL
    assert "处理器槽不是加速卡" in rejection_text(found, needs, pool("CPU-SLOT"))
    assert filter_pool(needs, pool("T4")) is None


def test_a_job_that_asks_for_no_card_may_take_a_slot_and_one_that_names_it_gets_it() -> None:
    request = sbatch("-t 5")
    assert (request.cards, request.devices) == (None, 1)
    assert filter_pool(Needs(takes_slots=True), pool("CPU-SLOT")) is None
    assert filter_pool(Needs(cards=4, models=("CPU-SLOT",)), pool("CPU-SLOT")) is None
    assert filter_pool(Needs(takes_slots=True, models=("T4",)), pool("CPU-SLOT")) is not None


@pytest.mark.parametrize(("options", "nodes"), [(("-G 16",), 2), (("--ntasks=16", "--gpus-per-task=1"), 2)])
def test_cards_that_fill_several_nodes_are_told_how_many_to_write(options: tuple[str, ...], nodes: int) -> None:
    needs = Needs(cards=sbatch(*options).devices)
    assert filter_pool(needs, pool("A100-SXM4-80GB")) is Rejection.SIZE
    assert rejection_text(Rejection.SIZE, needs, pool("A100-SXM4-80GB")).endswith(f"请写 --nodes {nodes}")


def test_where_no_number_of_nodes_would_do_none_is_named() -> None:
    for cards, small in ((17, pool("T4")), (64, pool("T4")), (16, pool("T4", gang=False))):
        needs = Needs(cards=cards)
        assert filter_pool(needs, small) is Rejection.SIZE
        assert "--nodes" not in rejection_text(Rejection.SIZE, needs, small)


# --- sbatch


def test_a_limit_may_stand_behind_any_part_of_an_array() -> None:
    assert sbatch("--array=1-4%2,10-12").array == [1, 2, 3, 4, 10, 11, 12]
    assert sbatch("--array=[0-6:3,9%2]").array == [0, 3, 6, 9]
    assert "不是选项" not in refusal("#!/bin/sh\n#SBATCH --array=1-4%2x,5\n")


@pytest.mark.parametrize("indexed", [[], [3], [1, 2, 3, 4, 10, 11, 12], [0, 2, 4]])
def test_indices_are_shown_as_they_can_be_written(indexed: list[int]) -> None:
    assert not indexed or parse_indices(ranges(indexed)) == indexed


@pytest.mark.parametrize(
    "gres",
    [
        "gpu：2",
        "gpus:4",
        "GPU:4",
        "a100:4",
        "gpu_a100:4",
        "cuda:4",
        "gpu:４",
        "gpu:a100：4",
        "gpu:tesla:2",
        "foo",
        "license:1",
    ],
)
def test_a_generic_resource_that_is_no_card_is_refused(gres: str) -> None:
    assert "--gres" in refusal(f"#!/bin/bash\n#SBATCH --gres={gres}\npython x\n")


def test_beside_a_card_another_resource_is_noted() -> None:
    request = sbatch("--gres=gpu:2,craynetwork:1")
    assert request.cards == 2
    assert any("craynetwork" in note for note in request.notes)


@pytest.mark.parametrize("gres", ["none", "gpu:0"])
def test_no_card_may_be_written_out(gres: str) -> None:
    assert sbatch(f"--gres={gres}").cards is None


@pytest.mark.parametrize("time", ["00:00:00", "0", "0:0", "0-0", "UNLIMITED"])
def test_a_time_of_zero_is_no_limit(time: str) -> None:
    request = sbatch("--gres=gpu:1", f"--time={time}")
    assert request.time_limit_seconds == 30 * 86_400
    assert any("时限至多 30 天" in note for note in request.notes)


# --- one vocabulary of cards


@pytest.mark.parametrize("name", ["910B", "Ascend910B", "ascend-910b", "Huawei-Ascend910B"])
def test_a_family_of_cards_is_all_its_models_in_every_format(name: str) -> None:
    assert sorted(matching_models(name)) == FAMILY_910B
    sky = recognise.parse_job_file(f"resources: {{accelerators: {name}:8}}\nrun: x\n", "x.yaml").request
    own = recognise.parse_job_file(f"command: [x]\nmodels: [{name}]\n", "x.yaml").request
    assert sorted(sky.models) == sorted(own.models) == FAMILY_910B
    assert sorted(sbatch(f"--gres=npu:{name}:8").models) == FAMILY_910B


def test_a_family_ends_where_another_card_begins() -> None:
    for name in ("L40", "A1", "H2"):
        with pytest.raises(Exception, match="不在加速卡目录中"):
            matching_models(name)


@pytest.mark.parametrize(
    ("label", "models"),
    [
        ("module-910b-8", FAMILY_910B),
        ("card-910b-2", FAMILY_910B),
        ("module-a3-16", ["Ascend-910C"]),
        ("module", ["Ascend-910A"]),
    ],
)
def test_the_label_of_an_ascend_node_narrows_its_family(label: str, models: list[str]) -> None:
    text = manifest("huawei.com/Ascend910: 8", f"      nodeSelector: {{accelerator-type: {label}}}\n")
    assert sorted(recognise.parse_job_file(text, "x.yaml").request.models) == models


# --- Kubernetes


@pytest.mark.parametrize("resource", ["rdma/hca_shared_devices_a", "vpc.amazonaws.com/efa", "mellanox.com/cx6"])
def test_a_fast_network_beside_the_cards_is_noted(resource: str) -> None:
    request = recognise.parse_job_file(manifest(f"nvidia.com/gpu: 8, {resource}: 1"), "x.yaml").request
    assert request.cards == 8
    assert any(resource in note and "高速网络" in note for note in request.notes)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/usr/local/Ascend/driver", True),
        ("/etc/localtime", True),
        ("/dev/shm", True),
        ("/dev/davinci0", True),
        ("/usr/local/bin/npu-smi", True),
        ("/data", False),
        ("/usr/local/Ascend/../../../home/data", False),
        ("/dev/shm/dataset", False),
        ("/usr/local", False),
        ("", False),
    ],
)
def test_a_drivers_path_of_the_node_is_noted_and_data_refused(path: str, taken: bool) -> None:
    pod = f"      volumes: [{{name: v, hostPath: {{path: '{path}'}}}}]\n"
    text = manifest("huawei.com/Ascend910B3: 8", pod)
    if taken:
        request = recognise.parse_job_file(text, "x.yaml").request
        assert any("驱动与设备" in note for note in request.notes)
    else:
        assert "平台不挂载集群里的卷" in refusal(text, "x.yaml")


def task(name: str, replicas: int, command: str = "[python, t.py]", cards: int = 8) -> str:
    return f"""
    - name: {name}
      replicas: {replicas}
      template:
        spec:
          restartPolicy: Never
          containers:
            - {{name: m, image: i, command: {command}, resources: {{limits: {{huawei.com/Ascend910B3: {cards}}}}}}}
"""


def volcano(*tasks: str, more: str = "") -> str:
    beside = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rings}\ndata: {a: b}\n---\n"
    head = "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: x}\nspec:\n  minAvailable: 1\n"
    return f"{beside}{head}{more}  tasks:{''.join(tasks)}"


def test_all_pods_of_a_volcano_job_are_nodes_that_start_together() -> None:
    request = recognise.parse_job_file(volcano(task("a", 1), task("b", 3), more="  maxRetry: 2\n"), "x.yaml").request
    assert (request.cards, request.nodes, request.retries) == (32, 4, 2)
    assert request.command[-2:] == ["python", "t.py"]
    assert "VC_TASK_INDEX" in request.command[2]
    assert any("ConfigMap" in note for note in request.notes)


def test_tasks_that_run_different_things_are_told_how_to_become_one_command() -> None:
    for other in (task("b", 1, command="[other]"), task("b", 1, cards=4)):
        assert "HUISUAN_NODE_RANK" in refusal(volcano(task("a", 1), other), "x.yaml")


def pytorch(spec: str) -> str:
    return f"apiVersion: kubeflow.org/v1\nkind: PyTorchJob\nmetadata: {{name: ft}}\nspec:\n{spec}"


def replicas(name: str, count: int) -> str:
    container = "{name: pytorch, image: i, command: [python, t.py], resources: {limits: {nvidia.com/gpu: 8}}}"
    return (
        f"    {name}:\n      replicas: {count}\n      restartPolicy: OnFailure\n"
        f"      template:\n        spec:\n          containers:\n            - {container}\n"
    )


def test_the_master_and_the_workers_of_a_pytorch_job_are_nodes_of_one_gang() -> None:
    text = pytorch(f"  pytorchReplicaSpecs:\n{replicas('Master', 1)}{replicas('Worker', 3)}")
    request = recognise.parse_job_file(text, "x.yaml").request
    assert (request.cards, request.nodes, request.vendor, request.name) == (32, 4, "NVIDIA", "ft")
    assert "WORLD_SIZE=4" in request.command[2]
    assert 'MASTER_ADDR="${HUISUAN_HEAD' in request.command[2]


def test_a_pytorch_job_written_like_a_job_is_told_what_to_change() -> None:
    text = pytorch("  template:\n    spec:\n      containers: [{name: a, image: b, command: [c]}]\n")
    assert "第 5 行第 3 列：spec.template：这是 batch/v1 Job 的写法" in refusal(text, "x.yaml")


def test_workloads_of_roles_say_what_to_write_instead() -> None:
    assert "PyTorchJob" in refusal("apiVersion: kubeflow.org/v2beta1\nkind: MPIJob\nspec: {}\n", "x.yaml")


# --- SkyPilot


def test_accelerators_may_be_a_list_of_pairs() -> None:
    text = "resources:\n  accelerators:\n    - T4: 1\n    - A10: 1\nrun: python t.py\n"
    request = recognise.parse_job_file(text, "x.yaml").request
    assert (request.cards, request.models) == (1, ["T4", "A10"])


@pytest.mark.parametrize("head", ["name: p\n", "name: p\nexecution: serial\n"])
def test_a_pipeline_is_called_one(head: str) -> None:
    text = f"{head}---\nname: train\nresources: {{accelerators: A100:8}}\nrun: a\n---\nname: eval\nrun: b\n"
    assert "SkyPilot 的流水线（2 个任务）" in refusal(text, "x.yaml")

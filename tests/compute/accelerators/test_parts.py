"""Parts of cards: one vocabulary, and no reader of names takes a part for a card or for an unknown model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.accelerators.aliases import known_cards
from huisuan.compute.accelerators.names import Card, CardNames, Unmetered
from huisuan.compute.accelerators.parts import is_all_of_it, label_part, part_of
from huisuan.compute.accelerators.tres import allocated_cards
from huisuan.compute.engines.kubernetes.nodes import card_names
from huisuan.compute.engines.slurm.parsing import parse_gres as slurm_cards
from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.parse_result import FileRefused

A100, A800 = Card(1, "A100-SXM4-40GB", "NVIDIA"), Card(2, "A800-SXM4-80GB", "NVIDIA")
PARTS = [
    "1g.5gb", "a100_3g.20gb", "a100_7g.80gb", "nvidia_a100_1g.10gb", "mig-1g.10gb.me", "1c.3g.20gb", "1g.5gb+me",
    "nvidia.com/mig-1g.10gb", "nvidia.com/mig-2g.20gb.shared", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "mig", "4g.24gb",
    "shard", "mps", "gpucores", "nvidia.com/gpucores", "nvidia.com/gpumem-percentage", "nvidia.com/gpu.shared",
    "NVIDIA-A100-SXM4-40GB-SHARED", "A100-8C", "A100D-1-10C", "nvidia.com/GRID_T4-4Q", "vgpu", "volcano.sh/vgpu-number",
    "aliyun.com/gpu-mem", "tke.cloud.tencent.com/qgpu-core", "koordinator.sh/gpu-memory-ratio", "huawei.com/npu-core",
    "huawei.com/Ascend910-16c", "huawei.com/Ascend310P-4c.3cpu", "huawei.com/Ascend910A-memory", "vir04_3c", "vnpu",
    "cambricon.com/mlu590.smlu.vcore", "cambricon.com/mlu590.mim-2m.16gb", "hygon.com/vdcu", "enflame.com/vgcu",
    "enflame.com/shared-gcu", "baidu.com/cgpu_core", "metax-tech.com/sgpu",
]  # fmt: skip
WHOLE = [
    "gpu", "a100", "nvidia_a100-sxm4-80gb", "NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu", "huawei.com/Ascend910B3",
    "Ascend-910B", "ascend-910c", "910b3", "cambricon.com/mlu", "hygon.com/dcu", "metax-tech.com/gpu", "tesla_v100",
    "a100_80g", "80gb", "h20-96g", "rtx_4090", "nvidia_geforce_rtx_4090_24gb", "ascend", "shared", "",
]  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_card_is_known_as_one(name: str) -> None:
    assert part_of(name)
    assert part_of(name.upper())
    assert part_of(name.lower())


@pytest.mark.parametrize("name", [*WHOLE, *(card.model for card in known_cards())])
def test_a_whole_card_is_no_part(name: str) -> None:
    assert part_of(name) == ""
    assert part_of(name.lower()) == ""


@given(
    st.sampled_from([card.model for card in known_cards()]),
    st.sampled_from("-_."),
    st.sampled_from(["", "mig-", "MIG-"]),
    st.integers(1, 7),
    st.integers(1, 180),
)
def test_a_slice_of_any_card_is_a_part_whatever_the_spelling(
    model: str, join: str, mig: str, slices: int, gib: int
) -> None:
    name = f"{model}{join}{mig}{slices}g.{gib}gb"
    assert part_of(name).endswith(f"{slices}g.{gib}gb")
    with pytest.raises(Unmetered, match="部分卡") as refused:
        allocated_cards(f"cpu=1,gres/gpu:{name}=1,gres/gpu=1", "a100", CardNames([A100], {"a100": [A100]}))
    assert "centre add" not in str(refused.value)  # registering it as a model would bill it as a whole card


@pytest.mark.parametrize("local", ["1g.5gb", "a100_3g.20gb", "a100_7g.80gb", "nvidia_a100_1g.10gb", "a800-8c"])
def test_slices_are_told_as_parts_and_never_metered(local: str) -> None:
    here = CardNames([A100, A800], {"a100": [A100]})
    with pytest.raises(Unmetered, match=r"部分卡.*不要把它登记成一种型号"):
        allocated_cards(f"cpu=9,gres/gpu:{local}=2,gres/gpu=2", "a100", here)


def test_only_a_slice_that_is_all_of_a_card_may_be_registered_as_one() -> None:
    assert is_all_of_it("a100_7g.80gb")
    assert not is_all_of_it("3g.20gb")
    assert not is_all_of_it("1c.7g.80gb")
    here = CardNames([A100], {"a100": [A100]}, {"a100_7g.40gb": [A100], "1g.5gb": [A100]})
    assert allocated_cards("gres/gpu:a100_7g.40gb=2", "a100", here) == {A100: 2}
    with pytest.raises(Unmetered, match="部分卡"):
        allocated_cards("gres/gpu:1g.5gb=2", "a100", here)  # as registered by advice that was once given


@pytest.mark.parametrize("gres", ["gpu:a100_3g.20gb:1", "gpu:1g.5gb:1", "gpu:1g.5gb", "shard:4", "mps:50", "vgpu:1"])
@pytest.mark.parametrize("option", ["--gres", "--tres-per-task"])
def test_a_script_that_asks_for_a_part_is_told_so(gres: str, option: str) -> None:
    with pytest.raises(FileRefused, match="一张卡的一部分"):
        recognise.parse_job_file(f"#!/bin/bash\n#SBATCH {option}={gres}\npython t.py\n", "x.sbatch")


@pytest.mark.parametrize("asked", ["1g.5gb:1", "a100_3g.20gb"])
def test_gpus_of_a_slice_are_told_so(asked: str) -> None:
    with pytest.raises(FileRefused, match="MIG 切片"):
        recognise.parse_job_file(f"#!/bin/bash\n#SBATCH --gpus={asked}\npython t.py\n", "x.sbatch")


JOB = """apiVersion: batch/v1
kind: Job
metadata: {{name: ft}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
{pod}      containers:
        - name: main
          image: registry.example/ft:1
          command: [python, ft.py]
          resources: {{limits: {{{resource}: {count}}}}}
"""


def kubernetes(resource: str = "nvidia.com/gpu", pod: str = "", count: int = 8) -> str:
    return JOB.format(resource=resource, pod=pod, count=count)


@pytest.mark.parametrize("resource", [name for name in PARTS if "/" in name])
def test_a_resource_that_is_a_part_is_refused_as_a_part(resource: str) -> None:
    with pytest.raises(FileRefused, match="一张卡的一部分"):
        recognise.parse_job_file(kubernetes(resource), "x.yaml")
    assert card_names({resource: "4", "nvidia.com/gpu": "8"}) == ["nvidia.com/gpu"]


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-SHARED"),
        ("nvidia.com/mig.strategy", "single"),
        ("nvidia.com/mig.config", "all-1g.10gb"),
        ("nvidia.com/gpu.replicas", "4"),
        ("nvidia.com/gpu.sharing-strategy", "time-slicing"),
        ("cloud.google.com/gke-gpu-partition-size", "1g.5gb"),
    ],
)
def test_a_label_that_chooses_cut_cards_is_refused_and_no_whole_cards_given(label: str, value: str) -> None:
    with pytest.raises(FileRefused, match="一张卡的一部分"):
        recognise.parse_job_file(kubernetes(pod=f'      nodeSelector: {{{label}: "{value}"}}\n'), "x.yaml")


@pytest.mark.parametrize(
    ("label", "value"),
    [("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB"), ("nvidia.com/mig.capable", "true"),
     ("nvidia.com/mig.strategy", "none"), ("nvidia.com/gpu.replicas", "1")],
)  # fmt: skip
def test_a_label_of_whole_cards_stays_one(label: str, value: str) -> None:
    assert label_part(label, value) == ""
    assert (
        recognise.parse_job_file(
            kubernetes(pod=f'      nodeSelector: {{{label}: "{value}"}}\n'), "x.yaml"
        ).request.cards
        == 8
    )


@pytest.mark.parametrize("accelerators", ["A100-MIG-1g.5gb:1", "'A100:0.5'", "{A100: 0.25}", "A100-8C"])
def test_a_skypilot_task_that_asks_for_a_part_is_told_so(accelerators: str) -> None:
    with pytest.raises(FileRefused, match="一张卡的一部分"):
        recognise.parse_job_file(f"resources:\n  accelerators: {accelerators}\nrun: python t.py\n", "x.yaml")


def test_a_huisuan_file_that_names_a_part_as_a_model_is_told_so() -> None:
    with pytest.raises(FileRefused, match="一张卡的一部分"):
        recognise.parse_job_file("command: [python, t.py]\nmodels: [a100_3g.20gb]\n", "x.yaml")


def test_a_slurm_node_offers_its_whole_cards_only() -> None:
    assert slurm_cards("gpu:a100:4(S:0-1),gpu:a100_3g.20gb:2,gpu:1g.5gb:7,shard:a100:16,mps:400") == {
        ("gpu", "a100"): 4
    }

"""Which cards an AllocTRES allocates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.accelerators.names import Card, CardNames, Unmetered
from huisuan.compute.accelerators.tres import allocated_cards, requested_by_model

A40 = Card(1, "A100-SXM4-40GB", "NVIDIA")
A80 = Card(2, "A100-SXM4-80GB", "NVIDIA")
A800 = Card(3, "A800-SXM4-80GB", "NVIDIA")
H20 = Card(4, "H20", "NVIDIA")
H200 = Card(5, "H200-SXM5-141GB", "NVIDIA")
B2 = Card(6, "Ascend-910B2", "Huawei")
B3 = Card(7, "Ascend-910B3", "Huawei")
K100 = Card(8, "DCU-K100-AI", "Hygon")
CATALOGUE = [A40, A80, A800, H20, H200, B2, B3, K100]
HERE = CardNames(
    CATALOGUE,
    by_partition={"gpu": [A800], "npu": [B3], "mix": [H20, B3], "twins": [A800, H20]},
    local={"ascend": [B3], "shared": [A800, H20]},
    local_by_partition={("gpu", "shared"): [A800]},
)


@pytest.mark.parametrize(
    ("tres", "partition", "cards"),
    [
        ("gres/gpu:a800=8", "gpu", {A800: 8}),  # typed instead of the bare key
        ("cpu=4,gres/gpu:a800=8,gres/gpu=8,node=1", "gpu", {A800: 8}),  # beside it: not sixteen
        ("gres/gpu=2", "gpu", {A800: 2}),
        ("gres/npu:910b3=8", "npu", {B3: 8}),
        ("gres/npu=8", "mix", {B3: 8}),  # of two models only one is an NPU
        ("gres/gpu=8", "mix", {H20: 8}),
        ("gres/gpu:h20=2,gres/npu:910b3=4", "mix", {H20: 2, B3: 4}),
        ("gres/gpu:a800=2,gres/gpu=6", "twins", {A800: 2, H20: 4}),  # the rest of a pair is the other
        ("gres/dcu:k100=4", "x", {K100: 4}),
        ("gres/gpu:ascend=1", "x", {B3: 1}),  # the centre's own name
        ("gres/gpu:shared=1", "gpu", {A800: 1}),  # ... of this partition
        ("gres/gpu:nvidia_a800-sxm4-80gb=1", "x", {A800: 1}),
        ("gres/gpu:A800=1", "x", {A800: 1}),
        ("gres/gpu:h20=1", "x", {H20: 1}),  # not H200
        ("gres/gpu:h200=1", "x", {H200: 1}),
        ("gres/nvme=1,gres/craynetwork=1,cpu=3", "gpu", {}),
        ("gres/gpu:a800=0,gres/gpu=0", "gpu", {}),
        ("", "gpu", {}),
    ],
)
def test_cards_by_model(tres: str, partition: str, cards: dict[Card, int]) -> None:
    assert allocated_cards(tres, partition, HERE) == cards


@pytest.mark.parametrize(
    ("tres", "partition", "why"),
    [
        ("gres/gpu:a100=8", "x", "可指多种型号"),  # 40 or 80 GB
        ("gres/gpu:910b=8", "x", "未知加速卡"),
        ("gres/gpu:a80=8", "x", "未知加速卡"),  # part of a word is not a name
        ("gres/gpu:nvidia=8", "x", "未知加速卡"),
        ("gres/gpu=8", "twins", "未写型号"),
        ("gres/gpu=8", "elsewhere", "未写型号"),
        ("gres/gpu:a800=8,gres/gpu=4", "gpu", "矛盾"),
        ("gres/gpu=2.5", "gpu", "非负整数"),
        ("gres/gpu=-2", "gpu", "非负整数"),
        ("gres/gpu=1000001", "gpu", "超过"),
        ("gres/shard=1", "gpu", "部分卡"),
        ("gres/gpu=1,gres/mps=50", "gpu", "部分卡"),
    ],
)
def test_what_cannot_be_told_is_refused_and_says_why(tres: str, partition: str, why: str) -> None:
    with pytest.raises(Unmetered, match=why):
        allocated_cards(tres, partition, HERE)


def test_a_name_that_is_unclear_in_the_catalogue_is_clear_where_only_one_is_held() -> None:
    here = CardNames(CATALOGUE, by_partition={"gpu": [A80], "npu": [B3]})
    assert allocated_cards("gres/gpu:a100=2", "gpu", here) == {A80: 2}
    assert allocated_cards("gres/gpu=2", "unheard-of", CardNames(CATALOGUE, {"gpu": [A80]})) == {A80: 2}


@pytest.mark.parametrize(
    ("asked", "cards"),
    [("gres/gpu:a800=2", 2), ("gres/gpu=2", 2), ("cpu=1", None), ("", None), ("gres/gpu=x", None)],
)
def test_what_was_asked_for_is_kept_where_it_was_said(asked: str, cards: int | None) -> None:
    assert requested_by_model(asked, "gpu", {A800: 8}, HERE) == {A800: cards}


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans(), st.randoms())
def test_typed_and_bare_keys_never_count_a_card_twice(a800: int, h20: int, bare: bool, chance: object) -> None:
    items = [f"gres/gpu:a800={a800}", f"gres/gpu:h20={h20}", *([f"gres/gpu={a800 + h20}"] if bare else []), "cpu=3"]
    chance.shuffle(items)  # type: ignore[attr-defined]
    assert sum(allocated_cards(",".join(items), "twins", HERE).values()) == a800 + h20

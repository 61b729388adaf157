"""Adding centres, and what is wrong with a plan."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.compute.accelerators.registry import accelerator_by_name
from huisuan.compute.centres.commands import app
from huisuan.compute.centres.queries import centre_to_dict
from huisuan.compute.centres.services import CentrePlan, add_centre, parse_partition
from huisuan.compute.models import Centre, Partition
from support.usage_records import A800, H20, NPU, code, party

pytestmark = pytest.mark.django_db


def plan(*partitions: str, **fields: str | None) -> CentrePlan:
    whole = CentrePlan(name="中心", operator=party(99).uscc, region="340100", partitions=partitions)
    return replace(whole, **fields)  # type: ignore[arg-type]


def test_capacity_is_exact_decimal_text() -> None:
    row = centre_to_dict(add_centre("hf", plan(f"gpu={A800}:3x8:a800,A800X", f"npu={NPU}:1x8")))
    assert (row["cards"], row["capacity_p"]) == (32, "9.992")
    assert row["partitions"][0]["local_names"] == ["a800", "a800x"]


def test_run_again_it_adds_partitions_and_changes_those_that_stand() -> None:
    add_centre("hf", plan(f"gpu={A800}:3x8"))
    add_centre("hf", CentrePlan(partitions=(f"gpu={A800}:4x8", f"new={H20}:1x8"), name="新名"))
    assert list(Partition.objects.values_list("name", "nodes")) == [("gpu", 4), ("new", 1)]
    assert Centre.objects.get().name == "新名"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gpu", "写法不对"),
        ("gpu=H20:8", "写法不对"),
        ("gpu=H20:0x8", "节点数"),
        ("gpu=H20:-1x8", "节点数"),
        ("gpu=H20:1.5x8", "节点数"),
        ("gpu=H20:1x1025", "每节点卡数"),
        ("gpu=H20:1000001x8", "节点数"),
    ],
)
def test_a_partition_that_is_written_wrong_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        parse_partition(text)


def test_an_unknown_accelerator_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match="A800-SXM4-80GB"):
        accelerator_by_name("A800-PCIE")
    with pytest.raises(Refused, match="Ascend-910B3"):
        accelerator_by_name("910B")
    assert accelerator_by_name("h20").model == H20


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"operator": None}, "--operator"),
        ({"operator": "123"}, "没有统一社会信用代码"),
        ({"region": "999999"}, "行政区划"),
        ({"timezone": "Hefei"}, "时区"),
        ({"engine": "cron"}, "--engine"),
        ({"partitions": ()}, "--partition"),
    ],
)
def test_a_plan_that_is_wrong_leaves_nothing_behind(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        add_centre("hf", plan(f"gpu={A800}:1x8", **wrong))
    assert not Centre.objects.exists()
    assert not Partition.objects.exists()


def test_a_code_that_is_no_code_and_another_operator_are_refused() -> None:
    with pytest.raises(Refused, match="中心代码"):
        add_centre("合肥", plan(f"gpu={A800}:1x8"))
    add_centre("hf", plan(f"gpu={A800}:1x8"))
    with pytest.raises(Refused, match="运营方"):
        add_centre("hf", plan(operator=party(1).uscc))


def test_the_command_line_adds_lists_and_shows() -> None:
    party(99)
    words = ["add", "hf", "--name", "合肥中心", "--operator", code(99), "--region", "合肥市"]
    told = CliRunner().invoke(
        app, [*words, "--partition", f"gpu={A800}:2x8", "--partition", f"npu={NPU}:1x8", "--json"]
    )
    assert told.exit_code == 0
    assert json.loads(told.stdout)["cards"] == 24
    (row,) = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert (row["code"], row["operator"], row["region"]) == ("hf", code(99), "340100")
    assert "7.496" in CliRunner().invoke(app, ["show", "hf"]).stdout

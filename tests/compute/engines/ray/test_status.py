"""What Ray's answers and the launcher's record mean: runs, nodes, cards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from huisuan.compute.engines.interface import JobSpec, RunState
from huisuan.compute.engines.ray.config import RAY_FAMILIES, parse_ray_site
from huisuan.compute.engines.ray.status import (
    RunFacts,
    camel_case,
    entrypoint_resources,
    launcher_lines,
    observe_run,
    ray_nodes,
    usage_of_run,
)

ASKED = {"cards": 2, "local_card": "A100", "shared": True, "posted": True}
UID = "01m8558jnns7cryxk3r3r51yjp"
KNOWN = RunFacts(UID, ASKED)
COMMAND = "JOB_ENTRYPOINT_COMMAND_ERROR"
BEGAN = {"started_at": 1_700_000_000}


def ray(status: str, **more: Any) -> dict[str, Any]:
    # start_time is when it was submitted: ten minutes before it began
    times = {"start_time": 1_699_999_400_000, "end_time": None if status == "RUNNING" else 1_700_000_099_001}
    return {"submission_id": UID, "status": status, "message": "", "error_type": None, **times, **more}


def failed(fault: str, message: str = "why", **more: Any) -> dict[str, Any]:
    return ray("FAILED", error_type=fault, message=message, **more)


@pytest.mark.parametrize(
    ("known", "state", "metered"),
    [
        (replace(KNOWN, ray=ray("PENDING")), RunState.QUEUED, None),
        (replace(KNOWN, ray=ray("RUNNING")), RunState.STARTING, None),
        (replace(KNOWN, ray=ray("RUNNING"), claimed=True), RunState.RUNNING, None),  # it waits at its gate
        (replace(KNOWN, ray=ray("RUNNING"), claimed=True, began=BEGAN), RunState.RUNNING, ()),
        (replace(KNOWN, ray=ray("STOPPED")), RunState.CANCELLED, None),
        (replace(KNOWN, ray=ray("STOPPED"), began=BEGAN), RunState.CANCELLED, 100),
        (
            replace(KNOWN, ray=failed("JOB_ENTRYPOINT_COMMAND_ERROR", driver_exit_code=-9), began=BEGAN),
            RunState.FAILED,
            100,
        ),
        (replace(KNOWN, ray=failed("JOB_ENTRYPOINT_COMMAND_ERROR", driver_exit_code=127)), RunState.FAILED, None),
        (replace(KNOWN, ray=failed("JOB_SUPERVISOR_ACTOR_START_TIMEOUT")), RunState.EXPIRED, None),
        (replace(KNOWN, ray=failed("RUNTIME_ENV_SETUP_FAILURE")), RunState.FAILED, None),
        (replace(KNOWN, ray=failed("JOB_SUPERVISOR_ACTOR_DIED"), began=BEGAN), RunState.LOST, None),
        (KNOWN, RunState.EXPIRED, None),  # the head forgot it before it began
        (replace(KNOWN, claimed=True, began=BEGAN), RunState.LOST, None),
        (replace(KNOWN, asked={**ASKED, "shared": False}), RunState.LOST, None),
        (replace(KNOWN, asked={**ASKED, "posted": False}), RunState.STARTING, None),
        (replace(KNOWN, asked={**ASKED, "posted": False}, cancelled="x"), RunState.CANCELLED, None),
    ],
)
def test_a_run_stands_as_ray_and_the_launcher_together_say(
    known: RunFacts, state: RunState, metered: int | tuple[()] | None
) -> None:
    seen = observe_run(known)
    used = usage_of_run(known, seen, "node")
    assert seen.state is state
    if metered is None:
        assert used == ()
    else:
        (only,) = used
        length = only.ended_at and int((only.ended_at - only.started_at).total_seconds())
        assert length == (metered or None)


def test_the_launchers_record_comes_before_anything_ray_says() -> None:
    record = {"state": "completed", "started_at": 1_700_000_000, "ended_at": 1_700_000_007, "exit_code": 0, "node": "n"}
    known = replace(KNOWN, ray=ray("RUNNING"), record=record)
    seen = observe_run(known)
    assert (seen.state, seen.exit_code) == (RunState.COMPLETED, 0)
    (used,) = usage_of_run(known, seen, "")
    assert ((used.ended_at - used.started_at).total_seconds(), used.nodes) == (7, "n")  # type: ignore[operator]


def test_marks_are_those_with_the_word_wherever_they_stand() -> None:
    output = b'noise\nhuisuan-run bad {"a": 1}\nhuisuan-run word {"a": 2}\nx huisuan-run word {"a": 3}\n\xff\n'
    assert launcher_lines(output, "word") == [{"a": 2}]


def node(name: str, state: str = "ALIVE", **resources: float) -> dict[str, Any]:
    return {"node_id": name, "node_name": name, "node_ip": "10.0.0.1", "state": state, "resources_total": resources}


NODES = [
    node("head", CPU=8.0),
    node("a", **{"GPU": 8.0, "accelerator_type:A100": 1.0}),
    node("b", **{"NPU": 16.0, "accelerator_type:Ascend910B": 1.0}),
    node("c", neuron_cores=2.0),
    node("gone", "DEAD", GPU=8.0),
]


def test_nodes_show_their_cards_by_type_and_what_is_in_use() -> None:
    used = {"a": {"GPU": [2.5, 8.0]}, "c": {"neuronCores": [1.0, 2.0]}}
    jobs = [{"status": "RUNNING", "driver_node_id": "b", "metadata": {"huisuan_cards": "4"}}]
    found = ray_nodes(NODES, used, jobs, RAY_FAMILIES, "ray")
    assert [(each.name, each.partition, each.local_card, each.cards, each.used) for each in found] == [
        ("a", "ray", "A100", 8, 3),
        ("b", "ray", "Ascend910B", 16, 4),  # Ray tells it seconds later
        ("c", "ray", "neuron_cores", 2, 1),
    ]
    assert camel_case("accelerator_type:A100") == "acceleratorType:A100"


@pytest.mark.parametrize(
    ("card", "cards", "asked"),
    [
        ("A100", 8, {"entrypoint_num_gpus": 8, "entrypoint_resources": {"accelerator_type:A100": 0.001}}),
        ("a100", 8, {"entrypoint_num_gpus": 8, "entrypoint_resources": {"accelerator_type:A100": 0.001}}),
        ("GPU", 1, {"entrypoint_num_gpus": 1}),
        ("ascend910b", 1, {"entrypoint_resources": {"NPU": 1, "accelerator_type:Ascend910B": 0.001}}),
        ("Ascend910B", 16, {"entrypoint_resources": {"NPU": 16, "accelerator_type:Ascend910B": 0.001}}),
        ("NPU", 2, {"entrypoint_resources": {"NPU": 2}}),
        ("neuron_cores", 2, {"entrypoint_resources": {"neuron_cores": 2}}),
    ],
)
def test_cards_are_asked_for_as_ray_wants_them(card: str, cards: int, asked: dict[str, Any]) -> None:
    assert entrypoint_resources(JobSpec(UID, ("true",), cards=cards, local_card=card), NODES, RAY_FAMILIES) == asked


def test_cards_that_no_living_node_has_are_refused() -> None:
    with pytest.raises(ValueError, match="9 张 A100"):
        entrypoint_resources(JobSpec(UID, ("true",), cards=9, local_card="A100"), NODES, RAY_FAMILIES)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"adress": "x"}, "没有选项 adress"),
        ({"address": "10.0.0.1:8265"}, "http://"),
        ({"shared": "maybe"}, "yes 或 no"),
        ({"grace_seconds": "0"}, "1 至 3600"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_ray_site(options)

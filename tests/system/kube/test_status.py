"""How a run stands and what it held, from what a Job and its pods say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.engines.interface import Observation, RunState
from huisuan.compute.engines.kubernetes import KubernetesEngine
from huisuan.compute.engines.kubernetes.status import PodSeen, stretches
from support.kube_cluster import CARD, T0, KubeWorld
from support.kube_jobs import GANG, JOB, UID, card_seconds, seen

pytestmark = pytest.mark.kube
Engines = Callable[..., KubernetesEngine]


def test_a_job_that_waits_says_why_in_the_schedulers_words(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    short = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    world.pod(
        UID, conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": short}]
    )
    assert (seen(engine).state, seen(engine).reason) == (RunState.QUEUED, short)


def test_an_image_that_cannot_be_pulled_is_named(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    waiting = {"name": "job", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    world.pod(UID, node="n1", containerStatuses=[waiting])
    assert seen(engine).reason == "ImagePullBackOff：no such image"
    assert engine.usage([UID]) == {UID: ()}


def test_a_gang_whose_pods_begin_and_end_apart_is_metered_pod_by_pod(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(GANG)
    first, second = world.pod(UID, 0, node="n1"), world.pod(UID, 1, node="n2")
    world.starts(first, T0)
    assert [each.ended_at for each in engine.usage([UID])[UID]] == [None]
    world.starts(second, T0 + 5)
    world.ends(first, T0, T0 + 100)
    world.ends(second, T0 + 5, T0 + 130)
    world.says(UID, "Complete")
    assert card_seconds(engine) == 8 * 100 + 8 * 125
    used = engine.usage([UID])[UID]
    assert [(each.nodes, each.cards, each.restart) for each in used] == [("n1", 8, 0), ("n1,n2", 16, 1), ("n2", 8, 2)]
    assert [each.state for each in used] == [RunState.RUNNING, RunState.RUNNING, RunState.COMPLETED]
    assert int(seen(engine).ended_at.timestamp()) == T0 + 130  # type: ignore[union-attr]


pods = st.builds(
    lambda number, start, length, cards, runs: PodSeen(
        f"p{number}", f"u{number}", UID, number, f"n{number % 3}", cards, T0 + start,
        ended_at=None if runs else T0 + start + length, over=not runs,
    ),
    st.integers(0, 9), st.integers(0, 50), st.integers(1, 50), st.integers(1, 8), st.booleans(),
)  # fmt: skip


@given(st.lists(pods, max_size=6))
def test_the_card_seconds_of_the_stretches_are_those_of_the_pods(found: list[PodSeen]) -> None:
    until = T0 + 200
    used = stretches(Observation(UID, RunState.RUNNING), found, CARD)
    told = [
        (int(each.started_at.timestamp()), int(each.ended_at.timestamp()) if each.ended_at else until) for each in used
    ]
    assert all(before[1] <= after[0] for before, after in pairwise(told))
    held = sum(each.cards * (end - start) for each, (start, end) in zip(used, told, strict=True))
    assert held == sum(pod.cards * ((pod.ended_at or until) - (pod.started_at or 0)) for pod in found)
    assert [each.restart for each in used] == list(range(len(used)))


def test_the_exit_code_of_a_gang_is_that_of_the_pod_that_failed_first(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(GANG)
    first, second = world.pod(UID, 0, node="n1"), world.pod(UID, 1, node="n2")
    world.ends(second, T0, T0 + 10, 42)
    world.ends(first, T0, T0 + 12, 143)  # ended for the other's sake
    world.logs[first], world.logs[second] = b"rank 0 waits\n", b"early\n" * 300 + b"rank 1: no such data\n"
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, seen(engine).exit_code) == (RunState.FAILED, 42)
    output = engine.logs(UID, 0, 100_000).decode()
    assert output.startswith("rank 0 waits\n")
    assert output.endswith("rank 1: no such data\n")
    assert output.count("early") == 199  # its last 200 lines


def test_a_run_killed_for_its_memory_says_so(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    world.ends(world.pod(UID, node="n1"), T0, T0 + 10, 137, reason="OOMKilled")
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert seen(engine).reason.startswith("内存超出限制")


def test_a_run_over_its_limit_is_a_timeout(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    world.ends(world.pod(UID, node="n1"), T0, T0 + 600, 143, why="DeadlineExceeded")
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, seen(engine).reason) == (RunState.TIMEOUT, "超过时限 600 秒")
    assert card_seconds(engine) == 4 * 600


def test_a_container_that_could_not_be_started_is_not_metered_from_1970(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(JOB)
    world.ends(world.pod(UID, node="n1"), 0, T0 + 3, 128, reason="StartError")
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, seen(engine).started_at, engine.usage([UID])) == (RunState.FAILED, None, {UID: ()})


def test_a_run_shorter_than_a_second_counts_one_second(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    world.ends(world.pod(UID, node="n1"), T0, T0)
    world.says(UID, "Complete")
    assert card_seconds(engine) == 4


def test_a_run_whose_node_died_is_lost_and_not_metered(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    assert seen(engine).state is RunState.RUNNING
    world.patch("pods", pod, {"status": {"phase": "Failed", "reason": "NodeLost"}})
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, engine.usage([UID])) == (RunState.LOST, {UID: ()})


def test_a_pod_that_was_seen_running_and_vanished_has_no_end(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    seen(engine)
    world.vanishes("pods", pod)
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, engine.usage([UID])) == (RunState.LOST, {UID: ()})


def test_an_evicted_pod_whose_status_forgot_that_it_ran_has_no_end(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    assert seen(engine).state is RunState.RUNNING
    world.patch("pods", pod, {"status": {"phase": "Failed", "reason": "Evicted", "containerStatuses": []}})
    world.says(UID, "Failed", "BackoffLimitExceeded")
    assert (seen(engine).state, engine.usage([UID])) == (RunState.LOST, {UID: ()})
    assert seen(engine).reason.startswith("被节点驱逐")


def test_a_cancelled_run_whose_pod_vanished_is_lost(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    seen(engine)
    engine.cancel(UID, "用户取消")
    world.vanishes("pods", pod)  # someone took our finalizer off
    assert (seen(engine).state, engine.usage([UID])) == (RunState.LOST, {UID: ()})


def test_what_has_ended_stays_as_it_was_whatever_happens_in_the_cluster(made: Engines, world: KubeWorld) -> None:
    engine = made()
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.logs[pod] = b"\xff\x00 binary output\n"
    world.ends(pod, T0, T0 + 10)
    world.says(UID, "Complete")
    before, used = seen(engine), engine.usage([UID])
    world.vanishes("jobs", UID)
    world.vanishes("pods", pod)
    asked = len(world.asked("GET"))
    assert (seen(made()), made().usage([UID])) == (before, used)
    assert made().logs(UID, 1, 8) == b"\x00 binary"
    assert len(world.asked("GET")) == asked  # what is over needs no question


def test_many_runs_are_two_questions(engine: KubernetesEngine, world: KubeWorld) -> None:
    jobs = [replace(JOB, run=number) for number in range(20)]
    for job in jobs:
        engine.submit(job)
    before = len(world.asked("GET"))
    assert len(engine.observe([job.name for job in jobs])) == 20
    assert len(world.asked("GET")) - before == 2

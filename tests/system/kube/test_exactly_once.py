"""Once and never twice, and nothing lost: names that are taken, jobs cancelled, taken away, forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from huisuan.compute.engines.interface import EngineError, RunState
from huisuan.compute.engines.kubernetes import KubernetesEngine
from huisuan.compute.engines.kubernetes.manifest import KEEP
from support.kube_cluster import NAMESPACE, T0, KubeWorld
from support.kube_jobs import GANG, JOB, UID, card_seconds, seen

pytestmark = pytest.mark.kube
Engines = Callable[..., KubernetesEngine]


def test_a_job_that_is_there_by_its_name_is_found_by_an_agent_that_lost_its_notes(
    engine: KubernetesEngine, world: KubeWorld, tmp_path: Path
) -> None:
    engine.submit(JOB)
    other = KubernetesEngine(
        tmp_path / "anew", {"kubeconfig": str(world.kubeconfig), "namespace": NAMESPACE, "image": "ubuntu:24.04"}
    )
    other.submit(JOB)
    assert seen(other).state is RunState.QUEUED
    assert world.asked("DELETE") == []


def test_another_job_of_that_name_is_not_taken_for_ours_and_not_touched(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    world.put("jobs", UID, {"metadata": {"labels": {}}, "spec": {}})
    with pytest.raises(ValueError, match="已有名为"):
        engine.submit(replace(JOB, command=(), script="#!/bin/sh\n"))
    assert world.there("jobs", UID) is not None
    assert world.there("configmaps", UID) is None
    assert engine.observe([UID]) == {}


def test_a_job_that_someone_deletes_is_lost_and_not_begun_anew(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    world.vanishes("jobs", UID)
    assert seen(engine).state is RunState.LOST
    engine.submit(JOB)
    assert world.there("jobs", UID) is None


def test_a_job_cancelled_before_it_was_created_is_not_created(engine: KubernetesEngine, world: KubeWorld) -> None:
    world.refuse("POST", "jobs", 503)
    with pytest.raises(EngineError):
        engine.submit(JOB)
    world.refuse("POST", "jobs", 0)
    assert seen(engine).state is RunState.STARTING
    engine.cancel(UID, "用户取消")
    engine.submit(JOB)
    assert world.there("jobs", UID) is None
    assert (seen(engine).state, seen(engine).reason, engine.usage([UID])) == (RunState.CANCELLED, "用户取消", {UID: ()})


def test_what_the_server_calls_invalid_can_never_run_and_leaves_nothing_behind(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    world.refuse("POST", "jobs", 422)
    with pytest.raises(ValueError, match="不接受"):
        engine.submit(replace(JOB, command=(), script="#!/bin/sh\n"))
    assert world.there("configmaps", UID) is None
    assert engine.observe([UID]) == {}


def test_a_cancelled_run_is_held_until_its_end_is_written_down(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    pod = world.pod(UID, node="n1")
    world.patch("pods", pod, {"metadata": {"finalizers": [KEEP, "someone/else"]}})
    world.starts(pod, T0)
    engine.cancel(UID, "用户取消")
    world.collect(pod)
    assert (seen(engine).state, seen(engine).reason) == (RunState.RUNNING, "正在取消")
    assert world.there("pods", pod)["metadata"]["finalizers"] == [KEEP, "someone/else"]  # type: ignore[index]
    world.logs[pod] = b"last words\n"
    world.ends(pod, T0, T0 + 30, 143)
    assert (seen(engine).state, seen(engine).reason, seen(engine).exit_code) == (RunState.CANCELLED, "用户取消", 143)
    assert world.there("pods", pod)["metadata"]["finalizers"] == ["someone/else"]  # type: ignore[index]
    assert card_seconds(engine) == 4 * 30
    assert engine.logs(UID, 0, 100) == b"last words\n"


def test_a_run_that_was_over_keeps_its_end_when_it_is_cancelled(engine: KubernetesEngine, world: KubeWorld) -> None:
    engine.submit(JOB)
    world.ends(world.pod(UID, node="n1"), T0, T0 + 10)
    world.says(UID, "Complete")
    engine.cancel(UID, "too late")
    assert seen(engine).state is RunState.COMPLETED
    assert world.there("jobs", UID) is not None


def test_a_run_that_kueue_took_away_and_began_again_is_metered_for_both_times(made: Engines, world: KubeWorld) -> None:
    engine = made(queues="yes")
    engine.submit(replace(JOB, partition="q"))
    world.suspend(UID, False)
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    seen(engine)
    world.suspend(UID, True)
    world.collect(pod)
    world.ends(pod, T0, T0 + 50, 143)
    assert seen(engine).state is RunState.QUEUED
    assert world.there("pods", pod) is None  # written down, and let go
    world.suspend(UID, False)
    again = world.pod(UID, node="n2", number=1)
    world.ends(again, T0 + 100, T0 + 160)
    world.says(UID, "Complete")
    assert seen(engine).state is RunState.COMPLETED
    assert [(each.nodes, each.restart) for each in engine.usage([UID])[UID]] == [("n1", 0), ("n2", 1)]
    assert card_seconds(engine) == 4 * 50 + 4 * 60


def test_forgetting_takes_everything_away_but_never_a_run_that_goes_on(
    engine: KubernetesEngine, world: KubeWorld
) -> None:
    engine.submit(replace(GANG, command=(), script="#!/bin/sh\n"))
    pod = world.pod(UID, node="n1")
    world.starts(pod, T0)
    engine.forget(UID)
    assert world.there("jobs", UID) is not None
    world.ends(pod, T0, T0 + 10)
    world.says(UID, "Complete")
    engine.forget(UID)
    assert [world.all(plural) for plural in ("jobs", "services", "configmaps")] == [{}, {}, {}]
    assert world.there("pods", pod)["metadata"]["finalizers"] == []  # type: ignore[index]
    assert engine.observe([UID]) == {}

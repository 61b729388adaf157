"""A head that forgets, refuses, gives up: no run begins twice, and none is told to have ended that may still begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from huisuan.compute.engines.interface import EngineError, JobSpec, Observation, RunState
from huisuan.compute.engines.ray import RayEngine
from huisuan.compute.engines.ray.launcher import REFUSED, main

UID = "01m8558jnns7cryxk3r3r51yjp"
JOB = JobSpec(UID, ("touch", "ran"), cards=2, local_card="GPU")


class Head:
    """Ray's answers, as the test wants them."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.posts = 0
        self.refuses = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/v0/nodes":
            nodes = [
                {"node_id": "n", "node_name": "n", "node_ip": "", "state": "ALIVE", "resources_total": {"GPU": 8.0}}
            ]
            return httpx.Response(200, json={"data": {"result": {"result": nodes}}})
        if path == "/api/jobs/" and request.method == "POST":
            self.posts += 1
            asked = json.loads(request.content)
            if self.refuses:
                return httpx.Response(self.refuses, text="Traceback\nValueError: no")
            if asked["submission_id"] in self.jobs:
                return httpx.Response(400, text="ValueError: already exists")
            self.jobs[asked["submission_id"]] = {**asked, "status": "PENDING", "message": "", "error_type": None}
            return httpx.Response(200, json={})
        if path == "/api/jobs/":
            return httpx.Response(200, json=list(self.jobs.values()))
        job = self.jobs.get(path.split("/")[3])
        return httpx.Response(200, json=job) if job else httpx.Response(404, text="no such job")


@pytest.fixture
def head() -> Head:
    return Head()


@pytest.fixture
def engine(head: Head, tmp_path: Path) -> RayEngine:
    made = RayEngine(tmp_path, {"shared": "yes", "address": "http://head:8265"})
    made.ray._client = httpx.Client(base_url="http://head:8265", transport=httpx.MockTransport(head.answer))
    return made


def seen(engine: RayEngine) -> Observation:
    return engine.observe([UID])[UID]


def test_a_run_that_the_head_forgot_before_it_began_can_be_placed_anew_and_never_begins(
    engine: RayEngine, head: Head
) -> None:
    engine.submit(JOB)
    assert seen(engine).state is RunState.QUEUED
    head.jobs.clear()
    assert seen(engine).state is RunState.EXPIRED
    assert main(engine.notes.place(UID)) == REFUSED  # its launcher, should it come after all
    engine.submit(JOB)
    assert head.posts == 1


def test_a_run_that_the_head_forgot_after_its_launcher_came_is_lost(engine: RayEngine, head: Head) -> None:
    engine.submit(JOB)
    (engine.notes.place(UID) / "runner.json").write_text("{}")
    head.jobs.clear()
    assert (seen(engine).state, engine.usage([UID])) == (RunState.LOST, {UID: ()})


def test_a_run_that_waited_too_long_for_ray_can_be_placed_anew(engine: RayEngine, head: Head) -> None:
    engine.submit(JOB)
    head.jobs[UID] |= {"status": "FAILED", "error_type": "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"}
    assert seen(engine).state is RunState.EXPIRED
    assert main(engine.notes.place(UID)) == REFUSED


def test_a_run_that_is_cancelled_while_it_waits_is_over_at_once_and_never_begins(engine: RayEngine, head: Head) -> None:
    engine.submit(JOB)
    engine.cancel(UID, "用户取消")
    assert (seen(engine).state, seen(engine).reason) == (RunState.CANCELLED, "用户取消")
    assert main(engine.notes.place(UID)) == REFUSED


def test_a_run_that_is_cancelled_before_ray_took_it_is_not_submitted(engine: RayEngine, head: Head) -> None:
    head.refuses = 500
    with pytest.raises(EngineError, match="ValueError: no"):
        engine.submit(JOB)
    engine.cancel(UID, "用户取消")
    head.refuses = 0
    engine.submit(JOB)
    assert (head.jobs, seen(engine).state) == ({}, RunState.CANCELLED)


def test_an_answer_that_was_lost_is_found_by_the_name(engine: RayEngine, head: Head, tmp_path: Path) -> None:
    engine.submit(JOB)
    engine.notes.write(UID, "asked.json", {**engine.notes.read(UID, "asked.json"), "posted": False})
    engine.submit(JOB)
    assert (head.posts, len(head.jobs), seen(engine).state) == (2, 1, RunState.QUEUED)


def test_what_ray_calls_invalid_can_never_run(engine: RayEngine, head: Head) -> None:
    head.refuses = 400
    with pytest.raises(ValueError, match="Ray 不接受"):
        engine.submit(JOB)
    assert engine.observe([UID]) == {}

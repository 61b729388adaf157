"""The agent's durable state: a run is adopted once, a request number is used once, the file is private."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.site_agent.state import AgentState

UID = "01m8558jnns7cryxk3r3r51yjp"
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[AgentState]:
    state = AgentState(tmp_path / "memory.sqlite3")
    state.assign_new_name()
    state.adopt_run(UID, 1, 0)
    yield state
    state.close()


def test_a_run_adopted_twice_is_one_and_one_that_was_closed_is_reported_again(state: AgentState) -> None:
    state.adopt_run(UID, 1, 0)
    state.adopt_run(UID, 2, 1, verdict="lost", reason="why")
    assert [(run.name, run.lease, run.verdict) for run in state.open_runs()] == [(UID, 1, ""), (f"{UID}-1", 2, "lost")]
    state.record_acknowledged([(UID, 1, "digest", True)])
    state.close_run(UID, 1, 1000)
    assert state.find_adopted([(UID, 1), (UID, 2), (UID, 3)]) == {(UID, 1): False, (UID, 2): True}
    state.adopt_run(UID, 1, 0)
    (again, _) = state.open_runs()
    assert (again.acknowledged, again.over) == ("", 0)


def test_request_numbers_are_never_used_twice_though_the_process_dies(state: AgentState, tmp_path: Path) -> None:
    first = state.next_numbers(1000)
    other = AgentState(tmp_path / "memory.sqlite3")
    second = other.next_numbers(1000)
    other.close()
    assert (first[0], second[0]) == (1, 1001)


def test_the_file_is_its_owners_alone(state: AgentState, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "memory.sqlite3").stat().st_mode) == 0o600
    assert state.is_intact()

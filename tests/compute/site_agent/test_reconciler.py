"""Folders of ended runs: how long they stay, and that none goes of which the platform lacks something."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.engines.interface import JobSpec, run_name
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.site_agent.config import JOBS, STATE_FILE, Config, load_config, write_config
from huisuan.compute.site_agent.files.kept import KeptOutputs, Quota
from huisuan.compute.site_agent.reconciler import DAY, Reconciler
from huisuan.compute.site_agent.state import AgentState
from huisuan.compute.site_agent.workdirs import DRAFT_SECONDS, WorkdirStore
from support.jobs import eventually

CLOSED, OPEN, UNKNOWN, OTHER_LEASE = (f"01m8558jnns7cryxk3r3r51yj{sign}" for sign in "pqrs")
NOW = 1_790_000_000


class Desk:
    """An agent's folder in which runs ended, with a folder each in `jobs` and `work`."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self.folder = folder
        self.state = AgentState(folder / STATE_FILE)
        self.engine = LocalEngine(folder / JOBS, {"slots": "9"})
        self.workdirs = WorkdirStore(folder)
        self.reconciler = Reconciler(
            self.engine, self.state, self.workdirs, folder / "lease", lambda text: None,
            kept=KeptOutputs(folder, Quota()), keep_days=keep_days,
        )  # fmt: skip

    def run(self, uid: str) -> None:
        """Have a real run end."""
        name = run_name(uid, 1)
        self.workdirs.unpacked.joinpath(name, "locked").mkdir(parents=True)
        self.workdirs.unpacked.joinpath(name, "locked", "x").write_text("x")
        self.workdirs.unpacked.joinpath(name, "locked").chmod(0)  # by the job
        self.engine.submit(
            JobSpec(uid=uid, run=1, command=("true",), script="", image="", cards=1, nodes=1, model="", partition="",
                    local_card="", time_limit_seconds=60, environment={}, workdir=None, lease_file=None)
        )  # fmt: skip
        eventually(lambda: self.engine.observe([name])[name].state.final)

    @property
    def left(self) -> set[str]:
        """The runs of which there are folders, by uid."""
        places = (self.folder / JOBS, self.workdirs.unpacked)
        there = {path.name.split("-")[0] for place in places for path in place.iterdir()}
        return there - {".trash"}  # what a thread removes: there or gone by now


@pytest.fixture
def desk(tmp_path: Path) -> Callable[[int], Desk]:
    def made(keep_days: int) -> Desk:
        desk = Desk(tmp_path, keep_days)
        for uid in (CLOSED, OPEN, UNKNOWN, OTHER_LEASE):
            desk.run(uid)
        for uid in (CLOSED, OPEN, OTHER_LEASE):
            desk.state.adopt_run(uid, 1, 1)
        desk.state.adopt_run(OTHER_LEASE, 2, 1)  # the same run under a later lease, of which something is unsent
        for uid in (CLOSED, OTHER_LEASE):
            desk.state.close_run(uid, 1, NOW)
        return desk

    return made


def test_what_is_left_of_a_closed_run_goes_and_nothing_of_one_with_anything_unsent(
    desk: Callable[[int], Desk],
) -> None:
    agent = desk(0)
    assert agent.reconciler.remove_closed(agent.folder / JOBS, NOW + 399 * DAY) == [run_name(CLOSED, 1)]
    assert agent.left == {OPEN, UNKNOWN, OTHER_LEASE}


def test_a_closed_run_stays_as_long_as_the_setting_says(desk: Callable[[int], Desk]) -> None:
    agent = desk(7)
    assert agent.reconciler.remove_closed(agent.folder / JOBS, NOW + 7 * DAY - 1) == []
    assert agent.reconciler.remove_closed(agent.folder / JOBS, NOW + 7 * DAY) == [run_name(CLOSED, 1)]
    for keep_days, left in ((7, {OPEN}), (0, set())):  # closing one
        agent.reconciler.keep_days = keep_days
        agent.state.adopt_run(OPEN, 1, 1)
        agent.state.batch_queue.append(OPEN, 1, [], last=True)
        agent.state.record_acknowledged([(OPEN, 1, "", True)])
        agent.reconciler.close_finished(NOW)
        assert agent.left & {OPEN} == left


def test_a_half_unpacked_folder_goes_after_a_day(desk: Callable[[int], Desk]) -> None:
    agent = desk(0)
    draft = agent.workdirs.unpacked / f".{run_name(OPEN, 1)}"
    draft.mkdir()
    agent.reconciler.remove_closed(agent.folder / JOBS, time.time())
    assert draft.exists()
    agent.reconciler.remove_closed(agent.folder / JOBS, time.time() + DRAFT_SECONDS + 60)
    assert not draft.exists()


def test_the_keeping_time_is_read_from_agent_toml_and_bounded(tmp_path: Path) -> None:
    path = write_config(tmp_path, Config(url="http://x", engine="local", keep_days=7))
    assert load_config(tmp_path).keep_days == 7
    for wrong in ("-1", "366", "1.5", "true", '"7"'):
        path.write_text(path.read_text().replace("keep_days = 7", f"keep_days = {wrong}"))
        with pytest.raises(Refused, match="keep_days"):
            load_config(tmp_path)
        path.write_text(path.read_text().replace(f"keep_days = {wrong}", "keep_days = 7"))

"""The local engine with real processes: what runs, what is measured, what survives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from jobworld import eventually

from huisuan.compute.engines import JobSpec, RunState, installed, load
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.engines.runner import whole_seconds

UID = "01m8558jnns7cryxk3r3r51yjp"
OTHER = "01m8558jnns7cryxk3r3r51yjq"


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = LocalEngine(tmp_path / "jobs", grace_seconds=0.2)
    yield made
    made.end_all("test over", 5)


def spec(*command: str, uid: str = UID, cards: int = 1, limit: int = 60, **environment: str) -> JobSpec:
    return JobSpec(uid, command, cards, limit, environment)


def over(engine: LocalEngine, uid: str = UID) -> Any:
    return eventually(lambda: (seen := engine.observe(uid)) and seen.state.final and seen)


def running(engine: LocalEngine, uid: str = UID) -> int:
    """The pid of the job's own process, once it runs."""
    eventually(lambda: engine.observe(uid).state is RunState.RUNNING)
    return json.loads((engine.folder / uid / "started.json").read_text())["pid"]


def runner_pid(engine: LocalEngine) -> int:
    return json.loads((engine.folder / UID / "runner.json").read_text())["pid"]


def abandoned(engine: LocalEngine, *command: str) -> None:
    """A job as an engine leaves it that is killed after writing it down and before starting its runner."""
    engine.submit(spec("true", uid=OTHER))
    over(engine, OTHER)
    job = json.loads((engine.folder / OTHER / "job.json").read_text())
    (engine.folder / UID).mkdir()
    (engine.folder / UID / "job.json").write_text(json.dumps({**job, "uid": UID, "command": command}))


def test_a_job_runs_in_its_own_folder_with_its_cards_and_without_our_environment(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_TOKEN", "hs_secret")
    engine.submit(
        spec("sh", "-c", "pwd; echo $HUISUAN_JOB_UID $HUISUAN_CARDS $GREETING; env", cards=2, GREETING="你好")
    )
    assert over(engine).state is RunState.COMPLETED
    lines = engine.logs(UID, 0, 10_000).decode().splitlines()
    assert lines[:2] == [str(engine.folder / UID / "work"), f"{UID} 0,1 你好"]
    assert not any("hs_secret" in line for line in lines)


def test_stdout_and_stderr_are_one_log_read_from_any_offset(engine: LocalEngine) -> None:
    engine.submit(spec("sh", "-c", "echo one; echo two >&2"))
    over(engine)
    assert engine.logs(UID, 0, 100) == b"one\ntwo\n"
    assert engine.logs(UID, 4, 3) == b"two"
    assert engine.logs(UID, 99, 3) == b""


def test_words_reach_the_program_as_they_are_and_no_shell_sees_them(engine: LocalEngine) -> None:
    words = ["$HOME", "; echo hacked", "a b", "*", "'\""]
    engine.submit(spec(sys.executable, "-c", "import sys; print(sys.argv[1:])", *words))
    over(engine)
    assert engine.logs(UID, 0, 1000).decode().strip() == repr(words)


def test_a_failing_job_keeps_its_exit_code_and_is_metered(engine: LocalEngine) -> None:
    engine.submit(spec("sh", "-c", "exit 3"))
    assert (over(engine).state, over(engine).exit_code) == (RunState.FAILED, 3)
    assert engine.usage(UID)[0].exit_code == 3


def test_a_program_that_is_not_there_fails_with_a_reason_and_uses_nothing(engine: LocalEngine) -> None:
    engine.submit(spec("no-such-program"))
    seen = over(engine)
    assert (seen.state, seen.exit_code, seen.reason) == (RunState.FAILED, 127, "中心没有程序 no-such-program")
    assert engine.usage(UID) == ()
    assert "中心没有程序" in engine.logs(UID, 0, 1000).decode()


def test_a_run_shorter_than_a_second_counts_one_second(engine: LocalEngine) -> None:
    engine.submit(spec("true"))
    over(engine)
    (used,) = engine.usage(UID)
    assert used.ended_at - used.started_at == timedelta(seconds=1)
    assert 0 < used.elapsed_ns < 10**9


@pytest.mark.parametrize(
    ("started", "elapsed", "counted"),
    [(10_900_000_000, 200_000_000, (10, 11)), (10_000_000_000, 10**9, (10, 11)), (10_999_999_999, 10**9 + 1, (10, 12))],
)
def test_seconds_are_those_elapsed_rounded_up_wherever_the_clock_stood(
    started: int, elapsed: int, counted: tuple[int, int]
) -> None:
    assert whole_seconds(started, elapsed) == counted


def test_processor_time_and_peak_memory_are_the_jobs_own(engine: LocalEngine) -> None:
    work = "x = bytearray(80_000_000)\ns = 0\nfor i in range(2_000_000): s += i"
    engine.submit(spec(sys.executable, "-c", work))
    over(engine)
    (used,) = engine.usage(UID)
    assert used.peak_memory_bytes > 80_000_000
    assert 10_000 < used.processor_us < used.elapsed_ns // 1000 * (os.cpu_count() or 1) + 50_000


def test_a_job_over_its_time_limit_is_ended_and_says_so(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "60", limit=1))
    seen = over(engine)
    assert (seen.state, seen.exit_code, seen.reason) == (RunState.TIMEOUT, 143, "超过时限 1 秒")


def test_a_job_that_ignores_the_request_to_end_is_killed_after_the_grace(engine: LocalEngine) -> None:
    engine.submit(spec("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"))
    eventually(lambda: engine.logs(UID, 0, 100) == b"ready\n")
    engine.cancel(UID, "用户取消")
    seen = over(engine)
    assert (seen.state, seen.exit_code, seen.reason) == (RunState.CANCELLED, 137, "用户取消")
    assert engine.usage(UID)[0].state is RunState.CANCELLED


def test_a_job_cancelled_before_its_runner_looked_never_begins(engine: LocalEngine, tmp_path: Path) -> None:
    abandoned(engine, "touch", str(tmp_path / "ran"))
    engine.cancel(UID, "用户取消")
    seen = over(LocalEngine(engine.folder))
    assert (seen.state, seen.reason, seen.started_at) == (RunState.CANCELLED, "用户取消", None)
    assert not (tmp_path / "ran").exists()
    assert engine.usage(UID) == ()


def test_cancelling_again_or_after_the_end_changes_nothing(engine: LocalEngine) -> None:
    engine.submit(spec("true"))
    before = over(engine)
    engine.cancel(UID)
    engine.cancel(UID)
    assert engine.observe(UID) == before
    engine.cancel("0" * 26)
    assert engine.observe("0" * 26) is None


def test_submitting_twice_runs_once(engine: LocalEngine, tmp_path: Path) -> None:
    job = spec("sh", "-c", f"echo x >> {tmp_path}/count")
    engine.submit(job)
    engine.submit(job)
    over(engine)
    LocalEngine(engine.folder).submit(job)
    assert (tmp_path / "count").read_text() == "x\n"


def test_what_a_job_leaves_in_the_background_ends_with_it(engine: LocalEngine) -> None:
    engine.submit(spec("sh", "-c", "setsid sleep 600 & echo $!"))
    over(engine)
    pid = int(engine.logs(UID, 0, 100))
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_jobs_at_the_same_time_hold_different_cards_and_give_them_back(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "60", cards=2))
    engine.submit(spec("sleep", "60", uid=OTHER, cards=1))
    held = [json.loads((engine.folder / uid / "job.json").read_text())["slots"] for uid in (UID, OTHER)]
    assert held == [[0, 1], [2]]
    engine.cancel(UID)
    over(engine)
    engine.submit(spec("true", uid="01m8558jnns7cryxk3r3r51yjr", cards=1))
    assert json.loads((engine.folder / "01m8558jnns7cryxk3r3r51yjr" / "job.json").read_text())["slots"] == [0]


def test_a_new_engine_finds_the_running_job_of_the_one_before(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "60"))
    running(engine)
    successor = LocalEngine(engine.folder)
    assert successor.observe(UID).state is RunState.RUNNING
    successor.cancel(UID, "接手后取消")
    assert over(successor).reason == "接手后取消"


def test_an_engine_killed_before_its_runner_began_has_the_job_run_by_its_successor(engine: LocalEngine) -> None:
    abandoned(engine, "echo", "late")
    assert over(LocalEngine(engine.folder)).state is RunState.COMPLETED
    assert engine.logs(UID, 0, 100) == b"late\n"


def test_a_job_whose_runner_is_killed_is_lost_unmetered_and_leaves_nothing_running(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600"))
    pid = running(engine)
    os.kill(runner_pid(engine), signal.SIGKILL)
    seen = over(engine)
    assert (seen.state, engine.usage(UID)) == (RunState.LOST, ())
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_second_runner_of_a_job_makes_way(engine: LocalEngine, tmp_path: Path) -> None:
    import subprocess

    engine.submit(spec("sh", "-c", f"echo x >> {tmp_path}/count; sleep 60"))
    running(engine)
    command = [sys.executable, "-m", "huisuan.compute.engines.runner", str(engine.folder / UID)]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0
    assert (tmp_path / "count").read_text() == "x\n"


def test_ending_everything_leaves_no_process_and_a_reason(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600"))
    pid = running(engine)
    assert engine.end_all("平台停止时结束", 10) == 1
    assert engine.observe(UID).reason == "平台停止时结束"
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("uid", ["../../etc", "", "A" * 26, "x" * 33])
def test_a_uid_that_is_no_plain_name_is_refused(engine: LocalEngine, uid: str) -> None:
    with pytest.raises(ValueError, match="作业号格式不对"):
        engine.submit(spec("true", uid=uid))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run jobs as another user")
def test_jobs_run_as_another_user_where_root_names_one(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_JOB_USER", "nobody")
    for folder in engine.folder.parents:
        if folder != Path("/") and folder.owner() == "root" and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    engine.submit(spec("id", "-un"))
    over(engine)
    assert engine.logs(UID, 0, 100).decode().strip() == "nobody"


def test_the_engine_is_found_by_its_entry_point(tmp_path: Path) -> None:
    assert "local" in installed()
    assert isinstance(load("local", tmp_path), LocalEngine)
    with pytest.raises(LookupError, match=r"已安装：.*local"):
        load("abacus", tmp_path)

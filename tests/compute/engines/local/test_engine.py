"""The local engine with real processes: what runs, what is measured, what survives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from huisuan.compute.engines import installed, load
from huisuan.compute.engines.common.runner import whole_seconds
from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import (
    ABILITIES,
    OPTIONAL_ABILITIES,
    JobSpec,
    NodeSeen,
    Observation,
    RunState,
    RunUsage,
)
from huisuan.compute.engines.local import LocalEngine
from support.jobs import eventually

UID = "01m8558jnns7cryxk3r3r51yjp"
OTHER = "01m8558jnns7cryxk3r3r51yjq"
QUICK = {"grace_seconds": "0.2", "slots": "4"}


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = LocalEngine(tmp_path / "jobs", QUICK)
    yield made
    made.end_all("test over", 5)


def spec(
    *command: str, uid: str = UID, cards: int = 1, limit: int = 60, lease: Path | None = None, **environment: str
) -> JobSpec:
    return JobSpec(
        uid=uid, command=command, cards=cards, time_limit_seconds=limit, environment=environment, lease_file=lease
    )


def look(engine: LocalEngine, name: str = UID) -> Observation:
    return engine.observe([name])[name]


def used(engine: LocalEngine, name: str = UID) -> tuple[RunUsage, ...]:
    return engine.usage([name]).get(name, ())


def over(engine: LocalEngine, name: str = UID) -> Observation:
    return eventually(lambda: (seen := look(engine, name)).state.final and seen)


def running(engine: LocalEngine, uid: str = UID) -> int:
    """The pid of the job's own process, once it runs."""
    eventually(lambda: look(engine, uid).started_at)
    return json.loads((engine.folder / uid / "started.json").read_text())["pid"]


def runner_pid(engine: LocalEngine) -> int:
    return json.loads((engine.folder / UID / "runner.json").read_text())["pid"]


def abandoned(engine: LocalEngine, *command: str) -> None:
    """A job as an engine leaves it that is killed after writing it down and before starting its runner."""
    engine.submit(spec("true", uid=OTHER))
    over(engine, OTHER)
    job = json.loads((engine.folder / OTHER / "job.json").read_text())
    (engine.folder / UID).mkdir()
    (engine.folder / UID / "job.json").write_text(json.dumps({**job, "uid": UID, "name": UID, "command": command}))


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
    assert used(engine)[0].exit_code == 3


def test_a_program_that_is_not_there_fails_with_a_reason_and_uses_nothing(engine: LocalEngine) -> None:
    engine.submit(spec("no-such-program"))
    seen = over(engine)
    assert (seen.state, seen.exit_code, seen.reason) == (RunState.FAILED, 127, "中心没有程序 no-such-program")
    assert used(engine) == ()
    assert "中心没有程序" in engine.logs(UID, 0, 1000).decode()


def test_a_run_shorter_than_a_second_counts_one_second(engine: LocalEngine) -> None:
    engine.submit(spec("true"))
    over(engine)
    (held,) = used(engine)
    assert held.ended_at - held.started_at == timedelta(seconds=1)
    assert 0 < held.measured["elapsed_ns"] < 10**9


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
    (held,) = used(engine)
    assert held.measured["peak_memory_bytes"] > 80_000_000
    assert 10_000 < held.measured["processor_us"] < held.measured["elapsed_ns"] // 1000 * (os.cpu_count() or 1) + 50_000


@pytest.mark.slow
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
    assert used(engine)[0].state is RunState.CANCELLED


def test_a_job_cancelled_before_its_runner_looked_never_begins(engine: LocalEngine, tmp_path: Path) -> None:
    abandoned(engine, "touch", str(tmp_path / "ran"))
    engine.cancel(UID, "用户取消")
    seen = over(LocalEngine(engine.folder, QUICK))
    assert (seen.state, seen.reason, seen.started_at) == (RunState.CANCELLED, "用户取消", None)
    assert not (tmp_path / "ran").exists()
    assert used(engine) == ()


def test_cancelling_again_or_after_the_end_changes_nothing(engine: LocalEngine) -> None:
    engine.submit(spec("true"))
    before = over(engine)
    engine.cancel(UID)
    engine.cancel(UID)
    assert look(engine) == before
    engine.cancel("0" * 26)
    assert engine.observe(["0" * 26]) == {}


def test_submitting_twice_runs_once(engine: LocalEngine, tmp_path: Path) -> None:
    job = spec("sh", "-c", f"echo x >> {tmp_path}/count")
    engine.submit(job)
    engine.submit(job)
    over(engine)
    LocalEngine(engine.folder, QUICK).submit(job)
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
    successor = LocalEngine(engine.folder, QUICK)
    assert look(successor).state is RunState.RUNNING
    successor.cancel(UID, "接手后取消")
    assert over(successor).reason == "接手后取消"


def test_an_engine_killed_before_its_runner_began_has_the_job_run_by_its_successor(engine: LocalEngine) -> None:
    abandoned(engine, "echo", "late")
    assert over(LocalEngine(engine.folder, QUICK)).state is RunState.COMPLETED
    assert engine.logs(UID, 0, 100) == b"late\n"


def test_a_job_whose_runner_is_killed_is_lost_unmetered_and_leaves_nothing_running(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600"))
    pid = running(engine)
    os.kill(runner_pid(engine), signal.SIGKILL)
    seen = over(engine)
    assert (seen.state, used(engine)) == (RunState.LOST, ())
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_second_runner_of_a_job_makes_way(engine: LocalEngine, tmp_path: Path) -> None:
    import subprocess

    engine.submit(spec("sh", "-c", f"echo x >> {tmp_path}/count; sleep 60"))
    running(engine)
    command = [sys.executable, "-m", "huisuan.compute.engines.common.runner", str(engine.folder / UID)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert (tmp_path / "count").read_text() == "x\n"


def test_ending_everything_leaves_no_process_and_a_reason(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600"))
    pid = running(engine)
    assert engine.end_all("平台停止时结束", 10) == 1
    assert look(engine).reason == "平台停止时结束"
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


# --- the gate, scripts, working directories, what it can and cannot do


@pytest.fixture
def lease(tmp_path: Path) -> Path:
    """A lease of a minute, with its gates shut."""
    made = tmp_path / "lease"
    made.write_text(str(int(time.time()) + 60))
    gate_of(made, UID).parent.mkdir()
    return made


def at_the_gate(engine: LocalEngine) -> None:
    eventually(lambda: look(engine).state is RunState.RUNNING)


def test_a_run_waits_at_its_gate_as_running_and_begins_when_it_opens(engine: LocalEngine, lease: Path) -> None:
    engine.submit(spec("echo", "in", lease=lease))
    at_the_gate(engine)
    assert (look(engine).started_at, used(engine), engine.logs(UID, 0, 10)) == (None, (), b"")
    gate_of(lease, UID).touch()
    assert over(engine).state is RunState.COMPLETED
    assert engine.logs(UID, 0, 10) == b"in\n"


def test_a_run_whose_lease_is_over_never_begins_and_holds_nothing(engine: LocalEngine, lease: Path) -> None:
    lease.write_text("1000")
    engine.submit(spec("echo", "in", lease=lease))
    assert (over(engine).state, used(engine), engine.logs(UID, 0, 10)) == (RunState.EXPIRED, (), b"")


def test_a_run_cancelled_at_its_gate_never_begins(engine: LocalEngine, lease: Path) -> None:
    engine.submit(spec("echo", "in", lease=lease))
    at_the_gate(engine)
    engine.cancel(UID, "用户取消")
    gate_of(lease, UID).touch()
    assert (over(engine).state, engine.logs(UID, 0, 10)) == (RunState.CANCELLED, b"")


def test_a_runner_killed_at_the_gate_is_known_never_to_have_begun(engine: LocalEngine, lease: Path) -> None:
    engine.submit(spec("echo", "in", lease=lease))
    at_the_gate(engine)
    os.kill(runner_pid(engine), signal.SIGKILL)
    assert over(engine).state is RunState.EXPIRED


def test_a_script_runs_as_a_file_whatever_it_contains(engine: LocalEngine) -> None:
    engine.submit(JobSpec(UID, script="#!/bin/sh\necho '$(id)' \"$0\"\n"))
    assert over(engine).state is RunState.COMPLETED
    assert engine.logs(UID, 0, 1000).decode() == f"$(id) {engine.folder / UID / 'script'}\n"


@pytest.mark.parametrize(
    ("script", "reason"),
    [("#!/no/such\n", "脚本首行 '#!/no/such' 指的程序中心没有"), ("echo hi\n", "脚本无法启动（首行 'echo hi'）")],
)
def test_a_script_that_nothing_can_run_fails_and_says_so(engine: LocalEngine, script: str, reason: str) -> None:
    engine.submit(JobSpec(UID, script=script))
    assert over(engine).reason.startswith(reason)


def test_a_job_starts_in_its_working_directory(engine: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "data").write_text("here\n")
    engine.submit(JobSpec(UID, ("cat", "data"), workdir=tmp_path / "brought"))
    over(engine)
    assert engine.logs(UID, 0, 100) == b"here\n"


def test_the_second_run_of_a_job_is_another_than_the_first(engine: LocalEngine) -> None:
    for run in (0, 1):
        engine.submit(JobSpec(UID, ("sh", "-c", "echo $HUISUAN_RUN"), run=run))
    assert over(engine, f"{UID}-1").name == f"{UID}-1"
    over(engine)
    assert (engine.logs(UID, 0, 9), engine.logs(f"{UID}-1", 0, 9)) == (b"0\n", b"1\n")


def test_use_is_told_while_a_job_runs_and_once_more_at_its_end(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600", cards=2))
    running(engine)
    (held,) = used(engine)
    assert (held.ended_at, held.state, held.cards, held.local_card) == (None, RunState.RUNNING, 2, "CPU-SLOT")
    engine.cancel(UID)
    over(engine)
    (done,) = used(engine)
    assert done.started_at == held.started_at
    assert done.ended_at is not None
    assert json.loads(done.raw)["exit_code"] == done.exit_code == 143


def test_the_machine_shows_its_slots_and_those_in_use(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600", cards=3))
    assert list(engine.capacity()) == [NodeSeen(os.uname().nodename, "", "CPU-SLOT", 4, 3)]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (JobSpec(UID, ("x",), cards=2, nodes=2), "要 2 个节点，本机引擎只有一台机器"),
        (JobSpec(UID, ("x",), image="cuda:12"), "本机引擎不启动容器"),
        (JobSpec(UID, ("x",), cards=5), "要 5 个处理器槽位，本机只有 4 个"),
        (JobSpec(UID), "应有命令或脚本之一"),
    ],
)
def test_what_can_never_run_here_is_refused_with_the_reason(engine: LocalEngine, job: JobSpec, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        engine.submit(job)
    assert engine.observe([job.name]) == {}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"slotz": "1"}, "没有选项 slotz；可用的有：slots"), ({"slots": "x"}, "应为整数"), ({"slots": "0"}, "超出范围")],
)
def test_an_option_that_it_does_not_know_is_refused(tmp_path: Path, options: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        LocalEngine(tmp_path / "jobs", options)


def test_a_run_that_is_over_can_be_forgotten_and_a_running_one_not(engine: LocalEngine) -> None:
    engine.submit(spec("sleep", "600"))
    running(engine)
    engine.forget(UID)
    assert look(engine).state is RunState.RUNNING
    engine.cancel(UID)
    over(engine)
    engine.forget(UID)
    assert not (engine.folder / UID).exists()


def test_it_says_what_it_can_do_and_how_its_folder_is(engine: LocalEngine) -> None:
    assert set(engine.abilities()) == {*ABILITIES, *OPTIONAL_ABILITIES}
    assert all(well for _, well, _ in engine.diagnose())

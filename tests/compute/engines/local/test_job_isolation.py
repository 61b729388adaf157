"""What a job of the local engine can reach of its neighbours and of the platform, tried by jobs that really try."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huisuan.compute.engines.interface import JobSpec
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.engines.local.unix_user import RANGE, own_numbers
from support.jobs import eventually

VICTIM, THIEF = "01m8558jnns7cryxk3r3r51yjp", "01m8558jnns7cryxk3r3r51yjq"
SECRET = "a-secret-that-nobody-may-see"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run jobs as others")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home as `huisuan up` keeps it as root, with secrets of the platform and of the agent."""
    place = Path(tempfile.mkdtemp(prefix="hs-iso-"))
    place.chmod(0o711)
    (place / "agent").mkdir(mode=0o711)
    for name in ("platform-key", "secret-key", "instance.json", "agent/key.pem", "agent/memory.sqlite"):
        (place / name).write_text(SECRET)
        (place / name).chmod(0o600)
    monkeypatch.setenv(RANGE, "200000-200063")
    monkeypatch.setenv("HUISUAN_SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x:{SECRET}@127.0.0.1/x")
    yield place
    shutil.rmtree(place)


def output(engine: LocalEngine, name: str) -> str:
    eventually(lambda: engine.observe([name])[name].state.final)
    return engine.logs(name, 0, 100_000).decode()


def test_a_job_reads_neither_its_neighbours_nor_the_platforms_secrets(home: Path) -> None:
    engine = LocalEngine(home / "agent" / "jobs", {"slots": "2", "grace_seconds": "0.2"})
    mine = f"umask 000; echo {SECRET} > result; echo {SECRET}; id -u; while [ ! -e go ]; do sleep 0.05; done"
    engine.submit(JobSpec(uid=VICTIM, script=f"#!/bin/sh\n{mine}\n", environment={"TOKEN": SECRET}))
    eventually(lambda: SECRET in engine.logs(VICTIM, 0, 1000).decode())
    run = engine.folder / VICTIM
    eventually((run / "started.json").exists)  # the runner writes it beside the program that it began
    pid = json.loads((run / "started.json").read_text())["pid"]
    tries = " ".join(
        f"{run}/{name}" for name in ("job.json", "script", "output.log", "started.json", "work/result", "runner.log")
    )
    keys = " ".join(str(path) for path in home.rglob("*") if path.is_file() and "jobs" not in path.parts)
    steal = (
        f"id -u; id -G; ls {engine.folder} {run} {run}/work {home}; cat {tries} {keys}; "
        "cat /proc/[0-9]*/environ; for p in /proc/[0-9]*; do ls $p/fd $p/cwd/; done; "
        f"kill -9 {pid}; echo x > {run}/cancel; env; echo over"
    )
    try:
        engine.submit(JobSpec(uid=THIEF, command=("sh", "-c", f"({steal}) 2>/dev/null")))
        stolen = output(engine, THIEF)
        assert "over" in stolen
        assert SECRET not in stolen
        number = int(stolen.split()[0])
        assert stolen.split()[1] == str(number)  # in no other group
        assert number in (own_numbers() or ())
        assert "job.json" not in stolen
        assert not engine.observe([VICTIM])[VICTIM].state.final  # it could not be ended either
    finally:
        (run / "work" / "go").touch()
    told = output(engine, VICTIM).split()
    assert told[0] == SECRET  # the agent reads the output of both
    assert int(told[1]) not in (0, number)
    assert engine.observe([VICTIM])[VICTIM].exit_code == 0


@pytest.mark.parametrize("wrong", ["0-10", "5", "3000-2000", "60000-70000", "x-y"])
def test_a_range_that_is_none_or_belongs_to_somebody_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RANGE, wrong)
    with pytest.raises(ValueError, match=RANGE):
        own_numbers()

"""Runs one job on a Ray node: the local engine's runner, with what Ray needs besides. `python3 launcher.pyz FOLDER`

Ray's own times say when a job was submitted, not when it began, and are gone with the head: what is metered is the
runner's record. With a folder that agent and nodes share, the record is a file there; without one, the job and its
directory came in a package, and the record is two marked lines among the job's output, which Ray keeps. The marks carry
a word that only the launcher knows by then, so that a program cannot write them.

Standard library only, and no more of Huisuan than the runner and the gate: `packing` puts these files into one.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huisuan.compute.engines.common import runner

LAUNCHER_MARK = "huisuan-run"
TAR, REFUSED = "work.tar", 98
PASSED = ("LD_LIBRARY_PATH", "CUDA_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_OPP_PATH")


def cards_given(environment: Mapping[str, str]) -> dict[str, str]:
    """Which cards Ray gave this job: CUDA_VISIBLE_DEVICES, ASCEND_RT_VISIBLE_DEVICES, NEURON_RT_VISIBLE_CORES, ..."""
    return {key: value for key, value in environment.items() if "_VISIBLE_" in key and not key.startswith("RAY_")}


class RayRun(runner.SupervisedRun):
    """A run that Ray began. Of the environment it passes on no more than the cards: Ray's token is in there, too."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        given = cards_given(os.environ)
        self.word: str = self.job.get("word", "")
        self.job["slots"] = next(iter(given.values()), "").split(",") if given else []
        libraries = {key: os.environ[key] for key in PASSED if key in os.environ}
        own = {"HUISUAN_NODES": "1", "HUISUAN_NODE_RANK": "0", "HUISUAN_CARDS_PER_NODE": str(self.job["cards"])}
        self.job["environment"] = {**libraries, **self.job["environment"], **given, **own}

    def _start(self) -> subprocess.Popen[bytes]:
        process = super()._start()
        # Ray kills the launcher's process group when its node loses the head; the job is in a group of its own
        guard = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -9 "-$2"'
        words = ["sh", "-c", guard, "sh", str(os.getpid()), str(process.pid)]
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        return process

    def began(self, wall_seconds: int) -> None:
        """Say when the job began."""
        super().began(wall_seconds)
        self._mark({"started_at": wall_seconds})

    def record(self, state: str, code: int | None, **measured: int) -> None:
        """Leave the record of its end."""
        super().record(state, code, **measured)
        self._mark(json.loads((self.folder / runner.EXIT).read_text(encoding="utf-8")))

    def _mark(self, told: dict[str, Any]) -> None:
        if self.word:
            sys.stdout.write(f"\n{LAUNCHER_MARK} {self.word} {json.dumps(told)}\n")
            sys.stdout.flush()


def unpack(folder: Path) -> None:
    """Make a packed run ready: its directory with all permissions, its output among Ray's own, its word read once."""
    tar, work = folder / TAR, folder / runner.WORK
    work.mkdir()
    if tar.exists():
        with tarfile.open(tar) as packed:
            packed.extractall(work, filter="data")
        tar.unlink()
    (folder / runner.OUTPUT).symlink_to("/dev/stdout")
    (folder / runner.JOB).unlink()


def main(folder: Path) -> int:
    """Run the job of that folder unless it began before or was taken back; Ray is told the job's own exit code."""
    try:
        claim = os.open(folder / runner.RUNNER, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return REFUSED  # begun before, or taken back by the agent: a run never begins twice
    with os.fdopen(claim, "w") as file:
        json.dump({"pid": os.getpid(), "node": os.uname().nodename}, file)
    run = RayRun(folder)
    if run.word:
        unpack(folder)
    run.listen()
    runner.adopt_orphans()
    run.go()
    ended = json.loads((folder / runner.EXIT).read_text(encoding="utf-8"))
    with contextlib.suppress(TypeError):
        return int(ended["exit_code"]) & 0xFF
    return REFUSED

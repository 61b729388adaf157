"""Runner processes of the local engine: started, found again after a restart, and cleaned up after.

A run is known by its folder: the record of its runner (`runner.json`) outlives the agent, the process handles do not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from huisuan.compute.engines.common import runner

SECRETS = ("HUISUAN_", "DATABASE_URL", "PGPASSWORD")  # environment variables that no runner gets to see
SAME_PROCESS_SECONDS = 3  # a process number is given again: its start must match the record


class RunnerProcesses:
    """The runners of the runs under `folder`, one folder a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start the runner of a run in a session of its own, without the agent's secrets."""
        place = self.folder / name
        (place / "runner.log").touch(mode=0o600)
        with (place / "runner.log").open("ab") as log:
            self._started[name] = subprocess.Popen(
                [sys.executable, "-P", "-m", runner.__name__, str(place)],  # -P: nothing of the folder it stands in
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={key: value for key, value in os.environ.items() if not key.startswith(SECRETS)},
                start_new_session=True,
            )

    def restart_unstarted(self, name: str) -> bool:
        """Start the runner of a run whose agent was killed before it could; a runner that failed is not retried."""
        if (self.folder / name / runner.RUNNER).exists() or name in self._started:
            return False
        self.start(name)
        return True

    def is_alive(self, name: str) -> bool:
        """Whether the run's runner is running, started by this process or by an earlier one."""
        own = self._started.get(name)
        return (own is not None and own.poll() is None) or self.find(name) is not None

    def find(self, name: str) -> psutil.Process | None:
        """The live runner: a process of that number whose command line ends with this very folder."""
        pid = load_record(self.folder / name / runner.RUNNER).get("pid")
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            return process if process.cmdline()[-1:] == [str(self.folder / name)] else None
        except psutil.Error:
            return None

    def terminate(self, name: str) -> None:
        """Send SIGTERM to the run's runner, if it is running."""
        process = self.find(name)
        if process:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)

    def reap(self, name: str) -> None:
        """Collect the exit of a runner that this process started."""
        own = self._started.get(name)
        if own is not None and own.poll() is not None and (self.folder / name / runner.RUNNER).exists():
            del self._started[name]

    def discard(self, name: str) -> None:
        """Drop the handle of a run that is removed."""
        self._started.pop(name, None)

    def kill_job(self, name: str) -> None:
        """Kill what a killed runner left running."""
        started = load_record(self.folder / name / runner.STARTED)
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if started and _is_started_at(started["pid"], started["started_at"]):
                os.killpg(started["pid"], signal.SIGKILL)


def _is_started_at(pid: int, started_at: int) -> bool:
    return abs(psutil.Process(pid).create_time() - started_at) < SAME_PROCESS_SECONDS


def load_record(path: Path) -> dict[str, Any]:
    """A record that the runner or the engine wrote; empty where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found

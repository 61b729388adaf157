"""The local engine: jobs as processes on this machine, for trials and single machines.

Jobs run under the operating system's user of the agent: offer this engine only to people who may act as
that user, or name another user in HUISUAN_JOB_USER where the agent runs as root.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from huisuan.compute.engines import JobSpec, Observation, RunState, RunUsage
from huisuan.compute.engines import runner as files

UID = re.compile(r"[0-9a-z]{20,32}")
GRACE_SECONDS = 5
UNSEEN = "执行进程意外消失，无法证明用时，本次运行不计量"


class LocalEngine:
    """Runs jobs under `folder`, one folder a job; what it knows is on disk, so it may be restarted at any time."""

    def __init__(self, folder: Path, grace_seconds: float = GRACE_SECONDS) -> None:
        self.folder = folder
        self.grace_seconds = grace_seconds
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._open = {
            path.parent.name for path in folder.glob(f"*/{files.JOB}") if not (path.parent / files.EXIT).exists()
        }

    def capacity(self) -> int:
        """Processors of this machine."""
        return os.cpu_count() or 1

    def submit(self, job: JobSpec) -> None:
        """Have the job run once; asking again does nothing.

        Raises:
            ValueError: the uid has not the form of one (it names a folder here).
        """
        if not UID.fullmatch(job.uid):
            raise ValueError(f"作业号格式不对：{job.uid!r}")
        place = self.folder / job.uid
        if not (place / files.JOB).exists():
            slots = self._free_slots(job.cards)
            account = os.environ.get("HUISUAN_JOB_USER")
            place.mkdir(mode=0o711 if account else 0o700, exist_ok=True)
            files.write_json(
                place / files.JOB,
                {
                    "uid": job.uid,
                    "command": list(job.command),
                    "environment": dict(job.environment),
                    "cards": job.cards,
                    "slots": slots,
                    "time_limit_seconds": job.time_limit_seconds,
                    "grace_seconds": self.grace_seconds,
                    "account": account,
                },
            )
        self._open.add(job.uid)
        if not (place / files.RUNNER).exists() and not self._exit(job.uid):
            self._launch(job.uid)

    def observe(self, uid: str) -> Observation | None:
        """How the job stands; a run whose runner vanished without a record is lost."""
        place = self.folder / uid
        if not (place / files.JOB).exists():
            return None
        self._reap(uid)
        if not (record := self._exit(uid)):
            alive = self._alive(uid)
            if not (record := self._exit(uid)) and not alive and not self._revived(uid):
                record = self._settle_lost(uid)
        if not record:
            started = _read(place / files.STARTED)
            state = RunState.RUNNING if started else RunState.STARTING
            return Observation(uid, state, started_at=_moment(started.get("started_at")) if started else None)
        self._open.discard(uid)
        return Observation(
            uid,
            RunState(record["state"]),
            reason=record.get("reason", ""),
            started_at=_moment(record.get("started_at")),
            ended_at=_moment(record.get("ended_at")),
            exit_code=record["exit_code"],
        )

    def cancel(self, uid: str, reason: str = "") -> None:
        """Ask the job to end; a job that has not begun never will."""
        place = self.folder / uid
        if not (place / files.JOB).exists() or self._exit(uid):
            return
        if not (place / files.CANCEL).exists():
            # before the signal: a runner that is only starting looks for it after it has said who it is
            (place / files.CANCEL).write_text(reason, encoding="utf-8")
        runner = self._runner(uid)
        if runner:
            with contextlib.suppress(psutil.NoSuchProcess):
                runner.send_signal(signal.SIGTERM)

    def logs(self, uid: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of its stdout and stderr from `offset` on."""
        try:
            with (self.folder / uid / files.OUTPUT).open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def usage(self, uid: str) -> tuple[RunUsage, ...]:
        """What its run used; nothing for one that never began or whose end nobody saw."""
        record = self._exit(uid)
        if not record or "ended_at" not in record:
            return ()
        job = _read(self.folder / uid / files.JOB)
        return (
            RunUsage(
                uid=uid,
                run=0,
                node=record["node"],
                cards=job["cards"],
                slots=tuple(job["slots"]),
                started_at=datetime.fromtimestamp(record["started_at"], UTC),
                ended_at=datetime.fromtimestamp(record["ended_at"], UTC),
                elapsed_ns=record["elapsed_ns"],
                processor_us=record["processor_us"],
                peak_memory_bytes=record["peak_memory_bytes"],
                state=RunState(record["state"]),
                exit_code=record["exit_code"],
            ),
        )

    def end_all(self, reason: str, patience_seconds: float) -> int:
        """End every job that runs and wait for the records; returns how many were ended."""
        running = [uid for uid in sorted(self._open) if not self._exit(uid) and self._alive(uid)]
        for uid in running:
            self.cancel(uid, reason)
        deadline = time.monotonic() + patience_seconds
        left = running
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [uid for uid in left if not self._exit(uid) and self._alive(uid)]
        return len(running)

    # --- what is on disk and what lives

    def _exit(self, uid: str) -> dict[str, Any]:
        return _read(self.folder / uid / files.EXIT)

    def _free_slots(self, cards: int) -> list[int]:
        held: set[int] = set()
        for uid in list(self._open):
            if self._exit(uid):
                self._open.discard(uid)
            else:
                held.update(_read(self.folder / uid / files.JOB).get("slots", []))
        free = [slot for slot in range(len(held) + cards) if slot not in held]
        return free[:cards]

    def _launch(self, uid: str) -> None:
        place = self.folder / uid
        with (place / "runner.log").open("ab") as log:
            self._started[uid] = subprocess.Popen(
                [sys.executable, "-m", files.__name__, str(place)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _runner(self, uid: str) -> psutil.Process | None:
        """The live runner: a process of that number whose command line ends with this very folder."""
        pid = _read(self.folder / uid / files.RUNNER).get("pid")
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            return process if process.cmdline()[-1:] == [str(self.folder / uid)] else None
        except psutil.Error:
            return None

    def _alive(self, uid: str) -> bool:
        own = self._started.get(uid)
        return (own is not None and own.poll() is None) or self._runner(uid) is not None

    def _reap(self, uid: str) -> None:
        own = self._started.get(uid)
        if own is not None and own.poll() is not None and (self.folder / uid / files.RUNNER).exists():
            del self._started[uid]

    def _revived(self, uid: str) -> bool:
        """Start the runner of a job whose agent was killed before it could; a runner that failed is not retried."""
        if (self.folder / uid / files.RUNNER).exists() or uid in self._started:
            return False
        self._launch(uid)
        return True

    def _settle_lost(self, uid: str) -> dict[str, Any]:
        self._end_group(uid)
        record = {"state": RunState.LOST.value, "exit_code": None, "reason": UNSEEN, "node": os.uname().nodename}
        files.write_json(self.folder / uid / files.EXIT, record)
        return record

    def _end_group(self, uid: str) -> None:
        """End what a killed runner left running."""
        started = _read(self.folder / uid / files.STARTED)
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if started and abs(psutil.Process(started["pid"]).create_time() - started["started_at"]) < 3:
                os.killpg(started["pid"], signal.SIGKILL)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

"""The local engine: jobs as processes on this machine, for trials and single machines.

Jobs run under the operating system's user of the agent: offer this engine only to people who may act as
that user, or run the agent as root with HUISUAN_JOB_UIDS or HUISUAN_JOB_USER (engines.local.unix_user).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from huisuan.base.tree_removal import discard_tree, empty_trash
from huisuan.compute.engines.common import runner
from huisuan.compute.engines.common.start_gate import has_begun
from huisuan.compute.engines.interface import (
    Ability,
    BridgeCommand,
    CheckResult,
    EngineError,
    JobSpec,
    NodeSeen,
    Observation,
    RunState,
    RunUsage,
)
from huisuan.compute.engines.local.options import parse_local_options
from huisuan.compute.engines.local.process import RunnerProcesses, load_record
from huisuan.compute.engines.local.unix_user import ACCOUNT, RANGE, can_become, check_own_numbers, identity_for

_NAME = re.compile(r"[0-9a-z]{20,32}(-[0-9]{1,5})?")
_CARD = "CPU-SLOT"
_TRASH = ".trash"
END_UNKNOWN = "执行进程意外消失，无法证明用时，本次运行不计量"
NEVER_STARTED = "执行进程在开始之前意外消失，作业没有运行过"
LOCAL_ABILITIES = {
    "gang": Ability(False, "只有一台机器：多节点的作业须由调度器运行"),
    "containers": Ability(False, "直接以进程运行，不启动容器"),
    "workdir": Ability(True, "在解开的工作目录里启动"),
    "live_logs": Ability(True, "输出直接写文件，随时可读"),
    "accounting": Ability(True, "起止、处理器时间和峰值内存由本机内核记录"),
    "lease": Ability(True, "执行进程在闸门前等候，平台知情才开始"),
    "suspend": Ability(False, "不挂起作业，挂起时间总为零"),
    "sessions": Ability(True, "会话的程序就在本机，代理经它的 Unix 套接字连过去"),
    "outputs": Ability(True, "工作目录就在本机，代理随时看得到"),
}


class LocalEngine:
    """Runs jobs under `folder`, one folder a run; what it knows is on disk, so it may be restarted at any time.

    Raises:
        ValueError: an option is unknown or out of bounds.
    """

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.slots, self.grace_seconds = parse_local_options(options or {})
        self._processes = RunnerProcesses(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # the folder is another user's
            folder.chmod(0o711)  # the jobs' users pass through, and cannot see whose folders are here
        empty_trash(folder / _TRASH)
        self._open = {
            path.parent.name for path in folder.glob(f"*/{runner.JOB}") if not (path.parent / runner.EXIT).exists()
        }

    def abilities(self) -> Mapping[str, Ability]:
        """What it can do, and why (not)."""
        return LOCAL_ABILITIES

    def capacity(self) -> Sequence[NodeSeen]:
        """This machine with its processor slots."""
        held = len(self._held_slots())
        return (NodeSeen(os.uname().nodename, "", _CARD, self.slots, min(held, self.slots)),)

    def submit(self, job: JobSpec) -> None:
        """Start the run once; submitting it again does nothing.

        Raises:
            ValueError: it can never run here; says why.
        """
        self._check(job)
        place = self.folder / job.name
        if not (place / runner.JOB).exists():
            self._create_folder(job, place)
        self._open.add(job.name)
        if not (place / runner.RUNNER).exists() and not self._exit_record(job.name):
            self._processes.start(job.name)

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """How these runs stand; one whose runner vanished without a record is lost."""
        seen = {name: self._observe(name) for name in names}
        return {name: observation for name, observation in seen.items() if observation is not None}

    def cancel(self, name: str, reason: str = "") -> None:
        """Ask the run to end; one that has not started never will."""
        place = self.folder / name
        if not (place / runner.JOB).exists() or self._exit_record(name):
            return
        if not (place / runner.CANCEL).exists():
            # before the signal: a runner that is only starting looks for it after it has written its record
            (place / runner.CANCEL).touch(mode=0o600)
            (place / runner.CANCEL).write_text(reason, encoding="utf-8")
        self._processes.terminate(name)

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of its stdout and stderr from `offset` on."""
        try:
            with (self.folder / name / runner.OUTPUT).open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def working_folder(self, name: str) -> Path:
        """Where a run without an uploaded directory starts."""
        return self.folder / name / runner.WORK

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        """What these runs used so far; nothing for one that never started or whose end is unknown."""
        used = {name: self._usage(name) for name in names}
        return {name: (usage,) for name, usage in used.items() if usage is not None}

    def bridge_command(self, name: str) -> BridgeCommand:
        """The run's script with the words `bridge UID`, as the run's user.

        Raises:
            EngineError: it does not run.
        """
        place = self.folder / name
        if not _NAME.fullmatch(name) or self._exit_record(name) or not (place / runner.STARTED).exists():
            raise EngineError(f"{name} 没有在运行")
        job = load_record(place / runner.JOB)
        user, group = runner.identity(job["account"]) if job["account"] else (None, None)
        surroundings = {"PATH": os.environ.get("PATH", os.defpath)}
        return BridgeCommand((str(place / runner.SCRIPT), "bridge", job["uid"]), surroundings, user, group)

    def forget(self, name: str) -> None:
        """Remove the folder of a run that is over, whatever it left there: at once out of the way, then by and by."""
        if _NAME.fullmatch(name) and self._exit_record(name):
            discard_tree(self.folder / name, self.folder / _TRASH)
            self._processes.discard(name)

    def diagnose(self) -> Sequence[CheckResult]:
        """Whether its folder can be written, and whether the user that jobs run as is there."""
        writable = os.access(self.folder, os.W_OK | os.X_OK)
        found = [(f"作业目录 {self.folder} 可写", writable, f"chown 或 chmod，使运行代理的用户能写 {self.folder}")]
        if os.environ.get(RANGE):
            found.append(check_own_numbers())
        account = os.environ.get(ACCOUNT)
        if account and not os.environ.get(RANGE):
            remedy = f"useradd --system {account}，并以 root 运行代理；或去掉 HUISUAN_JOB_USER"
            found.append((f"作业用户 {account} 可用", can_become(account), remedy))
        return found

    def end_all(self, reason: str, patience_seconds: float) -> int:
        """End every run and wait for the records; returns how many were ended."""
        running = [
            name for name in sorted(self._open) if not self._exit_record(name) and self._processes.is_alive(name)
        ]
        for name in running:
            self.cancel(name, reason)
        deadline = time.monotonic() + patience_seconds
        left = running
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [name for name in left if not self._exit_record(name) and self._processes.is_alive(name)]
        return len(running)

    # --- records on disk

    def _check(self, job: JobSpec) -> None:
        """Refuse what can never run here.

        Raises:
            ValueError: says why.
        """
        if not _NAME.fullmatch(job.name):  # it names a folder here
            raise ValueError(f"作业号格式不对：{job.name!r}")
        if job.nodes != 1:
            raise ValueError(f"要 {job.nodes} 个节点，本机引擎只有一台机器")
        if job.image:
            raise ValueError(f"要容器镜像 {job.image}，本机引擎不启动容器")
        if bool(job.command) == bool(job.script):
            raise ValueError("应有命令或脚本之一")
        if job.cards > self.slots:
            raise ValueError(f"要 {job.cards} 个处理器槽位，本机只有 {self.slots} 个")

    def _create_folder(self, job: JobSpec, place: Path) -> None:
        account = identity_for(self.folder)
        place.mkdir(mode=0o700, exist_ok=True)
        if account:
            os.chown(place, -1, runner.identity(account)[1])
            place.chmod(0o710)
        runner.write_json(
            place / runner.JOB,
            {
                "name": job.name,
                "uid": job.uid,
                "run": job.run,
                "command": list(job.command),
                "script": job.script,
                "environment": dict(job.environment),
                "workdir": str(job.workdir) if job.workdir else None,
                "lease_file": str(job.lease_file) if job.lease_file else None,
                "cards": job.cards,
                "slots": self._free_slots(job.cards),
                "time_limit_seconds": job.time_limit_seconds,
                "grace_seconds": self.grace_seconds,
                "account": account,
            },
        )

    def _observe(self, name: str) -> Observation | None:
        place = self.folder / name
        job = load_record(place / runner.JOB)
        if not job:
            return None
        self._processes.reap(name)
        if not (record := self._exit_record(name)):
            alive = self._processes.is_alive(name)
            if not (record := self._exit_record(name)) and not alive and not self._processes.restart_unstarted(name):
                record = self._record_loss(name)
        if not record:
            started = load_record(place / runner.STARTED)
            at_the_gate = job["lease_file"] and (place / runner.RUNNER).exists()
            state = RunState.RUNNING if started or at_the_gate else RunState.STARTING
            return Observation(name, state, started_at=_optional_time(started.get("started_at")))
        self._open.discard(name)
        return Observation(
            name,
            RunState(record["state"]),
            reason=record.get("reason", ""),
            started_at=_optional_time(record.get("started_at")),
            ended_at=_optional_time(record.get("ended_at")),
            exit_code=record["exit_code"],
        )

    def _usage(self, name: str) -> RunUsage | None:
        record, started = self._exit_record(name), load_record(self.folder / name / runner.STARTED)
        if not ("ended_at" in record if record else started):
            return None
        job = load_record(self.folder / name / runner.JOB)
        measured = ("elapsed_ns", "processor_us", "peak_memory_bytes")
        return RunUsage(
            name=name,
            restart=0,
            nodes=record.get("node") or os.uname().nodename,
            node_count=1,
            cards=job["cards"],
            local_card=_CARD,
            started_at=_time((record or started)["started_at"]),
            ended_at=_time(record["ended_at"]) if record else None,
            state=RunState(record["state"]) if record else RunState.RUNNING,
            exit_code=record.get("exit_code"),
            measured={key: record[key] for key in measured if key in record},
            raw=json.dumps(record, ensure_ascii=False, sort_keys=True) if record else "",
        )

    def _exit_record(self, name: str) -> dict[str, Any]:
        return load_record(self.folder / name / runner.EXIT)

    def _held_slots(self) -> set[int]:
        held: set[int] = set()
        for name in list(self._open):
            if self._exit_record(name):
                self._open.discard(name)
            else:
                held.update(load_record(self.folder / name / runner.JOB).get("slots", []))
        return held

    def _free_slots(self, cards: int) -> list[int]:
        held = self._held_slots()
        free = [slot for slot in range(len(held) + cards) if slot not in held]
        return free[:cards]

    def _record_loss(self, name: str) -> dict[str, Any]:
        self._processes.kill_job(name)
        lease_file = load_record(self.folder / name / runner.JOB)["lease_file"]
        never = lease_file is not None and not has_begun(Path(lease_file), name)
        state, reason = (RunState.EXPIRED, NEVER_STARTED) if never else (RunState.LOST, END_UNKNOWN)
        record = {"state": state.value, "exit_code": None, "reason": reason, "node": os.uname().nodename}
        runner.write_json(self.folder / name / runner.EXIT, record)
        return record


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _optional_time(seconds: int | None) -> datetime | None:
    return None if seconds is None else _time(seconds)

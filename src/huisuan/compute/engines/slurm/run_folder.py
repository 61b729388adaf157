"""What the engine keeps of a run on disk: one folder a run, on a file system that the nodes share.

The folder belongs to the agent. What the job itself has to write is made for it: its output, its working folder.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from huisuan.base.tree_removal import discard_tree
from huisuan.compute.engines.common.runner import write_json
from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import JobSpec
from huisuan.protocol.job_uid import ALPHABET

RUN_NAME = re.compile(r"[0-9a-z]{20,32}(-[1-9][0-9]{0,4})?")
RECORD, OUTPUT, WORK = "run.json", "output.log", "work"
_FORGOTTEN, TRASH = ".forgotten", ".trash"
_DAY = 24 * 3600
KEPT_DAYS = 7  # by then nobody asks for a run any more that the platform has everything of
YEAR_2020 = 1_577_836_800


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run. `job` is Slurm's id; `spent` the id of one that ended without having begun.

    `first_seen` in seconds since 1970. `cancel`: why it is to end, None where it is not. `late`: it is to end
    because its own time limit, counted in seconds, is over. `told`: how the controller said it ended.
    """

    first_seen: int
    cards: int
    time_limit_seconds: int
    lease_file: str = ""
    job: int | None = None
    spent: int | None = None
    cancel: str | None = None
    late: bool = False
    told: dict[str, Any] | None = None


class RunFolder:
    """One run's folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.place = folder / name

    @property
    def output(self) -> Path:
        """The file that its stdout and stderr go to."""
        return self.place / OUTPUT

    def record(self) -> RunRecord | None:
        """What is known of it; None for a run that was never submitted here."""
        try:
            return RunRecord(**json.loads((self.place / RECORD).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def note(self, job: JobSpec, now: int) -> RunRecord:
        """Note, on the disk, that the run is about to be submitted; what was noted before stays."""
        if (found := self.record()) is not None:
            return found
        self.place.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.place.chmod(0o711)
        self._tombstone.unlink(missing_ok=True)
        made = RunRecord(now, job.cards, job.time_limit_seconds, str(job.lease_file or ""))
        self._save(made)
        return made

    def change(self, **what: object) -> None:
        """Change what is known of a run that was noted."""
        if (found := self.record()) is not None:
            self._save(replace(found, **what))  # type: ignore[arg-type]

    def _save(self, record: RunRecord) -> None:
        write_json(self.place / RECORD, asdict(record))

    def outside(self, record: RunRecord) -> bool:
        """Whether it has not gone through its gate: it has not begun, whatever Slurm says."""
        return record.lease_file != "" and self.taken(record) is None

    def taken(self, record: RunRecord) -> tuple[int, int] | None:
        """The id of Slurm's job that went through the gate, and when; None: none has, or there is no gate."""
        if not record.lease_file:
            return None
        passed = gate_of(Path(record.lease_file), self.name).with_suffix(".taken")
        try:
            return int(passed.readlink().name), int(passed.lstat().st_mtime)
        except (OSError, ValueError):
            return None

    def read_output(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset` on. A link is not followed: the job's user could have set it."""
        try:
            handle = os.open(self.output, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return b""
        try:
            return os.pread(handle, limit, offset) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
        finally:
            os.close(handle)

    def forget(self) -> None:
        """Remove everything that was kept for it, but that it is not to be looked for any more; its files by and by."""
        discard_tree(self.place, self.place.with_name(TRASH))
        self._tombstone.parent.mkdir(mode=0o700, exist_ok=True)
        self._tombstone.touch(mode=0o600)

    @property
    def forgotten(self) -> bool:
        """Whether the platform had everything of it, and it was not submitted again since."""
        return self._tombstone.exists()

    @property
    def _tombstone(self) -> Path:
        return self.place.parent / _FORGOTTEN / self.name


def sweep(folder: Path, now: float) -> None:
    """Remove what reminds of runs that were forgotten long ago."""
    for path in (folder / _FORGOTTEN).glob("*"):
        if path.stat().st_mtime < now - KEPT_DAYS * _DAY:
            path.unlink(missing_ok=True)


def check_run_name(name: str) -> str:
    """The name, which names a folder here and a job in Slurm.

    Raises:
        ValueError: it is not a valid name of a run.
    """
    if not RUN_NAME.fullmatch(name):
        raise ValueError(f"作业号格式不对：{name!r}；应是 20 到 32 个小写字母或数字，后面可以有 -运行次数")
    return name


def born(name: str) -> int | None:
    """When the job of that name was submitted to the platform, in seconds since 1970: its uid begins with it."""
    uid = name.partition("-")[0]
    if len(uid) != 26 or not set(uid) <= set(ALPHABET):
        return None
    number = 0
    for letter in uid[:10]:
        number = number << 5 | ALPHABET.index(letter)
    return number // 1000


def since(runs: Iterable[tuple[str, RunRecord | None]], now: int) -> int:
    """From when on the accounting is to be asked: no run is older, whatever the clocks say."""
    found = [now]
    for name, record in runs:
        birth = born(name)
        sane = birth is not None and YEAR_2020 < birth < now + _DAY
        found.append(birth if sane and birth is not None else now - 30 * _DAY)
        found += [record.first_seen] if record else []
    return min(found) - _DAY

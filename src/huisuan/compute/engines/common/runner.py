"""Runs one job and measures it: `python -m huisuan.compute.engines.common.runner FOLDER`.

One runner per job, in a session of its own, so that nothing that happens to the agent touches the job. It
leaves its exit record in the folder, whole or not at all. It begins only once its gate opens (start_gate). Standard
library only: the kernel counts the memory of the process that starts a program towards the program's peak.

Time, as it is metered: the start is the wall clock's whole second; the end is the start plus the elapsed
monotonic time rounded up to a whole second, at least one. So a run of 0.2 s counts one second wherever it
falls, and a clock that is set while a job runs changes nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from huisuan.compute.engines.common.start_gate import wait_to_begin

JOB, RUNNER, STARTED, EXIT, CANCEL = "job.json", "runner.json", "started.json", "exit.json", "cancel"
OUTPUT, WORK, LOCK, SCRIPT = "output.log", "work", "lock", "script"
NOT_FOUND, NOT_RUNNABLE = 127, 126  # as shells number them
SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER
_SECOND = 1_000_000_000
JOB_UMASK = 0o022  # as people expect it; their folder is closed


def write_json(path: Path, data: dict[str, Any], lasting: bool = True) -> None:
    """Write a record whole or not at all; a lasting one is on the disk before anyone relies on it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it may hold a job's secrets
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False)
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    draft.replace(path)


def whole_seconds(started_ns: int, elapsed_ns: int) -> tuple[int, int]:
    """Start and end in seconds since 1970, from the wall clock at the start and the monotonic time elapsed."""
    start = started_ns // _SECOND
    return start, start + max(1, -(-elapsed_ns // _SECOND))


class SupervisedRun:
    """One run: started, watched over, ended, measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = json.loads((folder / JOB).read_text(encoding="utf-8"))
        self.pid = 0
        self.state = ""
        self.reason = ""

    def listen(self) -> None:
        """Hear cancellation (SIGTERM) and the time limit (SIGALRM)."""
        signal.signal(signal.SIGTERM, lambda *_: self.end("cancelled"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, lambda *_: self.end("timeout"))

    def end(self, why: str) -> None:
        """Ask the job to end; a second alarm, after the grace, ends it."""
        if not self.state:
            self.state = why
            self._signal(signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, self.job["grace_seconds"])
        elif why == "timeout":
            self._signal(signal.SIGKILL)
            signal.setitimer(signal.ITIMER_REAL, self.job["grace_seconds"])

    def _signal(self, number: int) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def go(self) -> None:
        """Run it from start to exit record."""
        if self.given_up() or not self._let_in():
            self.record("cancelled" if self.given_up() else "expired", None)
            return
        try:
            process = self._start()
        except OSError as error:
            self._not_started(error)
            return
        began, wall = time.monotonic_ns(), time.time_ns()
        self.pid = process.pid
        signal.setitimer(signal.ITIMER_REAL, self.job["time_limit_seconds"])
        if self.state:  # cancelled while it was being started
            self._signal(signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, self.job["grace_seconds"])
        self.began(wall // _SECOND)
        _, status, used = os.wait4(self.pid, 0)
        elapsed = time.monotonic_ns() - began
        signal.setitimer(signal.ITIMER_REAL, 0)
        end_leftovers(self.pid)
        self._measured(os.waitstatus_to_exitcode(status), wall, elapsed, used)

    def began(self, wall_seconds: int) -> None:
        """Say when the job began; no longer than a moment, or its measured time would grow by it."""
        write_json(self.folder / STARTED, {"pid": self.pid, "started_at": wall_seconds}, lasting=False)

    def given_up(self) -> bool:
        """Whether it was cancelled before it began."""
        return bool(self.state) or (self.folder / CANCEL).exists()

    def _let_in(self) -> bool:
        lease_file, name = self.job["lease_file"], self.job["name"]
        return lease_file is None or wait_to_begin(Path(lease_file), name, name, self.given_up)

    def _program(self) -> list[str]:
        """The words of the command; for a script the file that it has become, which its line #! runs."""
        script = self.folder / SCRIPT
        if not self.job["script"]:
            return list(self.job["command"])
        script.write_text(self.job["script"], encoding="utf-8", newline="")
        script.chmod(0o700)
        if self.job["account"]:
            os.chown(script, *identity(self.job["account"]))
        return [str(script)]

    def _not_started(self, error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError)
        if self.job["script"]:
            first = self.job["script"].split("\n", 1)[0].rstrip("\r")[:200]
            fault = f"脚本首行 {first!r} 指的程序中心没有" if missing else f"脚本无法启动（首行 {first!r}）"
        else:
            program = self.job["command"][0]
            fault = f"中心没有程序 {program}" if missing else f"无法启动 {program}"
        self._say(fault if missing else f"{fault}：{os.strerror(error.errno or errno.EINVAL)}")
        self.record("failed", NOT_FOUND if missing else NOT_RUNNABLE)

    def _start(self) -> subprocess.Popen[bytes]:
        work = Path(self.job["workdir"] or self.folder / WORK)
        work.mkdir(mode=0o700, exist_ok=True)
        passed = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}
        own = {
            "HOME": str(work),
            "HUISUAN_JOB_UID": self.job["uid"],
            "HUISUAN_RUN": str(self.job["run"]),
            "HUISUAN_CARDS": ",".join(map(str, self.job["slots"])),
        }
        account = self.job["account"]
        own_id, own_group = identity(account) if account else (None, None)
        if account:
            give_folder(work, account)
        with (self.folder / OUTPUT).open("ab") as output:
            return subprocess.Popen(
                self._program(),
                cwd=work,
                env={**passed, **self.job["environment"], **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=own_id,
                group=own_group,
                extra_groups=[] if account else None,
                umask=JOB_UMASK,
            )

    def _say(self, text: str) -> None:
        self.reason = text
        with (self.folder / OUTPUT).open("ab") as output:
            output.write(f"{text}\n".encode())

    def _measured(self, code: int, wall: int, elapsed: int, used: Any) -> None:
        start, end = whole_seconds(wall, elapsed)
        peak_unit = 1 if sys.platform == "darwin" else 1024
        state = self.state or ("completed" if code == 0 else "failed")
        self.record(
            state,
            code if code >= 0 else 128 - code,
            started_at=start,
            ended_at=end,
            elapsed_ns=elapsed,
            processor_us=round(used.ru_utime * 1_000_000) + round(used.ru_stime * 1_000_000),
            peak_memory_bytes=used.ru_maxrss * peak_unit,
        )

    def record(self, state: str, code: int | None, **measured: int) -> None:
        """Leave the exit record; `measured` is empty for a run that never began."""
        reason = self.reason
        if state == "cancelled":
            with contextlib.suppress(FileNotFoundError):
                reason = (self.folder / CANCEL).read_text(encoding="utf-8")
        if state == "timeout":
            reason = f"超过时限 {self.job['time_limit_seconds']} 秒"
        node = os.uname().nodename
        write_json(self.folder / EXIT, {"state": state, "exit_code": code, "reason": reason, "node": node, **measured})


def identity(account: str | int) -> tuple[int, int]:
    """The user and the group of an account, or of a number that has none."""
    if isinstance(account, int):
        return account, account
    found = pwd.getpwnam(account)
    return found.pw_uid, found.pw_gid


def give_folder(folder: Path, account: str | int) -> None:
    """Make a folder with all that is in it the account's own, and closed to everyone else."""
    user, group = identity(account)
    folder.chmod(0o700)
    for _, folders, names, handle in os.fwalk(folder):
        for name in (*folders, *names):
            os.chown(name, user, group, dir_fd=handle, follow_symlinks=False)
    # last: from now on another job of the account may put links in there
    os.chown(folder, user, group)


def adopt_orphans() -> None:
    """Become the parent of whatever the job leaves behind (Linux), so that it can be ended with the job."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def end_leftovers(group: int) -> None:
    """End what outlives the job's first process: cards are free when a run's record says so."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.exists() and (left := children.read_text(encoding="ascii").split()):
        for pid in map(int, left):
            with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def wait_for_file(path: Path) -> int:
    """Wait, a few seconds at most, until the file is there."""
    for _ in range(500):
        if path.exists():
            break
        time.sleep(0.01)
    return 0


def main(folder: Path) -> int:
    """Run the job of that folder unless a runner has it or had it; the runner's own exit code is always 0."""
    os.umask(0o077)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # an agent that was killed between starting a runner and seeing it starts another, which makes way;
        # it leaves only when the first has said who it is, or the agent would take the job for lost
        return wait_for_file(folder / RUNNER)
    if (folder / RUNNER).exists():
        return 0  # a run began here before: a job never runs twice
    run = SupervisedRun(folder)
    run.listen()
    adopt_orphans()
    write_json(folder / RUNNER, {"pid": os.getpid()})
    run.go()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

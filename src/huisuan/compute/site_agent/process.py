"""The agent as a process: one for each folder, from its start until it is signalled to stop."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import sqlite3
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from huisuan import __version__
from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.base.paths import ensure_folder
from huisuan.compute import engines
from huisuan.compute.engines.interface import Engine
from huisuan.compute.site_agent.backoff import REFUSED_SECONDS, Pace
from huisuan.compute.site_agent.config import (
    JOBS,
    KEY,
    LOCK,
    STATE_FILE,
    Config,
    key_problem,
    load_config,
    write_config,
)
from huisuan.compute.site_agent.diagnostics import run_checks
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.report import SelfCheck
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.agent import PROTOCOL, SyncReply, SyncRequest
from huisuan.protocol.signatures import load_key, make_key, public_half, sign_request

ENDING_SECONDS = 10
FINAL_EXCHANGES = 3  # in which to report how the jobs ended
PRUNE_SECONDS = 3600
_TIMEOUT_SECONDS = 30


def log_line(text: str) -> None:
    """Write a line of the agent's log."""
    sys.stdout.write(f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M:%S} {text}\n")
    sys.stdout.flush()


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of this folder: one agent runs from it at a time.

    Raises:
        Refused: another one does.
    """
    lock = os.open(ensure_folder(folder) / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict(
            f"另一个站点代理正在从 {folder} 运行：一个目录只能有一个", code="agent.already_running"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def join(folder: Path, config: Config, word: str, link: AgentLink | None = None) -> SyncReply:
    """Make a key here, enrol it at the platform with the invitation's token, and write the configuration.

    Raises:
        Refused: the engine is not there or its options are wrong, the platform cannot be reached or does not let it in.
    """
    load_engine(config, folder)
    with hold_folder(folder):
        state = AgentState(folder / STATE_FILE)
        invited = text_sha256(word)
        if state.get("joining") != invited:  # else: the answer was lost, and this is the same agent again
            state.assign_new_name()
            make_key(folder / KEY)
            state.put("joining", invited)
        key = load_key(folder / KEY)
        request = SyncRequest(
            protocol=PROTOCOL, agent=state.name, number=state.next_numbers(1)[0], boot=next_boot_id(state, folder),
            host=socket.gethostname()[:120], version=__version__, engine=config.engine, sent_at=datetime.now(UTC),
            enrol=word, public_key=public_half(key),
        )  # fmt: skip
        with link or AgentLink(config.url, ca=Path(config.ca) if config.ca else None) as platform:
            reply = platform.sync(request, lambda body: sign_request(key, body))
        write_config(folder, config)
        state.put("joined", invited)
        state.put("joining", "")
        state.put("centre", reply.centre or state.get("centre"))
        state.put("platform_key", reply.platform_key or state.get("platform_key"))
        state.close()
    return reply


def has_joined(folder: Path, word: str) -> bool:
    """Whether the agent of this folder joined by that very word."""
    if not (folder / STATE_FILE).exists():
        return False
    state = AgentState(folder / STATE_FILE)
    try:
        return state.get("joined") == text_sha256(word)
    finally:
        state.close()


def load_engine(config: Config, folder: Path) -> Engine:
    """The engine that the configuration names.

    Raises:
        Refused: it is not installed, or an option of it is wrong.
    """
    try:
        return engines.load(config.engine, ensure_folder(folder) / JOBS, config.options)
    except (LookupError, ValueError) as error:
        raise InvalidRequest(str(error), code="agent.engine_unusable") from None


def serve(folder: Path, *, end_jobs: bool = False, log: Callable[[str], None] = log_line) -> str:
    """Serve until SIGTERM or SIGINT, or until another copy of this agent is found to serve: then says so.

    With `end_jobs` the jobs that run are ended first, else they go on.

    Raises:
        Refused: not joined, damaged, or another agent runs from this folder.
    """
    config = load_config(folder)
    if problem := key_problem(folder):
        raise InvalidRequest(f"{problem}；用 huisuan agent doctor 查看如何补救", code="agent.key_unusable")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with (
        hold_folder(folder),
        AgentLink(config.url, ca=Path(config.ca) if config.ca else None, timeout=_TIMEOUT_SECONDS) as link,
    ):
        state = AgentState(folder / STATE_FILE)
        agent = Agent(
            link, load_engine(config, folder), config.engine, state, load_key(folder / KEY), folder,
            boot=next_boot_id(state, folder), now=time.time, steady=time.monotonic, log=log, keep_days=config.keep_days,
            ca=Path(config.ca) if config.ca else None,
            quota=config.quota, self_check=SelfCheck(lambda: run_checks(folder)),
            pace=Pace(random.random, config.busy_seconds, config.idle_seconds),
        )  # fmt: skip
        _run(agent, folder / JOBS, stopping, log)
        agent.tunnels.close()
        if end_jobs and not agent.stopped and agent.has_running_jobs:
            _end_jobs(agent, log)
        state.close()
    log(agent.stopped or "站点代理已停止")
    return agent.stopped


def _run(agent: Agent, jobs: Path, stopping: threading.Event, log: Callable[[str], None]) -> None:
    pruned = 0.0
    while not stopping.is_set() and not agent.stopped:
        try:
            pause = agent.step()
            if time.monotonic() - pruned > PRUNE_SECONDS:
                pruned = time.monotonic()
                agent.reconciler.remove_closed(jobs, time.time())
                agent.kept.remove_expired(time.time())
                agent.state.prune(int(time.time()))
        except (OSError, sqlite3.OperationalError) as error:
            # a full disk, say: nothing is lost by waiting, for everything is reported until it is acknowledged
            log(f"本机故障，{REFUSED_SECONDS:g} 秒后再试：{error}")
            pause = REFUSED_SECONDS
        except (
            Exception
        ):  # a fault of ours that one run brought out must not end the others; every step may be repeated
            log(f"程序出错，{REFUSED_SECONDS:g} 秒后再试：{traceback.format_exc()}")
            pause = REFUSED_SECONDS
        stopping.wait(pause)


def _end_jobs(agent: Agent, log: Callable[[str], None]) -> None:
    log("正在结束运行中的作业")
    agent.end_jobs("平台停止时结束")
    deadline = time.monotonic() + ENDING_SECONDS
    while agent.has_running_jobs and time.monotonic() < deadline:
        time.sleep(0.02)
    for _ in range(FINAL_EXCHANGES):
        agent.step()


def next_boot_id(state: AgentState, folder: Path) -> str:
    """A name for this start: host id plus start counter. A copy of the folder elsewhere has another host id."""
    here = _host_identity(folder)
    if state.get("place") != here:
        state.put("place_name", uuid.uuid4().hex[:24])
        state.put("place", here)
    start = int(state.get("start") or 0) + 1
    state.put("start", str(start))
    return f"{state.get('place_name')}.{start}"


def _host_identity(folder: Path) -> str:
    """What differs in a copy of the folder: the machine, its boot, the inode of the file."""
    file = (folder / STATE_FILE).stat()
    started = Path("/proc/sys/kernel/random/boot_id")
    since = started.read_text(encoding="ascii").strip() if started.exists() else str(int(psutil.boot_time()))
    machine = Path("/etc/machine-id")
    which = machine.read_text(encoding="ascii").strip() if machine.exists() else socket.gethostname()
    return f"{which} {since} {file.st_dev}:{file.st_ino}"

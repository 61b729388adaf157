"""The agent as a process: one for each folder, from its start until it is told to stop."""

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
from huisuan.compute.site_agent.config import JOBS, KEY, LOCK, MEMORY, Config, key_problem, read_config, write_config
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.state import Memory
from huisuan.protocol.agent import PROTOCOL, SyncReply, SyncRequest
from huisuan.protocol.signatures import load_key, make_key, public_half, sign_request

ENDING_SECONDS = 10
LAST_WORDS = 3  # exchanges in which to tell how the jobs ended
TIDY_SECONDS = 3600
TIMEOUT_SECONDS = 30


def say(text: str) -> None:
    """A line of the agent's log."""
    sys.stdout.write(f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M:%S} {text}\n")
    sys.stdout.flush()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the one agent that runs from this folder.

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
    """Make a key here, have the platform know it by the invitation's word, and keep the configuration.

    Raises:
        Refused: the engine is not there or its options are wrong, the platform cannot be reached or does not let it in.
    """
    engine_of(config, folder)
    with alone(folder):
        memory = Memory(folder / MEMORY)
        invited = text_sha256(word)
        if memory.get("joining") != invited:  # else: the answer was lost, and this is the same agent again
            memory.new_name()
            make_key(folder / KEY)
            memory.put("joining", invited)
        key = load_key(folder / KEY)
        request = SyncRequest(
            protocol=PROTOCOL, agent=memory.name, number=memory.next_numbers(1)[0], boot=new_boot(memory, folder),
            host=socket.gethostname()[:120], version=__version__, engine=config.engine, sent_at=datetime.now(UTC),
            enrol=word, public_key=public_half(key),
        )  # fmt: skip
        with link or AgentLink(config.url, ca=Path(config.ca) if config.ca else None) as platform:
            reply = platform.sync(request, lambda body: sign_request(key, body))
        write_config(folder, config)
        memory.put("joined", invited)
        memory.put("joining", "")
        memory.put("centre", reply.centre or memory.get("centre"))
        memory.put("platform_key", reply.platform_key or memory.get("platform_key"))
        memory.close()
    return reply


def has_joined(folder: Path, word: str) -> bool:
    """Whether the agent of this folder joined by that very word."""
    if not (folder / MEMORY).exists():
        return False
    memory = Memory(folder / MEMORY)
    try:
        return memory.get("joined") == text_sha256(word)
    finally:
        memory.close()


def engine_of(config: Config, folder: Path) -> Engine:
    """The engine that the configuration names.

    Raises:
        Refused: it is not installed, or an option of it is wrong.
    """
    try:
        return engines.load(config.engine, ensure_folder(folder) / JOBS, config.options)
    except (LookupError, ValueError) as error:
        raise InvalidRequest(str(error), code="agent.engine_unusable") from None


def serve(folder: Path, *, end_jobs: bool = False, say: Callable[[str], None] = say) -> str:
    """Serve until SIGTERM or SIGINT, or until another copy of this agent is found to serve: then says so.

    With `end_jobs` the jobs that run are ended first, else they go on.

    Raises:
        Refused: not joined, damaged, or another agent runs from this folder.
    """
    config = read_config(folder)
    if problem := key_problem(folder):
        raise InvalidRequest(f"{problem}；用 huisuan agent doctor 查看如何补救", code="agent.key_unusable")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with (
        alone(folder),
        AgentLink(config.url, ca=Path(config.ca) if config.ca else None, timeout=TIMEOUT_SECONDS) as link,
    ):
        memory = Memory(folder / MEMORY)
        agent = Agent(
            link, engine_of(config, folder), config.engine, memory, load_key(folder / KEY), folder,
            boot=new_boot(memory, folder), now=time.time, steady=time.monotonic, say=say, keep_days=config.keep_days,
            pace=Pace(random.random, config.busy_seconds, config.idle_seconds),
        )  # fmt: skip
        _work(agent, folder / JOBS, stopping, say)
        if end_jobs and not agent.stopped and agent.has_running_jobs:
            _end_jobs(agent, say)
        memory.close()
    say(agent.stopped or "站点代理已停止")
    return agent.stopped


def _work(agent: Agent, jobs: Path, stopping: threading.Event, say: Callable[[str], None]) -> None:
    tidied = 0.0
    while not stopping.is_set() and not agent.stopped:
        try:
            pause = agent.step()
            if time.monotonic() - tidied > TIDY_SECONDS:
                tidied = time.monotonic()
                agent.pursuit.tidy(jobs, time.time())
                agent.memory.tidy(int(time.time()))
        except (OSError, sqlite3.OperationalError) as error:
            # a full disk, say: nothing is lost by waiting, for everything is told until it is acknowledged
            say(f"本机故障，{REFUSED_SECONDS:g} 秒后再试：{error}")
            pause = REFUSED_SECONDS
        stopping.wait(pause)


def _end_jobs(agent: Agent, say: Callable[[str], None]) -> None:
    say("正在结束运行中的作业")
    agent.end_jobs("平台停止时结束")
    deadline = time.monotonic() + ENDING_SECONDS
    while agent.has_running_jobs and time.monotonic() < deadline:
        time.sleep(0.02)
    for _ in range(LAST_WORDS):
        agent.step()


def new_boot(memory: Memory, folder: Path) -> str:
    """A name for this start: the place, and the how manieth start it is there. A copy elsewhere is another place."""
    here = _this_place(folder)
    if memory.get("place") != here:
        memory.put("place_name", uuid.uuid4().hex[:24])
        memory.put("place", here)
    start = int(memory.get("start") or 0) + 1
    memory.put("start", str(start))
    return f"{memory.get('place_name')}.{start}"


def _this_place(folder: Path) -> str:
    """What a copy of the folder has not: the machine, its start, the very file."""
    file = (folder / MEMORY).stat()
    started = Path("/proc/sys/kernel/random/boot_id")
    since = started.read_text(encoding="ascii").strip() if started.exists() else str(int(psutil.boot_time()))
    machine = Path("/etc/machine-id")
    which = machine.read_text(encoding="ascii").strip() if machine.exists() else socket.gethostname()
    return f"{which} {since} {file.st_dev}:{file.st_ino}"

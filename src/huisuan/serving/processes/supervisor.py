"""Running the platform: PostgreSQL, the web, the worker and the local agent, together and for as long as asked.

with running_platform(port=0) as platform:
    ...                      # platform.url answers
    platform.serve()         # until Ctrl-C
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from huisuan.base.errors import Unavailable
from huisuan.base.paths import ensure_folder, home
from huisuan.client import Client
from huisuan.compute.jobs.relay_address import PORT
from huisuan.compute.site_agent.config import JOBS
from huisuan.serving import database, disk, permissions
from huisuan.serving.backup.restoring import remove_abandoned_draft
from huisuan.serving.orphan_guard import guarded
from huisuan.serving.processes import local_agent
from huisuan.serving.processes.addresses import free_port, host_names, platform_url
from huisuan.serving.processes.child_process import Child
from huisuan.serving.processes.instance import remove_instance, sole_instance, write_instance
from huisuan.terminal import note

_HEALTHY_WITHIN_SECONDS = 60.0
_WATCH_SECONDS = 0.2
_AGENT_CHECK_SECONDS = 1.0  # for a centre that runs jobs here, until there is one
_STOP_SECONDS = {"agent": 20.0, "worker": 10.0, "relay": 10.0, "web": 10.0}  # to stop, in this order
Say = Callable[[str], None]


class Stopped(KeyboardInterrupt):
    """SIGTERM, SIGHUP or Ctrl-C."""


@dataclass
class Platform:
    """A running platform; `token` is the operator's."""

    url: str
    token: str
    children: dict[str, Child]
    say: Say

    def client(self) -> Client:
        """A client that acts as the operator."""
        return Client(self.url, self.token)

    def serve(self) -> None:
        """Stay until Ctrl-C, SIGTERM or SIGHUP."""
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)

    def watch(self, ending: threading.Event, agent: bool) -> None:
        """Restart children that die, and start the agent once there is a centre for it, until the end."""
        looked = time.monotonic()
        keeper = database.ServerWatchdog(self.say)
        while not ending.wait(_WATCH_SECONDS):
            keeper.look()
            for child in self.children.values():
                child.look_after(self.say)
            if agent and "agent" not in self.children and time.monotonic() - looked > _AGENT_CHECK_SECONDS:
                self.start_agent()
                looked = time.monotonic()
        from django.db import connections

        connections.close_all()  # this thread's own

    def start_agent(self) -> None:
        """Start the agent of this machine, if a centre runs jobs here."""
        from django.db import DatabaseError

        try:
            start = local_agent.plan_agent_start(datetime.now(UTC))
        except DatabaseError as error:
            self.say(f"站点代理暂时无法启动：{error}")
            return
        if start is not None:
            _add(self, "agent", self.url, str(local_agent.folder()), str(start.slots), secret=start.word)


@contextmanager
def running_platform(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    agent: bool = True,
    worker: bool = True,
    relay: int | None = None,
    say: Say = note,
) -> Iterator[Platform]:
    """The platform from this home, well when the block begins, gone with all its processes when it ends.

    `port` 0 takes a free one. `relay` is the port of sessions' relay: 0 a free one, None no relay. In the main thread
    SIGTERM and SIGHUP end it as Ctrl-C does.

    Raises:
        Refused: one runs already, the port is taken, the database cannot be reached, the web does not start.
    """
    with sole_instance(), _signals():
        port = free_port(host, port)
        relay = None if relay is None else free_port(host, relay, "--relay-port")
        permissions.restrict_new_files()
        for text in _put_in_order():
            say(text)
        with _private_server():
            if applied := database.apply_migrations():
                say(f"已更新数据库的表结构（{len(applied)} 项）")
            for problem in _settings_problems():
                say(f"注意：{problem}")
            yield from _with_children(host, port, agent, worker, relay, say)


@contextmanager
def _private_server() -> Iterator[None]:
    """The private PostgreSQL, if that is the platform's, stops when the block or this process ends, however it does."""
    with guarded(database.private_directory()) if database.is_private() else contextlib.nullcontext():
        try:
            yield
        finally:
            database.stop_private_server()


def _with_children(host: str, port: int, agent: bool, worker: bool, relay: int | None, say: Say) -> Iterator[Platform]:
    url = platform_url(host, port)
    platform = Platform(url, _operator_token(), {}, say)
    ending = threading.Event()
    watch = threading.Thread(target=platform.watch, args=(ending, agent))
    try:
        sessions = {} if relay is None else {PORT: str(relay)}
        web = _add(platform, "web", host, str(port), HUISUAN_HOSTS=host_names(host), **sessions)
        if relay is not None:
            _add(platform, "relay", host, str(relay), **sessions)
        _wait_until_well(url, web, say)
        if worker:
            _add(platform, "worker")
        if agent:
            platform.start_agent()
        write_instance(url, platform.token)
        watch.start()
        yield platform
    finally:
        with _unhurried():
            ending.set()
            if watch.is_alive():
                watch.join()
            remove_instance()
            _stop(platform)


def _add(platform: Platform, name: str, *arguments: str, secret: str = "", **environment: str) -> Child:
    log = ensure_folder(home() / "logs") / f"{name}.log"
    child = Child(name, arguments, log, secret, environment)
    platform.children[name] = child
    child.start()
    return child


def _stop(platform: Platform) -> None:
    """Orderly: the agent ends the jobs and tells how, then the worker, then the web that both speak to."""
    for name, patience in _STOP_SECONDS.items():
        if name in platform.children:
            platform.children[name].stop(patience)
    jobs = local_agent.folder() / JOBS
    if "agent" in platform.children and jobs.exists():
        from huisuan.compute.engines.local import LocalEngine

        # what an agent that had died left running; its end is reported at the next start
        LocalEngine(jobs).end_all("平台停止时结束", _STOP_SECONDS["agent"])


def _put_in_order() -> Iterator[str]:
    """What a start finds to repair in the home."""
    if closed := permissions.restrict_existing_files():
        some = "、".join("数据目录本身" if name == "." else name for name in closed[:5])
        yield f"已收紧数据目录里 {len(closed)} 项的权限（原先别人可读）：{some}"
    if remove_abandoned_draft(home()):
        yield "已清理一次没有完成的恢复；要恢复，请停止平台，用新的空目录再运行 huisuan restore"
    if removed := disk.remove_leftovers():
        yield f"已清理 {len(removed)} 个写到一半的旧文件或临时目录：{'、'.join(removed[:5])}"


def _settings_problems() -> list[str]:
    from huisuan.settlement.adoption.settings_files import list_problems

    return list_problems()


def _operator_token() -> str:
    from huisuan.parties.identity.tokens import issue_operator_token

    return issue_operator_token(datetime.now(UTC))


def _wait_until_well(url: str, web: Child, say: Say) -> None:
    deadline = time.monotonic() + _HEALTHY_WITHIN_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as http:
        while web.pid is not None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = http.get(f"{url}/healthz")
                if answer.is_success:
                    return
                if "disk full" in answer.text:  # it runs, and what is there can be read
                    say(f"注意：磁盘空间不足（{answer.text}）：腾出空间之前不要导入和结算")
                    return
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break  # it is broken: waiting does not help
            time.sleep(0.05)
    raise Unavailable(f"web 没有启动成功；日志 {web.log} 的最后几行：\n{web.last_words()}", code="platform.not_started")


@contextmanager
def _signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the block (in the main thread, the only one that can hear them)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise Stopped

    # SIGINT too: a shell starts what it puts in the background with Ctrl-C ignored
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _unhurried() -> Iterator[None]:
    """An impatient second Ctrl-C does not break off the orderly end, which is short and bounded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

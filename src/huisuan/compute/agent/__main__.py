"""`python -m huisuan.compute.agent`: the site agent, calling out to the platform until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.client.http import Client
from huisuan.compute import engines
from huisuan.compute.agent.loop import Agent
from huisuan.compute.agent.memory import Memory
from huisuan.console import SHANGHAI
from huisuan.home import home, made

ENDING_SECONDS = 10
LAST_WORDS = 3  # exchanges in which to tell how the jobs ended


def say(text: str) -> None:
    """A line of the agent's log."""
    sys.stdout.write(f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M:%S} {text}\n")
    sys.stdout.flush()


def serve(
    url: str, token: str, folder: Path, *, engine: str = "local", centre: str | None = None, end_jobs: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT; with `end_jobs` the jobs that run are ended first, else they go on."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    memory = Memory(made(folder / "agent") / "state.sqlite3")
    with Client(url, token, timeout=20) as platform:
        agent = Agent(platform, engines.load(engine, folder / "jobs"), engine, memory, centre, say)
        while not stopping.is_set():
            stopping.wait(agent.step())
        if end_jobs and agent.has_running_jobs:
            _end_jobs(agent)
    memory.close()
    say("站点代理已停止")


def _end_jobs(agent: Agent) -> None:
    say("正在结束运行中的作业")
    agent.end_jobs("平台停止时结束")
    deadline = time.monotonic() + ENDING_SECONDS
    while agent.has_running_jobs and time.monotonic() < deadline:
        time.sleep(0.02)
    for _ in range(LAST_WORDS):
        agent.step()


def main(
    url: Annotated[str, typer.Option("--url", help="平台的地址")],
    token_file: Annotated[Path | None, typer.Option("--token-file", help="存放令牌的文件")] = None,
    folder: Annotated[Path | None, typer.Option("--home", help="状态与作业的目录")] = None,
    engine: Annotated[str, typer.Option("--engine", help="执行引擎")] = "local",
    centre: Annotated[str | None, typer.Option("--centre", help="智算中心代码；不写则由平台指定")] = None,
) -> None:
    """站点代理：只向外发起连接；停止时运行中的作业继续运行，重启后接着看管。

    令牌从 --token-file 或环境变量 HUISUAN_TOKEN 读取。
    """
    token = token_file.read_text(encoding="utf-8").strip() if token_file else os.environ.pop("HUISUAN_TOKEN", "")
    serve(url, token, folder or home(), engine=engine, centre=centre)


if __name__ == "__main__":
    typer.run(main)

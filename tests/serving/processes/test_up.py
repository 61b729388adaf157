"""`huisuan up` as a real process: it starts everything, once, and leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from support.migrated_cluster import copy_cluster

pytestmark = [pytest.mark.db, pytest.mark.slow]
COMMAND = [
    sys.executable,
    "-c",
    "import sys; from huisuan.base.errors import Refused\n"
    "import typer; from huisuan.serving.commands import up; app = typer.Typer(); app.command()(up)\n"
    "try: app()\n"
    "except Refused as refusal: sys.exit(f'refused: {refusal}')",
]


class Home:
    """A data directory of its own, and the platform that runs from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # without PYTHONUNBUFFERED a pipe is buffered: what `up` says must come all the same
        ours = ("HUISUAN_", "DATABASE_", "PYTHONUNBUFFERED")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        self.environment = {**kept, "HUISUAN_HOME": str(folder)}
        self.up: subprocess.Popen[str] | None = None
        self.said: dict[str, Any] = {}

    def start(self) -> dict[str, Any]:
        """Run `up` until it says where it is."""
        self.up = subprocess.Popen(
            [*COMMAND, "--port", "0", "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.folder.parent / f"{self.folder.name}.err").open("a"),
            text=True,
            start_new_session=True,
        )
        assert self.up.stdout is not None
        text = ""
        while not text.endswith("}\n}\n"):
            line = self.up.stdout.readline()
            assert line, (self.folder.parent / f"{self.folder.name}.err").read_text()
            text += line
        self.said = json.loads(text)
        return self.said

    def running(self) -> dict[str, Any]:
        """The platform that runs, started unless one of the tests before left it running."""
        if self.up is None or self.up.poll() is not None:
            self.said = self.start()
        return self.said

    def refused(self, *options: str) -> str:
        """What a second `up` says."""
        done = subprocess.run(
            [*COMMAND, *options], env=self.environment, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 1
        return done.stderr

    def run(self, code: str) -> str:
        """Run a piece of Python in this home."""
        done = subprocess.run(
            [sys.executable, "-c", code], env=self.environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """Everything that lives from this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and (
                    str(self.folder) in " ".join(process.cmdline())
                    or process.environ().get("HUISUAN_HOME") == str(self.folder)
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def stop(self, number: int = signal.SIGINT) -> int:
        """Signal it as the terminal does, and wait."""
        assert self.up is not None
        self.up.send_signal(number)
        return self.up.wait(60)


SEED = """
from huisuan.serving.database import prepare_database; prepare_database()
from huisuan.compute.models import Accelerator, Centre, Partition
from huisuan.parties.models import Party
party = Party.objects.create(uscc="91340100MA2T000013", name="x", kind="enterprise", region_id="340100")
centre = Centre.objects.create(code="here", name="here", operator=party, region_id="340100", engine="local")
slot = Accelerator.objects.get(model="CPU-SLOT")
Partition.objects.create(centre=centre, name="cpu", accelerator=slot, nodes=1, cards_per_node=2)
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="hs-up-"))
    made = Home(folder / "h")
    copy_cluster(made.folder)
    made.run(SEED)
    yield made
    for process in made.processes():
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def eventually(look: Callable[[], Any], within: float = 120) -> Any:
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


SUBMIT = """
from huisuan.client import connect
with connect() as client:
    print(client.submit_job({words!r}, party="91340100MA2T000013").uid)
"""
WAIT = """
from huisuan.client import connect
with connect() as client:
    job = client.wait({uid!r})
    print(job.state, job.reasons[-1])
"""


def test_up_runs_everything_and_one_ctrl_c_ends_it_all(home: Home) -> None:
    running = home.running()
    assert httpx.get(f"{running['url']}/healthz", trust_env=False).json()["status"] == "ok"
    assert set(running["processes"]) == {"web", "worker", "relay", "agent"}
    note = home.folder / "instance.json"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert json.loads(note.read_text())["url"] == running["url"]

    assert f"平台已在运行：{running['url']}（进程 {home.up.pid}）" in home.refused()

    uid = home.run(SUBMIT.format(words=["sh", "-c", "exit 0"])).strip()
    assert home.run(WAIT.format(uid=uid)).startswith("done")
    left = home.run(SUBMIT.format(words=["sleep", "600"])).strip()
    eventually((home.folder / "agent" / "jobs" / left / "started.json").exists)

    assert home.stop() == 0
    assert home.processes() == []
    assert not note.exists()

    assert home.running()["processes"] != running["processes"]
    assert home.run(WAIT.format(uid=left)) == "cancelled 平台停止时结束\n"


def test_a_child_that_is_killed_is_started_again(home: Home) -> Any:
    running = home.running()
    for name in ("agent", "web"):
        os.kill(running["processes"][name], signal.SIGKILL)
    errors = home.folder.parent / f"{home.folder.name}.err"
    eventually(lambda: all(f"{name} 意外退出（信号 9）" in errors.read_text() for name in ("agent", "web")))

    def well() -> bool:
        try:
            return httpx.get(f"{running['url']}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    eventually(well)
    uid = home.run(SUBMIT.format(words=["true"])).strip()
    assert home.run(WAIT.format(uid=uid)).startswith("done")


def test_a_postgresql_that_is_killed_is_started_again_and_nothing_else_has_to_be(home: Home) -> None:
    running = home.running()
    errors = home.folder.parent / f"{home.folder.name}.err"
    postmaster = int((home.folder / "pg" / "postmaster.pid").read_text().splitlines()[0])

    def web() -> set[int]:
        return {process.pid for process in home.processes() if "web" in process.cmdline()[3:5]}

    before = web()
    os.kill(postmaster, signal.SIGKILL)
    seen = set()

    def well_again() -> bool:
        for path in ("/sign-in", "/api/v1/me"):
            answer = httpx.get(f"{running['url']}{path}", trust_env=False, headers={"Authorization": "Bearer hs_no"})
            seen.add((path, answer.status_code))
            assert answer.status_code in (200, 401, 503), answer.text
            assert "Traceback" not in answer.text
            if answer.status_code == 503 and path.startswith("/api/"):
                assert answer.json() == {"detail": "数据库暂时连不上，请稍候再试"}
        return "PostgreSQL 意外退出，已重新启动" in errors.read_text() and answer.status_code == 401

    eventually(well_again)
    assert before == web() != set()
    uid = home.run(SUBMIT.format(words=["true"])).strip()
    assert home.run(WAIT.format(uid=uid)).startswith("done")


def test_children_end_when_the_supervisor_itself_is_killed_and_up_starts_again(home: Home) -> None:
    running = home.running()
    home.up.kill()
    home.up.wait()
    children = running["processes"].values()
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in children))
    assert (home.folder / "instance.json").exists()  # stale, and known to be
    assert home.running()["processes"] != running["processes"]
    assert home.stop(signal.SIGTERM) == 0
    eventually(lambda: home.processes() == [])  # the guard of the one that was killed looks now and then


def test_a_port_that_is_taken_is_refused_with_the_remedy_before_anything_starts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = home.refused("--port", str(port))
    assert f"端口 {port} 不能用（进程 {os.getpid()} " in said
    assert f"--port {port + 1}" in said
    assert home.processes() == []


def test_a_host_that_is_not_this_machines_is_refused(tmp_path: Path) -> None:
    assert "--host 192.0.2.1：不是本机的地址" in Home(tmp_path).refused("--host", "192.0.2.1")

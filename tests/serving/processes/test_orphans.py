"""What a killed process started does not outlive it: PostgreSQL, folders."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from support.run_folder import PREFIX

pytestmark = pytest.mark.db
TESTS = Path(__file__).parents[2]
HANGS = """
import os, threading
from support import database

def test_hangs():
    database.start()
    print("home", os.environ["HUISUAN_HOME"], flush=True)
    threading.Event().wait()
"""


def _servers_in(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
    return found


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_test_run_leaves_no_server_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(HANGS, encoding="utf-8")
    left = Path(tempfile.mkdtemp(prefix=PREFIX))  # by a run that is no more
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "HUISUAN_"))}
    words = ["-c", TESTS.parent / "pyproject.toml", "-p", "no:cacheprovider", "-n", "0", "-s", tmp_path / "test_it.py"]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *map(str, words)],
        env={**environment, "PYTHONPATH": str(TESTS)}, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert run.stdout is not None
        place = next(line.split()[-1] for line in run.stdout if "home " in line)
        home = Path(place)
        assert home.name.startswith(PREFIX)
        assert not left.exists()
        assert _servers_in(home)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    _wait(lambda: not _servers_in(home) and not home.exists())


def test_the_private_server_ends_with_a_killed_platform() -> None:
    home = Path(tempfile.mkdtemp(prefix="hs-up-"))
    environment = {**os.environ, "HUISUAN_HOME": str(home)}
    start = (
        "import os, signal\n"
        "from huisuan.serving import database\n"
        "from huisuan.serving.processes.supervisor import _private_server\n"
        "with _private_server():\n"
        "    database.start_private_server()\n"
        "    print('well', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", start], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "well\n"
    run.wait()
    _wait(lambda: not _servers_in(home))
    subprocess.run(["rm", "-rf", str(home)], check=True)

"""A platform as `huisuan up` runs it, in a home of its own, for attacks over the loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from support.migrated_cluster import copy_cluster

PATIENCE = 60.0


class Attacked:
    """A running platform: its address, and the operator's token."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUISUAN_", "DATABASE_"))}
        self.folder, self.environment = folder, {**kept, "HUISUAN_HOME": str(folder), **environment}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from huisuan.cli.main import main; main()",
                "up",
                "--port",
                "0",
                "--json",
                "--no-agent",
                "--no-worker",
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        text = ""
        while not text.endswith("}\n}\n"):
            line = self.process.stdout.readline()
            assert line, (folder / "logs" / "web.log").read_text() if (folder / "logs" / "web.log").exists() else text
            text += line
        said = json.loads(text)
        self.url, self.web = said["url"], said["processes"]["web"]
        self.token = json.loads((folder / "instance.json").read_text())["token"]
        self.address = (str(urlsplit(self.url).hostname), int(urlsplit(self.url).port or 0))

    def socket(self) -> socket.socket:
        """A connection of an attacker."""
        return socket.create_connection(self.address, timeout=PATIENCE)

    def get(self, path: str, *, timeout: float = PATIENCE) -> httpx.Response:
        """An honest request."""
        with httpx.Client(trust_env=False, timeout=timeout) as client:
            return client.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"})

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def attacked(**environment: str) -> Iterator[Attacked]:
    """A platform for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="hs-attack-"))
    folder.chmod(0o755)
    try:
        copy_cluster(folder)
        platform = Attacked(folder, **environment)
        try:
            yield platform
        finally:
            platform.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has let the connection go (what it said before is read and dropped)."""
    connection.settimeout(0.01)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True

"""A real Ray of one node on this machine: started for the tests, ended with every process of its own, nothing left."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from support.ports import free_port

RAY = Path(__file__).parents[2] / ".venv-ray" / "bin" / "ray"
NODE = "127.0.0.2"  # Ray takes 127.0.0.1 for "find out yourself"
CARDS, CARD = 8, "A100"
START_SECONDS = 120


def lacking() -> str:
    """Why there can be no Ray here; empty where there can."""
    if not RAY.exists():
        return "no Ray in .venv-ray (setup/ray.sh installs it)"
    with socket.socket() as trial, contextlib.suppress(OSError):
        trial.bind((NODE, 0))
        return ""
    return f"{NODE} cannot be bound on this machine"


class RayCluster:
    """Eight cards that are said to be A100s; a token is asked of everyone."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hr-", dir="/tmp"))  # sockets want a short path
        self.token_file = self.folder / "token"
        self.token_file.write_text(secrets.token_hex(24))
        head, dashboard, agent, clients = (free_port(NODE) for _ in range(4))
        self.address = f"http://127.0.0.1:{dashboard}"
        self._ports = (head, dashboard, agent, clients)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        head, dashboard, agent, clients = self._ports
        words = [
            str(RAY), "start", "--head", "--block", f"--node-ip-address={NODE}", f"--port={head}", "--num-cpus=2",
            f"--num-gpus={CARDS}", f'--resources={{"accelerator_type:{CARD}": 1}}', "--dashboard-host=127.0.0.1",
            f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}",
            f"--ray-client-server-port={clients}", "--min-worker-port=20100",
            "--max-worker-port=20499", "--object-store-memory=100000000", f"--temp-dir={self.folder / 'r'}",
            "--disable-usage-stats",
        ]  # fmt: skip
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token_file.read_text()}
        with (self.folder / "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                words, env={**kept, **token}, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        headers = {"Authorization": f"Bearer {self.token_file.read_text()}"}
        with httpx.Client(base_url=self.address, headers=headers, timeout=5, trust_env=False) as client:
            while time.monotonic() < deadline:
                assert self._process is not None
                if self._process.poll() is not None:
                    raise RuntimeError((self.folder / "start.log").read_text()[-2000:])
                with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
                    nodes = client.get("/api/v0/nodes?detail=1").json()["data"]["result"]["result"]
                    if nodes and client.get("/api/jobs/").is_success:
                        return
                time.sleep(0.2)
        raise RuntimeError("Ray did not come up")

    def processes(self) -> list[psutil.Process]:
        """Every process that names this cluster's folder: Ray's own, and the launchers of jobs."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and any(str(self.folder) in word for word in process.cmdline()):
                    found.append(process)
        return found

    def stop(self) -> None:
        mine = self.processes()
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                mine += psutil.Process(self._process.pid).children(recursive=True)
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        for process in {*mine, *self.processes()}:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(mine, timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

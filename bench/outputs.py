"""A large result, from a job to a folder: whole after a kill in the middle, by processes of bounded memory.

    .venv/bin/python bench/outputs.py [--gib 4] [--folder DIR] [--json]

A real platform (web server, private PostgreSQL), a real agent with the local engine, a real job that leaves a file of
random bytes, and `huisuan job get` as a process: killed (SIGKILL) when half is there, run again to the end.

Peers in the same run, on the same bytes: `cp`, and `curl` from Python's own file server; and `sha256sum` three times,
because each byte is hashed at the centre and here. Memory is the highest resident set of each process, sampled.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from measure import Timing, as_json, line, machine, report
from sync import web
from usage import platform

HUISUAN = [str(Path(sys.executable).with_name("huisuan"))]
GIB = 2**30
SAMPLE_SECONDS = 0.05


class Memory:
    """The highest resident set of processes and their children, in bytes, while it is watched."""

    def __init__(self) -> None:
        self.highest: dict[str, int] = {}
        self._watched: dict[str, int] = {}
        self._over = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def watch(self, name: str, pid: int) -> None:
        """Watch a process from now on."""
        self._watched[name] = pid

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for name, pid in list(self._watched.items()):
                try:
                    one = psutil.Process(pid)
                    held = sum(each.memory_info().rss for each in (one, *one.children(recursive=True)))
                except psutil.Error:
                    continue
                self.highest[name] = max(self.highest.get(name, 0), held)


@contextmanager
def agent(folder: Path, url: str) -> Iterator[int]:
    """An agent of its own process that joined for a centre on this machine; its number."""
    from huisuan.compute.agent_gateway.enrolment import invite_agent
    from huisuan.compute.centres.services import CentrePlan, add_centre
    from huisuan.compute.site_agent.config import Config
    from huisuan.compute.site_agent.process import join
    from huisuan.parties.models import Party

    plan = CentrePlan("本机", Party.objects.get().uscc, "340100", engine="local", partitions=("main=CPU-SLOT:1x4",))
    add_centre("here", plan)
    word = invite_agent("here", "bench", datetime.now(UTC))[1]
    join(folder, Config(url=url, engine="local", options={"slots": "4"}, output_gib=10_000), word)
    process = subprocess.Popen([*HUISUAN, "agent", "run", "--home", str(folder)], stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def token() -> tuple[str, str]:
    """A token of the province, and the party for which it submits."""
    from huisuan.parties.identity.audit_trail import Actor
    from huisuan.parties.identity.tokens import issue_token
    from huisuan.parties.models import Party, Person

    who = Person.objects.create(username="bench", name="bench", role="province", machine=True, password="!")
    return issue_token(who, "bench", Actor("bench"), datetime.now(UTC), scope="manage")[1], Party.objects.get().uscc


def run_job(url: str, secret: str, party: str, size: int) -> str:
    """The uid of a job that left so many random bytes, once its results are kept."""
    from huisuan.client import Client, ClientError

    with Client(url, secret) as client:
        words = ["sh", "-c", f"head -c {size} /dev/urandom > results/big"]
        deadline = time.monotonic() + 60
        while True:
            try:
                job = client.submit_job(words, party=party, outputs="results", time_limit_seconds=3600)
                break
            except ClientError:  # the agent has not called yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        while not client.job_files(job.uid).runs:
            state = client.job(job.uid)
            if state.final and state.state != "done":
                raise SystemExit(f"the job ended badly: {state.state}")
            time.sleep(0.5)
    return job.uid


def fetch(uid: str, into: Path, surroundings: dict[str, str], memory: Memory, kill_at: int = 0) -> dict[str, Any]:
    """Fetch with the command; killed when so many bytes are there. What it says, {} where it was killed."""
    command = [*HUISUAN, "job", "get", uid, "-o", str(into), "--json"]
    process = subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True)
    memory.watch("client", process.pid)
    while kill_at and process.poll() is None:
        parts = into / ".huisuan-part"
        if parts.is_dir() and sum(part.stat().st_size for part in parts.iterdir()) >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return {}
        time.sleep(0.02)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"job get failed: {said}")
    found: dict[str, Any] = json.loads(said)
    return found


def timed(*command: str) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def curl(source: Path, target: Path) -> float:
    """Seconds that curl takes from Python's file server on loopback."""
    server = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(source.parent)]
    with subprocess.Popen(server, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serving:
        assert serving.stdout is not None
        port = serving.stdout.readline().split("port ")[1].split()[0]
        seconds = timed("curl", "-s", "--noproxy", "*", "-o", str(target), f"http://127.0.0.1:{port}/{source.name}")
        serving.terminate()
    return seconds


def main() -> None:
    """Measure and tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--gib", type=float, default=4.0)
    asked.add_argument("--folder", type=Path, help="where there is room for four times the size")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    size = int(given.gib * GIB)
    place = Path(tempfile.mkdtemp(prefix="huisuan-bench-", dir=given.folder))
    try:
        told = measure(place, size)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(json.dumps(as_json(*told), ensure_ascii=False)) if given.json else report(*told)


def measure(place: Path, size: int) -> tuple[str, list[Any], dict[str, Any], list[str]]:
    """Title, lines, machine and notes of one run."""
    memory = Memory()
    with platform(place / "home"), web() as port, agent(place / "agent", f"http://127.0.0.1:{port}") as agent_pid:
        url = f"http://127.0.0.1:{port}"
        secret, party = token()
        memory.watch("agent", agent_pid)
        (web_pid,) = [
            each.pid for each in psutil.Process().children() if "child_main" in " ".join(each.cmdline())
        ]  # fmt: skip
        memory.watch("platform", web_pid)
        uid = run_job(url, secret, party, size)
        surroundings = {**os.environ, "HUISUAN_URL": url, "HUISUAN_TOKEN": secret}
        into, kept = place / "into", place / "agent" / "outputs" / uid / "files" / "big"
        began = time.perf_counter()
        killed = fetch(uid, into, surroundings, memory, kill_at=size // 2)
        half, at_half = time.perf_counter() - began, dict(memory.highest)
        began = time.perf_counter()
        told = fetch(uid, into, surroundings, memory)
        rest = time.perf_counter() - began
        (file,) = told["files"]
        assert not killed
        assert (file["how"], file["size"]) == ("resumed", size), file
        same = subprocess.run(["cmp", str(kept), str(into / "big")], check=False).returncode == 0
        peers = {
            "cp of the same bytes": timed("cp", str(kept), str(place / "copy")),
            "curl of the same bytes": curl(kept, place / "copy"),
            "sha256sum, three times": 3 * timed("sha256sum", str(kept)),
        }
    memory.stop()
    ours = Timing(((half + rest, 0.0),))
    lines = [line("job get, killed at the half and resumed", 1, ours, wrong=0 if same else 1)]
    for what, seconds in peers.items():
        ratio = ours.median / seconds
        lines.append(line(what, 1, Timing(((seconds, 0.0),)), None, remark=f"ours / this {ratio:.2f}"))
    highest = ", ".join(f"{name} {held / 2**20:,.0f} MiB" for name, held in sorted(memory.highest.items()))
    growth = ", ".join(
        f"{name} {(held - at_half[name]) / 2**20 / (size / 2 / GIB):,.0f}"
        for name, held in sorted(memory.highest.items())
    )
    return (
        f"A result of {size / GIB:.1f} GiB ({size:,} bytes)", lines, machine(),
        [f"first half {half:.1f} s, the rest with the whole hash {rest:.1f} s: {size / 1e6 / (half + rest):,.0f} MB/s",
         f"highest memory: {highest}", f"grown in the second half, MiB for each GiB moved: {growth}",
         f"the bytes are the same: {same}"],
    )  # fmt: skip


if __name__ == "__main__":
    main()

"""The pages that a province of programmes opens every day, over HTTP, with so many applications behind them.

    .venv/bin/python bench/programme_pages.py [--applications 100000] [--rounds 25] [--only inbox] [--keep FOLDER]

The platform's own web process answers on this machine, and every request comes with a signed-in session. What is in
the database and how it got there: `programme_world.py`. Beside the clock stands processor time of a request: of the web
process and of PostgreSQL; where others share the machine, trust that. The peer of every page is the sign-in page of the
same process, which reads no application. With `--keep` the filled database stays in FOLDER and is used again. Exit code
1: a p95 is 200 ms or more.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))

AIM_MS = 200
PEER = ("", "/sign-in")
INDUSTRY = "省经济和信息化厅"
#: (person, address); PARTY, CALL, NUMBER and ENTRY are those of the world
PAGES = (
    PEER,
    (f"publish {INDUSTRY}", "/inbox/"),
    (f"publish {INDUSTRY}", "/inbox/?sort=-due"),
    (f"publish {INDUSTRY}", "/inbox/?due=overdue"),
    (f"check {INDUSTRY}", "/applications/"),
    (f"check {INDUSTRY}", "/applications/?state=checked"),
    (f"check {INDUSTRY}", "/applications/?q=0099"),
    (f"check {INDUSTRY}", "/applications/NUMBER"),
    ("firm", "/applications/"),
    ("firm", "/claims/"),
    (f"decide {INDUSTRY}", "/calls/CALL/sheet"),
    (f"check {INDUSTRY}", "/calls/CALL"),
    (f"check {INDUSTRY}", "/treasury/statement"),
    (f"check {INDUSTRY}", "/treasury/statement?by=party"),
    (f"check {INDUSTRY}", "/treasury/lines/"),
    (f"check {INDUSTRY}", "/corrections/"),
    (f"check {INDUSTRY}", "/programmes/year/"),
    (f"check {INDUSTRY}", "/parties/PARTY"),
    (f"check {INDUSTRY}", "/search/?q=0099"),
    (f"check {INDUSTRY}", "/registers/"),
    ("city", "/city-desk"),
    ("city", "/applications/"),
)


@contextmanager
def platform(folder: Path, count: int) -> Iterator[dict[str, Any]]:
    """A platform of its own, filled once and answering; what the addresses name. Stopped at the end."""
    os.environ |= {"HUISUAN_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "huisuan.serving.settings"}
    os.environ.pop("DATABASE_URL", None)
    from huisuan.serving.database import prepare_database, stop_private_server

    described, began = folder / "world.json", time.perf_counter()
    prepare_database()
    ready = time.perf_counter()
    try:
        if not described.exists():
            from programme_world import fill

            own = time.process_time()
            described.write_text(json.dumps(fill(count).to_dict()), "utf-8")
            seconds, own = time.perf_counter() - ready, time.process_time() - own
            print(f"tables {ready - began:.0f} s, {count:,} applications {seconds:.0f} s (this process {own:.0f} s)")
        with web() as server:
            yield json.loads(described.read_text("utf-8")) | server
    finally:
        stop_private_server()


@contextmanager
def web() -> Iterator[dict[str, Any]]:
    """The web process: its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "huisuan.serving.processes.child_main", "web", "127.0.0.1", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # it stops when its standard input ends
        assert process.stdin is not None
        process.stdin.write(b"\n")  # the word that an agent gets
        process.stdin.flush()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield {"port": port, "web": process.pid}
        process.terminate()


def session(name: str) -> str:
    """The cookie of somebody who is signed in; empty: of nobody."""
    from django.conf import settings
    from django.test import Client

    from huisuan.parties.models import Person

    if not name:
        return ""
    client = Client()
    client.force_login(Person.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def processor_ms(tree: int) -> float:
    """Processor time so far of a process and all below it, those that ended among them."""
    main = psutil.Process(tree)
    living = [one.cpu_times() for one in main.children(recursive=True)]
    return 1000 * (sum(main.cpu_times()[:4]) + sum(times.user + times.system for times in living))


def measure(world: dict[str, Any], name: str, address: str, rounds: int) -> dict[str, Any]:
    """The times of one page, in ms."""
    cookie, times = session(world["people"].get(name, name)), []
    headers = {"Cookie": cookie, "Accept-Language": "zh"} if cookie else {}
    spent = [0.0, 0.0]
    connection = HTTPConnection("127.0.0.1", world["port"], timeout=120)
    for turn in range(rounds + 2):
        if turn == 2:
            spent = [processor_ms(world["web"]), processor_ms(world["postgres"])]
        began = time.perf_counter()
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{name} {address}: {answer.status}")
    web_ms, server_ms = processor_ms(world["web"]) - spent[0], processor_ms(world["postgres"]) - spent[1]
    return {
        "person": (name or "nobody").partition(" ")[0], "page": address, "p50_ms": statistics.median(times[2:]),
        "p95_ms": statistics.quantiles(times[2:], n=20)[-1], "web_ms": web_ms / rounds,
        "postgres_ms": server_ms / rounds,
    }  # fmt: skip


def words(row: dict[str, Any]) -> str:
    """A page in words."""
    clock = f"p50 {row['p50_ms']:.0f}, p95 {row['p95_ms']:.0f} ms"
    spent = f"processor {row['web_ms']:.0f} + {row['postgres_ms']:.0f} ms"
    return f"{row['person']} {row['page']}: {clock}; {spent}; p95 {row['ratio']:.1f} times the peer's"


def server() -> int:
    """The process id of the platform's own PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).ppid()


def main() -> int:
    """Print the table; 1 where a page is over the aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applications", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only", default="", help="addresses that contain this")
    parser.add_argument("--keep", type=Path, help="folder of the database, kept and used again")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as scratch, platform(asked.keep or Path(scratch), asked.applications) as world:
        world["postgres"] = server()
        for name, pattern in PAGES:
            if (name, pattern) != PEER and asked.only not in pattern:
                continue
            address = pattern
            for mark in ("PARTY", "CALL", "NUMBER"):
                address = address.replace(mark, world[mark])
            row = measure(world, name, address, asked.rounds)
            row["ratio"] = row["p95_ms"] / found[0]["p95_ms"] if found else 1.0
            found.append(row)
            if not asked.json:
                print(words(row), flush=True)
    if asked.json:
        print(json.dumps({"applications": asked.applications, "load": os.getloadavg(), "pages": found}, indent=2))
    return int(max(row["p95_ms"] for row in found) >= AIM_MS)


if __name__ == "__main__":
    sys.exit(main())

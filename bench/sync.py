"""The agents' endpoint: a round of 1,000 centres with 100,000 running jobs, against what signed requests cost at all.

    .venv/bin/python bench/sync.py [--centres 1000] [--jobs 100000] [--rounds 3] [--json]

A real web server (the child process of `huisuan up`) on a private PostgreSQL of its own; each centre's agent calls once
in a round, over connections kept open, with requests signed beforehand.

Quiet round: nothing changed at any centre, as nearly always. Busy round: two jobs in a hundred ended at each centre,
each with a line of output and its usage in a signed batch.

Limits, in the same run: the same number of signed requests that are only verified and answered (`probe`), and the bare
SQL of a quiet round, one centre after the other on one connection.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import as_json, interleaved, line, machine, report
from usage import platform

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from huisuan.protocol.agent import SignedBatch, SyncRequest

CENTRES, JOBS, ROUNDS = 1000, 100_000, 3
ENDED = 0.02  # of a centre's jobs, in a busy round
CONNECTIONS = 8  # as many as the web server has threads
KEY = "SELECT * FROM compute_agentkey k JOIN compute_centre c ON c.id = k.centre_id WHERE k.name = %s"
BOOT = f"{'a' * 24}.1"
CAPABILITIES = {"lease": {"able": True, "why": "bench"}}


@dataclass
class Site:
    """An agent as the platform hears it."""

    centre: int
    key_id: int
    name: str
    key: Ed25519PrivateKey
    jobs: list[str]
    number: int = 0
    held: str = ""
    batch: int = 0
    chain: str = "0" * 64

    def request(self, **rest: Any) -> tuple[dict[str, str], bytes]:
        """The next request, signed: headers and body."""
        from huisuan.protocol.agent import AGENT, SIGNATURE, SyncRequest
        from huisuan.protocol.signatures import sign_request

        self.number += 1
        told: SyncRequest = SyncRequest.model_validate(
            {
                "agent": self.name, "number": self.number, "boot": BOOT, "host": "bench", "version": "0",
                "engine": "slurm", "sent_at": datetime.now(UTC), "held": self.held or None, **rest,
            }
        )  # fmt: skip
        body = told.model_dump_json(exclude_defaults=True).encode()
        headers = {AGENT: self.name, SIGNATURE: sign_request(self.key, body), "Content-Type": "application/json"}
        return headers, body

    def ends(self, count: int, began: datetime) -> tuple[dict[str, str], bytes]:
        """A request that tells of so many jobs that ended, with their output and use."""
        ended, now = [self.jobs.pop() for _ in range(count)], datetime.now(UTC).replace(microsecond=0)
        observed = [
            {
                "uid": uid, "lease": 1, "state": "completed", "started_at": began, "ended_at": now, "exit_code": 0,
            }
            for uid in ended
        ]  # fmt: skip
        output = base64.b64encode(b"done\n" * 20).decode()
        logs = [{"uid": uid, "offset": 0, "content": output} for uid in ended]
        return self.request(observed=observed, logs=logs, batches=[self._batch(ended, began, now)])

    def _batch(self, uids: list[str], began: datetime, ended: datetime) -> SignedBatch:
        from huisuan.protocol.agent import SignedBatch, UsageLine
        from huisuan.protocol.batch_chain import batch_digest

        lines = [
            UsageLine(
                uid=uid, run=0, lease=1, slice=0, nodes="n1", node_count=1, cards=1, started_at=began, ended_at=ended,
                state="completed", exit_code=0, collector="bench",
            ).to_json_line()
            for uid in uids
        ]  # fmt: skip
        self.batch += 1
        digest = batch_digest(self.name, self.batch, self.chain, lines)
        made = SignedBatch(
            number=self.batch, previous=self.chain, lines=lines, signature=self.key.sign(digest).hex()
        )  # fmt: skip
        self.chain = digest.hex()
        return made


def settle_in(centres: int, jobs: int, began: datetime) -> list[Site]:
    """So many centres, each with its agent's key and its share of the running jobs."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from huisuan.compute.models import Accelerator, AgentKey, Centre, Job, Partition, PlacementDecision
    from huisuan.parties.models import Party
    from huisuan.protocol.signatures import public_half

    party, card, each = Party.objects.get(), Accelerator.objects.get(model="A800-SXM4-80GB"), jobs // centres
    made = Centre.objects.bulk_create(
        Centre(code=f"c{at}", name=f"c{at}", operator=party, region_id="340100", engine="slurm")
        for at in range(centres)
    )
    Partition.objects.bulk_create(
        Partition(centre=centre, name="gpu", accelerator=card, nodes=each, cards_per_node=8) for centre in made
    )
    keys = [Ed25519PrivateKey.generate() for _ in made]
    rows = AgentKey.objects.bulk_create(
        AgentKey(
            centre=centre, name=f"00000000-0000-0000-0000-{at:012}", public_key=public_half(key), host="bench",
            enrolled_at=began,
        )
        for at, (centre, key) in enumerate(zip(made, keys, strict=True))
    )  # fmt: skip
    running = [
        Job(
            uid=f"b{at:025}", party=party, submitted_by="bench", name="bench", command=["true"], cards=1,
            state="running", lease=1, centre=made[at % centres], accelerator=card, partition="gpu",
            submitted_at=began, placed_at=began, started_at=began,
        )
        for at in range(each * centres)
    ]  # fmt: skip
    Job.objects.bulk_create(running, batch_size=5000)
    PlacementDecision.objects.bulk_create(
        (
            PlacementDecision(
                job=job, run=0, lease=1, at=began, centre=job.centre, accelerator=card, weights="bench", parts={}
            )
            for job in running
        ),
        batch_size=5000,
    )  # fmt: skip
    return [
        Site(centre.pk, row.pk, row.name, key, [job.uid for job in running[at::centres]])
        for at, (centre, row, key) in enumerate(zip(made, rows, keys, strict=True))
    ]


@contextmanager
def web() -> Iterator[int]:
    """The platform's web server as a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "huisuan.serving.processes.child_main", "web", "127.0.0.1", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, env=dict(os.environ))
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.stdin.close()
        process.wait(30)


class Round:
    """Sends each site's request once, over connections that stay open."""

    def __init__(self, port: int, sites: list[Site]) -> None:
        self.port, self.sites = port, sites
        self.connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for _ in range(CONNECTIONS)]

    def send(self, requests: list[tuple[dict[str, str], bytes]]) -> list[dict[str, Any]]:
        """All of them, as fast as they are answered."""
        answers: list[dict[str, Any]] = [{}] * len(requests)

        def share(at: int) -> None:
            connection = self.connections[at]
            for place in range(at, len(requests), CONNECTIONS):
                headers, body = requests[place]
                connection.request("POST", "/api/agent/v1/sync", body, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    raise SystemExit(f"{answer.status}: {content.decode()[:500]}")
                answers[place] = json.loads(content)

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(share, range(CONNECTIONS)))
        return answers

    def timed(self, make: Callable[[Site], tuple[dict[str, str], bytes]]) -> tuple[float, float]:
        """A round with these requests, which are made and signed before the clock starts."""
        requests = [make(site) for site in self.sites]
        start, processor = time.perf_counter(), time.process_time()
        answers = self.send(requests)
        spent = time.perf_counter() - start, time.process_time() - processor
        for site, answer in zip(self.sites, answers, strict=True):
            site.held = answer.get("held") or site.held
            if any(each.get("refused") or each.get("flagged") for each in answer.get("batches", [])):
                raise SystemExit(f"a batch was refused: {answer['batches']}")
        return spent


def bare_sql(sites: list[Site]) -> None:
    """What a quiet round costs PostgreSQL alone: its statements, one centre after the other."""
    from django.db import connection, transaction

    from huisuan.compute.agent_gateway.desired_state import CENTRE_DIGEST
    from huisuan.compute.agent_gateway.serving_agent import NOTE_REQUEST

    with connection.cursor() as cursor:
        for site in sites:
            site.number += 1
            told = {
                "key": site.key_id, "number": site.number, "boot": BOOT, "now": datetime.now(UTC), "skew": 0,
                "quiet": True, "plain": True, "same": ["bench", "0", "slurm", "slurm"],
            }  # fmt: skip
            cursor.execute(KEY, [site.name])
            cursor.fetchall()
            with transaction.atomic():
                cursor.execute(NOTE_REQUEST, told)
                if cursor.fetchone()[:2] != (True, True):
                    raise SystemExit("the SQL of a quiet round is not what it was")
            cursor.execute(CENTRE_DIGEST, {"centre": site.centre})
            cursor.fetchall()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--centres", type=int, default=CENTRES)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hs-"))
    about = machine("django", "psycopg", "granian")
    try:
        with platform(folder):
            began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
            sites = settle_in(asked.centres, asked.jobs, began)
            from django.db import connection

            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            with web() as port:
                rounds = Round(port, sites)
                rounds.timed(lambda site: site.request(capabilities=CAPABILITIES))  # hears what is wanted
                ended = max(1, round(len(sites[0].jobs) * ENDED))
                timings = interleaved(
                    {
                        "quiet": lambda: rounds.timed(lambda site: site.request()),
                        "busy": lambda: rounds.timed(lambda site: site.ends(ended, began)),
                        "probe": lambda: rounds.timed(lambda site: site.request(probe=True)),
                        "sql": lambda: bare_sql(sites),
                    },
                    asked.rounds,
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    quiet, calls = timings["quiet"], asked.centres
    lines = [
        line("a quiet round", calls, quiet),
        line(f"a busy round ({ended} jobs ended at each centre)", calls, timings["busy"]),
        line("limit: the same requests, only verified and answered", calls, timings["probe"], ("quiet", quiet)),
        line("limit: the bare SQL of a quiet round", calls, timings["sql"], ("quiet", quiet)),
    ]
    title = f"One exchange with each of {calls:,} centres, {asked.jobs:,} running jobs in all"
    notes = [
        f"A quiet round: {quiet.median:.2f} s, {calls / quiet.median:,.0f} exchanges a second; "
        f"a busy one: {timings['busy'].median:.2f} s, "
        f"{calls * ended / timings['busy'].median:,.0f} ended jobs metered a second.",
        "CPU s is the load generator's own; the web server and PostgreSQL share the same cores with it.",
    ]
    if asked.json:
        print(json.dumps(as_json(title, lines, about, notes), ensure_ascii=False, indent=2))
    else:
        report(title, lines, about, notes)


if __name__ == "__main__":
    main()

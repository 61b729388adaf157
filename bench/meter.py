"""The signed meter: how many usage records a second are verified and stored, against what the machine itself can do.

    .venv/bin/python bench/meter.py [--records 200000] [--seed 7]

Ours: batches of 1,000 lines, as agents send them, 20 in a call: signature, chain and every line verified, each line
judged against its job's lease and what is stored, records and raw lines written, batches chained and receipted,
use above capacity looked for. All committed, in PostgreSQL. Two centres at a time, in two threads of one process, as
the web server takes them. The agents' own work (writing, signing) is done before.

Limits, in the same run: COPY of the very same rows into a table without index, check or trigger (what PostgreSQL alone
costs), and Ed25519 plus SHA-256 over the same batches (what the proof alone costs).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from usage import Measure, platform, timed, timed_copy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from huisuan.compute.models import AgentKey, Centre
    from huisuan.protocol.agent import SignedBatch

    Site = tuple[Centre, AgentKey, list[SignedBatch]]

RECORDS, SEED = 200_000, 7
SLICES = 10  # of each job, an hour each
IN_A_CALL = 20
AT_ONCE = 2  # centres
AGENT = "11111111-2222-3333-4444-55555555555{}"
T0 = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lease_jobs(code: str, count: int, seed: int) -> Centre:
    """So many jobs placed at a new centre, which has room for all of them."""
    from huisuan.compute.models import Accelerator, Centre, Job, Partition, PlacementDecision
    from huisuan.parties.models import Party

    card, party, chance = Accelerator.objects.get(model="A800-SXM4-80GB"), Party.objects.get(), random.Random(seed)
    centre = Centre.objects.create(code=code, name=code, operator=party, region_id="340100", engine="slurm")
    Partition.objects.create(centre=centre, name="a800", accelerator=card, nodes=count, cards_per_node=8)
    jobs = [
        Job(
            uid=f"{code}J{number:09d}", party=party, submitted_by=f"user{number % 400}", name="bench", command=["true"],
            cards=chance.choice((1, 2, 4, 8)), state="running", lease=1, centre=centre, accelerator=card,
            partition="a800", submitted_at=T0 - HOUR, placed_at=T0 - HOUR / 2,
        )
        for number in range(count)
    ]  # fmt: skip
    Job.objects.bulk_create(jobs, batch_size=5000)
    decided = [
        PlacementDecision(
            job=job, run=0, lease=1, at=T0 - HOUR / 2, centre=centre, accelerator=card, weights="bench", parts={}
        )
        for job in jobs
    ]
    PlacementDecision.objects.bulk_create(decided, batch_size=5000)
    return centre


def signed_batches(centre: Centre, agent: str, records: int) -> tuple[AgentKey, list[SignedBatch]]:
    """What an agent sends in so many hours: hour by hour a slice of every job, a thousand lines a batch."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from huisuan.compute.models import AgentKey
    from huisuan.protocol.agent import BATCH_LINES, SignedBatch
    from huisuan.protocol.batch_chain import START, batch_digest

    private: Ed25519PrivateKey = Ed25519PrivateKey.generate()
    key = AgentKey.objects.create(
        centre=centre, name=agent, public_key=private.public_key().public_bytes_raw().hex(), host="bench",
        enrolled_at=T0,
    )  # fmt: skip
    lines, previous, batches = list(usage_lines(centre, records)), START, []
    for number, at in enumerate(range(0, len(lines), BATCH_LINES), start=1):
        held = lines[at : at + BATCH_LINES]
        digest = batch_digest(agent, number, previous, held)
        batches.append(SignedBatch(number=number, previous=previous, lines=held, signature=private.sign(digest).hex()))
        previous = digest.hex()
    return key, batches


def usage_lines(centre: Centre, records: int) -> Iterator[str]:
    """Lines as an agent on Slurm writes them, with sacct's own line inside."""
    from huisuan.protocol.agent import UsageLine

    jobs = list(centre.jobs.order_by("uid").values_list("uid", "cards"))
    written = 0
    for hour in range(SLICES):
        for at, (uid, cards) in enumerate(jobs):
            if written == records:
                return
            written += 1
            begins = T0 + hour * HOUR if hour else T0 + timedelta(seconds=at % 3600)
            raw = (
                f"{at + 1000}|{at + 1000}|ah|u{at % 400}|lab{at % 97}|a800|RUNNING|2024-03-01T07:00:00|{begins:%FT%T}|"
                f"Unknown|00:00:00|cpu={cards * 8},gres/gpu:a800={cards},gres/gpu={cards},node=1|1|"
                f"a800{at % 96:03d}|0:0"
            )
            yield UsageLine(
                uid=uid, run=0, lease=1, slice=hour, nodes=f"a800{at % 96:03d}", node_count=1, local_card="a800",
                cards=cards, started_at=begins, ended_at=T0 + (hour + 1) * HOUR, state="running", raw=raw,
                measured={"energy_joules": 1_000_000 + at}, collector="huisuan-agent/0.1.0 slurm",
            ).to_json_line()  # fmt: skip


def taken(sites: list[Site]) -> float:
    """Send all of them, two centres at a time; processor seconds of PostgreSQL for it."""
    from huisuan.compute.models import UsageRecord

    with ThreadPoolExecutor(AT_ONCE) as pool:
        server = sum(pool.map(taken_at, sites))
    assert UsageRecord.objects.count() == sum(len(batch.lines) for site in sites for batch in site[2])
    return server


def taken_at(site: Site) -> float:
    """One centre's, twenty in a call, each call committed; processor seconds of the server's process for it."""
    from django.db import connection

    from huisuan.compute.metering.agent_usage.receive import receive_batches

    centre, key, batches = site
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0])
    before = spent(server)
    for at in range(0, len(batches), IN_A_CALL):
        answers = receive_batches(centre, key, batches[at : at + IN_A_CALL], "0.1.0", T0 + 48 * HOUR, T0 + 48 * HOUR)
        assert not any(answer.refused or answer.flagged for answer in answers)
    used = spent(server) - before
    connection.close()  # this thread's own
    return used


def spent(process: psutil.Process) -> float:
    """Seconds of processor time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def proof_alone(site: Site) -> int:
    """Ed25519 over each batch's digest, SHA-256 over every line: nothing read, nothing kept."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from huisuan.protocol.batch_chain import batch_digest

    _, key, batches = site
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
    for batch in batches:
        digest = batch_digest(key.name, batch.number, batch.previous, batch.lines)
        public.verify(bytes.fromhex(batch.signature), digest)
    return sum(len(batch.lines) for batch in batches)


def measure(folder: Path, records: int, seed: int) -> list[Measure]:
    """Everything, on a platform of its own."""
    each = records // AT_ONCE
    centres = [lease_jobs(f"m{number}", -(-each // SLICES), seed) for number in range(AT_ONCE)]
    sites = [(centre, *signed_batches(centre, AGENT.format(at), each)) for at, centre in enumerate(centres)]
    proven, proving = timed(lambda: sum(map(proof_alone, sites)))
    before = spent(psutil.Process())
    postgres, ours = timed(lambda: taken(sites))
    python = spent(psutil.Process()) - before
    copied, copying = timed_copy(folder)
    assert (proven, copied) == (each * AT_ONCE, each * AT_ONCE)
    return [
        Measure("signed records verified, judged and stored", proven, ours),
        Measure("  of which processor time here", proven, python),
        Measure("  of which processor time of PostgreSQL, partly at the same time", proven, postgres),
        Measure("limit: COPY of the same rows into a bare table", copied, copying, ours / copying),
        Measure("limit: Ed25519 and SHA-256 alone", proven, proving, ours / proving),
    ]


def main() -> None:
    """Measure, and print a table with ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=RECORDS)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hs-bench-"))
    try:
        with platform(folder / "home"):
            measures = measure(folder, asked.records, asked.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.json:
        print(json.dumps([asdict(each) for each in measures], ensure_ascii=False, indent=2))
        return
    print("| what | records | seconds | records/s | our time / the limit's |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for each in measures:
        print(each.shown())


if __name__ == "__main__":
    main()

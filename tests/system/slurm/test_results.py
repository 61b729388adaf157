"""Results of a job on a real Slurm: looked into while it runs, kept when it is over, fetched with their hash."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huisuan.client import ClientError
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.models import JobOutputs
from huisuan.protocol.file_names import name_to_text
from support.hostile_trees import WORST_NAME
from support.jobs import party
from support.session_site import SessionSite, until
from support.slurm_cluster import Cluster

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
A100 = "A100-SXM4-80GB"
SCRIPT = """#!/bin/bash
cd "$HUISUAN_OUTPUTS" || exit 3
mkdir 权重; head -c 5000000 /dev/urandom > 权重/模型.bin
ln -s /etc/passwd out
printf odd > "$(printf '\\377%.0s' $(seq 255))"
echo begun > ../step
while [ ! -e ../stop ]; do sleep 0.1; done
echo $SLURM_JOB_NAME > name
"""


@pytest.fixture
def centre_site(live_server: Any, cluster: Cluster, by_commands: dict[str, str]) -> Iterator[SessionSite]:
    """A centre with a Slurm, and its agent."""
    plan = CentrePlan("ah", party(99, "centre_operator").uscc, "340100", engine="slurm",
                      partitions=(f"a100={A100}:2x8:a100",))  # fmt: skip
    add_centre("ah", plan)
    set_tariff("ah", A100, "1180", date(2024, 1, 1))
    made = SessionSite(
        live_server.url, Path(tempfile.mkdtemp(prefix="results-", dir=cluster.folder)), "ah", "slurm", by_commands
    )
    yield made
    made.close()


def stepping(site: SessionSite, look: Callable[[], Any]) -> Callable[[], Any]:
    """What is looked for after a step of the agent."""
    return lambda: (site.agent.step(), look())[1]


def test_results_are_seen_while_the_job_runs_and_fetched_with_their_hash_when_it_is_over(
    centre_site: SessionSite,
) -> None:
    site, client = centre_site, centre_site.client
    job = client.submit_job(script=SCRIPT, cards=1, models=[A100], outputs="results")
    asked: dict[str, Any] = {"pause": lambda _: site.agent.step()}

    def begun() -> bool:
        site.agent.step()
        if client.job(job.uid).state != "running":
            return False
        return "step" in [entry.path for entry in client.list_files(job.uid, area="workdir", **asked)]

    until(begun, "the job's first step", 120)
    assert client.file_piece(job.uid, "step", 0, area="workdir", **asked).content == b"begun\n"
    (site.folder / "work" / job.uid / "stop").touch()
    until(stepping(site, lambda: client.job(job.uid).state == "done"), "its end", 120)
    until(stepping(site, lambda: JobOutputs.objects.filter(job=job.uid).exists()), "its results")
    assert not (site.folder / "work" / job.uid).exists()
    odd = name_to_text(WORST_NAME)
    listed = {entry.path: entry.kind for entry in client.list_files(job.uid, deep=True, **asked)}
    assert listed == {"name": "file", "out": "link", odd: "file", "权重": "folder", "权重/模型.bin": "file"}
    content, version = b"", ""
    while len(content) < 5_000_000:
        piece = client.file_piece(job.uid, "权重/模型.bin", len(content), version=version, **asked)
        content, version = content + piece.content, piece.version
    assert client.file_hash(job.uid, "权重/模型.bin", **asked).sha256 == hashlib.sha256(content).hexdigest()
    assert client.file_piece(job.uid, "name", 0, **asked).content == f"{job.uid}\n".encode()
    assert client.file_piece(job.uid, odd, 0, **asked).content == b"odd"
    with pytest.raises(ClientError) as refusal:
        client.file_piece(job.uid, "out", 0, **asked)
    assert refusal.value.code == "files.link"
    (run,) = client.job_files(job.uid).runs
    assert (run.files, run.centre) == (3, "ah")

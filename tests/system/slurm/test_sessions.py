"""JupyterLab as a job of a real Slurm, through the relay: the node opens no port, the bridge is a step of the job."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobs.relay_address import PORT
from huisuan.compute.models import UsageRecord
from support.jobs import party
from support.notebook import JUPYTER, Browser, lacking_jupyter
from support.session_site import RelayProcess, SessionSite, until
from support.slurm_cluster import SYSTEM_PATH, Cluster

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(bool(lacking_jupyter()), reason=lacking_jupyter()),
]
A100 = "A100-SXM4-80GB"


@pytest.fixture
def slurm_site(
    live_server: Any, cluster: Cluster, by_commands: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[SessionSite]:
    """A centre with a Slurm, its agent, and the relay."""
    relay = RelayProcess()
    monkeypatch.setenv(PORT, str(relay.port))
    relay.start()
    plan = CentrePlan("ah", party(99, "centre_operator").uscc, "340100", engine="slurm",
                      partitions=(f"a100={A100}:2x8:a100",))  # fmt: skip
    add_centre("ah", plan)
    set_tariff("ah", A100, "1180", date(2024, 1, 1))
    folder = Path(tempfile.mkdtemp(prefix="sessions-", dir=cluster.folder))
    made = SessionSite(live_server.url, folder, "ah", "slurm", by_commands)
    yield made
    made.close()
    relay.kill()


def test_a_notebook_computes_on_slurm_and_is_metered_by_its_accounting(
    slurm_site: SessionSite, cluster: Cluster
) -> None:
    session = slurm_site.start("jupyter", cards=1, models=[A100], environment={"PATH": f"{JUPYTER}:{SYSTEM_PATH}"})
    slurm_site.ready(session.uid, within=120)
    browser = Browser(slurm_site.client.open_session(session.uid).url)
    browser.enter()
    assert browser.run("import os; print(os.environ['SLURM_JOB_NAME'], os.environ['CUDA_VISIBLE_DEVICES'])") == (
        f"{session.uid} 0\n"
    )
    every_byte = bytes(range(256)) * 20_000  # five million bytes, both ways: Slurm carries each as it is
    browser.write("all.bin", every_byte)
    assert browser.get("/files/all.bin").content == every_byte
    held = cluster.command("squeue", "-h", "--steps", "-o", "%i %j").splitlines()
    assert len([step for step in held if "python3" in step or "script" in step]) == 1, held  # the bridge, in the job
    slurm_site.client.end_session(session.uid)
    assert slurm_site.ended(session.uid, within=120).state == "cancelled"

    def metered() -> list[UsageRecord]:
        slurm_site.agent.step()
        return list(UsageRecord.objects.filter(job_id=session.uid))

    records = until(metered, "its use", 120)
    assert {(record.cards, record.accelerator.model) for record in records} == {(1, A100)}

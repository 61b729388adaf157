"""JupyterLab on the local engine, through the relay."""

from __future__ import annotations

import os

import pytest

from huisuan.compute.models import SessionAdmission, UsageRecord
from support.notebook import JUPYTER, Browser, lacking_jupyter
from support.session_site import SessionSite, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(bool(lacking_jupyter()), reason=lacking_jupyter()),
]
PATH = {"PATH": f"{JUPYTER}:{os.environ['PATH']}"}


def test_a_notebook_computes_through_the_relay_and_its_use_is_metered(site: SessionSite) -> None:
    session = site.start("jupyter", environment=PATH)
    site.ready(session.uid)
    browser = Browser(site.client.open_session(session.uid).url)
    assert browser.enter().status_code == 303
    page = browser.get("/lab")
    assert page.status_code == 200
    assert "JupyterLab" in page.text
    assert browser.run("import os; print(6 * 7, os.environ['HUISUAN_JOB_UID'])") == f"42 {session.uid}\n"
    every_byte = bytes(range(256)) * 20_000  # five million: many windows of a stream, both ways
    browser.write("all.bin", every_byte)
    assert browser.get("/files/all.bin").content == every_byte
    site.client.end_session(session.uid)
    assert site.ended(session.uid).state == "cancelled"

    def metered() -> UsageRecord | None:
        site.agent.step()
        return UsageRecord.objects.filter(job_id=session.uid, state="CANCELLED").first()

    record = until(metered, "its use")
    assert record.cards == 1
    assert SessionAdmission.objects.get().used_at is not None
    assert browser.get("/lab").status_code == 410

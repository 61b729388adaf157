"""An uploaded file that a worker imports: what its end says is what is in the ledger."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from huisuan.base.db.background_work import WORK_ATTEMPTS, WorkState
from huisuan.compute.metering.imports.requests import IMPORTS, ImportPlan, keep_file, request_import, run_import
from huisuan.compute.models import UsageImport, UsageRecord
from support.background import held, in_background, until
from support.usage_records import NOW, centre, line, sacct

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_import_that_was_given_up_and_lives_on_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    centre()
    plan = ImportPlan(keep_file(io.BytesIO(sacct(line(1))), "a.txt"), "sacct")
    request = request_import("c1", plan, "zhang", NOW)
    with in_background(lambda: run_import(request.pk, lambda: NOW)), held("compute_usagerecord"):
        until(lambda: UsageImport.objects.get(pk=request.pk).step == "写入")
        UsageImport.objects.filter(pk=request.pk).update(task=None, attempts=WORK_ATTEMPTS)
        assert IMPORTS.recover(NOW) == 1
    request.refresh_from_db()
    assert (request.state, request.report, UsageRecord.objects.count()) == (WorkState.FAILED, None, 0)

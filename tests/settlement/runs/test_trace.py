"""The way from an entitlement to raw lines: every record that reaches into a line is behind it, however long it ran."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from huisuan.compute.centres.tariffs import set_tariff
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.runs.trace import trace_entitlement
from support.usage_records import A800, centre, imported, line, party, sacct

NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)


@pytest.mark.django_db
def test_a_run_over_months_stands_behind_a_line_of_each_among_short_ones() -> None:
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    long = line(1, Start="2024-01-20T09:00:00", End="2024-04-02T10:00:00", Submit="2024-01-20T08:00:00")
    file = sacct(long, *(line(job) for job in range(2, 7)))
    imported(file, tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    found = trace_entitlement(Entitlement.objects.get(), records_per_line=2)
    assert all(found["checks"].values())
    lines = [line for bill in found["bills"] for line in bill["lines"]]
    assert [each["records"] for each in lines] == [1, 1, 6, 1]
    assert [[record["job_id"] for record in each["records_shown"]] for each in lines] == [
        ["1"], ["1"], ["1", "2"], ["1"],
    ]  # fmt: skip
    assert trace_entitlement(Entitlement.objects.get(), records_per_line=0)["checks"] == found["checks"]

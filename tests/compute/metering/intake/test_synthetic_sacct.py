"""The generated year: the same for the same seed, and every line of it can be imported."""

from __future__ import annotations

import pytest

from huisuan.compute.metering.intake.synthetic_sacct import accounts, generate_year
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from support.usage_records import A800, NPU, centre, imported, records


def test_the_same_seed_gives_the_same_year_and_another_another() -> None:
    first = list(generate_year(2024, 500, 40, 7))
    assert first == list(generate_year(2024, 500, 40, 7))
    assert first != list(generate_year(2024, 500, 40, 8))


@pytest.mark.django_db
def test_a_generated_year_is_imported_without_a_refused_line() -> None:
    centre("c1", f"a800={A800}:96x8:a800", f"npu={NPU}:64x8:910b3")
    lines = list(generate_year(2024, 3000, 40, 7))
    report = imported("\n".join(lines).encode())
    assert report.refused == []
    assert min(report.steps, report.never_started, report.new - 2900) > 0
    assert report.lines == len(lines) - 1 == report.new + report.steps + report.never_started
    assert {record.accelerator.model for record in records()} == {A800, NPU}
    assert {record.account for record in records()} == set(accounts(40))
    assert any(record.suspended_seconds for record in records())
    assert {record.run for record in records()} == {0, 1}
    months = {row["month"] for row in summarise_usage(["month"], UsageFilter())}
    assert {f"2024-{month:02d}" for month in range(1, 13)} <= months

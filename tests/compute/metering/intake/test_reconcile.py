"""Which run of its job a record is, where the scheduler does not count restarts."""

from __future__ import annotations

import pytest

from support.usage_records import centre, imported, line, records, sacct

pytestmark = pytest.mark.django_db


def run_of(job: str, day: int, **fields: object) -> dict[str, str]:
    """An hour of a job on a day of March, submitted that morning."""
    date = f"2024-03-{day:02d}"
    times = {"Submit": f"{date}T08:00:00", "Start": f"{date}T09:00:00", "End": f"{date}T10:00:00"}
    return line(job, **(times | fields))


def numbers() -> list[int]:
    return [record.run for record in sorted(records(), key=lambda record: record.started_at)]


def test_runs_of_a_requeued_job_are_numbered_by_start_whatever_the_order_of_lines() -> None:
    centre()
    again = run_of("1", 2, Submit="2024-03-01T10:00:00")
    once_more = run_of("1", 3, Submit="2024-03-02T10:00:00")
    imported(sacct(once_more, run_of("1", 1, State="REQUEUED"), again))
    assert numbers() == [0, 1, 2]


def test_restarts_are_believed_where_the_scheduler_counts_them() -> None:
    centre()
    imported(sacct(run_of("1", 1, Restarts=3), run_of("1", 2, Restarts=4)))
    assert numbers() == [3, 4]


def test_a_later_file_goes_on_counting() -> None:
    centre()
    imported(sacct(run_of("1", 1, State="REQUEUED")))
    imported(sacct(run_of("1", 2, Submit="2024-03-01T10:00:00")))
    assert numbers() == [0, 1]


def test_a_job_id_that_came_round_again_starts_anew() -> None:
    centre()
    imported(sacct(run_of("1", 1), run_of("1", 20)))
    assert numbers() == [0, 0]


def test_a_run_that_is_refused_still_counts_as_a_run() -> None:
    centre()
    broken = run_of("1", 1, State="REQUEUED", ElapsedRaw=5)
    report = imported(sacct(broken, run_of("1", 2, Submit="2024-03-01T10:00:00")))
    assert len(report.refused) == 1
    assert numbers() == [1]


def test_the_same_id_in_another_cluster_is_another_job() -> None:
    centre()
    imported(sacct(run_of("1", 1), run_of("1", 1, Cluster="bj", Start="2024-03-01T09:30:00")))
    assert numbers() == [0, 0]

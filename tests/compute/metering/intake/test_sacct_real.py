"""Real Slurm output, as its notes describe it (tests/data/sacct-real.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.compute.metering.imports.import_file import UsageReport
from huisuan.compute.models import UsageRecord
from support.usage_records import NPU, centre, imported, records

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[3] / "data"
A100 = "A100-SXM4-80GB"


def real(name: str) -> UsageReport:
    return imported((DATA / name).read_bytes(), "ah")


@pytest.fixture
def early() -> UsageReport:
    centre("ah", f"a100={A100}:2x8", f"ascend={NPU}:1x8:ascend910b")
    return real("sacct-real.txt")


def runs(job: str) -> list[tuple[int, str, int]]:
    """Run, state and card-seconds of a job, by start."""
    found = [(r.started_at, r.run, r.state, r.card_seconds) for r in records("ah") if r.job_id == job]
    return [each[1:] for each in sorted(found)]


def test_every_line_of_the_file_is_accounted_for(early: UsageReport) -> None:
    assert early.refused == []
    assert (early.lines, early.steps) == (440, 305)
    assert early.lines == early.steps + early.cpu_only + early.never_started + early.running + early.new
    assert (early.new, early.running) == (113, 7)


def test_the_awkward_cases_of_its_notes(early: UsageReport) -> None:
    assert runs("3") == [(0, "REQUEUED", 10), (1, "REQUEUED", 14), (2, "COMPLETED", 182)]
    assert runs("4") == [(0, "COMPLETED", 5)]  # ten seconds, five of them suspended
    assert runs("5") == [(0, "COMPLETED", 7)]  # suspended twice
    assert runs("6") == [(0, "REQUEUED", 5), (1, "COMPLETED", 90)]
    assert runs("7") == [(0, "CANCELLED", 3)]  # cancelled while suspended
    assert runs("8") == [(0, "RESIZING", 8), (1, "COMPLETED", 12)]  # two cards for 4 s, one for 12 s
    assert runs("21") == [(0, "COMPLETED", 0)]  # ran 0 seconds
    assert runs("34") == [(0, "COMPLETED", 24)]  # exclusive, asked for none, held eight for 3 s
    assert runs("70") == [(0, "PREEMPTED", 16), (1, "PREEMPTED", 16), (2, "COMPLETED", 32)]
    assert runs("74") == [(0, "NODE_FAIL", 8), (1, "COMPLETED", 24)]
    assert runs("43") == []  # --gres=gpu:0
    array = {r.array_index for r in records("ah") if r.submitted_at and r.job_id == "14"}
    assert array == {12}  # the last task carries the array's own id


def test_the_later_file_adds_what_has_ended_since_and_changes_nothing_else(early: UsageReport) -> None:
    later = real("sacct-real-later.txt")
    assert (later.refused, later.running, later.superseding) == ([], 0, 0)
    assert later.unchanged == early.new
    before = UsageRecord.objects.count()
    for name in ("sacct-real.txt", "sacct-real-later.txt"):
        assert real(name).new == 0
    assert UsageRecord.objects.count() == before == early.new + later.new


def test_a_run_whose_first_part_came_with_an_earlier_file_is_numbered_on(early: UsageReport) -> None:
    real("sacct-real-later.txt")
    assert [run for run, *_ in runs("124")] == [0, 1]


def test_both_files_in_the_other_order_come_to_the_same_sum(early: UsageReport) -> None:
    real("sacct-real-later.txt")
    total = sum(record.card_seconds for record in records("ah"))
    centre("other", f"a100={A100}:2x8", f"ascend={NPU}:1x8:ascend910b")
    for name in ("sacct-real-later.txt", "sacct-real.txt"):
        imported((DATA / name).read_bytes(), "other")
    assert sum(record.card_seconds for record in records("other")) == total

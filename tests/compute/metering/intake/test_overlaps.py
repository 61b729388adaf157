"""Runs of one job that overlap are told and never both counted; a correction that takes something away waits."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.base.errors import Refused
from huisuan.compute.metering.checks.flags import answer_flag
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.models import MeterBatch, MeterFlag, PendingCorrection, UsageRecord
from support.forged_sacct import HOUR, NAMED, delimited, job
from support.usage_records import A800, H20, NOW, centre, code, imported, line, only, party, records, sacct

pytestmark = pytest.mark.django_db
NO_CLUSTER = NAMED.replace("|Cluster", "")


@pytest.fixture(autouse=True)
def _site() -> None:
    centre()


def piece(start: str, end: str, number: int = 900, **fields: object) -> dict[str, str]:
    """A part of a job on the first of March."""
    return job(number, Start=f"2024-03-01T{start}", End=f"2024-03-01T{end}", **fields)


def total() -> int:
    return sum(record.card_seconds for record in records())


def kinds() -> list[str]:
    return sorted(MeterFlag.objects.values_list("kind", flat=True))


FIRST, SECOND, WHOLE = piece("09:00:00", "10:00:00"), piece("10:00:00", "12:00:00"), piece("09:00:00", "12:00:00")


@pytest.mark.parametrize(
    "files",
    [
        [[FIRST], [SECOND], [WHOLE]],
        [[WHOLE], [FIRST], [SECOND]],
        [[FIRST], [WHOLE], [SECOND]],
        [[SECOND], [WHOLE], [FIRST]],
        [[FIRST, SECOND], [WHOLE]],
        [[WHOLE, SECOND], [FIRST]],
    ],
)
@pytest.mark.parametrize("header", [NAMED, NO_CLUSTER])
def test_a_job_cut_by_its_export_is_never_counted_twice(files: list[list[dict[str, str]]], header: str) -> None:
    reports = [imported(delimited(*lines, header=header)) for lines in files]
    assert total() <= 3 * HOUR
    assert total() == 3 * HOUR or any(report.exit_code for report in reports)
    assert sum(report.exit_code for report in reports) >= 1
    assert set(kinds()) & {"overlap", "correction"}


def test_pieces_that_follow_each_other_are_counted_and_what_reaches_over_them_is_told() -> None:
    imported(delimited(FIRST))
    imported(delimited(SECOND))
    report = imported(delimited(WHOLE))
    assert (report.new, report.exit_code, total()) == (0, 1, 3 * HOUR)
    assert "重叠" in report.refused[0][1]
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.line.split("~")[0]) == ("overlap", "900")
    imported(delimited(WHOLE))
    assert MeterFlag.objects.count() == 1


def test_two_clusters_whose_ids_are_the_same_are_told_where_the_file_does_not_name_them() -> None:
    lines = [job(888, User="li"), piece("09:10:00", "10:10:00", 888, User="bob")]
    report = imported(delimited(*lines, header=NO_CLUSTER))
    assert (report.new, report.exit_code, kinds()) == (1, 1, ["overlap"])
    assert "Cluster" in report.doubts[0]
    twice = [job(889, User="li"), job(889, User="bob")]
    report = imported(delimited(*twice, header=NO_CLUSTER))
    assert (report.new, [number for number, _ in report.refused]) == (0, [2, 3])
    assert "Cluster" in report.refused[0][1]


def test_two_clusters_that_are_named_are_two() -> None:
    assert imported(delimited(job(1), job(1, Cluster="bj", Start="2024-03-01T09:30:00"))).new == 2


def test_a_requeue_before_the_end_of_the_run_is_told() -> None:
    lines = [piece("09:00:00", "10:00:00", State="REQUEUED"), piece("09:59:00", "11:00:00")]
    report = imported(delimited(*lines))
    assert (report.new, report.exit_code, kinds()) == (1, 1, ["overlap"])


def test_a_job_on_two_models_does_not_overlap_itself() -> None:
    two = line(1, "gres/gpu:a800=4,gres/npu:910b3=2")
    assert imported(sacct(two)).new == 2
    longer = {**two, "End": "2024-03-01T11:00:00"}
    assert imported(sacct(longer)).superseding == 2


# --- corrections


def test_a_correction_that_makes_a_record_longer_is_taken() -> None:
    imported(sacct(line(1)))
    report = imported(sacct(line(1, End="2024-03-01T11:00:00")))
    assert (report.superseding, report.waiting, report.exit_code, total()) == (1, 0, 0, 2 * HOUR)


@pytest.mark.parametrize(
    "change",
    [
        {"End": "2024-03-01T09:00:08"},
        {"End": "2024-03-01T09:00:00"},
        {"Suspended": "00:30:00"},
        {"AllocTRES": "gres/gpu:a800=4"},
        {"User": "li"},
        {"Account": "other"},
    ],
)
def test_a_correction_that_takes_something_from_a_record_waits_and_is_applied_when_it_is_accepted(
    change: dict[str, str],
) -> None:
    imported(sacct(line(1)))
    report = imported(sacct(line(1, **change)))
    assert (report.new, report.waiting, report.exit_code, total()) == (0, 1, 1, HOUR)
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.sequence) == ("correction", 1)
    assert imported(sacct(line(1, **change))).waiting == 1
    assert PendingCorrection.objects.count() == 1
    resolve_flag(flag.pk, "中心出具了说明", "省专班", NOW, accept=True)
    record = only()
    assert (record.sequence, record.supersedes) == (2, 1)
    assert [(batch.first, batch.last) for batch in MeterBatch.objects.all()] == [(1, 1), (2, 2)]
    assert PendingCorrection.objects.get().applied == 2
    again = imported(sacct(line(1, **change)))
    assert (again.unchanged, again.waiting) == (1, 0)


@pytest.mark.parametrize("change", [{"AllocTRES": "cpu=8"}, {"AllocTRES": "", "End": "2024-03-01T09:00:00"}])
def test_a_file_by_which_a_metered_run_held_no_cards_changes_nothing_and_is_told(change: dict[str, str]) -> None:
    imported(sacct(line(1), line(2)))
    report = imported(sacct(line(1, **change)))
    assert (report.new, bool(report.doubts), total()) == (0, True, 2 * HOUR)
    flag = MeterFlag.objects.get(kind="correction")  # a line with cards asked for and none given has its own beside it
    assert (flag.kind, flag.sequence, "没有用卡" in flag.text) == ("correction", 1, True)


def test_a_correction_that_is_refused_changes_nothing_now_or_later() -> None:
    imported(sacct(line(1)))
    short = sacct(line(1, End="2024-03-01T09:00:08"))
    imported(short)
    resolve_flag(MeterFlag.objects.get().pk, "查无此事", "省专班", NOW)
    assert imported(short).new == 0
    assert (total(), MeterFlag.objects.count()) == (HOUR, 1)
    with pytest.raises(Refused, match="已由"):
        resolve_flag(MeterFlag.objects.get().pk, "还是接受", "省专班", NOW, accept=True)


def test_a_record_that_moves_to_another_party_by_a_new_list_of_tenants_waits() -> None:
    for number in (1, 2):
        party(number)
    content = sacct(line(1))
    imported(content, tenants=(f"account,uscc\nlab,{code(1)}\n".encode(), "t"))
    report = imported(content, tenants=(f"account,uscc\nlab,{code(2)}\n".encode(), "t"))
    assert (report.waiting, only().party) == (1, party(1))
    resolve_flag(MeterFlag.objects.get().pk, "已换主", "省专班", NOW, accept=True)
    assert only().party == party(2)


def test_what_was_corrected_since_cannot_be_accepted_any_more() -> None:
    imported(sacct(line(1)))
    imported(sacct(line(1, End="2024-03-01T09:30:00")))
    imported(sacct(line(1, End="2024-03-01T11:00:00")))
    with pytest.raises(Refused, match="此后已被更正"):
        resolve_flag(MeterFlag.objects.get().pk, "接受", "省专班", NOW, accept=True)
    assert (MeterFlag.objects.get().answered_at, total()) == (None, 2 * HOUR)


def test_a_correction_that_would_reach_over_what_was_metered_since_cannot_be_accepted() -> None:
    imported(delimited(FIRST))
    imported(delimited(piece("09:00:00", "12:00:00", User="li")))
    imported(delimited(piece("10:30:00", "11:30:00")))
    flag = PendingCorrection.objects.get().flag_id
    with pytest.raises(Refused, match="重叠"):
        resolve_flag(flag, "接受", "省专班", NOW, accept=True)
    assert (MeterFlag.objects.get(pk=flag).answered_at, total()) == (None, 2 * HOUR)


def test_an_accepted_correction_to_more_cards_than_there_are_is_flagged_like_an_import() -> None:
    imported(delimited(FIRST))
    many = "gres/gpu:a800=64"
    imported(delimited(piece("09:00:00", "10:00:00", User="li", AllocTRES=many, ReqTRES=many)))
    resolve_flag(PendingCorrection.objects.get().flag_id, "查过", "省专班", NOW, accept=True)
    assert (total(), kinds()) == (8 * HOUR, ["correction", "over_capacity"])


def test_other_cards_have_another_price_so_a_change_of_them_waits() -> None:
    imported(delimited(job(1, Partition="mix")))
    h20 = "cpu=8,gres/gpu:h20=8,gres/gpu=8"
    report = imported(delimited(job(1, Partition="mix", AllocTRES=h20, ReqTRES=h20)))
    assert (report.new, report.waiting, only().accelerator.model) == (0, 1, A800)
    assert H20 in MeterFlag.objects.get().text


def test_only_a_flag_with_a_correction_can_be_accepted() -> None:
    imported(delimited(job(1), job(1, User="li")))
    with pytest.raises(Refused, match="没有等待确认的更正"):
        resolve_flag(MeterFlag.objects.get().pk, "接受", "省专班", NOW, accept=True)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM compute_pendingcorrection",
        "UPDATE compute_pendingcorrection SET record = '{}'",
        "UPDATE compute_pendingcorrection SET supersedes = 7",
        "UPDATE compute_pendingcorrection SET applied = 1",
        "UPDATE compute_pendingcorrection SET applied = 2; UPDATE compute_pendingcorrection SET applied = NULL",
    ],
)
def test_the_database_keeps_a_correction_as_it_came(statement: str) -> None:
    imported(sacct(line(1)))
    imported(sacct(line(1, End="2024-03-01T09:30:00")))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert UsageRecord.objects.count() == 1
    answer_flag(MeterFlag.objects.get().pk, "查过", "省专班", NOW)

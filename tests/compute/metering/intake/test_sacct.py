"""Every trap that sacct sets, one by one, read without a database."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from huisuan.base.errors import Refused
from huisuan.base.slurm.durations import parse_slurm_duration
from huisuan.compute.accelerators import Card, CardNames
from huisuan.compute.duck.reader_tables import count_lines, list_faults
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.sacct import parse_sacct
from support.usage_records import HEADER, line, sacct

A800, NPU = Card(1, "A800-SXM4-80GB", "NVIDIA"), Card(2, "Ascend-910B3", "Huawei")
NAMES = CardNames([A800, NPU], {"gpu": [A800], "npu": [NPU]})
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def read(*lines: dict[str, str] | str, header: str = HEADER, zone: ZoneInfo = SHANGHAI) -> ParsedFile:
    return parse_sacct(split_source(sacct(*lines, header=header), "sacct.txt"), NAMES, zone)


def rows(parsed: ParsedFile) -> list[dict[str, Any]]:
    answer = parsed.con.execute("SELECT *, cards * (ended - started - suspended) AS total FROM reading ORDER BY ALL")
    return [dict(zip([each[0] for each in answer.description], row, strict=True)) for row in answer.fetchall()]


def reason(**fields: object) -> str:
    """Why a line is refused."""
    ((number, why),) = list_faults(read(line(**fields)).con)
    assert number == 2
    return why


def test_what_was_allocated_is_metered_never_what_was_asked_for() -> None:
    (row,) = rows(read(line(AllocTRES="gres/gpu:a800=8,gres/gpu=8", ReqTRES="gres/gpu=1")))
    assert (row["cards"], row["requested_cards"]) == (8, 1)


def test_an_exclusive_job_that_asked_for_nothing_pays_for_what_it_got() -> None:
    (row,) = rows(read(line(AllocTRES="gres/gpu=8", ReqTRES="cpu=1,mem=4G")))
    assert (row["cards"], row["requested_cards"]) == (8, None)


@pytest.mark.parametrize("step", ["1001.batch", "1001.extern", "1001.0", "1001.interactive"])
def test_job_steps_are_counted_and_not_metered(step: str) -> None:
    parsed = read(line(), line(step))
    assert len(rows(parsed)) == 1
    assert count_lines(parsed.con)["steps"] == 1


def test_a_job_that_never_started_is_counted() -> None:
    parsed = read(
        line(1, State="CANCELLED by 1001", Start="None", AllocTRES=""),
        line(2, State="PENDING", Start="Unknown", End="Unknown", AllocTRES=""),
        line("3_[1-5%2]", State="PENDING", Start="Unknown", End="Unknown", AllocTRES=""),
        line(4, State="CANCELLED", AllocTRES="", End="2024-03-01T09:00:00"),
    )
    assert (rows(parsed), count_lines(parsed.con)["never_started"]) == ([], 4)


@pytest.mark.parametrize("state", ["RUNNING", "SUSPENDED", "COMPLETING"])
def test_a_job_that_still_runs_is_not_yet_metered(state: str) -> None:
    parsed = read(line(State=state, End="Unknown", ElapsedRaw=77))
    assert (rows(parsed), list_faults(parsed.con)) == ([], [])
    assert count_lines(parsed.con)["running"] == 1


def test_a_final_state_with_an_unknown_end_is_refused_with_a_remedy() -> None:
    assert "runawayjobs" in reason(End="Unknown")


def test_an_end_before_the_start_is_refused() -> None:
    assert "早于 Start" in reason(End="2024-03-01T08:59:59")


def test_a_job_without_accelerators_is_counted_as_cpu_only() -> None:
    parsed = read(line(1, "cpu=8,mem=4G"), line(2, "cpu=8,gres/gpu=0"), line(3, ""))
    assert count_lines(parsed.con)["cpu_only"] == 3


def test_suspended_time_is_not_paid() -> None:
    (row,) = rows(read(line(Suspended="00:10:00", ElapsedRaw=3000)))
    assert (row["suspended"], row["total"]) == (600, 8 * 3000)


def test_elapsed_may_or_may_not_hold_the_suspension_and_is_checked_otherwise() -> None:
    assert len(rows(read(line(Suspended="00:10:00", ElapsedRaw=3600)))) == 1
    why = reason(Suspended="00:10:00", ElapsedRaw=3300)
    assert "列 ElapsedRaw" in why
    assert "3600" in why
    assert "3000" in why


def test_a_suspension_that_the_file_cannot_show_is_refused_with_the_missing_field() -> None:
    header = HEADER.replace("|Suspended", "")
    ((_, why),) = list_faults(read(line(ElapsedRaw=3000), header=header).con)
    assert "加上 Suspended" in why


def test_a_suspension_longer_than_the_job_or_unreadable_is_refused() -> None:
    assert "列 Suspended" in reason(Suspended="02:00:00")
    assert "列 Suspended" in reason(Suspended="ten minutes")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("00:00:05", 5), ("1-02:03:04", 93_784), ("05:00", 300), ("00:61:00", None), ("5", None)],
)
def test_durations_as_slurm_writes_them(text: str, seconds: int | None) -> None:
    assert parse_slurm_duration(text) == seconds


def test_a_cancelled_job_is_paid_for_what_it_held_and_its_state_is_one_word() -> None:
    (row,) = rows(read(line(State="CANCELLED by 1001")))
    assert (row["state"], row["total"]) == ("CANCELLED", 28_800)


def test_an_unknown_state_is_refused() -> None:
    assert "列 State" in reason(State="FINE")


def test_an_array_task_keeps_its_raw_id_and_its_index() -> None:
    (row,) = rows(read(line(1007, JobID="1001_6")))
    assert (row["job_id"], row["array_index"]) == ("1007", 6)


@pytest.mark.parametrize("part", ["1001_6", "1001+1"])
def test_a_part_of_an_array_without_its_raw_id_would_be_metered_twice_and_is_refused(part: str) -> None:
    found = read(line(JobID=part), line(JobID=1002), header=HEADER.replace("JobIDRaw|", ""))
    assert [row["job_id"] for row in rows(found)] == ["1002"]
    ((number, reason),) = list_faults(found.con)
    assert (number, "JobIDRaw" in reason) == (2, True)


def test_a_resized_job_is_paid_for_each_size_and_not_twice() -> None:
    # Slurm writes the job again from its first start, with a new Submit at the moment of the change
    before = line(8, "gres/gpu:a800=2", State="RESIZING", End="2024-03-01T09:00:04")
    after = line(8, "gres/gpu:a800=1", Submit="2024-03-01T09:00:04", End="2024-03-01T09:00:16", ElapsedRaw=16)
    assert [row["total"] for row in rows(read(before, after))] == [8, 12]


def test_local_times_are_taken_in_the_zone_of_the_file() -> None:
    (row,) = rows(read(line(), zone=NEW_YORK))
    assert row["started"] == 1_709_301_600  # 2024-03-01T14:00:00Z


@pytest.mark.parametrize(
    ("start", "end", "what"),
    [
        ("2024-03-10T02:30:00", "2024-03-10T05:00:00", "不存在"),
        ("2024-11-03T00:30:00", "2024-11-03T01:30:00", "出现两次"),
    ],
)
def test_a_time_that_summer_time_makes_unclear_is_refused_not_guessed(start: str, end: str, what: str) -> None:
    bad = line(1, Submit="2024-03-01T00:00:00", Start=start, End=end)
    good = line(2, Submit="2024-11-03T01:30:00", Start="2024-11-03T03:00:00", End="2024-11-03T04:00:00")
    parsed = read(bad, good, zone=NEW_YORK)
    ((number, why),) = list_faults(parsed.con)
    assert number == 2
    assert what in why
    (row,) = rows(parsed)
    assert (row["job_id"], row["submitted"]) == ("2", None)


def test_a_job_across_the_change_is_as_long_as_it_really_was() -> None:
    (row,) = rows(read(line(Start="2024-03-10T01:00:00", End="2024-03-10T04:00:00", ElapsedRaw=7200), zone=NEW_YORK))
    assert row["total"] == 8 * 7200


def test_epoch_seconds_are_accepted_in_any_zone() -> None:
    epoch = {"Submit": 1_709_300_000, "Start": 1_709_301_600, "End": 1_709_301_660}
    (row,) = rows(read(line(**epoch), zone=NEW_YORK))
    assert (row["started"], row["total"]) == (1_709_301_600, 480)


@pytest.mark.parametrize("start", ["yesterday", "1024-03-01T09:00:00", "12", "2024-13-01T00:00:00"])
def test_a_start_that_is_no_time_of_this_century_is_refused(start: str) -> None:
    assert "列 Start" in reason(Start=start)


def test_a_header_that_lacks_what_metering_needs_is_refused_with_the_command() -> None:
    with pytest.raises(Refused, match=r"AllocTRES[\s\S]*sacct --allusers --parsable2 --duplicates"):
        read(line(), header=HEADER.replace("|AllocTRES", ""))
    with pytest.raises(Refused, match="JobIDRaw"):
        read(line(), header=HEADER.replace("JobIDRaw|JobID|", ""))
    with pytest.raises(Refused, match="不止一次"):
        read(line(), header=f"{HEADER}|End")


def test_fields_are_known_by_name_in_any_case_and_unknown_ones_are_ignored() -> None:
    header = HEADER.lower() + "|Comment"
    text = "|".join(line().values()) + "|hello"
    (row,) = rows(read(text, header=header))
    assert row["total"] == 28_800


def test_the_last_bar_of_parsable_output_is_harmless() -> None:
    content = "\n".join([f"{HEADER}|", "|".join(line().values()) + "|", ""]).encode()
    parsed = parse_sacct(split_source(content, "x"), NAMES, SHANGHAI)
    assert len(rows(parsed)) == 1


def test_files_put_one_after_the_other_are_read_past_the_second_header_and_blank_lines() -> None:
    parsed = read(line(1), "", HEADER, line(2))
    assert len(rows(parsed)) == 2
    assert count_lines(parsed.con)["lines"] == 2
    assert list_faults(parsed.con) == []


def test_a_line_with_a_wrong_number_of_fields_says_how_many() -> None:
    ((number, why),) = list_faults(read(line(1), "|".join(line(2).values()) + "|x").con)
    assert (number, "有 20 个字段，表头有 19 个" in why) == (3, True)


def test_text_longer_than_the_platform_keeps_is_refused() -> None:
    assert "user" in reason(User="x" * 121)


def test_a_file_with_a_mark_of_its_encoding_is_read() -> None:
    content = b"\xef\xbb\xbf" + sacct(line())
    assert len(rows(parse_sacct(split_source(content, "x"), NAMES, SHANGHAI))) == 1


def test_an_unknown_accelerator_is_a_refused_line_with_its_remedy() -> None:
    why = reason(AllocTRES="gres/gpu:b999=8")
    assert '未知加速卡 "b999"' in why
    assert "huisuan centre add" in why


def test_a_share_of_a_card_is_refused_with_a_reason() -> None:
    assert "部分卡" in reason(AllocTRES="gres/shard=3")
    assert "部分卡" in reason(AllocTRES="cpu=1,gres/mps=50")

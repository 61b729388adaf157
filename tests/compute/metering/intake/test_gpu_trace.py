"""Public GPU traces: their columns, their times, their odd values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.traces.columns import TraceColumns
from support.usage_records import A800, centre, imported, records

pytestmark = pytest.mark.django_db

TRACES = Path(__file__).parents[5] / "shared" / "traces"
HELIOS = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue"
PHILLY = "timestamp,duration,num_gpus,gpu_time,cluster"


@pytest.fixture
def one_model() -> None:
    centre("c1", f"gpu={A800}:100x8")


def trace(header: str, *lines: str, **options: Any) -> Any:
    return imported("\n".join([header, *lines, ""]).encode(), format="trace", name="trace.csv", **options)


def real(name: str, **options: Any) -> Any:
    path = TRACES / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return imported(path.read_bytes(), format="trace", name=name, **options)


def test_a_helios_file_is_recognised_by_its_header(one_model: None) -> None:
    line = "7,u1,vc2,8,32,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:00:10,2020-04-01 00:01:10,60,10"
    trace(HELIOS, line)
    (record,) = records()
    assert (record.job_id, record.user, record.account) == ("7", "u1", "vc2")
    assert (record.cards, record.card_seconds, record.state) == (8, 480, "COMPLETED")
    assert record.submitted_at is not None
    assert (record.started_at - record.submitted_at).total_seconds() == 10


def test_a_philly_file_starts_when_submitted_and_says_so(one_model: None) -> None:
    report = trace(PHILLY, "2017-10-09 07:01:55,66.0,2,132.0,11cb48")
    (record,) = records()
    assert (record.cards, record.card_seconds, record.user, record.account) == (2, 132, "11cb48", "11cb48")
    assert "提交" in report.notes[0]


def test_a_file_that_counts_seconds_needs_its_zero(one_model: None) -> None:
    header, line = "job_id,submit_s,duration_s,gpus", "765472,3600,97,1"
    (fault,) = trace(header, line).refused
    assert "--epoch" in fault[1]
    trace(header, line, epoch="2020-09-01T00:00:00")
    (record,) = records()
    assert record.started_at.isoformat() == "2020-08-31T17:00:00+00:00"


def test_a_trace_without_job_ids_imported_twice_changes_nothing(one_model: None) -> None:
    lines = ["2017-10-09 07:01:55,66.0,1,66.0,a"] * 3  # equal lines are three jobs
    assert trace(PHILLY, *lines).new == 3
    again = trace(PHILLY, *lines)
    assert (again.new, again.unchanged) == (0, 3)


def test_odd_values_are_refused_by_line_with_the_column_of_the_file(one_model: None) -> None:
    report = trace(
        HELIOS,
        "1,u,v,8.5,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,60,0",
        "2,u,v,1,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,66.5,0",
        "3,u,v,1,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:01:00,2020-04-01 00:00:00,60,0",
        "4,u,v,1,1,1,FAILED,2020-04-01 00:00:00,soon,2020-04-01 00:01:00,60,0",
        "5,u,v,-1,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,60,0",
        "6,u,v,1,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,59,0",
        "7,u,v,1,1,1,FAILED",
        "8,u,v,1000001,1,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,60,0",
    )
    assert report.new == 0
    reasons = dict(report.refused)
    assert '列 gpu_num: "8.5" 不是整数' in reasons[2]
    assert '列 duration: "66.5" 不是整数秒' in reasons[3]
    assert "结束早于开始" in reasons[4]
    assert '列 start_time: "soon"' in reasons[5]
    assert "负数" in reasons[6]
    assert "不符" in reasons[7]
    assert "7 个字段" in reasons[8]
    assert "超过" in reasons[9]


def test_jobs_without_cards_or_start_or_end_are_counted(one_model: None) -> None:
    report = trace(
        HELIOS,
        "1,u,v,0,1,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:00:00,2020-04-01 00:01:00,60,0",
        "2,u,v,1,1,1,CANCELLED,2020-04-01 00:00:00,None,None,0,0",
        "3,u,v,1,1,1,RUNNING,2020-04-01 00:00:00,2020-04-01 00:00:00,None,,0",
    )
    assert (report.cpu_only, report.never_started, report.running, report.refused) == (1, 1, 1, [])


def test_quoted_fields_offsets_and_named_columns_are_read(one_model: None) -> None:
    columns = TraceColumns(start="Begin", end="Finish", cards="Cards", user="Who", job="No")
    header, line = "No,Who,Cards,Begin,Finish", '1,"Li, Lei",2,2023-03-01 00:00:00+00:00,2023-03-01 00:00:09Z'
    assert trace(header, line, columns=columns).new == 1
    (record,) = records()
    assert (record.user, record.card_seconds) == ("Li, Lei", 18)
    assert record.started_at.isoformat() == "2023-03-01T00:00:00+00:00"


def test_a_column_that_is_not_there_or_not_told_is_refused(one_model: None) -> None:
    with pytest.raises(Refused, match='没有列 "begin"'):
        trace(HELIOS, columns=TraceColumns(start="begin"))
    with pytest.raises(Refused, match="cards-column"):
        trace("job_id,submit_time,duration", "1,2020-04-01 00:00:00,5")


def test_where_a_centre_has_several_models_the_trace_must_name_one() -> None:
    centre()
    line = "2017-10-09 07:01:55,66.0,2,132.0,11cb48"
    with pytest.raises(Refused, match="--model"):
        trace(PHILLY, line)
    with pytest.raises(Refused, match="A800"):
        trace(PHILLY, line, model="A80")
    assert trace(PHILLY, line, model=A800.lower()).new == 1


@pytest.mark.traces
def test_the_philly_trace_is_imported_whole(one_model: None) -> None:
    report = real("philly-2017.csv", timezone="America/Los_Angeles")
    assert report.new + len(report.refused) == report.lines == 82_247
    assert len(report.refused) == 7  # in the hour that came twice when summer time ended
    assert len(summarise_usage(["user"], UsageFilter(centre="c1"))) == 15


@pytest.mark.traces
def test_the_venus_trace_is_imported_whole(one_model: None) -> None:
    report = real("venus-2020-09.csv", epoch="2020-09-01T00:00:00")
    assert (report.new, report.refused) == (23_859, [])
    months = summarise_usage(["month"], UsageFilter(centre="c1"))
    assert sum(row["card_seconds"] for row in months) == report.card_seconds == 1_517_983_849


def test_a_trace_is_moved_by_whole_days_and_its_raw_lines_stay(one_model: None) -> None:
    report = trace(PHILLY, "2017-10-09 07:01:55,66.0,2,132.0,11cb48", shift_days=2555)
    (record,) = records()
    assert record.started_at.isoformat() == "2024-10-06T23:01:55+00:00"
    assert any("+2,555 天" in text for text in report.notes)


def test_a_trace_without_users_may_be_given_to_one(one_model: None) -> None:
    trace("job_id,submit_s,duration_s,gpus", "1,0,60,1", epoch="2024-09-01T00:00:00", tenant="venus")
    (record,) = records()
    assert record.user == "venus"

"""One reader of traces: what `usage import` meters is what `simulate` replays, row by row and second by second."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.cli.main import assemble
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.simulator.trace_jobs import Trace, read_trace
from huisuan.compute.traces.columns import SWF_FIELDS, TraceColumns
from huisuan.compute.traces.inflate import inflate
from huisuan.compute.traces.read import KINDS, parse_trace_rows
from huisuan.compute.traces.timestamps import Clock
from support.examples import examples
from support.usage_records import A800, centre, imported, records

SWF = ("; Version: 2.2", "; UnixStartTime: 1132444805")
OPENB = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
PAI = "job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,plan_gpu,gpu_type"
AT = "2020-09-01T00:00:00"


def replayed(tmp_path: Path, content: bytes, **columns: str) -> Trace:
    path = tmp_path / "trace"
    path.write_bytes(content)
    return read_trace(path, TraceColumns(**columns))


def both(tmp_path: Path, *lines: str, epoch: str | None = AT, **columns: str) -> Trace:
    """Read by both, which must agree on every count; what `simulate` has of it."""
    content = "\n".join([*lines, ""]).encode()
    centre("c1", f"gpu={A800}:100x8")
    report = imported(content, format="trace", name="trace", epoch=epoch, columns=TraceColumns(**columns), tenant="all")
    trace = replayed(tmp_path, content, **columns)
    metered = {name: getattr(report, name) for name in (*KINDS, "lines", "card_seconds", "fractional")}
    assert metered | {"jobs": report.new, "refused": len(report.refused)} == trace.counts
    assert report.refused == trace.faults
    assert sum(trace.counts[name] for name in (*KINDS, "jobs", "refused")) == trace.counts["lines"]
    found = sorted((record.cards, record.card_seconds, record.user) for record in records())
    assert found == sorted((job.cards, job.cards * job.duration_s, job.user) for job in trace.jobs)
    return trace


@pytest.mark.django_db
def test_a_pod_that_still_says_running_but_was_deleted_is_over(tmp_path: Path) -> None:
    trace = both(
        tmp_path,
        OPENB,
        "p0,1,1,1,460,,LS,Running,0,1000,0",
        "p1,1,1,1,1000,V100M16|V100M32,LS,Succeeded,0,1000,500",
        "p2,1,1,2,1000,,BE,Pending,0,1000,",
        "p3,1,1,0,0,,BE,Succeeded,0,1000,10",
        "p4,1,1,8,1000,G2,BE,Failed,0,1000,100",
        "p5,1,1,1,1000,,LS,Running,0,,100",
        "p6,1,1,2,500,,LS,Running,0,1000,100",
    )
    counts = trace.counts
    assert (counts["card_seconds"], counts["jobs"], counts["fractional"]) == (1_000 + 500 + 7_200, 3, 1)
    assert (counts["never_started"], counts["cpu_only"], counts["running"], counts["refused"]) == (1, 1, 1, 1)
    assert any("gpu_milli" in note for note in trace.notes)
    assert '列 gpu_milli: "500" 是部分卡' in trace.faults[0][1]


@pytest.mark.django_db
def test_parts_of_a_swapped_job_are_in_its_summary_and_one_cancelled_before_it_ran_is_no_job(tmp_path: Path) -> None:
    trace = both(
        tmp_path,
        *SWF,
        "1  0  10  300  4  -1  -1  4  -1  -1  1  3  2  -1  -1  5  -1  -1",
        "1  0  10  100  4  -1  -1  4  -1  -1  2  3  2  -1  -1  5  -1  -1",
        "1  -1  10  200  4  -1  -1  4  -1  -1  3  3  2  -1  -1  5  -1  -1",
        "2  0  3600  0  0  -1  -1  4  -1  -1  5  3  2  -1  -1  5  -1  -1",
        "3  0  -1  -1  -1  -1  -1  4  -1  -1  0  3  2  -1  -1  5  -1  -1",
        "4  0  10  100  4  -1  -1  4  -1  -1  5  3  2  -1  -1  5  -1  -1",
        "5  0  10  100  4  -1  -1  4  -1  -1  4  3  2  -1  -1  5  -1  -1",
        "6  0  10  -1  4  -1  -1  4  -1  -1  1  3  2  -1  -1  5  -1  -1",
        epoch=None,
    )
    assert (trace.counts["jobs"], trace.counts["card_seconds"]) == (2, 1_200 + 400)
    assert (trace.counts["partial"], trace.counts["never_started"]) == (2, 2)
    assert [line for line, _ in trace.faults] == [9, 10]
    assert "汇总行" in trace.faults[0][1]


@pytest.mark.django_db
def test_a_virtual_organisation_in_any_column_can_be_the_tenant(tmp_path: Path) -> None:
    line = "1 5 10 300 4 -1 -1 4 -1 -1 1 3 17 -1 -1 5 -1 -1"
    assert both(tmp_path, *SWF, line, epoch=None).jobs[0].tenant == "3"
    assert replayed(tmp_path, "\n".join([*SWF, line]).encode(), account="group").jobs[0].tenant == "17"
    imported(
        "\n".join([*SWF, line.replace("1 5", "2 5", 1)]).encode(), format="trace", columns=TraceColumns(account="group")
    )
    assert {record.job_id: record.account for record in records()} == {"1": "", "2": "17"}
    with pytest.raises(Refused, match="SWF 没有列 vo；有：job、submit"):
        replayed(tmp_path, "\n".join([*SWF, line]).encode(), account="vo")


@pytest.mark.django_db
def test_parts_of_cards_are_refused_alike_by_name_and_never_cut_to_nothing(tmp_path: Path) -> None:
    trace = both(tmp_path, "job_id,user,submit_time,duration,num_gpus", "1,u,0,100,0.5", "2,u,0,100,1", "3,u,0,100,2.5")
    assert [line for line, _ in trace.faults] == [2, 4]
    assert all("gpu_milli" in reason for _, reason in trace.faults)


@pytest.mark.django_db
def test_columns_can_be_named_for_both(tmp_path: Path) -> None:
    trace = both(tmp_path, PAI, "j1,worker,2,Terminated,100,200,600,29,50,T4", cards="inst_num", job="job_name")
    assert [(job.job_id, job.cards, job.duration_s) for job in trace.jobs] == [("j1", 2, 100)]
    with pytest.raises(Refused, match="cards-column"):
        replayed(tmp_path, f"{PAI}\nj1,worker,2,Terminated,100,200,600,29,50,T4\n".encode())


@pytest.mark.django_db
def test_a_job_told_twice_counts_once_and_told_twice_differently_not_at_all(tmp_path: Path) -> None:
    trace = both(
        tmp_path, "job_id,user,submit_time,duration,num_gpus",
        "1,u,0,100,1", "1,u,0,100,1", "2,u,0,100,1", "2,u,0,100,8", "3,u,0,100,1", "3,u,500,100,1",
    )  # fmt: skip
    assert (trace.counts["jobs"], trace.counts["repeated"], trace.counts["refused"]) == (3, 1, 2)
    assert "内容不同（先见于行 4）" in trace.faults[0][1]


@pytest.mark.django_db
def test_durations_that_contradict_start_and_end_are_refused_but_the_queue_may_be_counted_in(tmp_path: Path) -> None:
    trace = both(
        tmp_path, "job_id,user,submit_time,start_time,end_time,duration,num_gpus,state",
        "1,u,0,10,110,100,1,COMPLETED", "2,u,0,10,110,110,1,COMPLETED", "3,u,0,10,110,,1,COMPLETED",
        "4,u,0,10,110,99,1,COMPLETED", "5,u,0,10,110,99.5,1,COMPLETED", "6,u,0,10,,,1,COMPLETED",
    )  # fmt: skip
    assert [job.duration_s for job in trace.jobs] == [100, 100, 100]
    assert [line for line, _ in trace.faults] == [5, 6, 7]


@pytest.mark.django_db
def test_the_philly_log_is_metered_attempt_by_attempt_as_it_is_replayed(tmp_path: Path) -> None:
    nodes = [{"ip": "m47", "gpus": ["gpu0", "gpu1"]}]
    first = {"start_time": "2017-10-07 01:12:00", "end_time": "2017-10-07 01:13:00", "detail": nodes}
    second = {"start_time": "2017-10-07 02:00:00", "end_time": "2017-10-07 02:00:30", "detail": nodes}
    job = {"status": "Pass", "vc": "v", "user": "u", "submitted_time": "2017-10-07 01:11:39"}
    entries = [{**job, "jobid": "a", "attempts": [first, second]}, {**job, "jobid": "b", "attempts": [first]}, {}]
    trace = both(tmp_path, json.dumps(entries, indent=1), epoch=None)
    assert trace.counts["card_seconds"] == 2 * 90 + 2 * 60
    assert trace.counts["refused"] == 1


@pytest.mark.django_db
def test_a_compressed_trace_is_the_same_file_for_both(tmp_path: Path) -> None:
    content = b"job_id,user,submit_time,duration,num_gpus\n1,u,0,100,1\n"
    centre("c1", f"gpu={A800}:100x8")
    packed = gzip.compress(content[:20]) + gzip.compress(content[20:])  # two members, as `cat` of two files makes
    assert imported(packed, format="trace", epoch=AT, tenant="all").new == 1
    assert imported(content, format="trace", epoch=AT, tenant="all").unchanged == 1
    assert replayed(tmp_path, packed).counts["jobs"] == 1


def test_a_small_file_that_unpacks_to_more_than_the_bound_is_refused_before_it_does() -> None:
    bomb = gzip.compress(bytes(5_000_000))
    with pytest.raises(Refused, match=r"x\.gz：解压后超过上限 4,000,000 字节"):
        inflate(bomb, "x.gz", most=4_000_000)
    assert len(inflate(bomb, "x.gz", most=5_000_000)) == 5_000_000


@pytest.mark.parametrize("cut", [3, 12, -1, -6])
def test_a_damaged_gzip_file_is_refused_and_not_half_read(cut: int) -> None:
    with pytest.raises(Refused, match=r"损坏或不完整"):
        inflate(gzip.compress(b"job_id\n" * 1_000)[:cut], "x.gz")


def test_simulate_accounts_for_every_row_in_words_and_in_json(tmp_path: Path) -> None:
    path = tmp_path / "pai.csv"
    path.write_text(
        f"{PAI}\nj1,worker,2,Terminated,100,200,600,29,50,T4\nj2,w,0,Running,100,200,6,2,5,T4\nj3,w,x,,1,2,,,,\n"
    )
    words = ["simulate", "--trace", str(path), "--pool", "1x8", "--policy", "fifo", "--cards-column", "inst_num"]
    shown = CliRunner().invoke(assemble(), words)
    assert "读入 3 行，重放 1 个作业（轨迹共 200 卡秒）；未重放：不用加速卡 1，拒收 1" in shown.output.replace("\n", "")
    counts = json.loads(CliRunner().invoke(assemble(), [*words, "--json"]).stdout)["counts"]
    assert (counts["lines"], counts["jobs"], counts["cpu_only"], counts["refused"]) == (3, 1, 1, 1)


def numbers(seed: int, rows: int) -> list[list[int]]:
    """Lines of SWF, of every status, with gaps."""
    draw = Random(seed)
    return [
        [
            number if draw.random() < 0.9 else max(number - 1, 0), draw.randint(0, 10**6), draw.choice((-1, 0, 50)),
            draw.choice((-1, 0, 1, 3_600)), draw.choice((-1, 0, 1, 64)), -1, -1, draw.choice((-1, 0, 1, 64)),
            draw.choice((-1, 60, 7_200)), -1, draw.choice((-1, 0, 1, 2, 3, 4, 5)), draw.choice((-1, 1, 2)),
            draw.choice((-1, 1, 2)), -1, -1, -1, -1, -1,
        ]
        for number in range(rows)
    ]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 2**32))
def test_every_row_of_a_workload_file_is_counted_once_and_what_ran_is_the_sum_of_its_jobs(seed: int) -> None:
    drawn = numbers(seed, 40)
    content = "\n".join([*SWF, *(" ".join(map(str, row)) for row in drawn)]).encode()
    zone = Clock(ZoneInfo("UTC"))
    rows = parse_trace_rows(split_source(content, "x.swf"), TraceColumns(), zone)
    counts = rows.counts()
    assert counts["lines"] == len(drawn) == sum(counts[name] for name in (*KINDS, "jobs", "refused"))
    place = SWF_FIELDS.index
    for line, cards, seconds in rows.jobs("line_no, cards, ended - started"):
        row = drawn[line - 3]
        assert row[place("status")] not in (2, 3, 4)
        assert cards == (row[place("allocated")] if row[place("allocated")] > 0 else row[place("requested")]) > 0
        assert seconds == row[place("run")] >= 0


def odd(header: str, cell: str) -> Any:
    return f"{header}\n1,u,0,100,{cell}\n2,u,0,100,1\n".encode()


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("x", "不是整数"), ("-1", "负数"), ("1000001", "超过"), ("1e400", "不是整数"), ("", "不是整数"),
        ("1,1", "6 个字段"), ("9" * 400, "不是整数"),
    ],
)  # fmt: skip
def test_a_hostile_count_of_cards_refuses_its_line_only(tmp_path: Path, cell: str, reason: str) -> None:
    trace = replayed(tmp_path, odd("job_id,user,submit_time,duration,num_gpus", cell))
    assert [line for line, _ in trace.faults] == [2]
    assert reason in trace.faults[0][1]
    assert [job.job_id for job in trace.jobs] == ["2"]

"""Public traces as they are published: recognised, read line by line, odd lines told with their column."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.simulator.trace_jobs import Trace, read_trace

HELIOS = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue"
SEREN = "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time"
KALOS = (
    "job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,shared_mem_per_pod,type,state,submit_time,start_time,end_time,"
    "fail_time,stop_time,duration,queue,gpu_time"
)
OPENB = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"


@pytest.fixture
def trace(tmp_path: Path):  # noqa: ANN201
    def written(*lines: str, name: str = "trace.csv") -> Trace:
        path = tmp_path / name
        content = "\n".join([*lines, ""]).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return read_trace(path)

    return written


def test_a_helios_log_gives_its_virtual_clusters_as_tenants(trace) -> None:  # noqa: ANN001
    read = trace(
        HELIOS,
        "7,u1,vc2,8,32,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:00:10,2020-04-01 00:01:10,60,10",
        "8,u1,vc2,0,32,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:00:10,2020-04-01 00:01:10,60,10",
        "9,u1,vc2,1,4,1,CANCELLED,2020-04-01 00:00:00,None,None,0,0",
    )
    (job,) = read.jobs
    assert (job.line, job.job_id, job.tenant, job.user, job.cards, job.duration_s) == (2, "7", "vc2", "u1", 8, 60)
    assert (read.counts["cpu_only"], read.counts["never_started"], read.counts["running"]) == (1, 1, 0)


def test_an_acme_log_of_seren_carries_its_offset(trace) -> None:  # noqa: ANN001
    line = (
        "5778432,u5907,1,8,128,Other,FAILED,2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,"
        "2023-03-01 00:20:51+08:00,117,32,936.0"
    )
    (job,) = trace(SEREN, line).jobs
    assert (job.duration_s, job.tenant) == (117, "u5907")
    assert job.submitted_s == 1_677_601_102


def test_in_kalos_the_queue_is_not_taken_for_running_time(trace) -> None:  # noqa: ANN001
    line = (
        "dlctk696s0jbvitv,uf794,8,64,960,1000,100.0,Other,FAILED,2023-05-17 11:00:58+00:00,2023-05-17 11:01:08+00:00,"
        "2023-05-17 11:01:16+00:00,2023-05-17 11:01:16+00:00,,18,10.0,1152.0"
    )
    (job,) = trace(KALOS, line).jobs
    assert job.duration_s == 8


def test_an_openb_pod_names_the_cards_that_will_do_and_a_part_of_a_card_counts_as_one(trace) -> None:  # noqa: ANN001
    read = trace(
        OPENB,
        "openb-pod-0017,88000,327680,8,1000,,Burstable,Succeeded,9437497,10769854,9437497",
        "openb-pod-0022,4000,15258,1,220,V100M16|V100M32,BE,Running,9679175,9973826,9679175",
    )
    assert [job.models for job in read.jobs] == [(), ("V100M16", "V100M32")]
    assert "gpu_milli" in read.notes[0]
    assert read.counts["fractional"] == 1
    with pytest.raises(Refused, match="相对秒数"):
        read.in_month("2020-01")


def test_a_philly_log_in_json_runs_from_attempt_to_attempt(trace) -> None:  # noqa: ANN001
    attempt = {"start_time": "2017-10-07 01:12:00", "end_time": "2017-10-07 01:13:00"}
    again = {"start_time": "2017-10-07 01:20:00", "end_time": "2017-10-07 01:21:00"}
    nodes = [{"ip": "m47", "gpus": ["gpu0", "gpu1"]}, {"ip": "m48", "gpus": ["gpu0"]}]
    job = {"status": "Pass", "vc": "v", "jobid": "a_1", "user": "u", "submitted_time": "2017-10-07 01:11:39"}
    entries = [
        {**job, "attempts": [{**attempt, "detail": nodes}, {**again, "detail": nodes}]},
        {**job, "attempts": []},
        {**job, "status": "Running", "attempts": [{**attempt, "end_time": None, "detail": nodes}]},
        {"status": "Pass"},
    ]
    read = trace(json.dumps(entries, indent=1), name="cluster_job_log")
    (only,) = read.jobs
    assert (only.cards, only.duration_s, only.tenant, only.user) == (3, 120, "v", "u")
    assert read.counts["never_started"] == read.counts["running"] == 1
    assert [reason.split("）")[0] for _, reason in read.faults] == ["（第 4 个作业"]


def test_swf_has_the_time_that_was_asked_for_and_may_be_compressed(trace) -> None:  # noqa: ANN001
    read = trace(
        "; UnixStartTime: 1000000000",
        "1 0 5 100 4 -1 -1 4 3600 -1 1 7 1 -1 1 -1 -1 -1",
        "2 9 5 -1 4 -1 -1 4 3600 -1 5 7 1 -1 1 -1 -1 -1",
        "3 9 5 10 4 -1",
        name="log.swf.gz",
    )
    (job,) = read.jobs
    assert (job.submitted_s, job.cards, job.limit_s, job.tenant) == (1_000_000_000, 4, 3_600, "7")
    assert read.faults == [(4, "有 6 个字段，SWF 有 18 个；请核对这一行")]


def test_bad_lines_are_told_with_line_and_column_and_the_good_ones_are_kept(trace) -> None:  # noqa: ANN001
    read = trace(
        "timestamp,duration,num_gpus,gpu_time,cluster",
        "2017-10-09 07:01:55,66.0,1,66.0,a",
        "yesterday,66.0,1,66.0,a",
        "2017-10-09 07:01:55,long,1,66.0,a",
        "2017-10-09 07:01:55,-5,1,66.0,a",
        "2017-10-09 07:01:55,66.0,two,66.0,a",
        "2017-10-09 07:01:55,66.0",
    )
    assert len(read.jobs) == 1
    told = dict(read.faults)
    assert sorted(told) == [3, 4, 5, 6, 7]
    assert '列 timestamp: "yesterday"' in told[3]
    assert '列 duration: "long"' in told[4]
    assert '列 num_gpus: "two"' in told[6]


def test_a_month_may_be_picked_out(trace) -> None:  # noqa: ANN001
    header = "timestamp,duration,num_gpus,gpu_time,cluster"
    read = trace(header, "2017-09-30 23:59:59,1,1,1,a", "2017-10-01 00:00:00,1,1,1,b", "2017-11-01 00:00:00,1,1,1,c")
    assert [job.tenant for job in read.in_month("2017-10").jobs] == ["b"]
    with pytest.raises(Refused, match="不是月份"):
        read.in_month("October")


@pytest.mark.parametrize("content", ["", "hello\nworld\n", "a,b,c\n1,2,3\n", "timestamp,num_gpus\n1,1\n"])
def test_a_file_of_no_known_format_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(Refused, match=r"x\.csv"):
        read_trace(path)

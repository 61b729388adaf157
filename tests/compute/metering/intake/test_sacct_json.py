"""`sacct --json`: the same jobs as in text, in the shape of 22.05 and of newer versions; names are only names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.metering.imports.raw_lines import load_raw_line
from huisuan.compute.models import MeterFlag, SourceFile
from support.forged_sacct import HOUR, as_json, forged
from support.sacct_json import job, wrapped
from support.usage_records import A800, centre, imported, only, records

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[3] / "data"


def test_what_a_real_slurm_prints_as_json_and_as_text_is_the_same() -> None:
    centre("ah", "a100=A100-SXM4-80GB:2x8:a100")
    first = imported((DATA / "sacct-real-delimited.txt").read_bytes(), "ah")
    assert (first.new, first.running, first.refused) == (6, 2, [])
    assert sum(record.card_seconds for record in records("ah")) == 3 * (2 + 2 + 2 + 1 + 1) + 2
    again = imported((DATA / "sacct-real.json").read_bytes(), "ah")
    assert (again.new, again.unchanged, again.running, again.refused) == (0, 6, 2, [])
    assert again.lines == first.lines == 16
    assert not MeterFlag.objects.exists()


def test_a_name_is_only_a_name() -> None:
    centre()
    names = [f"x\n{forged()}", '"}],"jobs":[{"job_id": 5}', "\0\ud800", "{" * 5000]
    report = imported(as_json(*(job(number, name) for number, name in enumerate(names, start=1))))
    assert (report.new, report.exit_code, report.steps) == (4, 0, 8)
    assert sum(record.card_seconds for record in records()) == 4 * HOUR


def test_newer_versions_wrap_numbers_and_states() -> None:
    centre()
    imported(as_json(wrapped(job(47))))
    record = only()
    assert (record.state, record.exit_code, record.array_index, record.run) == ("FAILED", "1:9", 7, 2)
    assert (record.accelerator.model, record.card_seconds) == (A800, HOUR)


def test_suspended_time_is_not_paid_and_what_runs_waits() -> None:
    centre()
    times = job()["time"]
    held = job(1, time=times | {"suspended": 600})
    runs = job(2, time=times | {"end": 0}, state={"current": ["RUNNING"]})
    report = imported(as_json(held, runs))
    assert (report.new, report.running, only().card_seconds) == (1, 1, 8 * 3000)


def test_a_record_goes_back_to_the_line_on_which_its_job_begins() -> None:
    centre()
    content = as_json(job(1), job(2))
    imported(content)
    for record in records():
        assert load_raw_line(SourceFile.objects.get().pk, record.source_line) == b"    {"
    with pytest.raises(Refused, match="一行里有几个作业"):
        imported(json.dumps({"jobs": [job(1), job(2)]}).encode())


def test_a_job_that_says_too_little_is_named_with_what_it_lacks_and_the_others_are_taken() -> None:
    centre()
    for lacks in ("time", "tres", "state", "job_id"):
        bad = {key: value for key, value in job(1).items() if key != lacks}
        report = imported(as_json(bad, job(2)), dry_run=True)
        assert (report.new, lacks in report.refused[0][1]) == (1, True)
    report = imported(b'{"jobs":[{"job_id":1}],"errors":[]}')
    assert report.exit_code == 1
    assert "sacct --allusers" in report.refused[0][1]
    assert "不是文字" in imported(as_json(job(1, user="a\0b"))).refused[0][1]


@pytest.mark.parametrize("content", [b"{}", b"[]", b"[1, 2]", b'{"jobs": 5}', b'{"nodes": []}'])
def test_json_without_jobs_is_refused_with_the_command(content: bytes) -> None:
    centre()
    with pytest.raises(Refused, match=r"(?s)没有 jobs.*sacct"):
        imported(content)


def test_json_that_breaks_off_is_refused_whole() -> None:
    centre()
    content = as_json(job(1), job(2))
    for damaged in (content[:-4], content[: len(content) // 2], b'{"jobs": [' * 50_000, b'{"a": ' + b"9" * 5000):
        with pytest.raises(Refused, match="不完整"):
            imported(damaged)
    assert records() == []


@pytest.mark.parametrize("more", [b"\n{}", b"}", b' {"jobs": []}'])
def test_json_with_something_after_it_is_refused_whole_and_nothing_is_left_out(more: bytes) -> None:
    centre()
    with pytest.raises(Refused, match="拼接"):
        imported(as_json(job(1)) + more)
    assert records() == []


def test_json_with_two_lists_of_jobs_is_refused_whole() -> None:
    centre()
    two = as_json(job(1)).rstrip().removesuffix(b"}") + b', "jobs": [' + json.dumps(job(2)).encode() + b"]}"
    with pytest.raises(Refused, match="两个 jobs"):
        imported(two)
    assert imported(as_json(job(1)) + b"\n\n").new == 1

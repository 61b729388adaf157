"""What a request for a job may look like: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jobworld import asked

from huisuan.compute.job_request import checked, duration_seconds
from huisuan.compute.uid import job_uid
from huisuan.console import Refused


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172800), (" 1h ", 3600)]
)
def test_a_time_limit_is_written_as_people_write_it(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1x", "-5", "1.5h", "h", "٣", "1e3", "9" * 30])
def test_a_time_limit_of_another_form_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(Refused, match="应形如 90s"):
        duration_seconds(text)


def test_a_job_without_a_name_is_called_after_its_program() -> None:
    assert checked(asked("/usr/bin/python3", "train.py")).name == "python3"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": []}, "没有命令"),
        ({"command": [""]}, "没有命令"),
        ({"command": ["a", "b\0c"]}, "第 2 个词含有 NUL"),
        ({"command": ["a", "\ud800"]}, "不是合法的 UTF-8"),
        ({"command": ["x"] * 1001}, "最多 1000 个"),
        ({"command": ["x" * 70_000]}, "最多 65536 字节"),
        ({"command": ["a"], "cards": 0}, "卡数 0"),
        ({"command": ["a"], "cards": -1}, "卡数 -1"),
        ({"command": ["a"], "cards": 10**18}, "应在 1 至 100000"),
        ({"command": ["a"], "time_limit_seconds": 0}, "时限 0 秒"),
        ({"command": ["a"], "time_limit_seconds": 10**9}, "30 天"),
        ({"command": ["a"], "environment": {"1A": "x"}}, "环境变量名 '1A'"),
        ({"command": ["a"], "environment": {"A=B": "x"}}, "环境变量名"),
        ({"command": ["a"], "environment": {"HUISUAN_CARDS": "0"}}, "由平台使用"),
        ({"command": ["a"], "environment": {"A": "x\0"}}, "NUL"),
        ({"command": ["a"], "environment": {"A": "x" * 70_000}}, "最多 65536 字节"),
        ({"command": ["a"], "environment": {f"A{n}": "" for n in range(201)}}, "最多 200 个"),
        ({"command": ["a"], "name": "x" * 121}, "120 个字"),
        ({"command": ["a"], "name": "a\x1b[31m"}, "控制字符"),
    ],
)
def test_a_request_out_of_bounds_is_refused_with_place_and_rule(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        checked(_built(request_))


def _built(request_: dict[str, Any]) -> Any:
    from huisuan.client.wire import JobRequest

    return JobRequest.model_construct(**{**JobRequest(command=["x"]).model_dump(), **request_})


def test_uids_sort_by_time_and_differ_by_their_randomness() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    later = first + timedelta(milliseconds=1)
    assert job_uid(first, b"\xff" * 10) < job_uid(later, b"\0" * 10)
    assert job_uid(first, b"\0" * 10) != job_uid(first, b"\0" * 9 + b"\1")
    assert len(job_uid(later, b"\0" * 10)) == 26


def test_a_uid_needs_its_ten_random_bytes() -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        job_uid(datetime(2024, 1, 1, tzinfo=UTC), b"")

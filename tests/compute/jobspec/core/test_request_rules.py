"""What a request for a job may look like: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.jobs.api_examples import JOBS
from huisuan.compute.jobspec.core.request_rules import checked, duration_seconds
from huisuan.protocol.job_uid import job_uid
from huisuan.protocol.resources import JobRequest
from support.jobs import asked


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
        ({"command": ["a"], "script": "#!/bin/sh"}, "命令与脚本只能有一个"),
        ({"command": [], "script": "echo"}, "第一行应是 #!"),
        ({"command": [], "script": "#!/bin/sh\n\0"}, "脚本含有 NUL"),
        ({"command": [], "script": "#!" + "x" * 70_000}, "脚本共 70002 字节，最多 65536 字节"),
        ({"command": ["a"], "image": "-v/:/host"}, "镜像 '-v/:/host'：应是"),
        ({"command": ["a"], "image": "a b"}, "不含空格"),
        ({"command": ["a"], "image": "x" * 301}, "至多 300 个"),
        ({"command": ["a"], "workdir": "../x"}, "SHA-256"),
        ({"command": ["a"], "cards": 7, "nodes": 2}, "7 卡不能平均放在 2 个节点上"),
        ({"command": ["a"], "nodes": 0}, "节点数 0"),
        ({"command": ["a"], "models": ["x"] * 41}, "最多 40 个"),
        ({"command": ["a"], "models": ["x" * 61]}, "型号或厂商"),
        ({"command": ["a"], "min_memory_gib": -1}, "显存下限 -1 GiB"),
        ({"command": ["a"], "min_tflops_fp16": Decimal("NaN")}, "算力下限 NaN"),
        ({"command": ["a"], "min_tflops_fp16": Decimal("1.25")}, "至多一位小数"),
        ({"command": ["a"], "min_tflops_fp16": Decimal("1e9")}, "算力下限"),
        ({"command": ["a"], "centre": "a\nb"}, "智算中心 'a\\\\nb'"),
        ({"command": ["a"], "price_ceiling_fen": -1}, "每卡时最高价 -1 分"),
        ({"command": ["a"], "retries": 21}, "重试次数 21"),
        ({"command": ["a"], "array": [-1]}, "阵列下标 -1"),
        ({"command": ["a"], "array": [10**7]}, "阵列下标 10000000"),
        ({"command": ["a"], "array": list(range(10_001))}, "最多 10000 个"),
        ({"command": ["x" * 60_000], "array": list(range(3000))}, "各带 60000 字节"),
        ({"command": ["a"], "after": ["a; rm -rf /"]}, "不是作业号"),
        ({"command": ["a"], "after": [str(n) for n in range(101)]}, "最多 100 个"),
        ({"command": ["a"], "notify_url": "file:///etc/passwd"}, "应形如 https://主机/路径"),
        ({"command": ["a"], "notify_url": "ftp://host/x"}, "只能是 http 或 https"),
        ({"command": ["a"], "notify_url": "https://u:p@host/"}, "不要写用户名和口令"),
        ({"command": ["a"], "notify_url": "https://host:99999/"}, "应形如"),
        ({"command": ["a"], "notify_url": "https://host/\r\nX: y"}, "应形如"),
        ({"command": ["a"], "notify_url": "https://主机/"}, "应形如"),
        ({"command": ["a"], "notes": ["x"] * 201}, "最多 200 条"),
        ({"command": ["a"], "notes": ["a\x07"]}, "不含控制字符"),
    ],
)
def test_a_request_out_of_bounds_is_refused_with_place_and_rule(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        checked(_built(request_))


def test_a_request_comes_to_one_form() -> None:
    made = checked(
        asked("a", model="T4", models=["A10", "T4"], array=[3, 1, 3], after=["b", "a", "b"], cards=4, nodes=2)
    )
    assert (made.model, made.models, made.array, made.after) == (None, ["T4", "A10"], [1, 3], ["a", "b"])
    assert checked(made) == made


def test_a_script_is_run_without_a_command() -> None:
    assert checked(JobRequest(script="#!/bin/sh\ntrue\n")).name == "script"


@pytest.mark.parametrize("name", JOBS)
def test_every_example_in_the_apis_description_has_the_form_of_a_job(name: str) -> None:
    checked(JobRequest.model_validate(JOBS[name]["value"]))


def _built(request_: dict[str, Any]) -> Any:
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

"""`huisuan job`, over HTTP against the real platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jobworld import centre, party
from typer.testing import CliRunner

from huisuan.compute.job_commands import app
from huisuan.compute.models import Job, JobLog, JobState
from huisuan.console import Refused
from huisuan.parties.tokens import make_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def signed_in(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user whose party's jobs wait for a centre without an agent."""
    centre()
    monkeypatch.setenv("HUISUAN_URL", live_server.url)
    monkeypatch.setenv("HUISUAN_TOKEN", make_token("user", "甲公司脚本", party=party().uscc)[1])


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, Refused):
        raise done.exception
    return done


def submitted(*words: str) -> dict:
    return json.loads(run("submit", "--json", *words).stdout)


def test_everything_after_the_dashes_is_the_command() -> None:
    job = submitted(
        "--name", "训练", "--cards", "2", "--env", "A=x=y", "--time-limit", "1h30m", "--", "sh", "-c", "ls -l"
    )
    assert (job["command"], job["name"], job["cards"], job["time_limit_seconds"]) == (
        ["sh", "-c", "ls -l"],
        "训练",
        2,
        5400,
    )
    assert Job.objects.get().environment == {"A": "x=y"}
    assert Job.objects.get().submitted_by == "甲公司脚本"


def test_a_list_can_be_filtered_and_continued() -> None:
    uids = [submitted("true")["uid"] for _ in range(3)]
    page = json.loads(run("list", "--limit", "2", "--json").stdout)
    assert [job["uid"] for job in page["items"]] == uids[:0:-1]
    rest = json.loads(run("list", "--before", page["next"], "--json").stdout)
    assert [job["uid"] for job in rest["items"]] == uids[:1]
    assert json.loads(run("list", "--state", "running", "--json").stdout)["items"] == []
    assert "没有作业：用 huisuan job submit" in run("list", "--state", "running").stdout
    assert "已提交" in run("list").stdout


def test_show_tells_where_a_job_stands_and_why() -> None:
    shown = run("show", submitted("echo", "hi")["uid"]).stdout
    assert "状态：已提交" in shown
    assert "理由：等待 1 卡：hf-local CPU-SLOT 站点代理未连接" in shown
    assert "命令：echo hi" in shown


def test_logs_are_written_as_they_came_even_where_a_character_is_cut_in_two() -> None:
    uid = submitted("true")["uid"]
    JobLog.objects.create(job_id=uid, offset=0, content="中文".encode()[:4])
    JobLog.objects.create(job_id=uid, offset=4, content="中文".encode()[4:] + b"\xff\n")
    Job.objects.filter(pk=uid).update(state=JobState.DONE)
    assert run("logs", uid).stdout == "中文\ufffd\n"
    assert run("logs", uid, "--follow").stdout == "中文\ufffd\n"
    assert json.loads(run("logs", uid, "--json").stdout)["bytes"] == 8


def test_cancel_ends_a_waiting_job_and_a_finished_one_is_refused() -> None:
    uid = submitted("true")["uid"]
    assert "已取消" in run("cancel", uid).stdout
    assert json.loads(run("cancel", uid, "--json").stdout)["state"] == "cancelled"
    Job.objects.filter(pk=uid).update(state=JobState.DONE, ended_at=datetime.now(UTC))
    with pytest.raises(Refused, match="已经结束"):
        run("cancel", uid)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "A", "--", "true"], "--env A：应写成 名=值"),
        (["--time-limit", "soon", "--", "true"], "应形如"),
        (["--cards", "0", "--", "true"], "卡数 0"),
        (["--cards", "99", "--", "true"], "一处最多 4 卡"),
        (["--model", "CPUSLOT", "--", "true"], "相近的有 CPU-SLOT"),
        (["--party", "91340100MA2T99999X", "--", "true"], "只能为自己的主体"),
    ],
)
def test_a_job_that_cannot_be_taken_is_refused_with_the_reason(words: list[str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        run("submit", *words)
    assert not Job.objects.exists()


def test_a_command_that_is_missing_is_wrong_usage() -> None:
    assert run("submit", "--cards", "1").exit_code == 2

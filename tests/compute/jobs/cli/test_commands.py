"""`huisuan job`, over HTTP against the real platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.compute.jobs.cli.commands import app
from huisuan.compute.models import Job, JobEvent, JobLog, JobState, Upload
from support.accounts import make_token
from support.jobs import centre, party

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def signed_in(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user whose party's jobs wait for a centre without an agent."""
    centre()
    monkeypatch.setenv("HUISUAN_URL", live_server.url)
    monkeypatch.setenv("HUISUAN_TOKEN", make_token("user", "甲公司脚本", party=party().uscc)[1])


def run(*words: str, given: str | None = None) -> Any:
    done = CliRunner().invoke(app, list(words), input=given)
    if isinstance(done.exception, Refused):
        raise done.exception
    return done


def submitted(*words: str, given: str | None = None) -> dict[str, Any]:
    done = run("submit", "--json", *words, given=given)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_everything_after_the_dashes_is_the_command() -> None:
    job = submitted(
        "--name",
        "训练",
        "--cards",
        "2",
        "--model",
        "CPU-SLOT",
        "--env",
        "A=x=y",
        "--time-limit",
        "1h30m",
        "--",
        "sh",
        "-c",
        "--",
        "a b",
    )
    assert (job["command"], job["name"], job["cards"], job["time_limit_seconds"]) == (
        ["sh", "-c", "--", "a b"],
        "训练",
        2,
        5400,
    )
    assert Job.objects.get().environment == {"A": "x=y"}
    assert Job.objects.get().submitted_by == f"user-{party().uscc}"


def test_a_file_is_recognised_and_options_go_before_it(tmp_path: Path) -> None:
    file = tmp_path / "train.sbatch"
    file.write_text("#!/bin/bash\n#SBATCH -J a --gpus=2 -t 5 --mem=1G --export=A=1,B=2\ntrue\n", encoding="utf-8")
    done = run("submit", str(file), "--cards", "3", "--model", "CPU-SLOT", "--env", "B=3", "--retries", "1", "--json")
    job = json.loads(done.stdout)
    assert "没有照搬：第 2 行 --mem=1G" in done.stderr
    assert (job["source_format"], job["name"], job["cards"], job["retries"]) == ("sbatch", "a", 3, 1)
    assert job["time_limit_seconds"] == 300
    assert job["script"] == file.read_text(encoding="utf-8")
    assert Job.objects.get().environment == {"A": "1", "B": "3"}


def test_a_file_comes_through_standard_input_too() -> None:
    assert submitted("-", given="command: [echo, hi]\ncards: 2\nmodels: CPU-SLOT\n")["cards"] == 2
    with pytest.raises(Refused, match="标准输入 第 1 行第 1 列：不认识的键 comand；是不是 command？"):
        run("submit", "-", "--format", "huisuan", given="comand: x")


def test_what_the_file_leaves_open_has_to_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "task.yaml"
    file.write_text("run: echo\nenvs: {TOKEN: }\n", encoding="utf-8")
    with pytest.raises(Refused, match="文件没有给出 TOKEN 的值：请加 --env TOKEN=值"):
        run("submit", str(file))
    with pytest.raises(Refused, match="本机没有这个变量"):
        run("submit", str(file), "--env", "TOKEN")
    monkeypatch.setenv("TOKEN", "from here")
    submitted(str(file), "--env", "TOKEN")
    assert Job.objects.get().environment == {"TOKEN": "from here"}


def test_a_folder_is_packed_and_sent_once(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1", encoding="utf-8")
    file = tmp_path / "job.yaml"
    file.write_text("command: [python, a.py]\nworkdir: code\n", encoding="utf-8")
    first = run("submit", str(file))
    assert "已上传：1 个文件" in first.stderr
    again = run("submit", "--json", "--workdir", str(tmp_path / "code"), "--", "python", "a.py")
    assert "没有变（1 个文件），不必再传" in again.stderr
    assert json.loads(again.stdout)["workdir"] == Upload.objects.get().sha256
    with pytest.raises(Refused, match="nothing 不是文件夹"):
        run("submit", "--workdir", str(tmp_path / "nothing"), "--", "x")


def test_an_array_is_submitted_listed_counted_and_cancelled_as_a_whole() -> None:
    first = submitted("--array", "0-4:2", "--name", "扫描", "--", "true")
    listed = json.loads(run("list", "--array", first["array_uid"], "--json").stdout)["items"]
    assert [job["array_index"] for job in listed] == [4, 2, 0]
    assert "扫描[2]" in run("list", "--name", "扫").stdout
    assert f"{first['uid']} 的第 0 号" in run("show", first["uid"]).stdout
    after = submitted("--after", first["uid"], "--", "true")
    assert (after["state"], len(after["after"])) == ("submitted", 3)
    assert "已要求取消 3 个" in run("cancel", "--array", listed[0]["uid"]).stdout
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}


def test_waiting_for_an_array_ends_with_its_last_job_and_fails_if_one_did(monkeypatch: pytest.MonkeyPatch) -> None:
    from huisuan.client import jobs as calls

    def settle(_: float) -> None:
        states = iter([JobState.DONE, JobState.FAILED])
        for job in Job.objects.order_by("uid"):
            Job.objects.filter(pk=job.pk).update(state=next(states))

    monkeypatch.setattr(
        calls.JobCalls.wait_array, "__defaults__", (settle, *calls.JobCalls.wait_array.__defaults__[1:])
    )
    done = run("submit", "--array", "0,1", "--wait", "--json", "--", "true")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["array"]["states"] == {"done": 1, "failed": 1}
    assert "等待调度 2" in done.stderr


def test_a_list_can_be_filtered_and_continued() -> None:
    uids = [submitted("--", "true")["uid"] for _ in range(3)]
    page = json.loads(run("list", "--limit", "2", "--json").stdout)
    assert [job["uid"] for job in page["items"]] == uids[:0:-1]
    rest = json.loads(run("list", "--before", page["next"], "--json").stdout)
    assert [job["uid"] for job in rest["items"]] == uids[:1]
    assert json.loads(run("list", "--state", "running", "--json").stdout)["items"] == []
    assert len(json.loads(run("list", "--state", "running,waiting", "--json").stdout)["items"]) == 3
    assert "没有作业：用 huisuan job submit" in run("list", "--state", "running").stdout
    assert "等待调度" in run("list").stdout


def test_show_tells_what_was_asked_for_where_it_stands_and_why() -> None:
    uid = submitted("--retries", "2", "--city", "合肥", "--models", "cpu-slot", "--", "echo", "hi")["uid"]
    shown = run("show", uid).stdout
    for line in ("状态：等待调度", "命令：echo hi", "可接受：CPU-SLOT；只在合肥市", "重试：第 1 次运行，最多重试 2 次"):
        assert line in shown


def test_the_steps_of_a_job_are_shown_with_what_its_webhook_said() -> None:
    uid = submitted("--", "true")["uid"]
    JobEvent.objects.update(tries=2)
    assert f"由 user-{party().uscc} 提交" in run("events", uid).stdout
    assert "试过 2 次，没有送到" in run("events", uid).stdout
    assert json.loads(run("events", uid, "--json").stdout)[0]["state"] == "waiting"


def test_logs_are_written_as_they_came_even_where_a_character_is_cut_in_two() -> None:
    uid = submitted("--", "true")["uid"]
    JobLog.objects.create(job_id=uid, offset=0, content="中文".encode()[:4])
    JobLog.objects.create(job_id=uid, offset=4, content="中文".encode()[4:] + b"\xff\n")
    Job.objects.filter(pk=uid).update(state=JobState.DONE)
    assert run("logs", uid).stdout == "中文\ufffd\n"
    assert run("logs", uid, "--follow").stdout == "中文\ufffd\n"
    assert json.loads(run("logs", uid, "--json").stdout)["bytes"] == 8


def test_only_the_last_lines_of_a_log_may_be_asked_for() -> None:
    uid = submitted("--", "true")["uid"]
    JobLog.objects.create(job_id=uid, offset=0, content=b"".join(b"line %d\n" % n for n in range(5000)))
    Job.objects.filter(pk=uid).update(state=JobState.DONE)
    assert run("logs", uid, "--tail", "2").stdout == "line 4998\nline 4999\n"
    assert run("logs", uid, "--tail", "1", "-f").stdout == "line 4999\n"
    assert run("logs", uid, "--tail", "0").stdout == ""
    with pytest.raises(Refused, match="--tail -1"):
        run("logs", uid, "--tail", "-1")


def test_cancel_ends_waiting_jobs_and_a_finished_one_is_refused_without_stopping_the_others() -> None:
    uid, over = submitted("--", "true")["uid"], submitted("--", "true")["uid"]
    Job.objects.filter(pk=over).update(state=JobState.DONE, ended_at=datetime.now(UTC))
    done = run("cancel", over, uid)
    assert (done.exit_code, "已取消" in done.stdout, "已经结束" in done.stderr) == (1, True, True)
    assert json.loads(run("cancel", uid, "--json").stdout)["state"] == "cancelled"
    with pytest.raises(Refused, match="已经结束"):
        run("cancel", over)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "NOT_HERE_A", "--", "true"], "--env NOT_HERE_A：应写成 名=值"),
        (["--time-limit", "soon", "--", "true"], "应形如"),
        (["--cards", "0", "--", "true"], "卡数 0"),
        (["--cards", "3", "--nodes", "2", "--", "true"], "3 卡不能平均放在 2 个节点上"),
        (["--cards", "99", "--", "true"], "99 卡"),
        (["--model", "CPUSLOTS", "--", "true"], "相近的有 CPU-SLOT"),
        (["--models", "T4,H1000", "--", "true"], "型号 H1000 不在加速卡目录中"),
        (["--min-tflops", "many", "--", "true"], "--min-tflops many：应是数"),
        (["--array", "9-1", "--", "true"], "应从小到大"),
        (["--deadline", "soon", "--", "true"], "时间 soon"),
        (["--after", "../x", "--", "true"], "不是作业号"),
        (["--notify", "ftp://x", "--", "true"], "只能是 http 或 https"),
        (["--party", "91340100MA2T99999X", "--", "true"], "只能为自己的主体"),
        (["nothing.yaml"], "读不了文件 nothing.yaml：No such file or directory；要运行的命令请写在 -- 之后"),
        (["."], "读不了文件"),
    ],
)
def test_a_job_that_cannot_be_taken_is_refused_with_the_reason(words: list[str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        run("submit", *words)
    assert not Job.objects.exists()


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gbk.sbatch").write_bytes("#!/bin/sh\n# 训练\n".encode("gb18030"))
    with pytest.raises(Refused, match=r"gbk\.sbatch 第 2 行：不是 UTF-8 文本；请转成 UTF-8，例如 iconv"):
        run("submit", str(tmp_path / "gbk.sbatch"))
    (tmp_path / "big.yaml").write_bytes(b"#" * 300_000)
    with pytest.raises(Refused, match="超过 256 KiB"):
        run("submit", str(tmp_path / "big.yaml"))


@pytest.mark.parametrize(
    "words", [["--cards", "1"], ["--"], ["file.yaml", "--", "true"], ["--cards", "x", "--", "true"]]
)
def test_a_command_that_is_missing_or_doubled_is_wrong_usage(words: list[str]) -> None:
    assert run("submit", *words).exit_code == 2


def test_a_preview_submits_nothing_and_fails_where_nobody_could_run_it() -> None:
    done = run("submit", "--preview", "--json", "--", "true")
    assert (done.exit_code, json.loads(done.stdout)["possible"]) == (0, True)
    assert run("submit", "--preview", "--cards", "99", "--", "true").exit_code == 1
    assert not Job.objects.exists()


def test_a_preview_says_first_what_was_read_and_agrees_with_its_own_json(tmp_path: Path) -> None:
    file = tmp_path / "sweep.sbatch"
    file.write_text("#!/bin/sh\n#SBATCH --array=1-4%2,10-12 --gres=gpu:1 -t 90\ntrue\n", encoding="utf-8")
    words = ("submit", str(file), "--preview", "--model", "CPU-SLOT")
    read = json.loads(run(*words, "--json").stdout)["request"]
    assert (read["cards"], read["nodes"], read["models"], read["time_limit_seconds"]) == (1, 1, ["CPU-SLOT"], 5400)
    assert (read["jobs"], read["array"]) == (7, [1, 2, 3, 4, 10, 11, 12])
    shown = " ".join(run(*words).stdout.split())
    assert shown.startswith(
        "读到：sbatch 脚本 sweep.sbatch；1 卡；CPU-SLOT；时限 1:30:00；阵列 7 个作业（下标 1-4,10-12）"
    )


def test_a_file_without_a_card_is_told_apart_from_one_that_asks_for_any(tmp_path: Path) -> None:
    for name, line, takes in (("none", "-t 5", True), ("any", "--gres=gpu:1 -t 5", False)):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n#SBATCH {line}\ntrue\n", encoding="utf-8")
        found = json.loads(run("submit", str(file), "--preview", "--json").stdout)
        assert found["request"]["takes_slots"] is takes
        assert found["possible"] is takes  # this centre has processor slots only


def test_why_says_what_a_job_waits_for() -> None:
    assert "hf-local" in run("why", submitted("--", "true")["uid"]).stdout


def test_the_schema_is_json_for_an_editor() -> None:
    assert "cards" in json.loads(run("schema").stdout)["properties"]


def test_names_with_a_shells_signs_stay_names(tmp_path: Path) -> None:
    name = "$(touch /tmp/x); `id` && 'a' \"b\" | c > d"
    file = tmp_path / "$(x) '.yaml"
    file.write_text(json.dumps({"name": name, "command": [name], "environment": {"A": name}}), encoding="utf-8")
    job = submitted(str(file))
    assert (job["name"], job["command"]) == (name, [name])
    assert Job.objects.get().environment == {"A": name}
    assert name in run("show", job["uid"]).stdout

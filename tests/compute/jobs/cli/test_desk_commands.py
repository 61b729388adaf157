"""Many jobs at once, and once more, on the command line, over HTTP against the real platform."""

from __future__ import annotations

import json
import os
import socket
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.client import Client
from huisuan.compute.jobs.cli import completion
from huisuan.compute.jobs.cli import top as cli_top
from huisuan.compute.jobs.cli.commands import app
from huisuan.compute.jobs.cli.completion import centre_codes, job_sources, job_uids, model_names, template_names
from huisuan.compute.models import HeldCancel, Job, JobTemplate
from support.accounts import make_token
from support.jobs import centre, party

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


def found(*words: str) -> Any:
    end = words.index("--") if "--" in words else len(words)
    done = run(*words[:end], "--json", *words[end:])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_jobs_are_cancelled_by_filter_undone_watched_and_submitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    uids = [found("submit", "--name", name, "--", "true")["uid"] for name in ("甲 1", "甲 2", "乙")]
    assert [job["uid"] for job in found("list", "--since", "2024-01-01", "--name", "甲")["items"]] == uids[1::-1]
    assert found("list", "--until", "2024-01-01")["items"] == []
    with pytest.raises(Refused, match="--yes"):  # nobody is there to be asked
        run("cancel", "--name", "甲")
    assert run("cancel").exit_code == 2
    held = found("cancel", "--name", "甲", "--yes")
    assert sorted(held["uids"]) == uids[:2]
    assert found("undo")["undone_at"]
    assert not Job.objects.filter(cancel_requested_at__isnull=False).exists()
    with pytest.raises(Refused):
        run("undo")
    with pytest.raises(Refused, match="没有一个"):
        run("cancel", "--name", "没有", "--yes")
    assert HeldCancel.objects.count() == 1
    assert {job["uid"] for job in found("top")["jobs"]} == set(uids)
    shown = run("top", "--once").output
    assert "没结束的作业" in shown
    assert uids[0] in shown
    (again,) = found("resubmit", uids[2])
    assert (again["name"], again["uid"] in uids) == ("乙", False)
    assert set(job_uids("")) == {*uids, again["uid"]}
    assert job_uids("nothing") == []
    assert job_sources(uids[0]) == [f"{uids[0]}:"]  # the path is typed after it
    assert job_sources(f"{uids[0]}:") == []
    assert len(centre_codes("")) == 1
    assert model_names("CPU") == ["CPU-SLOT"]
    monkeypatch.setenv("HUISUAN_TOKEN", "no-such-token")
    assert job_uids("") == []  # nobody is told off while typing


def test_the_shell_waits_for_no_platform_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HUISUAN_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert job_uids("") == []
    assert job_uids("") == []  # and where nobody listens


def test_who_watches_jobs_goes_on_watching_while_the_platform_starts_anew(
    live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses, real = [0], httpx.HTTPTransport()

    def pause(_seconds: float) -> None:
        pauses[0] += 1
        if pauses[0] >= 3:
            raise KeyboardInterrupt

    def answer(request: httpx.Request) -> httpx.Response:
        if pauses[0] == 1:
            raise httpx.ConnectError("away")
        return real.handle_request(request)

    def comes_back() -> Client:
        return Client(live_server.url, os.environ["HUISUAN_TOKEN"], transport=httpx.MockTransport(answer))

    monkeypatch.setattr(cli_top, "connect", comes_back)
    monkeypatch.setattr(cli_top, "time", SimpleNamespace(sleep=pause))  # not the clock of other threads
    monkeypatch.setattr(type(cli_top.out), "is_terminal", True)
    cli_top.top(every=1, once=False, limit=5, as_json=False)
    told = capsys.readouterr()
    assert told.out.count("没结束的作业") >= 2
    assert "接着再试" in told.err


def test_a_template_is_kept_submitted_and_deleted(tmp_path: Any) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("command: [python, train.py]\nname: 周报\nenvironment: {TOKEN: secret}\n")
    kept = found("template", "save", "每周", str(file))
    assert kept["request"]["environment"] == {"TOKEN": ""}
    assert [each["name"] for each in found("template", "list")] == ["每周"]
    assert template_names("每") == ["每周"]
    made = found("template", "submit", "每周")
    assert Job.objects.get(pk=made["uid"]).environment == {"TOKEN": "secret"}
    found("template", "save", "照作业", "--from", made["uid"])
    assert run("template", "save", "空").exit_code == 2
    assert "secret" not in run("template", "list").output
    found("template", "delete", "每周")
    assert [each.name for each in JobTemplate.objects.all()] == ["照作业"]
    with pytest.raises(Refused, match="没有名为"):
        run("template", "submit", "每周")

"""`huisuan call missing|submit --object` and `huisuan application check|checks|flags|answer-flag`, in their order."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from typer import Typer
from typer.testing import CliRunner

from huisuan.programmes.application_commands import app as application_app
from huisuan.programmes.calls.commands import app as call_app
from support.calls import attach, draft, opened
from support.programmes import applicant, official

pytestmark = pytest.mark.django_db


def run(app: Typer, *words: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, (words, result.output, result.exception)
    return json.loads(result.stdout)


def test_from_what_is_missing_to_what_was_answered() -> None:
    today = timezone.localdate()
    call = opened(timezone.now(), first_day=today, last_day=today + timedelta(days=9))
    numbers = []
    for number in (1, 2):
        mine = draft(number, standards=())
        attach(mine, "international", b"the same")
        asked = [call.number, "--draft", str(mine.pk), "--by", applicant(number).username]
        assert [item["code"] for item in run(call_app, "missing", *asked)] == ["object_missing"]
        named = [f"--object=standard=ＧＢ/T {number}{at}" for at in (1, 2)]
        numbers.append(run(call_app, "submit", *asked, *named)["number"])
    mine = draft(3, standards=())
    taken = ["submit", call.number, "--draft", str(mine.pk), "--by", applicant(3).username]
    refused = CliRunner().invoke(call_app, [*taken, "--object", "standard"])
    assert (refused.exit_code, getattr(refused.exception, "code", "")) == (1, "call.object_malformed")

    by = ["--by", official("checker", "check").username]
    answers = run(application_app, "check", numbers[1], *by)
    assert [(answer["kind"], answer["passed"]) for answer in answers][:3] == [
        ("law", True), ("stacking", True), ("objects", True),
    ]  # fmt: skip
    assert run(application_app, "checks", numbers[1], *by) == answers
    assert run(application_app, "act", numbers[1], "check", *by)["state"] == "checked"
    (flag,) = run(application_app, "flags", numbers[1], *by)
    assert (flag["kind"], flag["other"], flag["answered_by"]) == ("same_evidence", numbers[0], None)
    decider = official("decider", "decide").username
    words = ["answer-flag", numbers[1], str(flag["id"]), "--by", decider, "--reason", "同一公告"]
    assert [one["answered_by"] for one in run(application_app, *words)] == [decider]
    again = CliRunner().invoke(application_app, words)
    assert (again.exit_code, getattr(again.exception, "code", "")) == (1, "flag.answered")


def test_people_read_tables_and_what_there_is_none_of_is_said() -> None:
    today = timezone.localdate()
    call = opened(timezone.now(), first_day=today, last_day=today + timedelta(days=9))
    asked = [call.number, "--draft", str(draft().pk), "--by", applicant().username]
    number = run(call_app, "submit", *asked)["number"]
    by = ["--by", official("checker", "check").username]
    for words, said in (("checks", "还没有核对过"), ("flags", "没有疑点"), ("check", "未还款项")):
        shown = CliRunner().invoke(application_app, [words, number, *by])
        assert shown.exit_code == 0
        assert said in shown.output

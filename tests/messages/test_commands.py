"""`huisuan message`, over HTTP against the real platform: one's own messages only, and what a token may."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.messages.commands import app
from huisuan.messages.models import Message
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import people_of_firm
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person
from support.jobs import party

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2024, 6, 30, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def signed_in(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody of party 1 with three messages, and somebody else with one."""
    monkeypatch.setenv("HUISUAN_URL", live_server.url)
    one, _ = (Person.objects.create_person(f"p{n}", None, role="user", party=party(n)) for n in (1, 2))
    monkeypatch.setenv("HUISUAN_TOKEN", issue_token(one, "script", Actor("test"), datetime.now(UTC), scope="manage")[1])
    to = {number: (people_of_firm(party(number).pk),) for number in (1, 2)}
    names = [(1, "a"), (1, "b"), (2, "c"), (1, "d")]
    with transaction.atomic():
        for number, name in names:
            notify_all([Notice("job_done", {"name": name}, to[number], f"job:{name}:ended")], NOW)


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"])
    if isinstance(done.exception, Refused):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def names(page: Any) -> list[str]:
    return [message["values"]["name"] for message in page["items"]]


def test_one_reads_ones_own_in_pages_newest_first() -> None:
    first = run("list", "--limit", "2")
    assert (names(first), first["unread"]) == (["d", "b"], 3)
    rest = run("list", "--limit", "2", "--before", str(first["next"]))
    assert (names(rest), rest["next"]) == (["a"], None)
    assert (first["items"][0]["text"], first["items"][0]["text_en"]) == ("作业 d 已完成", "Job d is done")


def test_some_or_all_are_marked_and_taken_back_and_nobody_elses() -> None:
    foreign = Message.objects.get(key="job:c:ended").pk
    own = [message["id"] for message in run("list")["items"]]
    assert run("read", str(own[0]), str(foreign)) == {"marked": 1}
    assert names(run("list", "--unread")) == ["b", "a"]
    assert run("read", "--all") == {"marked": 2}
    assert run("read", "--undo", str(own[0])) == {"marked": 1}
    assert (names(run("list", "--unread")), Message.objects.get(pk=foreign).read_at) == (["d"], None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("read",), "message.ids_missing"), (("read", "1", "--all"), "message.ids_missing"),
        (("read", "--all", "--undo"), "message.ids_missing"), (("list", "--kind", "x"), "message.kind_unknown"),
        (("list", "--limit", "0"), "page.limit_out_of_bounds"),
        (("settings", "--set", "job_ended"), "message.choice_malformed"),
        (("settings", "--set", "x.mail=now"), "message.kind_unknown"),
        (("settings", "--set", "job_ended.page=daily"), "message.frequency_unknown"),
        (("settings", "--digest-hour", "24"), "message.hour_out_of_bounds"),
        (("settings", "--webhook", "gopher://x"), "message.webhook_malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_says_so_with_its_code(words: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refused) as refused:
        run(*words)
    assert refused.value.code == code


def test_what_is_named_changes_and_the_rest_stays() -> None:
    before = run("settings")
    after = run("settings", "--set", "job_ended.mail=daily", "--digest-hour", "18")
    assert (after["frequencies"]["job_ended"]["mail"], after["digest_hour"]) == ("daily", 18)
    assert (after["language"], after["frequencies"]["waiting"]) == (
        before["language"],
        before["frequencies"]["waiting"],
    )
    assert run("settings") == after


def test_it_reads_well_without_json() -> None:
    done = CliRunner().invoke(app, ["list"])
    assert "作业 d 已完成" in done.stdout
    assert "每日汇总 08:00" in CliRunner().invoke(app, ["settings"]).stdout

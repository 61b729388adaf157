"""Colleagues on the command line: invited, given a role, removed and let in again, over HTTP against the platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.parties.cli.member_commands import app
from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import MemberInvitation, Person
from support.jobs import party

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = Actor("test")


def add(username: str, member_role: str = "") -> Person:
    """Somebody of the firm."""
    position = Position("user", party().uscc, member_role=member_role)
    return people.add_person(username, position, ACTOR, datetime.now(UTC), password="correct horse battery")[0]


@pytest.fixture(autouse=True)
def signed_in(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the owner of a firm that has one colleague."""
    owner = add("owner")
    add("li", "submitter")
    monkeypatch.setenv("HUISUAN_URL", live_server.url)
    monkeypatch.setenv("HUISUAN_TOKEN", issue_token(owner, "x", ACTOR, datetime.now(UTC), scope="manage")[1])


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, Refused):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.output


def test_an_owner_invites_changes_removes_and_takes_back_a_colleague() -> None:
    assert [one["username"] for one in run("list", "--json")] == ["li", "owner"]
    assert "没有未用的邀请" in run("invitations")
    told = run("invite", "--role", "viewer", "--for", "小王", "--days", "3")
    assert "/join/hsi_" in told
    assert "只显示这一次" in told
    made = run("invite", "--json")
    assert (made["member_role"], "/join/" in made["link"]) == ("submitter", True)
    rows = run("invitations", "--json")
    assert {row["note"] for row in rows} == {"小王", ""}
    assert all("link" not in row for row in rows)
    assert "小王" in run("invitations")
    first, second = sorted(row["id"] for row in rows)
    assert "已撤回" in run("uninvite", str(first))
    assert run("uninvite", str(second), "--json")["id"] == second
    assert run("invitations", "--json") == []
    assert "li 已是 viewer" in run("role", "li", "--role", "viewer")
    assert run("role", "li", "--role", "owner", "--json")["member_role"] == "owner"
    assert "li 已移除；0 个未结束的作业继续运行" in run("remove", "li", "--jobs", "keep")
    assert "li 可以重新登录" in run("restore", "li")
    assert run("remove", "li", "--jobs", "cancel", "--json")["jobs"] == "cancel"
    assert run("restore", "li", "--json")["active"]
    assert "owner" in run("list")


def test_what_cannot_be_meant_is_refused_with_the_remedy() -> None:
    for words, told in (
        (("role", "li", "--role", "boss"), "只能是 owner、submitter、viewer"),
        (("invite", "--days", "31"), "30"),
        (("role", "owner", "--role", "viewer"), "最后一位所有者"),
        (("remove", "nobody", "--jobs", "keep"), "nobody"),
        (("remove", "li", "--jobs", "perhaps"), "keep"),
        (("uninvite", "999999"), "邀请"),
    ):
        with pytest.raises(Refused, match=told):
            run(*words)
    assert not MemberInvitation.objects.exists()
    assert Person.objects.filter(is_active=True).count() == 2

"""`huisuan token`: made once, listed without secrets, revoked at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from huisuan.console import Refused
from huisuan.parties.gate import digest_of
from huisuan.parties.models import Party, Token
from huisuan.parties.token_commands import app
from huisuan.parties.tokens import make_token, operator_token, revoke

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)


@pytest.fixture
def party() -> Party:
    return Party.objects.create(uscc="91340100MA2T000013", name="甲", kind="enterprise", region_id="340100")


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, Refused):
        raise done.exception
    return done


def test_a_secret_is_shown_once_and_only_its_digest_is_kept(party: Party) -> None:
    done = run("create", "--role", "user", "--party", party.uscc, "--label", "集群脚本", "--json")
    made = json.loads(done.stdout)
    token = Token.objects.get()
    assert token.digest == digest_of(made["token"])
    assert made["token"] not in run("list", "--json").stdout
    assert json.loads(run("list", "--json").stdout)[0]["label"] == "集群脚本"
    assert "集群脚本" in run("list").stdout


def test_revoking_twice_keeps_the_first_time() -> None:
    token, _ = make_token("auditor", "审计")
    assert revoke(token.pk, NOW).revoked_at == NOW
    assert revoke(token.pk, NOW.replace(year=2025)).revoked_at == NOW
    assert run("revoke", str(token.pk), "--json").exit_code == 0
    with pytest.raises(Refused, match="没有编号 999 的令牌"):
        run("revoke", "999")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--role", "king"], "角色 king：只能是 user、centre、city、province、auditor"),
        (["--role", "user"], "须用 --party"),
        (["--role", "user", "--party", "91340100MA2T99999X"], "不存在"),
        (["--role", "province", "--party", "91340100MA2T000013"], "请去掉 --party"),
        (["--role", "city"], "须用 --city"),
        (["--role", "city", "--city", "110000"], "不是安徽省的市"),
        (["--role", "auditor", "--city", "340100"], "请去掉 --city"),
    ],
)
def test_a_token_that_stands_for_nobody_is_refused_with_the_remedy(
    party: Party, words: list[str], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        run("create", "--label", "x", *words)
    assert not Token.objects.exists()


@pytest.mark.parametrize("label", ["", "  ", "x" * 81])
def test_a_token_needs_a_name(label: str) -> None:
    with pytest.raises(Refused, match="1 至 80 个字"):
        make_token("auditor", label)


def test_each_start_of_the_platform_revokes_the_operators_token_before() -> None:
    first, second = operator_token(NOW), operator_token(NOW)
    assert Token.objects.get(digest=digest_of(first)).revoked_at == NOW
    assert Token.objects.get(digest=digest_of(second)).revoked_at is None

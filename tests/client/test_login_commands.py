"""`huisuan login`, `huisuan logout`, and where commands go without them."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyotp
import pytest
import typer
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.client.commands import login, logout
from huisuan.client.credentials import Instance, Login, connect, credentials_path, remember, running_here
from huisuan.parties.identity import second_factor
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.models import Person, Token
from support.accounts import make_token

app = typer.Typer()
app.command("login")(login)
app.command("logout")(logout)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    for name in ("HUISUAN_URL", "HUISUAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str, **rest: Any) -> Any:
    return CliRunner().invoke(app, list(words), **rest)


@pytest.mark.django_db(transaction=True)
def test_a_login_by_password_is_kept_for_its_owner_only_and_used_until_logout(live_server: Any) -> None:
    person = Person.objects.create_person("zhuan", "correct horse battery", role="province")
    secret, now = second_factor.new_totp_secret(), datetime.now(UTC)
    words = ["login", live_server.url, "--username", "zhuan"]
    assert "请先在网页上登录并登记" in str(run(*words, input="correct horse battery\n").exception)
    second_factor.enrol_factor(person, secret, pyotp.TOTP(secret).at(now), Actor("test"), now)
    fresh = pyotp.TOTP(secret).at(now + timedelta(seconds=30))  # the one of now is used up
    done = run(*words, input=f"correct horse battery\n{fresh}\n")
    assert done.exit_code == 0, done.exception
    assert stat.S_IMODE(credentials_path().stat().st_mode) == 0o600
    assert "correct horse" not in credentials_path().read_text()
    with connect() as client:
        assert client.me().role == "province"
    assert run("logout").exit_code == 0
    assert not credentials_path().exists()
    assert Token.objects.get().revoked_at is not None
    assert isinstance(run("logout").exception, Refused)


@pytest.mark.django_db(transaction=True)
def test_a_login_by_token_is_tried_before_it_is_kept(live_server: Any) -> None:
    secret = make_token("auditor", "audit")[1]
    assert run("login", live_server.url, "--token", "hs_wrong").exit_code == 1
    assert not credentials_path().exists()
    done = run("login", live_server.url.removeprefix("http://"), "--token", "-", "--json", input=f"{secret}\n")
    assert json.loads(done.stdout)["role"] == "auditor"
    with connect() as client:
        assert client.url == live_server.url


@pytest.mark.parametrize("url", ["ftp://x", "http://", "://"])
def test_an_address_that_is_none_is_refused_with_the_form(url: str) -> None:
    assert "应形如" in str(run("login", url, "--token", "x").exception)


def test_logging_out_of_a_platform_that_is_gone_still_forgets_it_and_says_so() -> None:
    remember(Login("http://127.0.0.1:1", "hs_x"))
    done = run("logout")
    assert done.exit_code == 1
    assert "未能在平台上吊销" in done.stderr
    assert not credentials_path().exists()


def note(tmp_path: Path, **changed: Any) -> Instance:
    process = psutil.Process()
    instance = Instance("http://127.0.0.1:8710", process.pid, process.create_time(), "hs_op")
    (tmp_path / "instance.json").write_text(json.dumps({**asdict(instance), **changed}))
    return instance


def test_without_a_login_commands_go_to_the_platform_running_here(tmp_path: Path) -> None:
    assert running_here() is None
    instance = note(tmp_path)
    assert running_here() == instance
    with connect() as client:
        assert client.url == instance.url
    remember(Login("http://elsewhere.test", "hs_x"))
    with connect() as client:
        assert client.url == "http://elsewhere.test"


def test_a_note_of_a_platform_that_ended_is_not_taken_for_one_that_runs(tmp_path: Path) -> None:
    note(tmp_path, born=psutil.Process().create_time() - 3600)  # its number went to another process
    assert running_here() is None
    note(tmp_path, pid=2**22 - 1)
    assert running_here() is None
    with pytest.raises(Refused, match="huisuan up"):
        connect()


def test_the_environment_names_a_platform_for_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_URL", "http://named.test")
    with connect() as client:
        assert client.url == "http://named.test"


def test_a_damaged_note_says_which_file_to_remove(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text("{")
    with pytest.raises(Refused, match=r"instance.json 已损坏：请删除它"):
        connect()


def test_without_a_home_named_the_login_lies_in_the_users_own_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HUISUAN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert tmp_path in credentials_path().parents
    assert credentials_path().name == "credentials.json"

"""`huisuan token`: of a person, for a scope, until a day; shown once, listed without secrets, dead at once."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.parties.cli.token_commands import app
from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.identity.tokens import (
    access_token_digest,
    find_valid_token,
    issue_operator_token,
    issue_token,
    revoke_token_by_id,
)
from huisuan.parties.models import Party, Person, PersonEvent, Token

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)
ACTOR = Actor("test")
USCC = "91340100MA2T000013"


@pytest.fixture
def person(db: None) -> Person:
    party = Party.objects.create(uscc=USCC, name="甲", kind="enterprise", region_id="340100")
    return Person.objects.create_person("zhang", None, role="user", party=party)


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, Refused):
        raise done.exception
    return done


def test_a_secret_is_shown_once_and_only_its_digest_is_kept(person: Person) -> None:
    made = json.loads(run("new", "zhang", "--label", "集群脚本", "--json").stdout)
    token = Token.objects.get()
    assert (token.digest, token.person, token.scope) == (access_token_digest(made["token"]), person, "submit")
    assert token.expires_at - token.created_at == timedelta(days=90)
    assert made["token"] not in run("list", "--json").stdout
    (listed,) = json.loads(run("list", "--person", "zhang", "--json").stdout)
    assert (listed["label"], listed["person"], listed["party"]) == ("集群脚本", "zhang", USCC)
    assert "集群脚本" in run("list").stdout
    assert str(PersonEvent.objects.get()).split()[-2:] == ["token_made", str(person.pk)]


def test_revoking_twice_keeps_the_first_time(person: Person) -> None:
    token, _ = issue_token(person, "a", ACTOR, NOW)
    assert revoke_token_by_id(token.pk, ACTOR, NOW).revoked_at == NOW
    assert revoke_token_by_id(token.pk, ACTOR, NOW.replace(year=2025)).revoked_at == NOW
    assert run("revoke", str(token.pk), "--json").exit_code == 0
    for number in ("999", "0", str(2**70)):
        with pytest.raises(Refused, match=f"没有编号 {number} 的令牌"):
            run("revoke", number)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], '没有人员 "nobody"'),
        (["zhang\0"], "没有人员"),
        (["zhang", "--scope", "king"], "权限 king：只能是 read、submit、manage"),
        (["zhang", "--days", "0"], "须在 1 至 365 天之间"),
        (["zhang", "--days", "366"], "须在 1 至 365 天之间"),
    ],
)
def test_a_token_without_owner_scope_or_end_is_refused_with_the_rule(
    person: Person, words: list[str], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        run("new", "--label", "x", *words)
    assert not Token.objects.exists()


@pytest.mark.parametrize("label", ["", "  ", "x" * 81, "a\0b"])
def test_a_token_needs_a_name(person: Person, label: str) -> None:
    with pytest.raises(Refused, match="1 至 80 个字"):
        issue_token(person, label, ACTOR, NOW)


def test_a_token_opens_until_its_last_moment_and_its_use_is_noted_to_the_minute(person: Person) -> None:
    token, secret = issue_token(person, "a", ACTOR, NOW, days=1)
    assert find_valid_token(secret, NOW) == token
    used = [NOW, NOW + timedelta(seconds=59), NOW + timedelta(seconds=60)]
    noted = []
    for at in used:
        find_valid_token(secret, at)
        token.refresh_from_db()
        noted.append(token.last_used_at)
    assert noted == [used[0], used[0], used[2]]
    end = NOW + timedelta(days=1)
    assert find_valid_token(secret, end - timedelta(microseconds=1)) == token
    assert find_valid_token(secret, end) is None


ENDS: dict[str, Any] = {
    "disabled": lambda who: people.disable_person(who, ACTOR, NOW),
    "password": lambda who: people.set_password(who, "correct horse battery", ACTOR, NOW),
    "moved": lambda who: people.change_position(who, Position("auditor"), ACTOR, NOW),
    "disabled behind the services": lambda who: Person.objects.filter(pk=who.pk).update(is_active=False),
    "moved behind the services": lambda who: Person.objects.filter(pk=who.pk).update(role="auditor", party=None),
}


@pytest.mark.parametrize("how", ENDS)
def test_whoever_is_disabled_moved_or_gets_another_password_loses_tokens_and_open_sessions_at_once(
    person: Person, how: str
) -> None:
    browser, program = (
        Client(),
        Client(headers={"Authorization": f"Bearer {issue_token(person, 'a', ACTOR, now())[1]}"}),
    )
    browser.force_login(person)
    assert [browser.get("/jobs/").status_code, program.get("/api/v1/me").status_code] == [200, 200]
    ENDS[how](person)
    assert [browser.get("/jobs/").status_code, program.get("/api/v1/me").status_code] == [302, 401]
    assert browser.get("/api/v1/me").status_code == 401
    Person.objects.filter(pk=person.pk).update(is_active=True)
    assert program.get("/api/v1/me").status_code == 401  # what is dead stays dead
    assert browser.get("/jobs/").status_code == 302


def test_a_renewed_hash_of_the_same_password_ends_nothing(person: Person, settings: Any) -> None:
    person = Person.objects.create_person("li", "correct horse battery", role="auditor")
    _, secret = issue_token(person, "a", ACTOR, now())
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    assert person.check_password("correct horse battery")
    person.refresh_from_db()
    assert person.password.startswith("scrypt")
    assert find_valid_token(secret, now()) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "manage"},
        {"expires_at": NOW + timedelta(days=91)},
        {"label": "b"},
        {"digest": "0" * 64},
        {"expires_at": None},
        {"person": None},
    ],
)
def test_the_database_lets_a_token_only_end(person: Person, change: dict[str, Any]) -> None:
    token, _ = issue_token(person, "a", ACTOR, NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Token.objects.filter(pk=token.pk).update(**change)
    Token.objects.filter(pk=token.pk).update(revoked_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Token.objects.filter(pk=token.pk).update(revoked_at=None)


@pytest.mark.parametrize(
    "wrong", [{"scope": "king"}, {"expires_at": NOW + timedelta(days=367)}, {"expires_at": NOW}, {"label": ""}]
)
def test_the_database_takes_no_token_without_scope_and_end(person: Person, wrong: dict[str, Any]) -> None:
    whole = {"person": person, "label": "a", "scope": "read", "created_at": NOW, "expires_at": NOW + timedelta(days=1)}
    with pytest.raises(IntegrityError), transaction.atomic():
        Token.objects.create(digest="1" * 64, **{**whole, **wrong})
    Person.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        Token.objects.create(digest="2" * 64, **whole)


@pytest.mark.django_db(transaction=True)
def test_a_token_made_while_its_person_is_being_disabled_does_not_outlive_it(person: Person) -> None:
    failed: list[Exception] = []

    def make() -> None:
        try:
            issue_token(person, "a", ACTOR, now())
        except Refused as refused:
            failed.append(refused)
        finally:
            connection.close()

    thread = threading.Thread(target=make)
    with transaction.atomic():
        people.disable_person(person, ACTOR, now())
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()  # it waits for the change to end
    thread.join(20)
    assert "已停用" in str(failed[0])
    assert not Token.objects.filter(revoked_at__isnull=True).exists()


def test_each_start_of_the_platform_revokes_the_operators_token_before(db: None) -> None:
    first, second = issue_operator_token(NOW), issue_operator_token(NOW)
    assert Token.objects.get(digest=access_token_digest(first)).revoked_at == NOW
    held = Token.objects.get(digest=access_token_digest(second))
    assert (held.revoked_at, held.scope, held.person.role, held.person.machine) == (None, "manage", "province", True)


def now() -> datetime:
    return datetime.now(UTC)

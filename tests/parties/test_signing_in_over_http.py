"""A name, a password and a code become a token; what cannot be kept is refused before anything is looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from django.test import Client

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.identity import people, second_factor
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import Person
from huisuan.parties.projects import create_project
from huisuan.parties.viewer import Viewer
from support.jobs import party

pytestmark = pytest.mark.django_db
ACTOR, PASSWORD, API = Actor("test"), "correct horse battery", "/api/v1"


def add(username: str, position: Position, password: str | None = PASSWORD) -> Person:
    return people.add_person(username, position, ACTOR, datetime.now(UTC), password=password)[0]


def login(username: str, password: str = PASSWORD, **more: object) -> tuple[int, Any]:
    body = {"username": username, "password": password, "label": "test", **more}
    answer = Client().post(f"{API}/login", body, "application/json")
    return answer.status_code, answer.json()


def test_a_token_is_given_for_a_password_shows_whom_it_stands_for_and_ends_with_signing_out() -> None:
    owner = add("owner", Position("user", party().uscc))
    status, given = login("owner", scope="submit")
    assert (status, given["role"], given["party"], given["scope"]) == (200, "user", party().uscc, "submit")
    program = Client(headers={"Authorization": f"Bearer {given['token']}"})
    me = program.get(f"{API}/me").json()
    assert (me["name"], me["member_role"], me["project"]) == ("owner", "owner", None)
    made = create_project(Viewer.for_person(owner), "speech", "语音", datetime.now(UTC))
    browser = Client()
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get(f"{API}/me").json()["project"] is None
    assert browser.post(f"{API}/logout").json()["code"] == "token.none_shown"
    assert program.post(f"{API}/logout").status_code == 204
    assert program.get(f"{API}/me").status_code == 401
    assert made.code == "speech"


def test_who_does_not_prove_everything_gets_no_token() -> None:
    add("new", Position("auditor"), None)
    add("auditor", Position("auditor"))
    assert login("auditor", "wrong")[1]["code"] == "person.password_wrong"
    assert login("nobody")[0] == 401
    people.set_password(Person.objects.get(username="new"), PASSWORD, ACTOR, datetime.now(UTC))
    assert login("new")[1]["code"] == "person.password_must_change"
    tries = [login("auditor", f"wrong {number}")[0] for number in range(40)]
    assert 429 in tries
    assert login("auditor", "wrong")[1]["code"] == "person.too_many_attempts"


def test_a_second_factor_is_asked_for_and_a_code_opens_once() -> None:
    keeper, now = add("keeper", Position("province")), datetime.now(UTC)
    secret = second_factor.new_totp_secret()
    with pytest.raises(InvalidRequest):
        second_factor.enrol_factor(keeper, secret, "000000", ACTOR, now)
    codes = second_factor.enrol_factor(keeper, secret, pyotp.TOTP(secret).at(now), ACTOR, now)
    with pytest.raises(Conflict):
        second_factor.enrol_factor(keeper, secret, pyotp.TOTP(secret).at(now), ACTOR, now)
    assert login("keeper")[0] == 428
    assert login("keeper", code="000000")[1]["code"] == "second_factor.code_wrong"
    assert login("keeper", code=codes[0])[0] == 200
    assert login("keeper", code=codes[0])[1]["code"] == "second_factor.code_wrong"
    renewed = second_factor.renew_recovery_codes(keeper, ACTOR, now)
    assert login("keeper", code=codes[1])[1]["code"] == "second_factor.code_wrong"
    assert login("keeper", code=renewed[0])[0] == 200
    second_factor.reset_factor(keeper, ACTOR, now)
    assert login("keeper")[1]["code"] == "second_factor.not_enrolled"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "input.not_json"),
        ("[" * 100_000, "input.not_json"),
        ('{"username": ' + "9" * 30 + "}", "input.number_out_of_range"),
        ('{"username": 1e999}', "input.number_out_of_range"),
        ('{"username": NaN}', "input.number_out_of_range"),
        (json.dumps({"username": "a\0"}), "input.text_not_storable"),
        (json.dumps({"a\ud800": ["x"]}), "input.text_not_storable"),
        (json.dumps({"a": [{"b": "\0"}]}), "input.text_not_storable"),
    ],
)
def test_what_no_column_can_hold_is_refused_with_400(body: str, code: str) -> None:
    answer = Client().post(f"{API}/login", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)

"""Signing in with a second factor, one's own account, and the operator's pages: through the real forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client

from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import Person, PersonEvent, Token

pytestmark = pytest.mark.django_db
PASSWORD, OTHER = "correct horse battery", "another long sentence"
ACTOR = Actor("test")


def now() -> datetime:
    return datetime.now(UTC)


def added(name: str, role: str) -> Person:
    return people.add_person(name, Position(role), ACTOR, now(), password=PASSWORD)[0]


def sign_in(name: str, password: str = PASSWORD, browser: Client | None = None) -> tuple[Client, Any]:
    browser = browser or Client()
    return browser, browser.post("/sign-in", {"username": name, "password": password, "next": "/policies/"})


def enrolled(name: str) -> tuple[Client, str, list[str]]:
    """Through the first sign-in: the browser, the secret, the recovery codes."""
    browser, answer = sign_in(name)
    assert answer["Location"] == "/sign-in/code"
    secret = re.search(r'class="code">([A-Z2-7]{32})<', browser.get("/sign-in/code").content.decode())[1]  # type: ignore[index]
    wrong = browser.post("/sign-in/code", {"code": "12345"})
    assert "验证码不对" in wrong.content.decode()
    page = browser.post("/sign-in/code", {"code": pyotp.TOTP(secret).now()})
    assert "no-store" in page["Cache-Control"]
    return browser, secret, re.findall(r"<li>(\w{4}-\w{4}-\w{4})</li>", page.content.decode())


@pytest.mark.parametrize("role", ["province", "operator"])
def test_who_decides_enrols_a_second_factor_at_the_first_sign_in_and_shows_it_ever_after(role: str) -> None:
    added("one", role)
    half, answer = sign_in("one")
    assert half.get("/account/").status_code == 302  # a password alone opens nothing
    assert half.get("/api/v1/me").status_code == 401
    browser, secret, codes = enrolled("one")
    assert browser.get("/account/").status_code == 200
    assert len(set(codes)) == 10
    second, answer = sign_in("one")
    assert answer["Location"] == "/sign-in/code"
    assert second.get("/account/").status_code == 302
    used = second.post("/sign-in/code", {"code": pyotp.TOTP(secret).now()})
    assert "已经用过" in used.content.decode()
    fresh = pyotp.TOTP(secret).at(now() + timedelta(seconds=30))
    assert second.post("/sign-in/code", {"code": fresh})["Location"] == "/policies/"
    third, _ = sign_in("one")
    assert third.post("/sign-in/code", {"code": codes[0]})["Location"] == "/policies/"
    assert PersonEvent.objects.filter(what="recovery_used", detail="还剩 9 个").count() == 1


def test_a_new_session_begins_with_the_sign_in_and_half_a_sign_in_ends_after_a_change() -> None:
    person = added("one", "province")
    browser = Client()
    browser.get("/sign-in")
    browser, _ = sign_in("one", browser=browser)
    before = browser.cookies["sessionid"].value
    people.set_password(person, OTHER, ACTOR, now())
    assert browser.get("/sign-in/code")["Location"] == "/sign-in"
    browser, _ = sign_in("one", OTHER, browser)
    assert browser.cookies["sessionid"].value != before


def test_a_session_ends_after_quiet_and_after_its_day_however_busy(settings: Any) -> None:
    added("audit", "auditor")
    browser, answer = sign_in("audit")
    assert answer["Location"] == "/policies/"
    assert browser.get("/account/").status_code == 200

    def aged(began: float, seen: float) -> int:
        session = browser.session
        session["began"], session["seen"] = now().timestamp() - began, now().timestamp() - seen
        session.save()
        return int(browser.get("/account/").status_code)

    assert aged(11 * 3600, 59 * 60) == 200
    assert aged(12 * 3600 + 1, 0) == 302
    browser, _ = sign_in("audit")
    assert aged(3601, 3601) == 302


def test_a_password_that_somebody_else_made_is_changed_before_anything_else() -> None:
    person, secret = people.add_person("audit", Position("auditor"), ACTOR, now())
    browser, _ = sign_in("audit", secret)
    for address in ("/", "/account/", "/runs/"):
        assert browser.get(address)["Location"] == "/account/password"
    assert browser.get("/api/v1/me").status_code == 403
    login = Client().post("/api/v1/login", {"username": "audit", "password": secret}, content_type="application/json")
    assert login.status_code == 403
    tries = [(secret, "short", "short"), (secret, OTHER, "x"), ("wrong", OTHER, OTHER), (secret, secret, secret)]
    for old, new, again in tries:
        answer = browser.post("/account/password", {"old": old, "new": new, "again": again})
        assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (422, True)
    assert browser.post("/account/password", {"old": secret, "new": OTHER, "again": OTHER}).status_code == 302
    assert browser.get("/account/").status_code == 200  # here one stays
    person.refresh_from_db()
    assert not person.must_change_password


def test_ones_own_tokens_are_made_shown_once_and_revoked_and_nobody_elses() -> None:
    added("audit", "auditor")
    browser, _ = sign_in("audit")
    asked = {"label": "脚本", "scope": "read", "days": "30"}
    page = browser.post("/account/tokens", asked)
    secret = re.search(r'id="secret">(hs_[\w-]+)<', page.content.decode())[1]  # type: ignore[index]
    assert "no-store" in page["Cache-Control"]
    assert secret not in browser.get("/account/").content.decode()
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()["scope"] == "read"
    for wrong in ({"days": "366"}, {"days": "x"}, {"days": "９"}, {"scope": "king"}, {"label": " "}):
        assert browser.post("/account/tokens", {**asked, **wrong}).status_code == 422
    added("other", "auditor")
    stranger, _ = sign_in("other")
    number = Token.objects.get().pk
    assert stranger.post(f"/account/tokens/{number}/revoke").status_code == 422
    assert browser.post(f"/account/tokens/{number}/revoke").status_code == 302
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_signing_out_everywhere_leaves_this_browser_and_no_other() -> None:
    added("audit", "auditor")
    here, _ = sign_in("audit")
    elsewhere, _ = sign_in("audit")
    assert here.post("/account/sign-out-everywhere").status_code == 302
    assert [here.get("/account/").status_code, elsewhere.get("/account/").status_code] == [200, 302]


def test_an_operator_adds_moves_resets_and_disables_through_the_pages() -> None:
    added("guan", "operator")
    browser, _, _ = enrolled("guan")
    assert browser.get("/", follow=True).status_code == 200
    page = browser.post("/people/new", {"username": "li", "role": "province", "name": "李四"}).content.decode()
    secret = re.search(r'id="secret">([\w-]+)<', page)[1]  # type: ignore[index]
    person = Person.objects.get(username="li")
    assert person.check_password(secret)
    address = f"/people/{person.pk}"
    assert "李四" in browser.get("/people/?q=li").content.decode()
    assert browser.post("/people/new", {"username": "li", "role": "auditor"}).status_code == 422
    assert browser.post(f"{address}/move", {"role": "auditor"}).status_code == 302
    assert browser.post(f"{address}/reset-factor").status_code == 422
    assert browser.post(f"{address}/disable").status_code == 302
    assert browser.post(f"{address}/nonsense").status_code == 404
    assert browser.post(f"{address}/revoke", {"token": "x"}).status_code == 422
    own = f"/people/{Person.objects.get(username='guan').pk}"
    assert browser.post(f"{own}/disable").status_code == 422
    assert browser.post(f"{own}/move", {"role": "province"}).status_code == 422
    page = browser.get(address).content.decode()
    assert "auditor" in page
    assert "guan" in page
    assert browser.get("/jobs/").content.decode().count("<tr") <= 1  # no tenant's data


def test_a_person_without_duty_may_take_a_second_factor_and_leave_it_again() -> None:
    added("audit", "auditor")
    browser, _ = sign_in("audit")
    page = browser.get("/account/second-factor").content.decode()
    secret = re.search(r'class="code">([A-Z2-7]{32})<', page)[1]  # type: ignore[index]
    page = browser.post("/account/second-factor", {"code": pyotp.TOTP(secret).now()}).content.decode()
    codes = re.findall(r"<li>(\w{4}-\w{4}-\w{4})</li>", page)
    assert sign_in("audit")[1]["Location"] == "/sign-in/code"
    fresh = browser.post("/account/second-factor/change", {"code": codes[0], "do": "codes"}).content.decode()
    assert browser.post("/account/second-factor/change", {"code": codes[1], "do": "remove"}).status_code == 422
    code = re.findall(r"<li>(\w{4}-\w{4}-\w{4})</li>", fresh)[0]
    assert browser.post("/account/second-factor/change", {"code": code, "do": "remove"}).status_code == 302
    assert browser.get("/account/").status_code == 200
    assert sign_in("audit")[1]["Location"] == "/policies/"

"""Signing in through a real OpenID provider, run beside on loopback: who comes in, and what proves nothing."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from huisuan.parties.identity import oidc, people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import IdentityLink, Person, PersonEvent
from support import openid_provider

pytestmark = pytest.mark.django_db
RETURN = "http://testserver/sign-in/elsewhere/return"
STARTED_WITHIN = 60.0
NOW = datetime.now(UTC)
ACTOR = Actor("test")
PEOPLE = {
    "zhang": {"sub": "s-zhang", "email": "Zhang@example.cn", "verified": True},
    "unsure": {"sub": "s-unsure", "email": "unsure@example.cn", "verified": False},
    "stranger": {"sub": "s-stranger", "email": "stranger@example.cn", "verified": True},
    "thief": {"sub": "s-thief", "email": "zhang@example.cn", "verified": True},
}


@dataclass
class Provider:
    """The running provider."""

    issuer: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    folder = tmp_path_factory.mktemp("provider")
    (folder / "people.json").write_text(json.dumps(PEOPLE))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}/o"
    environment = {**os.environ, "OAUTHLIB_INSECURE_TRANSPORT": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    program = Path(openid_provider.__file__)
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, str(program), str(port), str(folder), RETURN], env=environment, stdout=log, stderr=log
    )
    deadline = time.monotonic() + STARTED_WITHIN
    try:
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            try:
                if httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Provider(issuer, process)
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture
def provider(running: Provider, settings: Any) -> Provider:
    settings.HUISUAN_OIDC_ISSUER = running.issuer
    settings.HUISUAN_OIDC_CLIENT_ID = "huisuan"
    settings.HUISUAN_OIDC_CLIENT_SECRET = "a secret of the client"
    return running


@pytest.fixture
def zhang(db: None) -> Person:
    return people.add_person(
        "zhang", Position("auditor"), ACTOR, NOW, email="zhang@EXAMPLE.cn", password="x9-long-one"
    )[0]


def at_provider(url: str, who: str) -> str:
    """Sign in there as somebody; the address to which it sends the browser back."""
    with httpx.Client(trust_env=False) as browser:
        asked = browser.get(url)
        assert asked.status_code == 302, asked.text
        form = httpx.URL(url).join(asked.headers["Location"]).copy_add_param("as", who)
        back = browser.get(form)
        returned = browser.get(httpx.URL(url).join(back.headers["Location"]))
        assert returned.headers["Location"].startswith(RETURN), returned.text
        return str(returned.headers["Location"])


def sign_in(who: str, browser: Client | None = None) -> tuple[Client, Any]:
    """The whole way through the provider and back."""
    browser = browser or Client()
    begun = browser.get("/sign-in/elsewhere?next=/policies/")
    assert begun.status_code == 302, begun.content.decode()
    return browser, browser.get(at_provider(begun["Location"], who))


def test_it_is_off_unless_an_issuer_is_named() -> None:
    assert Client().get("/sign-in/elsewhere").status_code == 404
    assert Client().get("/sign-in/elsewhere/return?code=x&state=y").status_code == 404
    assert "elsewhere" not in Client().get("/sign-in").content.decode()


def test_whoever_was_added_is_bound_by_the_verified_address_once_and_known_by_sub_after_that(
    provider: Provider, zhang: Person
) -> None:
    assert "用统一身份认证登录" in Client().get("/sign-in").content.decode()
    browser, answer = sign_in("zhang")
    assert (answer.status_code, answer["Location"]) == (302, "/policies/")
    assert browser.get("/api/v1/me").json()["name"] == "zhang"
    link = IdentityLink.objects.get()
    assert (link.person, link.issuer, link.subject) == (zhang, provider.issuer, "s-zhang")
    assert {"bound", "signed_in"} <= set(PersonEvent.objects.values_list("what", flat=True))
    Person.objects.filter(pk=zhang.pk).update(email="")
    assert sign_in("zhang")[1].status_code == 302


@pytest.mark.parametrize("who", ["unsure", "stranger"])
def test_who_was_not_added_or_has_no_verified_address_stays_out_and_nobody_is_made(
    provider: Provider, zhang: Person, who: str
) -> None:
    people.add_person("unsure", Position("auditor"), ACTOR, NOW, email="unsure@example.cn")
    count = Person.objects.count()
    browser, answer = sign_in(who)
    assert answer.status_code == 403
    assert "没有对应的人员" in answer.content.decode()
    assert (Person.objects.count(), IdentityLink.objects.count()) == (count, 0)
    assert browser.get("/account/").status_code == 302


def test_an_address_given_to_somebody_else_later_does_not_give_them_the_account(
    provider: Provider, zhang: Person
) -> None:
    sign_in("zhang")
    assert sign_in("thief")[1].status_code == 403
    assert IdentityLink.objects.get().subject == "s-zhang"


def test_an_operator_binds_by_sub_and_a_disabled_person_stays_out(provider: Provider, zhang: Person) -> None:
    people.link_identity(zhang, provider.issuer, "s-unsure", ACTOR, NOW)
    assert sign_in("unsure")[1].status_code == 302
    people.disable_person(zhang, ACTOR, NOW)
    assert sign_in("unsure")[1].status_code == 403


def test_the_second_factor_is_asked_for_after_the_provider_too(provider: Provider) -> None:
    chief = people.add_person(
        "chief", Position("province"), ACTOR, NOW, email="zhang@example.cn", password="x9-long-one"
    )
    browser, answer = sign_in("zhang")
    assert answer["Location"] == "/sign-in/code"
    assert browser.get("/account/").status_code == 302
    assert chief[0].identities.count() == 1


def test_an_answer_is_good_once_in_its_own_browser_for_ten_minutes(provider: Provider, zhang: Person) -> None:
    browser = Client()
    back = at_provider(browser.get("/sign-in/elsewhere")["Location"], "zhang")
    assert Client().get(back).status_code == 403  # another browser: the answer was planted there
    assert browser.get(back.replace("state=", "state=x")).status_code == 403
    assert browser.get(back).status_code == 403  # what was kept is used up by any answer
    browser, _ = sign_in("zhang")
    browser.post("/sign-out")
    begun = browser.get("/sign-in/elsewhere")
    session = browser.session
    session["oidc"] = {**session["oidc"], "at": (datetime.now(UTC) - timedelta(seconds=601)).timestamp()}
    session.save()
    assert browser.get(at_provider(begun["Location"], "zhang")).status_code == 403


def real_token(client: str, who: str = "zhang") -> tuple[dict[str, Any], str]:
    """A token that the provider really issued to a client, and its nonce."""
    from django.conf import settings

    issuer, nonce, verifier = settings.HUISUAN_OIDC_ISSUER, secrets.token_urlsafe(), secrets.token_urlsafe(48)
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    query = {
        "client_id": client, "response_type": "code", "scope": "openid email", "redirect_uri": RETURN, "state": "s",
        "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    back = at_provider(str(httpx.URL(f"{issuer}/authorize/", params=query)), who)
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0], "redirect_uri": RETURN,
        "client_id": client, "client_secret": "a secret of the client", "code_verifier": verifier,
    }  # fmt: skip
    answer = httpx.post(f"{issuer}/token/", data=form, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json(), nonce


def test_a_real_token_for_another_client_nonce_issuer_or_key_proves_nothing(provider: Provider, settings: Any) -> None:
    keys = httpx.get(f"{provider.issuer}/.well-known/jwks.json", trust_env=False).json()
    token, nonce = real_token("huisuan")
    assert oidc._validate_id_token(token, keys, nonce)["sub"] == "s-zhang"
    foreign, its_nonce = real_token("another")
    head, body, signature = token["id_token"].split(".")
    forged = f"{head}.{body[:-4]}AAAA.{signature}"
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    attacks = [
        (foreign, its_nonce),
        (token, "another nonce"),
        ({**token, "id_token": forged}, nonce),
        ({**token, "id_token": unsigned}, nonce),
        ({**token, "access_token": foreign["access_token"]}, nonce),
        ({"access_token": token["access_token"]}, nonce),
    ]
    for shown, with_nonce in attacks:
        with pytest.raises((oidc.AuthlibBaseError, oidc.JoseError, KeyError, ValueError)):
            oidc._validate_id_token(shown, keys, with_nonce)
    settings.HUISUAN_OIDC_ISSUER = "http://127.0.0.1:1/o"
    with pytest.raises(oidc.JoseError):
        oidc._validate_id_token(token, keys, nonce)


def test_an_issuer_that_says_another_name_or_is_not_there_is_refused(provider: Provider, settings: Any) -> None:
    for issuer in (f"{provider.issuer}/", "http://127.0.0.1:1/o", "http://provider.example/o"):
        settings.HUISUAN_OIDC_ISSUER = issuer
        answer = Client().get("/sign-in/elsewhere")
        assert answer.status_code == 403
        assert "统一身份认证没有成功" in answer.content.decode()

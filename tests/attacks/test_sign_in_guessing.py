"""Guessing at the doors: names, passwords, codes and tokens, from one place, from many, and behind a proxy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from huisuan.parties.identity import second_factor, sign_in, throttle
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.client_address import (
    DEVICE_COOKIE,
    ClientPlace,
    device_digest,
    parse_networks,
    resolve_client_address,
)
from huisuan.parties.models import CredentialKind, Person, SignInTry

PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
HOME, ACTOR = ClientPlace("203.0.113.9"), Actor("test")


@pytest.fixture
def owner(db: None) -> Person:
    person = Person.objects.create_person("zhang", PASSWORD, role="auditor")
    sign_in.record_sign_in(person, HOME, ACTOR, NOW, "test")
    return person


def guess(place: ClientPlace, password: str = "wrong", name: str = "zhang", now: datetime = NOW) -> str:
    """What a try came to."""
    try:
        return "in" if sign_in.authenticate_by_password(name, password, place, now) else "no"
    except throttle.TooManyAttempts:
        return "wait"


def strangers(count: int) -> Iterator[ClientPlace]:
    """So many places that nobody knows."""
    return (ClientPlace(f"198.51.{number // 250}.{number % 250 + 1}") for number in range(count))


def test_one_place_gets_ten_tries_at_a_name_and_then_waits_a_quarter_of_an_hour(owner: Person) -> None:
    place = ClientPlace("198.51.100.1")
    assert [guess(place) for _ in range(12)] == ["no"] * 10 + ["wait"] * 2
    assert guess(place, PASSWORD) == "wait"
    assert guess(place, PASSWORD, now=NOW + timedelta(minutes=15, seconds=1)) == "in"


def test_strangers_who_guess_from_many_places_never_hold_up_the_owner(owner: Person) -> None:
    outcomes = [guess(place) for place in strangers(120)]
    assert set(outcomes) == {"no"}  # each place one try: it delays nobody, and tells nobody anything
    assert guess(HOME, PASSWORD) == "in"
    new_place = ClientPlace("192.0.2.77")  # the owner on a journey has a try like anybody
    assert guess(new_place, PASSWORD) == "in"


def test_under_siege_a_place_that_nobody_knows_has_one_try_in_a_quarter_of_an_hour(owner: Person) -> None:
    tries = [guess(place) for place in strangers(12) for _ in range(10)]
    assert tries.count("no") <= 31 + 9
    assert guess(HOME) == "no"
    assert guess(HOME, PASSWORD) == "in"


def test_the_owner_beside_the_attacker_behind_one_address_comes_in_by_the_device(owner: Person) -> None:
    device = sign_in.record_sign_in(owner, HOME, ACTOR, NOW, "test")
    while guess(HOME) == "no":
        pass
    assert guess(HOME, PASSWORD) == "wait"
    assert guess(ClientPlace(HOME.address, device_digest(device)), PASSWORD) == "in"
    assert guess(ClientPlace(HOME.address, device_digest("made up")), PASSWORD) == "wait"


def test_a_cookie_that_a_stranger_planted_is_worth_nothing_after_the_sign_in(owner: Person) -> None:
    planted = ClientPlace(HOME.address, device_digest("planted"))
    sign_in.record_sign_in(owner, planted, ACTOR, NOW, "test")
    assert throttle.find_known_place("zhang", ClientPlace("198.51.100.1", planted.device), NOW) is None


def test_one_address_cannot_go_through_many_names_and_colleagues_there_are_not_held_up(owner: Person) -> None:
    outcomes = [guess(HOME, name=f"name-{number}") for number in range(110)]
    assert outcomes == ["no"] * 100 + ["wait"] * 10
    assert guess(HOME, PASSWORD) == "in"


def test_a_name_that_there_is_not_is_told_apart_by_nothing(owner: Person) -> None:
    place = ClientPlace("198.51.100.1")
    assert [guess(place, name="nobody") for _ in range(11)] == [guess(place) for _ in range(11)]
    owner.is_active = False
    owner.save()
    assert guess(HOME, PASSWORD) == "no"


def test_names_are_one_however_they_are_written(owner: Person) -> None:
    place = ClientPlace("198.51.100.1")
    written = ["zhang", "ZHANG", "Ｚｈａｎｇ", " zhang "] * 3
    assert [guess(place, name=name) for name in written] == ["no"] * 10 + ["wait"] * 2


def test_what_people_type_for_a_name_is_not_kept(owner: Person) -> None:
    guess(HOME, name="my secret password")
    assert not SignInTry.objects.filter(name__contains="secret").exists()


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_count_like_many_in_turn(transactional_db: None) -> None:
    Person.objects.create_person("zhang", PASSWORD, role="auditor")
    place, judged, gate = ClientPlace("198.51.100.1"), [], threading.Barrier(16)

    def attack() -> None:
        gate.wait()
        for _ in range(4):
            judged.append(guess(place))
        connection.close()

    threads = [threading.Thread(target=attack) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(judged) == 64
    assert judged.count("no") <= 10


def test_six_digits_cannot_be_guessed_even_by_who_knows_the_password(owner: Person) -> None:
    secret = second_factor.new_totp_secret()
    second_factor.enrol_factor(owner, secret, pyotp.TOTP(secret).at(NOW), ACTOR, NOW)

    def code(place: ClientPlace, digits: str, now: datetime = NOW) -> str:
        try:
            return "in" if sign_in.verify_second_factor(owner, digits, place, now) else "no"
        except throttle.TooManyAttempts:
            return "wait"

    wrong = next(f"{n:06}" for n in range(9) if second_factor._matching_step(secret, f"{n:06}", NOW) is None)
    tried = [code(place, wrong) for place in strangers(12) for _ in range(6)]
    assert tried.count("no") <= 20
    assert code(HOME, pyotp.TOTP(secret).at(NOW + timedelta(seconds=30))) == "in"  # the owner, where they are known


def test_a_code_opens_once_and_so_does_a_recovery_code(owner: Person) -> None:
    secret = second_factor.new_totp_secret()
    codes = second_factor.enrol_factor(owner, secret, pyotp.TOTP(secret).at(NOW), ACTOR, NOW)
    later = NOW + timedelta(minutes=5)
    digits = pyotp.TOTP(secret).at(later)
    before = pyotp.TOTP(secret).at(later - timedelta(seconds=30))
    shown = [digits, digits, before, codes[0], codes[0], codes[1].upper(), "", "\0", "０" * 6, "x" * 2000]
    opened = [second_factor.verify_code(owner, each, ACTOR, later) for each in shown]
    assert opened == [True, False, False, True, False, True, False, False, False, False]


def test_wrong_tokens_are_held_up_and_good_ones_never(owner: Person) -> None:
    from huisuan.parties.identity.tokens import issue_token

    good = Client(headers={"Authorization": f"Bearer {issue_token(owner, 'a', ACTOR, datetime.now(UTC))[1]}"})
    bad = Client(headers={"Authorization": "Bearer hs_guess"})
    statuses = [bad.get("/api/v1/me").status_code for _ in range(63)]
    assert statuses == [401] * 60 + [429] * 3
    assert good.get("/api/v1/me").status_code == 200
    assert SignInTry.objects.filter(door=CredentialKind.TOKEN).count() == 60  # and what is held up is not written


def test_the_page_says_when_to_come_back_and_that_nothing_is_locked(owner: Person) -> None:
    browser = Client()
    for _ in range(10):
        browser.post("/sign-in", {"username": "zhang", "password": "wrong"})
    answer = browser.post("/sign-in", {"username": "zhang", "password": PASSWORD})
    assert (answer.status_code, 800 < int(answer["Retry-After"]) <= 900) == (429, True)
    assert "账号本身没有锁" in answer.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.4").post("/sign-in", {"username": "zhang", "password": PASSWORD})
    assert elsewhere.status_code == 302
    assert DEVICE_COOKIE in elsewhere.cookies


def test_the_page_and_the_api_count_together(owner: Person) -> None:
    browser, body = Client(), {"username": "zhang", "password": "wrong"}
    for _ in range(5):
        browser.post("/sign-in", body)
        browser.post("/api/v1/login", body, content_type="application/json")
    assert browser.post("/api/v1/login", body, content_type="application/json").status_code == 429
    assert browser.post("/sign-in", body).status_code == 429


@pytest.mark.parametrize("header", ["9.9.9.9", "9.9.9.9, 10.0.0.1", "rubbish", ",,,", "[::1]:80", "\0", "1" * 5000])
def test_a_forged_header_changes_nothing_without_a_proxy(owner: Person, header: str) -> None:
    statuses = [
        Client(HTTP_X_FORWARDED_FOR=f"{number}.{header}").post(
            "/sign-in", {"username": "zhang", "password": "wrong"}, HTTP_X_FORWARDED_FOR=header
        ).status_code
        for number in range(11)
    ]  # fmt: skip
    assert statuses == [200] * 10 + [429]


def test_behind_a_proxy_each_caller_counts_alone_and_cannot_choose_an_address(owner: Person, settings: Any) -> None:
    settings.HUISUAN_PROXIES = ["127.0.0.1", "10.0.0.0/8"]
    body = {"username": "zhang", "password": "wrong"}
    for number in range(10):
        header = f"9.9.9.{number}, 198.51.100.1, 10.1.1.1"  # the first is what the caller wrote
        assert Client(HTTP_X_FORWARDED_FOR=header).post("/sign-in", body).status_code == 200
    again = Client(HTTP_X_FORWARDED_FOR="7.7.7.7, 198.51.100.1, 10.1.1.1").post("/sign-in", body)
    other = Client(HTTP_X_FORWARDED_FOR="198.51.100.1, 198.51.100.2").post("/sign-in", body)
    assert (again.status_code, other.status_code) == (429, 200)


ADDRESSES = st.ip_addresses().map(str)


@given(st.lists(ADDRESSES | st.text(max_size=20), max_size=5), ADDRESSES.filter(lambda ip: not ip.startswith("10.")))
def test_whatever_a_caller_writes_the_address_is_the_one_that_the_proxy_saw(forged: list[str], caller: str) -> None:
    header = ",".join([*forged, caller])
    meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}
    assert resolve_client_address(meta, parse_networks(["10.0.0.0/8"])) == resolve_client_address(
        {"REMOTE_ADDR": caller}, []
    )


def test_a_whole_ipv6_network_of_one_host_is_one_place(owner: Person) -> None:
    statuses = [
        Client(REMOTE_ADDR=f"2001:db8::{number:x}").post("/sign-in", {"username": "zhang", "password": "wrong"})
        for number in range(1, 12)
    ]
    assert [answer.status_code for answer in statuses] == [200] * 10 + [429]

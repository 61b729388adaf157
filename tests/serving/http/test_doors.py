"""What nobody gets past: text and numbers that no column keeps, answers without words, refusals logged as faults."""

from __future__ import annotations

import io
import json
import logging
from logging.config import DictConfigurator

import pytest
from django.core.checks import run_checks
from django.core.exceptions import PermissionDenied
from django.test import Client, override_settings
from django.utils.log import log_response

from huisuan.parties.models import Person
from huisuan.serving.log_filter import RefusalsWithoutTraceback
from huisuan.serving.settings import LOGGING
from support.accounts import make_token

pytestmark = pytest.mark.django_db
HUGE = "9" * 400
BAD_TEXTS = ("%00", "a%00b", "%ED%A0%80%00")
PAGES = ("/usage/", "/bills/", "/entitlements/", "/jobs/", "/centres/", "/flags/", "/seals/", "/compute/", "/runs/")
PARAMETERS = ("year", "month", "page", "q", "sort", "centre", "model", "days", "view")


@pytest.fixture
def province() -> Client:
    person = Person.objects.create(username="doors", role="province")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def program() -> Client:
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {make_token('province')[1]}"})


@pytest.mark.parametrize(
    "text", [*BAD_TEXTS, HUGE, "-" + HUGE, "1e999", "0000", "9999-12", "0001-01", "2024-13", "%ff"]
)
def test_no_page_breaks_over_what_its_address_says(province: Client, text: str) -> None:
    asked = "&".join(f"{name}={text}" for name in PARAMETERS)
    for page in PAGES:
        assert province.get(f"{page}?{asked}").status_code < 500, page


@pytest.mark.parametrize(
    "place", ["/usage/x%00/1", f"/bills/{HUGE}", f"/flags/{HUGE}", f"/usage/c1/{HUGE}", "/jobs/%00"]
)
def test_no_page_breaks_over_its_path(province: Client, place: str) -> None:
    assert 400 <= province.get(place).status_code < 500


def test_a_form_with_a_nul_is_told_so(province: Client) -> None:
    assert (
        Client(raise_request_exception=False).post("/sign-in", {"username": "a\0", "password": "b"}).status_code == 400
    )
    assert province.post("/jobs/new", {"text": "a\0b"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        r'{"username": "a\u0000", "password": "b"}',
        r'{"username": "\ud800", "password": "b"}',
        '{"username": "a", "password": 1e999}',
        '{"username": "a", "password": ' + HUGE + "}",
        "[" * 100_000,
        "{",
        "\xff",
    ],
)
def test_the_api_refuses_what_cannot_be_kept(body: str) -> None:
    told = Client(raise_request_exception=False).post("/api/v1/login", body.encode("latin1"), "application/json")
    assert 400 <= told.status_code < 500
    assert told.json()["detail"]


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/nothing", 404),
        ("get", "/api/agent/v1/nothing", 404),
        ("delete", "/api/v1/me", 405),
        ("get", "/api/v1/me%00", 400),
        ("get", "/api/v1/entitlements?offset=" + HUGE, 400),
        ("get", "/api/v1/entitlements?offset=9223372036854775807", 400),
        ("get", "/api/v1/usage?month=9999-12", 422),
        ("get", "/api/v1/usage?limit=x", 422),
        ("get", "/api/v1/entitlements/E" + HUGE, 404),
    ],
)
def test_whatever_goes_wrong_programs_hear_it_in_json(program: Client, method: str, place: str, status: int) -> None:
    told = getattr(program, method)(place)
    assert (told.status_code, told.headers["Content-Type"].split(";")[0]) == (status, "application/json")
    assert json.loads(told.content)["detail"]


def test_a_fault_of_ours_is_json_too(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("huisuan.parties.api._identity", broken)
    told = program.get("/api/v1/me")
    assert (told.status_code, list(told.json())) == (500, ["detail"])


def test_a_refusal_is_one_line_of_the_log_and_a_fault_keeps_its_traceback() -> None:
    assert "ours" in LOGGING["handlers"]["console"]["filters"]
    kept: list[logging.LogRecord] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record)

    handler, logger = Kept(), logging.getLogger("django.request")
    handler.addFilter(RefusalsWithoutTraceback())
    logger.addHandler(handler)
    try:
        for status in (403, 500):
            response = type("Response", (), {"status_code": status, "_has_been_logged": False})()
            log_response("%s", "x", response=response, exception=PermissionDenied("no"))  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
    assert [bool(record.exc_info) for record in kept] == [False, True]


def written(*lines: tuple[object, ...]) -> str:
    """What the log of these settings holds once these lines were said."""
    stream = io.StringIO()
    handler, configurator = logging.StreamHandler(stream), DictConfigurator(LOGGING)
    for name in LOGGING["handlers"]["console"]["filters"]:
        handler.addFilter(configurator.configure_filter(dict(LOGGING["filters"][name])))
    for message, *args in lines:
        record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, str(message), tuple(args), None)
        handler.handle(record)
    return stream.getvalue()


def test_no_secret_of_ours_is_written_into_the_log() -> None:
    secret = "hsi_2Xe8DINGKqmsiJRDwU3bGdx83oSNAorDHCHbUCbEjus"
    said = written(
        ("Unprocessable Entity: %s", f"/join/{secret}"), ("token hs_" + "a" * 43,), ("hsj_" + "b" * 43 + " of %d", 3),
        ("the job of hs_x and 3 hosts",),
    )  # fmt: skip
    assert said.splitlines() == [
        "Unprocessable Entity: /join/hsi_…", "token hs_…", "hsj_… of 3", "the job of hs_x and 3 hosts",
    ]  # fmt: skip


def test_behind_https_browsers_are_told_to_stay_there() -> None:
    with override_settings(SECURE_HSTS_SECONDS=3600, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        plain, secure = Client().get("/sign-in"), Client(headers={"X-Forwarded-Proto": "https"}).get("/sign-in")
    assert "Strict-Transport-Security" not in plain.headers
    assert secure.headers["Strict-Transport-Security"] == "max-age=3600"


def test_the_settings_behind_https_pass_djangos_own_deployment_checks() -> None:
    with override_settings(SECURE_HSTS_SECONDS=3600, SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True):
        found = [each for each in run_checks(include_deployment_checks=True) if not each.is_silenced()]
    assert not [each for each in found if each.id.startswith("security.")]

"""Sessions on a page: started, waited for, entered by their owner, ended; what cannot be is said."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.compute.engines.local.engine import LOCAL_ABILITIES
from huisuan.compute.jobs.relay_address import PORT
from huisuan.compute.models import AgentKey, Centre, InteractiveSession, Job, SessionAdmission, SiteAgent
from support.portal import World

pytestmark = pytest.mark.django_db
FORM = {"kind": "jupyter", "hours": "2", "idle": "30", "cards": "", "models": "", "centre": "", "prepare": ""}


@pytest.fixture
def browser(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A user of alpha, on a platform with a relay and a centre that reaches its sessions."""
    monkeypatch.setenv(PORT, "8711")
    centre, now = Centre.objects.get(code="hf"), datetime.now(UTC)
    key = AgentKey.objects.create(centre=centre, name="agent-of-hf", public_key="0" * 64, host="h", enrolled_at=now)
    capabilities = {name: [ability.able, ability.why] for name, ability in LOCAL_ABILITIES.items()}
    SiteAgent.objects.create(
        centre=centre, key=key, boot=f"{'a' * 24}.1", host="h", version="0", engine="local", capabilities=capabilities,
        last_seen_at=now, skew_ms=0,
    )  # fmt: skip
    return world.browser("alpha")


def start(browser: Client, **typed: str) -> str:
    """Start one by the form; the page afterwards."""
    return browser.post(reverse("sessions"), {**FORM, **typed}, follow=True).content.decode()


def runs(uid: str) -> None:
    """The session runs, and its program has answered."""
    now = datetime.now(UTC)
    Job.objects.filter(pk=uid).update(state="running", started_at=now, running_since=now)
    InteractiveSession.objects.filter(pk=uid).update(ready_at=now)


def test_a_session_is_started_on_the_page_and_entered_when_it_is_ready(browser: Client, world: World) -> None:
    shown = start(browser, hours="4", idle="60", prepare="module load jupyter")
    session = InteractiveSession.objects.get()
    assert (session.seconds, session.idle_seconds, session.owner) == (14_400, 3600, world.people["alpha"])
    assert session.job.time_limit_seconds == 14_460
    assert "module load jupyter" in session.job.script
    assert session.pk in shown
    assert ">打开</button>" not in shown  # it does not run yet
    runs(session.pk)
    rows = browser.get(reverse("sessions"), headers={"HX-Request": "true", "HX-Target": "sessions"}).content.decode()
    assert ">打开</button>" in rows
    assert "<form method" in rows
    assert "f-kind" not in rows  # the form is left alone while somebody types
    opened = browser.post(reverse("open-session", args=[session.pk]), HTTP_HOST="127.0.0.1:8710")
    (address,) = set(re.findall(r'http://[^"]*enter[?]ticket=[^"]*', opened.content.decode()))
    assert address.startswith(f"http://{session.pk}.localhost:8711/_huisuan/enter?ticket=")
    assert opened["Cache-Control"] == "no-store"
    assert SessionAdmission.objects.get().used_at is None


def test_from_another_machine_the_page_says_which_address_is_missing(browser: Client) -> None:
    start(browser)
    uid = InteractiveSession.objects.get().pk
    runs(uid)
    answer = browser.post(reverse("open-session", args=[uid]), follow=True, HTTP_HOST="testserver")
    assert "HUISUAN_SESSIONS_URL" in answer.content.decode()


def test_only_its_owner_enters_and_another_party_finds_nothing(browser: Client, world: World) -> None:
    start(browser)
    uid = InteractiveSession.objects.get().pk
    for way in ("open-session", "end-session"):
        assert world.browser("beta").post(reverse(way, args=[uid])).status_code == 404
    assert uid not in world.browser("beta").get(reverse("sessions")).content.decode()
    not_yet = browser.post(reverse("open-session", args=[uid]), follow=True, HTTP_HOST="127.0.0.1:8710")
    assert "还没有开始" in not_yet.content.decode()
    ended = browser.post(reverse("end-session", args=[uid]), follow=True).content.decode()
    assert "正在结束" in ended


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("kind", "emacs"),
        ("hours", "0"),
        ("hours", "1e9"),
        ("cards", "-1"),
        ("cards", "二"),
        ("idle", "x"),
        ("prepare", "#" * 4001),
        ("project", "p" * 61),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_started(browser: Client, field: str, text: str) -> None:
    assert "said error" in start(browser, **{field: text})
    assert not InteractiveSession.objects.exists()


def test_a_card_where_no_centre_reaches_its_sessions_is_refused_with_the_reason(browser: Client) -> None:
    shown = start(browser, cards="1", models="A800-SXM4-80GB")
    assert "said error" in shown
    assert not InteractiveSession.objects.exists()


def test_a_form_sent_twice_is_one_session(browser: Client) -> None:
    for _ in range(2):
        start(browser, key="the-same")
    assert InteractiveSession.objects.count() == 1


def test_a_platform_without_a_relay_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PORT, raising=False)
    shown = world.browser("alpha").get(reverse("sessions")).content.decode()
    assert "没有运行会话中继" in shown
    assert "f-kind" not in shown
    assert "会话中继" in start(world.browser("alpha"))

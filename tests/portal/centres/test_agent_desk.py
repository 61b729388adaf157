"""A centre's people invite an agent and revoke one from the centre's page."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.models import AgentKey, Centre, Invitation, SiteAgent
from support.jobs import Voice
from support.portal import World

pytestmark = pytest.mark.django_db


def test_an_invitation_is_shown_once_and_only_its_digest_is_kept(world: World) -> None:
    browser = world.browser("centre")
    answer = browser.post(reverse("invite-agent", args=["hf"]))
    found = re.search(r"--token (\S+) --engine local", answer.content.decode())
    assert found is not None
    assert answer["Cache-Control"] == "no-store"
    invitation = Invitation.objects.get(centre__code="hf", invited_by="centre")
    assert found[1] not in invitation.digest
    assert invitation.expires_at > datetime.now(UTC)
    shown = browser.get(reverse("centre", args=["hf"])).content.decode()
    assert found[1] not in shown
    assert "centre 发出的邀请" in shown


def test_an_agent_is_revoked_by_its_centre_and_by_no_one_else(world: World) -> None:
    voice = Voice(Centre.objects.get(code="hf"))
    voice.says(timezone.now())
    address, given = reverse("revoke-agents", args=["hf"]), {"agent": voice.row.name}
    for who in ("city", "auditor", "alpha"):
        assert world.browser(who).post(address, given).status_code == 403
    assert AgentKey.objects.get(pk=voice.row.pk).revoked_at is None
    shown = world.browser("centre").post(address, given, follow=True).content.decode()
    assert "已吊销" in shown
    assert AgentKey.objects.get(pk=voice.row.pk).revoked_by == "centre"
    assert world.browser("centre").post(reverse("revoke-agents", args=["wh"])).status_code == 404


def test_the_doctors_words_stand_on_the_page_with_the_remedy_and_can_be_asked_for_anew(world: World) -> None:
    voice, address = Voice(Centre.objects.get(code="hf")), reverse("centre", args=["hf"])
    browser = world.browser("centre")
    assert voice.says(timezone.now()).health_wanted
    assert "还没有报来" in browser.get(address).content.decode()
    checks = [
        {"what": "Python 3.11.7", "well": True},
        {"what": "时钟与平台相差 9.0 秒", "well": False, "remedy": "启用 chrony 或 <b>systemd-timesyncd</b> 校准时钟"},
    ]
    assert not voice.says(timezone.now(), health=checks).health_wanted
    shown = browser.get(address).content.decode()
    assert "有 1 项要处理" in shown
    assert shown.index("时钟与平台相差 9.0 秒") < shown.index("Python 3.11.7")  # what is not well first
    assert "&lt;b&gt;systemd-timesyncd" in shown
    assert "The clock differs from the platform" in world.browser("province", "en").get(address).content.decode()
    assert "systemd-timesyncd" not in world.browser("city").get(address).content.decode()  # of the inside of a machine
    answer = browser.post(reverse("check-agent", args=["hf"]), follow=True).content.decode()
    assert "已请代理自检" in answer
    assert "还没有报来" in answer
    assert voice.says(timezone.now()).health_wanted
    SiteAgent.objects.update(last_seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    silent = browser.post(reverse("check-agent", args=["hf"]), follow=True).content.decode()
    assert "代理没有回音，自检不了" in silent
    assert "systemctl status huisuan-agent" in silent
    assert world.browser("city").post(reverse("check-agent", args=["hf"])).status_code == 403

"""A centre's people invite an agent and revoke one from the centre's page."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.models import AgentKey, Centre, Invitation
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

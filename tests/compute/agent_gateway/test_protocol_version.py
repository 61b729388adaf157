"""The platform speaks the agent protocol of its own version and of the one before, and says so to any other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.models import AgentKey, Invitation
from huisuan.protocol import agent as wire
from huisuan.protocol.signatures import public_half, sign_request
from support.jobs import AGENT, PLACE, centre

pytestmark = pytest.mark.django_db
KEY = Ed25519PrivateKey.generate()
FIELDS = {
    "agent": AGENT, "boot": f"{PLACE}.1", "host": "node-1", "version": "0.1.0", "engine": "local",
    "sent_at": datetime.now(UTC).isoformat(),
}  # fmt: skip


def post(number: int, **fields: Any) -> Any:
    content = json.dumps({**FIELDS, "number": number, **fields}).encode()
    headers = {wire.AGENT: AGENT, wire.SIGNATURE: sign_request(KEY, content)}
    return Client().post("/api/agent/v1/sync", content, content_type="application/json", headers=headers)


def join(number: int = 1, **fields: Any) -> Any:
    centre()
    token = invite_agent("hf-local", "test", datetime.now(UTC))[1]
    return post(number, enrol=token, public_key=public_half(KEY), **fields)


def test_an_agent_that_states_no_version_speaks_the_first() -> None:
    assert wire.SyncRequest.model_validate({**FIELDS, "number": 1}).protocol == 1


@pytest.mark.parametrize(
    ("protocol", "status"), [({}, 409), ({"protocol": 2}, 200), ({"protocol": 3}, 200), ({"protocol": 4}, 409)]
)
def test_this_version_and_the_one_before_are_served_and_no_other(
    protocol: dict[str, int], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 3)
    assert join(protocol=3).status_code == 200
    answer = post(2, **protocol)
    assert answer.status_code == status
    if status == 409:
        side = "请先升级平台" if protocol else "请在中心升级 huisuan"
        assert side in answer.json()["detail"]
        assert "第 2 和第 3 版" in answer.json()["detail"]
        assert AgentKey.objects.get().last_request == 1  # it changes nothing, and may be sent again after the upgrade


def test_an_agent_of_today_is_served_today() -> None:
    assert join(protocol=wire.PROTOCOL).status_code == 200


def test_an_agent_of_another_version_uses_up_no_invitation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 3)
    answer = join()
    assert (answer.status_code, "第 1 版" in answer.json()["detail"]) == (409, True)
    assert Invitation.objects.get().used_at is None
    assert not AgentKey.objects.exists()


def test_a_newer_agent_s_unknown_fields_are_not_a_slip_but_another_version() -> None:
    assert join(protocol=wire.PROTOCOL + 1, quantum=True).status_code == 409
    token = invite_agent("hf-local", "test", datetime.now(UTC))[1]
    assert post(1, enrol=token, public_key=public_half(KEY)).status_code == 200
    assert post(2, protocol=wire.PROTOCOL + 1, quantum=True).status_code == 409
    assert post(2, quantum=True).status_code == 422


@pytest.mark.parametrize("protocol", [0, -1, "x", None, 1.5, [2]])
def test_what_is_no_version_is_refused_as_a_slip(protocol: object) -> None:
    assert join().status_code == 200
    assert post(2, protocol=protocol).status_code == 422

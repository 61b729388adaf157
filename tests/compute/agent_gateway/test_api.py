"""Who is let in at the agents' endpoint: by invitation once, by signature ever after, until it is revoked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.cli.main import COMMAND_GROUPS, _group
from huisuan.compute.agent_gateway import api as agent_api
from huisuan.compute.agent_gateway.enrolment import invite_agent, revoke_agents
from huisuan.compute.models import AgentKey, Centre, Invitation, SiteAgent
from huisuan.protocol.agent import AGENT as AGENT_HEADER
from huisuan.protocol.agent import SIGNATURE, SyncRequest
from huisuan.protocol.signatures import public_half, sign_request
from support.jobs import AGENT, PLACE, centre

pytestmark = pytest.mark.django_db
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture(autouse=True)
def a_centre() -> Centre:
    return centre()


@pytest.fixture
def word() -> str:
    return invite_agent("hf-local", "test", datetime.now(UTC))[1]


def body(number: int = 1, **rest: Any) -> bytes:
    told = {
        "agent": AGENT, "number": number, "boot": f"{PLACE}.1", "host": "node-1", "version": "0.1.0",
        "engine": "local", "sent_at": datetime.now(UTC), **rest,
    }  # fmt: skip
    return SyncRequest.model_validate(told).model_dump_json().encode()


def post(content: bytes, key: Ed25519PrivateKey = KEY, agent: str = AGENT, signature: str | None = None) -> Any:
    signed = sign_request(key, content) if signature is None else signature
    headers = {name: value for name, value in ((AGENT_HEADER, agent), (SIGNATURE, signed)) if value}
    return Client().post("/api/agent/v1/sync", content, content_type="application/json", headers=headers)


def joining(word: str, key: Ed25519PrivateKey = KEY, number: int = 1, **rest: Any) -> Any:
    return post(body(number, enrol=word, public_key=public_half(key), **rest), key)


def why(answer: Any) -> str:
    return str(answer.json()["detail"])


def test_an_agent_joins_by_its_invitation_and_is_known_by_its_key_from_then_on(word: str) -> None:
    joined = joining(word)
    assert (joined.status_code, joined.json()["centre"]) == (200, "hf-local")
    assert post(body(2)).status_code == 200
    key = AgentKey.objects.get()
    assert (key.name, key.public_key, key.host, key.last_request) == (AGENT, public_half(KEY), "node-1", 2)
    assert Invitation.objects.get().used_at is not None


def test_a_lost_answer_to_joining_is_asked_for_again(word: str) -> None:
    assert joining(word).status_code == 200
    assert joining(word, number=2).status_code == 200
    assert AgentKey.objects.count() == 1


def test_an_invitation_serves_one_agent_only(word: str) -> None:
    joining(word)
    name = "99999999-2222-3333-4444-555555555555"
    content = body(agent=name, enrol=word, public_key=public_half(OTHER))
    answer = post(content, OTHER, agent=name)
    assert (answer.status_code, "用过" in why(answer)) == (401, True)
    assert AgentKey.objects.count() == 1


def test_a_wrong_word_an_expired_one_and_none_are_told_apart(word: str) -> None:
    assert "邀请码不对" in why(joining("hsj_guess"))
    now = datetime.now(UTC)
    Invitation.objects.update(created_at=now - timedelta(days=9), expires_at=now - timedelta(days=2))
    assert "过期" in why(joining(word))
    nothing = post(body())
    assert (nothing.status_code, "不认识站点代理" in why(nothing)) == (401, True)
    assert not AgentKey.objects.exists()


def test_a_key_is_taken_only_from_who_holds_it(word: str) -> None:
    content = body(enrol=word, public_key=public_half(KEY))
    assert post(content, OTHER).status_code == 401
    assert not AgentKey.objects.exists()
    assert Invitation.objects.get().used_at is None


def test_a_forged_signature_is_refused(word: str) -> None:
    joining(word)
    forged = post(body(2), OTHER)
    assert (forged.status_code, "签名与站点代理" in why(forged)) == (401, True)
    genuine = body(2)
    changed = genuine.replace(b'"host":"node-1"', b'"host":"node-2"')
    assert post(changed, signature=sign_request(KEY, genuine)).status_code == 401
    assert post(genuine, signature="zz").status_code == 401
    assert post(genuine, signature="").status_code == 401
    assert AgentKey.objects.get().last_request == 1


def test_a_replayed_request_is_refused(word: str) -> None:
    joining(word)
    content = body(2)
    assert post(content).status_code == 200
    replayed = post(content)
    assert (replayed.status_code, "重放" in why(replayed)) == (403, True)


def test_an_agent_cannot_speak_in_another_s_name(word: str) -> None:
    joining(word)
    content = body(2, agent="99999999-2222-3333-4444-555555555555")
    answer = post(content)
    assert (answer.status_code, "签名的是" in why(answer)) == (401, True)


def test_a_revoked_agent_is_refused_and_another_takes_its_place(word: str) -> None:
    joining(word)
    unused = invite_agent("hf-local", "test", datetime.now(UTC))[1]
    (gone,) = revoke_agents("hf-local", "province", datetime.now(UTC))
    answer = post(body(2))
    assert (answer.status_code, "吊销" in why(answer)) == (403, True)
    assert joining(unused, OTHER).status_code == 401  # under the name of the one that is gone
    name = "99999999-2222-3333-4444-555555555555"
    assert post(body(agent=name, enrol=unused, public_key=public_half(OTHER)), OTHER, name).status_code == 401
    fresh = invite_agent("hf-local", "test", datetime.now(UTC))[1]
    other = body(agent=name, boot=f"{'b' * 24}.1", enrol=fresh, public_key=public_half(OTHER))
    assert post(other, OTHER, name).json()["centre"] == "hf-local"
    assert (gone.revoked_by, SiteAgent.objects.get().key.name) == ("province", name)


def test_the_first_agent_settles_the_engine_of_a_centre_that_has_none(word: str) -> None:
    Centre.objects.update(engine="")
    assert joining(word).status_code == 200
    assert Centre.objects.get().engine == "local"


def test_an_agent_with_another_engine_than_the_centre_s_does_not_join(word: str) -> None:
    answer = joining(word, engine="slurm")
    assert (answer.status_code, "登记的执行引擎是 local，代理用的是 slurm" in why(answer)) == (403, True)
    assert Invitation.objects.get().used_at is None  # and may try again


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"agent": 1}', "\ud800".encode("utf-8", "surrogatepass")]
)
def test_what_has_not_the_form_of_a_request_is_refused_after_its_signature(word: str, content: bytes) -> None:
    assert post(content).status_code == 401  # nobody that is known
    joining(word)
    answer = post(content)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"]


def test_a_request_that_is_too_large_is_refused(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_api, "_MOST_REQUEST_BYTES", 1000)
    assert post(b"x" * 1001).status_code == 413


def test_a_large_request_is_taken_though_a_form_may_not_be_so_large(word: str) -> None:
    joining(word)
    nodes = [{"name": f"node-{at:060}", "cards": 8, "used": 0} for at in range(20_000)]
    content = body(2, nodes=nodes)
    assert len(content) > 2_621_440
    assert post(content).status_code == 200


# --- the operator's commands


def run(*words: str) -> Any:
    done = CliRunner().invoke(_group("centre", COMMAND_GROUPS["centre"][0]), list(words))
    if isinstance(done.exception, Refused):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_an_operator_invites_lists_and_revokes(tmp_path: Path) -> None:
    invited = run("invite", "hf-local", "--days", "1", "--json")
    assert invited["token"].startswith("hsj_")
    assert invited["token"] not in str(list(Invitation.objects.values()))
    joining(invited["token"])
    (listed,) = run("agents", "hf-local", "--json")
    assert (listed["agent"], listed["serving"], listed["revoked_at"]) == (AGENT, True, None)
    with pytest.raises(Refused, match="没有名为 x 的有效代理"):
        run("revoke", "hf-local", "--agent", "x", "--json")
    (revoked,) = run("revoke", "hf-local", "--json")
    assert revoked["agent"] == AGENT
    assert run("revoke", "hf-local", "--json") == []
    with pytest.raises(Refused, match="没有代码为"):
        run("invite", "nowhere", "--json")

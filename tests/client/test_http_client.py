"""The client against the real platform, and against servers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from huisuan.client import Client, ClientError
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import revoke_token_by_id
from huisuan.parties.models import Party, Person
from huisuan.protocol.resources import JobRequest
from support.accounts import make_token

PASSWORD = "correct horse battery"


@pytest.fixture
def party(transactional_db: Any) -> Party:
    return Party.objects.create(uscc="91340100MA2T000013", name="甲", kind="enterprise", region_id="340100")


@pytest.fixture
def person(party: Party) -> Person:
    return Person.objects.create_person("zhang", PASSWORD, role="user", party=party)


@pytest.fixture
def nobody(live_server: Any) -> Iterator[Client]:
    with Client(live_server.url) as client:
        yield client


def test_a_password_becomes_a_token_and_logging_out_revokes_it(
    live_server: Any, person: Person, nobody: Client
) -> None:
    granted = nobody.login("zhang", PASSWORD)
    assert (granted.role, granted.party) == ("user", "91340100MA2T000013")
    with Client(live_server.url, granted.token) as client:
        assert (client.me().name, client.me().scope) == ("zhang", "submit")
        client.logout()
        with pytest.raises(ClientError, match="令牌无效或已吊销：请重新 huisuan login") as refused:
            client.me()
    assert refused.value.status == 401


def test_a_wrong_password_is_refused_and_after_ten_the_right_one_waits_too(person: Person, nobody: Client) -> None:
    for _ in range(10):
        with pytest.raises(ClientError, match="用户名或口令不对"):
            nobody.login("zhang", "wrong")
    for password in ("wrong", PASSWORD):
        with pytest.raises(ClientError, match=r"尝试次数过多：请 1\d 分钟后再试") as refused:
            nobody.login("zhang", password)
        assert refused.value.status == 429


def test_a_person_who_left_gets_no_token(person: Person, nobody: Client) -> None:
    Person.objects.update(is_active=False)
    with pytest.raises(ClientError, match="用户名或口令不对"):
        nobody.login("zhang", PASSWORD)


def test_a_refusal_comes_in_the_servers_own_words(live_server: Any, party: Party) -> None:
    _, secret = make_token("user", "t", party=party.uscc)
    with Client(live_server.url, secret) as client:
        with pytest.raises(ClientError, match="没有可供平台作业使用的加速卡") as refused:
            client.submit_job(["true"])
        assert refused.value.status == 422
        with pytest.raises(ClientError, match="没有作业 nope"):
            client.job("nope")
        with pytest.raises(ClientError, match="不能存的字符"):
            client.job("\0")
    with Client(live_server.url, make_token("auditor", "a")[1]) as auditor, pytest.raises(ClientError) as forbidden:
        auditor.submit_job(["true"])
    assert forbidden.value.status == 403


def test_a_request_of_the_wrong_form_is_refused_with_place_and_rule(live_server: Any, party: Party) -> None:
    _, secret = make_token("user", "t", party=party.uscc)
    with Client(live_server.url, secret) as client, pytest.raises(ClientError) as refused:
        client._send("POST", "jobs", json={"command": "true", "cards": "many", "colour": "red"})
    for place in ("command：", "cards：", "colour："):
        assert place in refused.value.detail


def test_lists_and_centres_come_typed(live_server: Any, party: Party) -> None:
    _, secret = make_token("user", "t", party=party.uscc)
    with Client(live_server.url, secret) as client:
        assert client.jobs().items == []
        assert client.centres() == []
        assert client.entitlements() == []


def test_the_law_answers_anyone(nobody: Client) -> None:
    facts = nobody.law_facts("anhui-agi-2023", "2.2")
    assert any(fact.type == "money" for fact in facts)
    answer = nobody.law_explain("anhui-agi-2023", "2.2", {})
    assert answer.status == "missing_facts"


def test_a_platform_that_is_not_there_is_named_with_the_remedy() -> None:
    with (
        Client("http://127.0.0.1:1") as client,
        pytest.raises(ClientError, match=r"连不上 http://127.0.0.1:1.*huisuan up"),
    ):
        client.me()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(200, text="<html>"), "不是惠算平台的格式"),
        (httpx.Response(200, json={"role": 1}), "不是惠算平台的格式"),
        (httpx.Response(502, text="bad gateway"), "502 Bad Gateway"),
        (httpx.Response(500, json={"error": "x"}), "500 Internal Server Error"),
        (httpx.Response(418, json=[]), "418"),
    ],
)
def test_a_server_that_is_no_platform_is_told_apart(answer: httpx.Response, message: str) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    with Client("http://platform.test", transport=transport) as client, pytest.raises(ClientError, match=message):
        client.me()


def test_a_token_that_was_revoked_by_number_opens_nothing(live_server: Any, party: Party) -> None:
    from datetime import UTC, datetime

    token, secret = make_token("user", "t", party=party.uscc)
    assert secret not in str(vars(token))
    revoke_token_by_id(token.pk, Actor("test"), datetime.now(UTC))
    with Client(live_server.url, secret) as client, pytest.raises(ClientError):
        client.me()


def test_a_submission_whose_answer_was_lost_is_sent_again_as_the_same_one() -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadTimeout("lost")
        return httpx.Response(422, json={"detail": "没有一个中心"})

    with Client("http://platform.test", transport=httpx.MockTransport(answer)) as client:
        for _ in range(2):
            with pytest.raises(ClientError, match="没有一个中心"):
                client.submit(JobRequest(command=["true"]), lambda _: None)
    assert keys[0] == keys[1] != keys[2]
    assert len(keys) == 3


def test_following_a_job_outlives_a_platform_that_starts_anew_and_no_longer() -> None:
    answers = iter([httpx.ConnectError("away"), httpx.Response(503), httpx.ReadTimeout("slow")])
    paused: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found = next(answers, None)
        if isinstance(found, Exception):
            raise found
        headers = {"Huisuan-Next-Offset": "2", "Huisuan-Complete": "yes"}
        text = "hi" if request.url.params["offset"] == "0" else ""
        return found or httpx.Response(200, text=text, headers=headers)

    with Client("http://platform.test", transport=httpx.MockTransport(answer)) as client:
        assert list(client.follow_log("x", paused.append)) == [b"hi"]
    assert paused == [1, 2, 4]
    with Client("http://127.0.0.1:1") as client, pytest.raises(ClientError, match="连不上"):
        client.wait("x", lambda _: None)
    refusing = httpx.MockTransport(lambda request: httpx.Response(404, json={"detail": "没有作业 x"}))
    with Client("http://platform.test", transport=refusing) as client, pytest.raises(ClientError, match="没有作业 x"):
        client.wait("x", lambda _: pytest.fail("waited for what is not there"))

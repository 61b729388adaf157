"""Mail and webhooks for real, on loopback: once, in the language chosen, again after a failure, never to others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stdnum.cn import uscc

from huisuan.messages import delivery as sending
from huisuan.messages.delivery import PAUSES, deliver_due
from huisuan.messages.models import Delivery, Message
from huisuan.messages.notify import notify
from huisuan.messages.preferences import MessagePreferences, next_digest, save_preferences
from huisuan.messages.recipients import people_of_firm
from huisuan.messages.routing import MOST_MAILS_AN_HOUR, route_messages
from huisuan.parties.models import Party, Person
from support.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 30, 4, tzinfo=UTC)  # noon in Shanghai
KEY = Ed25519PrivateKey.generate()
AT_ONCE = {("job_ended", "mail"): "now"}


def sign(body: bytes) -> str:
    return KEY.sign(body).hex()


def code(number: int) -> str:
    base = f"91340100MA2T{number:05d}"
    return base + str(uscc.calc_check_digit(base))


@pytest.fixture
def firm() -> Party:
    return Party.objects.create(uscc=code(1), name="firm", kind="enterprise", region_id="340100")


@pytest.fixture
def wang(firm: Party) -> Person:
    return Person.objects.create_person("wang", None, role="user", party=firm, email="wang@example.cn")


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.HUISUAN_MAIL_HOST = settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT, settings.EMAIL_USE_TLS = running.port, False
        settings.HUISUAN_MAIL_FROM = "惠算 <huisuan@platform.example.cn>"
        settings.CSRF_TRUSTED_ORIGINS = ["https://platform.example.cn"]
        yield running


def tell(firm: Party, key: str = "k", name: str = "train", code: str = "job_done") -> None:
    notify(code, {"name": name}, to=[people_of_firm(firm.pk)], key=key, now=NOW, link=f"/jobs/{key}")


def work(now: datetime = NOW) -> int:
    """What the worker does every ten seconds."""
    while route_messages(now):
        pass
    return deliver_due(now, sign)


def wants(person: Person, **rest: Any) -> None:
    save_preferences(person, MessagePreferences(**{"frequencies": AT_ONCE, **rest}))


def test_a_mail_is_sent_once_in_utf8_with_a_link_to_the_thing(firm: Party, wang: Person, server: MailServer) -> None:
    wants(wang)
    tell(firm, name="大模型微调")
    assert [work(), work(NOW + timedelta(days=2))] == [1, 0]
    (mail,) = server.mails
    assert mail["Subject"] == "[惠算] 作业 大模型微调 已完成"
    assert (mail["To"], mail["From"], mail["Auto-Submitted"]) == (
        "wang@example.cn", "惠算 <huisuan@platform.example.cn>", "auto-generated"
    )  # fmt: skip
    assert mail["Message-ID"] == f"<delivery-{Delivery.objects.get().pk}@platform.example.cn>"
    assert mail.get_content_charset() == "utf-8"
    text = mail.get_content().replace("\r\n", "\n")
    assert "2024-06-30 12:00  作业 大模型微调 已完成\nhttps://platform.example.cn/jobs/k" in text
    assert "wang" in text
    assert "https://platform.example.cn/messages/settings" in text


def test_the_reader_chooses_the_language(firm: Party, wang: Person, server: MailServer) -> None:
    wants(wang, language="en")
    tell(firm)
    work()
    assert server.mails[0]["Subject"] == "[Huisuan] Job train is done"


@pytest.mark.parametrize(
    "name",
    ["x\r\nBcc: evil@example.cn", "x\nSubject: y\n\nbody", "\u2028To: evil@example.cn", "\x00\x1b[2J", "a" * 4000],
)
def test_no_name_can_add_a_header_or_a_recipient(firm: Party, wang: Person, server: MailServer, name: str) -> None:
    wants(wang)
    notify("job_done", {"name": name.replace("\x00", "\x01")}, to=[people_of_firm(firm.pk)], key="k", now=NOW)
    assert work() == 1
    ((to, _),) = server.raw
    (mail,) = server.mails
    assert (to, mail["Bcc"], len(mail.get_all("Subject", []))) == (["wang@example.cn"], None, 1)
    assert "\n" not in mail["Subject"]
    assert len(mail["Subject"]) < 200
    assert "作业" in mail.get_content().splitlines()[0]


def test_without_a_server_or_an_address_nothing_is_made(firm: Party, wang: Person) -> None:
    wants(wang)
    tell(firm)
    assert (work(), Delivery.objects.count()) == (0, 0)


def test_a_thousand_ends_at_once_are_one_mail(firm: Party, wang: Person, server: MailServer) -> None:
    wants(wang)
    for number in range(300):
        tell(firm, str(number), f"train-{number}")
    work()
    (mail,) = server.mails
    assert mail["Subject"] == "[惠算] 300 条消息"
    assert mail.get_content().count("已完成") == 200
    assert "另有 100 条" in mail.get_content()


def test_a_digest_comes_at_its_hour_with_all_of_the_day(firm: Party, wang: Person, server: MailServer) -> None:
    wants(wang, frequencies={("job_ended", "mail"): "daily"}, digest_hour=18)
    tell(firm, "a")
    work()
    tell(firm, "b")
    at = NOW + timedelta(hours=6)  # 18:00 in Shanghai
    assert [work(at - timedelta(seconds=1)), work(at), work(at + timedelta(minutes=9))] == [0, 1, 0]
    assert server.mails[0].get_content().count("已完成") == 2
    tell(firm, "c")
    work(at + timedelta(minutes=10))
    assert [work(at + timedelta(hours=23)), work(at + timedelta(hours=24))] == [0, 1]


def test_jobs_that_end_one_by_one_all_day_are_a_dozen_mails_an_hour_and_then_one(
    firm: Party, wang: Person, server: MailServer
) -> None:
    wants(wang)
    for minute in range(40):
        tell(firm, str(minute), f"train-{minute}")
        work(NOW + timedelta(minutes=minute))
    assert len(server.mails) == MOST_MAILS_AN_HOUR
    tell(firm, "urgent", "budget", code="job_failed")
    work(NOW + timedelta(minutes=59))
    assert len(server.mails) == MOST_MAILS_AN_HOUR
    work(NOW + timedelta(minutes=60))
    assert server.mails[-1]["Subject"] == "[惠算] 29 条消息"  # none is lost
    tell(firm, "later")
    work(NOW + timedelta(minutes=80))
    assert len(server.mails) == MOST_MAILS_AN_HOUR + 2  # quiet for a while, they come at once again


def test_a_webhook_that_breaks_in_a_way_nobody_thought_of_lets_no_mail_go_out_twice(
    firm: Party, wang: Person, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants(wang, webhook_url="https://hook.example.cn/x", frequencies=AT_ONCE | {("job_ended", "webhook"): "now"})

    def breaks(*_: Any) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(sending, "post_signed", breaks)
    tell(firm)
    assert work() == 1
    assert len(server.mails) == 1
    assert Delivery.objects.get(channel="mail").delivered_at == NOW
    assert "nobody thought" in Delivery.objects.get(channel="webhook").error


def test_the_hour_is_that_of_shanghai() -> None:
    assert next_digest(datetime(2024, 6, 30, 23, 59, tzinfo=UTC), 8) == datetime(2024, 7, 1, 0, tzinfo=UTC)
    assert next_digest(datetime(2024, 7, 1, 0, tzinfo=UTC), 8) == datetime(2024, 7, 2, 0, tzinfo=UTC)
    assert next_digest(datetime(2024, 12, 31, 16, tzinfo=UTC), 0) == datetime(2025, 1, 1, 16, tzinfo=UTC)


def test_who_wants_never_gets_never_also_of_what_is_waiting(firm: Party, wang: Person, server: MailServer) -> None:
    wants(wang, frequencies={("job_ended", "mail"): "daily", ("job_ended", "page"): "never"})
    tell(firm)
    assert Message.objects.get().read_at == NOW
    work()
    wants(wang, frequencies={("job_ended", "mail"): "never"})
    assert (work(NOW + timedelta(days=1)), Delivery.objects.count(), server.raw) == (0, 0, [])


@pytest.mark.parametrize("what", ["disabled", "moved"])
def test_who_is_moved_or_disabled_gets_nothing_more(firm: Party, wang: Person, server: MailServer, what: str) -> None:
    Person.objects.create_person(
        "boss", None, role="user", party=firm, member_role="owner"
    )  # somebody stays an owner, without mail
    wants(wang, frequencies={("job_ended", "mail"): "daily"})
    tell(firm, "routed")
    work()
    tell(firm, "not-yet")
    if what == "disabled":
        wang.is_active = False
    else:
        wang.party = Party.objects.create(uscc=code(2), name="other", kind="enterprise", region_id="340100")
    wang.save()
    assert (work(NOW + timedelta(days=2)), server.raw) == (0, [])
    assert Delivery.objects.get().failed_at is not None


def test_a_failure_is_tried_again_with_growing_pauses_and_then_shown(
    firm: Party, wang: Person, server: MailServer
) -> None:
    wants(wang)
    server.refuses_all = True
    tell(firm)
    at, tries = NOW, []
    for pause in PAUSES:
        assert work(at - timedelta(seconds=1)) == 0
        work(at)
        tries.append(Delivery.objects.get().tries)
        at += pause
    failed = Delivery.objects.get()
    assert tries == [1, 2, 3, 4, 5, 6]
    assert failed.failed_at
    assert "no such box" in failed.error
    server.refuses_all = False
    assert (work(at + timedelta(days=9)), server.raw) == (0, [])


def test_one_address_that_is_refused_holds_up_no_other(firm: Party, wang: Person, server: MailServer) -> None:
    li = Person.objects.create_person("li", None, role="user", party=firm, email="li@example.cn")
    for person in (wang, li):
        wants(person)
    server.refuses = {"wang@example.cn"}
    tell(firm)
    work()
    assert [to for to, _ in server.raw if to] == [["li@example.cn"]]


class Killed(BaseException):
    """The worker is gone between two statements."""


@pytest.mark.parametrize("where", ["compose_mail", "_note"])
def test_a_killed_worker_is_followed_by_one_that_sends_the_same_mail(
    firm: Party, wang: Person, server: MailServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    wants(wang)
    tell(firm)
    with monkeypatch.context() as patch:
        patch.setattr(sending, where, lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            work()
    assert work() == 0  # not at once
    assert work(NOW + PAUSES[0]) == 1
    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert (work(NOW + timedelta(days=9)), Message.objects.count(), Delivery.objects.count()) == (0, 1, 1)


# --- webhooks


@pytest.fixture
def hook(settings: Any) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    got: list[tuple[dict[str, str], bytes]] = []
    answers: list[int] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    settings.HUISUAN_NOTIFY_NETWORKS = ["127.0.0.0/8"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret", got, answers
    server.shutdown()
    server.server_close()


def test_a_webhook_gets_both_languages_signed_and_again_after_an_error(firm: Party, wang: Person, hook: Any) -> None:
    url, got, answers = hook
    save_preferences(wang, MessagePreferences(webhook_url=url, frequencies={}))
    answers.append(500)
    tell(firm)
    assert [work(), work(NOW + PAUSES[0]), work(NOW + timedelta(days=1))] == [0, 1, 0]
    (first, body), (second, _) = got
    KEY.public_key().verify(bytes.fromhex(first["Huisuan-Signature"]), body)
    assert first["Huisuan-Event"] == second["Huisuan-Event"] == f"delivery-{Delivery.objects.get().pk}"
    (message,) = json.loads(body)["messages"]
    assert (message["text"], message["text_en"]) == ("作业 train 已完成", "Job train is done")
    assert (message["kind"], message["code"], message["link"]) == ("job_ended", "job_done", "/jobs/k")


def test_a_webhook_into_a_private_network_is_not_reached(firm: Party, wang: Person, hook: Any, settings: Any) -> None:
    url, got, _ = hook
    settings.HUISUAN_NOTIFY_NETWORKS = []
    save_preferences(wang, MessagePreferences(webhook_url=url, frequencies={}))
    tell(firm)
    assert (work(), got) == (0, [])
    assert "HUISUAN_NOTIFY_NETWORKS" in Delivery.objects.get().error

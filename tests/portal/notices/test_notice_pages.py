"""Anybody reads a notice and objects on its page; the office publishes and answers on its desk."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.models import Objection, PublicNotice
from support.evidence import PDF
from support.jobs import party
from support.notices import checked, published
from support.programmes import official, person

pytestmark = pytest.mark.django_db
SAID = {"name": "王五", "contact": "13800000000", "facts": "不是其牵头制定"}


def browser(who: Person | None = None) -> Client:
    client = Client()
    if who:
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture
def notice() -> PublicNotice:
    """One that runs now."""
    published(1, 2, now=datetime.now(UTC))
    return PublicNotice.objects.get()


def test_a_notice_shows_who_what_for_and_how_much_to_anybody(notice: PublicNotice) -> None:
    assert notice.number in shown(browser().get("/notices/"))
    page = shown(browser().get(f"/notices/{notice.number}"))
    for said in (party(1).name, "5,000.00", "10,000.00", "牵头制定国家标准 2", "自次日起算", "公示中"):
        assert said in page
    assert browser().get("/notices/N2024-9999").status_code == 404


def test_an_objection_leads_by_redirect_to_the_page_that_follows_it(notice: PublicNotice) -> None:
    address = f"/notices/{notice.number}/2"
    assert "王五" not in shown(browser().get(address))
    file = SimpleUploadedFile("证明.pdf", PDF, "application/pdf")
    sent = browser().post(address, {**SAID, "files": file})
    assert sent.status_code == 302
    made = Objection.objects.get()
    assert sent.headers["Location"] == f"/objections/{made.code}"
    page = shown(browser().get(sent.headers["Location"]))
    assert "待答复" in page
    assert "王五" not in page
    assert browser().get("/objections/", {"code": made.code.lower()}).headers["Location"] == f"/objections/{made.code}"
    assert browser().get("/objections/ZZZZ-ZZZZ-ZZZZ").status_code == 404
    page = shown(browser().get(f"/notices/{notice.number}"))
    assert "有异议，暂停" in page
    assert "王五" not in page
    assert made.place  # a digest
    assert "127.0.0.1" not in made.place


def test_what_is_wrong_with_an_objection_stands_beside_its_field_and_the_rest_stays(notice: PublicNotice) -> None:
    macro = SimpleUploadedFile("宏.xlsm", b"PK\x03\x04")
    answer = browser().post(f"/notices/{notice.number}/1", {**SAID, "contact": " ", "files": macro})
    page = shown(answer)
    assert answer.status_code == 422
    for said in ('id="wrong-contact"', "请写联系方式", 'id="wrong-files"', 'value="王五"', "不是其牵头制定"):
        assert said in page
    assert 'id="wrong-name"' not in page
    assert not Objection.objects.exists()
    assert browser().get(f"/notices/{notice.number}/3").status_code == 404


def test_a_notice_that_has_ended_takes_no_objection() -> None:
    published(1)  # in 2024
    number = PublicNotice.objects.get().number
    page = shown(browser().get(f"/notices/{number}/1"))
    assert "不再受理异议" in page
    assert "<textarea" not in page
    late = browser().post(f"/notices/{number}/1", SAID)
    assert (late.status_code, "已期满" in shown(late)) == (409, True)


def test_the_desk_publishes_what_waits_and_answers_what_came_in() -> None:
    first, second = checked(1, 2)
    publisher, other = official("publisher", "publish"), official("other", "publish")
    page = shown(browser(publisher).get("/publicity/"))
    assert first.number in page
    wrong = browser(publisher).post("/publicity/publish", {"number": first.number, f"amount-{first.number}": "abc"})
    assert (wrong.status_code, "金额读不出" in shown(wrong)) == (422, True)
    chosen = {"number": [first.number, second.number], f"amount-{first.number}": "5000", "title": "名单"}
    sent = browser(publisher).post("/publicity/publish", chosen)
    number = PublicNotice.objects.get().number
    assert sent.headers["Location"] == f"/notices/{number}"
    browser().post(f"/notices/{number}/1", {**SAID, "files": SimpleUploadedFile("证明.pdf", PDF)})
    made = Objection.objects.get()
    address = f"/publicity/{made.pk}"
    page = shown(browser(other).get(address))
    assert "王五" in page
    file = browser(other).get(f"{address}/files/{made.files.get().pk}")
    assert (file.content, file.headers["Content-Disposition"].split(";")[0]) == (PDF, "attachment")
    handled = browser(publisher).post(address, {"upheld": "no", "text": "查无实据"})
    assert (handled.status_code, "办理过此件" in shown(handled)) == (403, True)
    assert browser(other).post(address, {"text": "查无实据"}).status_code == 422
    done = browser(other).post(address, {"upheld": "yes", "text": "另有牵头单位"})
    assert done.headers["Location"] == address
    first.refresh_from_db()
    assert first.state == "submitted"
    assert "另有牵头单位" in shown(browser().get(f"/objections/{made.code}"))


def test_who_objected_is_for_the_office_and_audit_alone(notice: PublicNotice) -> None:
    browser().post(f"/notices/{notice.number}/1", SAID)
    address = f"/publicity/{Objection.objects.get().pk}"
    for who, status in (
        (official("publisher", "publish"), 200), (person("shenji", "auditor"), 200), (person("elsewhere"), 404),
        (official("checker", "check"), 404), (person("firm1", "user", party=party(1)), 403),
    ):  # fmt: skip
        assert browser(who).get(address).status_code == status, who
    assert "王五" not in shown(browser(official("checker", "check")).get("/publicity/"))

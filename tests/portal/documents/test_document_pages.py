"""Documents by page: issued by a post of the office that signs, opened as PDF and DOCX; templates given and checked."""

from __future__ import annotations

import html
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.documents.models import Document, DocumentTemplate
from huisuan.parties.models import Person
from huisuan.programmes.workflow import act
from support.accounts import personal_caller
from support.calls import opened
from support.docx_templates import template
from support.notices import published
from support.programmes import ENDED, INDUSTRY, applicant, official, person

pytestmark = pytest.mark.django_db
SHAPE = template("标题", "文号", "主送", "正文", "日期", "核验码", rows=("附件1列1", "附件1列2"))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def file(content: bytes = SHAPE, name: str = "决定.docx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def words_of(docx: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        return package.read("word/document.xml").decode()


def test_a_template_is_checked_given_and_looked_at_by_page_and_by_api() -> None:
    decider = official("decider", "decide")
    office, where = browser(decider), "/documents/templates"
    kept = {"office": INDUSTRY, "kind": "decision"}
    wrong = office.post(where, kept | {"file": file(template("文号", "核验码", "天气")), "check": "yes"})
    assert (wrong.status_code, "天气" in shown(wrong)) == (422, True)
    good = shown(office.post(where, kept | {"file": file(), "check": "yes"}))
    assert "决定.docx 可以用" in good
    assert not DocumentTemplate.objects.exists()
    assert "第 1 版" in shown(office.post(where, kept | {"file": file()}, follow=True))
    (made,) = DocumentTemplate.objects.all()
    assert office.get(f"{where}/{made.pk}").content == SHAPE
    sample = words_of(office.get(f"{where}/{made.pk}/sample").content)
    assert all(said in sample for said in ("样张", "甲", "乙"))
    assert browser(person("other")).post(where, kept | {"file": file(b"x")}).status_code == 403
    assert browser(applicant()).get(where).status_code == 403
    caller = personal_caller(decider)
    found = caller.get("/api/v1/document-templates").json()["templates"]
    assert [(one["id"], one["number"]) for one in found] == [(made.pk, 1)]
    assert caller.get(f"/api/v1/document-templates/{made.pk}/sample").content[:2] == b"PK"


def test_a_decision_is_issued_on_the_page_of_its_application_and_holds_no_longer_once_it_is_revoked() -> None:
    (made,) = published(1)
    decider, where = official("decider", "decide"), f"/applications/{made.number}"
    act(made.number, "decide", decider, ENDED, amount_fen=500_000)
    office, firm = browser(decider), browser(applicant(1), "en")
    office.post("/documents/templates", {"office": INDUSTRY, "kind": "decision", "file": file()})
    assert "按记录签发" in shown(office.get(where))
    assert "Issue from the record" not in shown(firm.get(where))
    assert office.post("/documents/issue", {"kind": "refusal", "number": made.number}).status_code == 409
    assert firm.post("/documents/issue", {"kind": "decision", "number": made.number}).status_code == 403
    page = shown(office.post("/documents/issue", {"kind": "decision", "number": made.number}, follow=True))
    (paper,) = Document.objects.all()
    assert paper.full_number in page
    assert "现行有效" in page
    for text in (shown(firm.get(where)), shown(firm.get("/documents/"))):
        assert f"/documents/{paper.code}/pdf" in text
        assert f"/documents/{paper.code}/docx" in text
    assert made.number in words_of(firm.get(f"/documents/{paper.code}/docx").content)
    assert browser(applicant(2)).get(f"/documents/{paper.code}/docx").status_code == 404
    act(made.number, "revoke", decider, ENDED, reason="标准被废止")
    public = Client(headers={"Accept-Language": "zh-hans"})
    assert "所作决定已撤销" in shown(public.get(f"/documents/{paper.code}"))
    answer = public.get(f"/api/v1/documents/{paper.code}").json()
    assert (answer["valid"], answer["replaced_by"], answer["ended"]["why"]) == (False, None, "revoked")
    assert "No longer valid" in shown(firm.get(where))
    asked = {"kind": "revocation", "number": made.number}
    letter = personal_caller(decider).post("/api/v1/papers", asked, "application/json").json()
    assert (letter["valid"], letter["replaces"]) == (True, paper.code)


def test_the_documents_of_a_call_and_a_notice_are_on_their_pages_for_everyone() -> None:
    call, publisher = opened(), official("publisher", "publish")
    office = browser(publisher)
    office.post("/documents/issue", {"kind": "call", "number": call.number})
    (paper,) = Document.objects.all()
    assert f"/documents/{paper.code}/pdf" in shown(Client().get(f"/calls/{call.number}"))

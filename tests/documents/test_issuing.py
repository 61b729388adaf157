"""Documents are numbered without gaps, never changed, only replaced, and anybody can check one."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.documents.commands import app
from huisuan.documents.issuing import About, document_store, end_documents, issue_document, set_prefix
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.models import Document, DocumentKind, DocumentSeries, EndReason
from huisuan.documents.queries import check_documents, find_document, list_documents, load_pdf
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from support.accounts import account
from support.jobs import party
from support.own_fonts import shipped_as
from support.printed_page import read_pages
from support.square_code import read_square_code

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 29, 4, tzinfo=UTC)
OFFICE = "安徽省科学技术厅"
LETTER = Letter("关于下达资金的通知", (Part("现予下达。"),))


def official() -> Person:
    return Person.objects.filter(username="li").first() or Person.objects.create_person("li", None, role="province")


def issue(kind: DocumentKind = DocumentKind.CALL, office: str = OFFICE, about: About | None = None) -> Document:
    return issue_document(kind, office, LETTER, official(), NOON, about or About())


def test_numbers_go_on_from_one_by_office_and_year() -> None:
    set_prefix(OFFICE, 2026, "皖科")
    assert [issue().full_number for _ in range(2)] == ["皖科〔2026〕1号", "皖科〔2026〕2号"]
    assert issue(office="合肥市财政局").full_number == "合肥市财政局〔2026〕1号"
    later = issue_document(DocumentKind.CALL, OFFICE, LETTER, official(), datetime(2026, 12, 31, 17, tzinfo=UTC))
    assert later.full_number == "皖科〔2027〕1号"  # it is past midnight at Shanghai; the prefix goes on


def test_a_program_issues_nothing() -> None:
    with pytest.raises(NotAllowed, match="程序账号"):
        issue_document(DocumentKind.CALL, OFFICE, LETTER, account("province"), NOON)
    assert not Document.objects.exists()


def test_a_prefix_belongs_to_one_office_and_stays_for_its_year() -> None:
    set_prefix(OFFICE, 2026, "皖科")
    with pytest.raises(Conflict, match="另定"):
        set_prefix("合肥市财政局", 2026, "皖科")
    with pytest.raises(Conflict, match="当年不能改"):
        set_prefix(OFFICE, 2026, "科")
    with pytest.raises(InvalidRequest, match="机关代字"):
        set_prefix("某局", 2026, "局\n")


def test_what_cannot_be_set_takes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    issue()
    with monkeypatch.context() as patched:
        patched.setenv("HUISUAN_FONTS", "/nowhere/fonts")
        with pytest.raises(Unavailable), transaction.atomic():
            issue()
    assert issue().number == 2


def test_the_database_refuses_gaps_and_changes() -> None:
    made = issue()
    made.pk, made.number, made.code = None, 3, "0000-0000-0000"
    with pytest.raises(DatabaseError, match="no gaps"), transaction.atomic():
        made.save(force_insert=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.update(sha256="0" * 64)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.all().delete()


def test_a_document_is_replaced_once_and_says_by_what() -> None:
    first = issue()
    second = issue(about=About(replaces=first))
    with pytest.raises(Conflict, match="已被替代"):
        issue(about=About(replaces=first))
    answer = Client().get(f"/api/v1/documents/{first.code}").json()
    assert (answer["valid"], answer["replaced_by"]) == (False, second.code)
    page = Client().get(f"/documents/{first.code}").content.decode()
    assert "不再有效" in page
    assert second.full_number in page


def test_the_code_on_each_page_leads_to_the_page_that_says_whether_it_holds() -> None:
    table = Annex("分配表", (AnnexColumn("单位"),), tuple((f"单位{number}",) for number in range(60)))
    first = issue_document(DocumentKind.FUNDS, OFFICE, replace(LETTER, annexes=(table,)), official(), NOON)
    pages = read_pages(load_pdf(first, Viewer("auditor", "a")))
    assert len(pages) > 2
    assert {read_square_code(page.code) for page in pages} == {first.address}
    asked = urlsplit(first.address).path

    def said() -> str:
        answer = Client().get(asked)  # of anybody
        assert answer.status_code == 200
        return answer.content.decode()

    before = said()
    for word in (first.full_number, OFFICE, first.sha256, "现行有效"):
        assert word in before
    second = issue(about=About(replaces=first))
    assert ("现行有效" in said(), second.full_number in said()) == (False, True)
    end_documents([second.subject], [DocumentKind(second.kind)], EndReason.REVOKED, NOON)
    ended = Client().get(urlsplit(second.address).path).content.decode()
    assert ("现行有效" in ended, "所作决定已撤销" in ended) == (False, True)


def test_a_code_is_found_however_it_is_typed_and_an_invented_one_is_not() -> None:
    made = issue()
    loose = made.code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert find_document(loose) == made
    assert Client().get("/documents/check", {"code": loose}).headers["Location"] == f"/documents/{made.code}"
    for wrong in ("0000-0000-0000", "\x00", "'; --", "字" * 60):
        with pytest.raises(NotFound, match="核验码"):
            find_document(wrong)
    assert Client().get("/documents/check", {"code": "0000-0000-0000"}).status_code == 404
    assert Client().get("/api/v1/documents/0000-0000-0000").status_code == 404


def test_only_public_documents_open_for_everybody() -> None:
    mine, other = party(1), party(2)
    notice = issue(DocumentKind.PUBLICITY)
    letter = issue(DocumentKind.FUNDS, about=About(party=mine))
    assert load_pdf(notice, None).startswith(b"%PDF")
    assert Client().get(f"/documents/{letter.code}/pdf").status_code == 404
    assert Client().get(f"/documents/{letter.code}").status_code == 200  # to check it everybody may
    for viewer, seen in (
        (Viewer("user", "a", party_id=mine.pk), 2), (Viewer("user", "b", party_id=other.pk), 1),
        (Viewer("auditor", "c"), 2), (Viewer("centre", "d"), 1), (Viewer("city", "e", city=mine.region_id), 2),
    ):  # fmt: skip
        assert list_documents(viewer).count() == seen, viewer


def test_a_sign_of_control_in_a_record_becomes_a_space() -> None:
    record = Letter("通知\x0b书", (Part("一\n二\r\t三"),))
    made = issue_document(DocumentKind.CALL, OFFICE, record, official(), NOON)
    assert (made.letter["title"], made.letter["body"][0]["text"]) == ("通知 书", "一\n二  三")
    assert list(check_documents()) == []


def test_a_document_that_cannot_be_set_anew_is_a_finding_and_the_others_are_still_tried() -> None:
    bad = Document.objects.get(pk=issue().pk)  # as one that was issued when signs of control were let through
    bad.pk, bad.number, bad.code, bad.letter["title"] = None, 2, "ABCD-EFGH-JKMN", "通知\x0b书"
    bad.save(force_insert=True)
    damaged = issue_document(DocumentKind.CALL, OFFICE, Letter("别的", (Part("话。"),)), official(), NOON)
    document_store().path_of(damaged.sha256).write_bytes(b"%PDF forged")
    assert [(one.number, one.what) for one in check_documents()] == [
        (bad.full_number, "not_set"), (damaged.full_number, "damaged"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, ["check"], obj=lambda: None)
    assert (result.exit_code, "按记录排不出来" in result.output) == (1, True)


def test_a_face_that_an_office_owns_is_used_and_the_record_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issue()
    assert before.fonts == ["NotoSerifSC-Regular"]
    (tmp_path / "fs.otf").write_bytes(shipped_as("FangSong"))
    with monkeypatch.context() as owned:
        owned.setenv("HUISUAN_FONTS", str(tmp_path))
        made = issue()
        assert (made.fonts, list(check_documents())) == (["FangSong", "NotoSerifSC-Regular"], [])
        assert Client().get(f"/api/v1/documents/{made.code}").json()["fonts"] == made.fonts
    assert issue().fonts == before.fonts
    assert list(check_documents()) == [], "what this machine has no faces for is not called changed"


def test_a_file_that_was_changed_is_found() -> None:
    good, bad = issue(), issue()
    assert list(check_documents()) == []
    document_store().path_of(bad.sha256).write_bytes(b"%PDF forged")
    assert [(found.number, found.what) for found in check_documents()] == [(bad.full_number, "damaged")]
    with pytest.raises(Unavailable, match="已损坏"):
        load_pdf(bad, None)
    assert load_pdf(good, None)


def test_the_command_issues_lists_opens_and_checks(tmp_path: Path) -> None:
    who = official().username
    (tmp_path / "a.json").write_text(json.dumps({"title": "函 & <告>", "body": [{"text": "#正文"}]}), encoding="utf-8")
    run = CliRunner().invoke
    made = run(app, ["issue", str(tmp_path / "a.json"), "--office", OFFICE, "--by", who, "--json"])
    assert made.exit_code == 0, made.output
    code = json.loads(made.stdout)["code"]
    opened = run(app, ["open", code, "--output", str(tmp_path / "a.pdf"), "--json"])
    assert opened.exit_code == 0, opened.output
    assert json.loads(run(app, ["list", "--json"]).stdout)[0]["title"] == "函 & <告>"
    assert run(app, ["check", code, "--file", str(tmp_path / "a.pdf")]).exit_code == 0
    (tmp_path / "a.pdf").write_bytes((tmp_path / "a.pdf").read_bytes() + b" ")
    forged = run(app, ["check", code, "--file", str(tmp_path / "a.pdf"), "--json"])
    assert (forged.exit_code, json.loads(forged.stdout)["same_file"]) == (1, False)
    assert json.loads(run(app, ["check", "--json"]).stdout) == {"holds": True, "findings": []}


@pytest.mark.django_db(transaction=True)
def test_two_who_issue_at_once_take_following_numbers() -> None:
    who, failed = official(), []
    gate = threading.Barrier(2)

    def issues() -> None:
        try:
            gate.wait()
            for _ in range(3):
                issue_document(DocumentKind.CALL, OFFICE, LETTER, who, NOON)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=issues) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(Document.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert DocumentSeries.objects.count() == 1

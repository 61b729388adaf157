"""Documents through the gate: made anew from their lines as JSON lines, text and PDF, and scanned again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.test import Client
from pypdf import PdfReader

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import list_findings
from huisuan.opendata.gate.stores import load_content, quarantine
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import GateFile, GateProduct, NameChunk, ScanWork
from huisuan.opendata.names.stage import current_rules
from support.catalogue import code
from support.gate import NOW, judge_all, list_entry, remade, resident_ids, scan_now, steward, uploaded
from support.scanned_files import document, ofd, pdf, zipped

pytestmark = pytest.mark.django_db
NUMBER = resident_ids(1)[0]
LINES = [
    "关于公共停车场的答复",
    f"申请人王小明，身份证号{NUMBER}，反映南站停车场收费问题。",
    "经核实，该停车场按规定收费，服务热线0551-62712345。",
    "附件：收费标准",
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    list_entry()


def products(file: GateFile) -> dict[str, bytes]:
    made = GateProduct.objects.filter(remake=file.remakes.latest("id"))
    return {each.format: load_content(quarantine(), each.sha256) for each in made}


def paragraphs(lines: list[str]) -> str:
    gone = "<w:p><w:del><w:r><w:delText>删去的一句</w:delText></w:r></w:del></w:p>"
    return "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines) + gone


def page(lines: list[str]) -> bytes:
    rows = "".join(f"<p title='13900000001的页'>{line}</p>" for line in lines)
    return f"<html><body>{rows}<script>var x=1</script><!-- 13900000002 --></body></html>".encode()


def test_documents_of_every_kind_become_json_lines_text_and_a_fresh_pdf() -> None:
    text = "\n".join(LINES)
    kinds = {
        "答复.docx": document(paragraphs(LINES)), "答复.html": page(LINES),
        "答复.txt": text.encode("gb18030"), "答复.pdf": pdf(LINES), "答复.ofd": ofd(LINES),
        "答复.zip": zipped({"甲/答复.txt": text}),
    }  # fmt: skip
    for name, content in kinds.items():
        file = uploaded(content, name)
        found = list_findings(file)
        assert {"resident_id", "name", "landline"} <= {one["kind"] for one in found}, name
        hotline = next(one["number"] for one in found if one["kind"] == "landline")
        judge_findings(
            file.pk, GivenJudgement(hotline, "false_alarm", "政务热线", everywhere=True), steward("judge"), NOW
        )
        file = remade(judge_all(file))
        assert file.state == "ready", (name, file.remakes.latest("id").recipe)
        made = products(file)
        assert set(made) == {"jsonl", "txt", "pdf"}
        rows = [json.loads(line) for line in made["jsonl"].decode().splitlines()]
        read = "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(made["pdf"])).pages)
        for text in (made["txt"].decode(), "\n".join(row["text"] for row in rows), read):
            assert "0551-62712345" in text, name
            assert "收费标准" in text
            assert not any(gone in text for gone in (NUMBER, "王小明", "13900000001", "13900000002", "删去"))
        recipe = file.remakes.latest("id").recipe
        assert (recipe["values"], recipe["tokens"]) == (2, 2)
        assert not NameChunk.objects.exists()


def test_a_document_blurred_and_dropped_keeps_its_lines_and_one_of_several_is_named() -> None:
    file = uploaded("\n".join(LINES).encode(), "答复.txt")
    for one in list_findings(file):
        actions = {"resident_id": "generalise", "name": "drop", "unread_names": "false_alarm"}
        given = GivenJudgement(one["number"], actions.get(one["kind"], "mask"), "逐行读过")
        judge_findings(file.pk, given, steward("judge"), NOW)
    text = products(remade(file))["txt"].decode().splitlines()
    assert text[1] == f"申请人，身份证号{NUMBER[:3]}{'*' * 14}{NUMBER[-1]}，反映南站停车场收费问题。"
    assert len(text) == len(LINES)
    both = uploaded(zipped({"一.txt": "甲\n", "二.txt": "乙\n", "三.csv": "名称,数\n南站,3\n北站,4\n"}), "多.zip")
    both = judge_all(both)
    with pytest.raises(InvalidRequest, match=r"文档 一\.txt"):
        remade(both)
    assert products(remade(both, part="文档 二.txt"))["txt"] == "乙\n".encode()


def test_a_document_that_says_at_its_end_that_it_may_not_be_open_is_not_made_anew() -> None:
    for ending, agrees in (("公开属性：依申请公开", False), ("（此件主动公开）", True), ("主动公开", True), ("", True)):
        file = uploaded(f"关于停车场的答复\n按规定收费。\n{ending}\n2026年11月2日印发\n".encode(), "答复.txt")
        file = judge_all(file)
        if agrees:
            assert remade(file).state == "ready"
            continue
        with pytest.raises(Conflict, match="依申请公开"):
            remade(file)


def test_what_a_worker_before_had_found_in_a_chunk_is_not_sought_again() -> None:
    file = upload_file(code(), "答复.txt", "\n".join(LINES).encode(), steward("uploader"), NOW)
    seen = {"kind": "name", "part": "", "row": 3, "column": 0, "heading": "", "masked": "甲*", "confidence": "low"}
    NameChunk.objects.create(
        work=ScanWork.objects.get(file=file), sha256=file.sha256, number=2, rules=current_rules(),
        found=[{**seen, "fingerprint": "f" * 16}],
    )  # fmt: skip
    NameChunk.objects.create(
        work=ScanWork.objects.get(file=file), sha256=file.sha256, number=1, rules=current_rules(),
        found=[{**seen, "fingerprint": "e" * 16}],
    )  # fmt: skip
    names = [one for one in list_findings(scan_now(file)) if one["kind"] == "name"]
    assert [(one["masked"], one["fingerprint"]) for one in names] == [("甲*", "e" * 16)]  # it has one chunk
    assert not NameChunk.objects.exists()


def test_findings_of_a_document_stand_in_their_lines_with_every_value_masked() -> None:
    file = uploaded("\n".join([*LINES, "编号3401", NUMBER[4:]]).encode(), "答复.txt")
    judge = Client()
    judge.force_login(steward("judge"), backend="django.contrib.auth.backends.ModelBackend")
    page = judge.get(f"/opendata/desk/{file.pk}").content.decode()
    assert "反映南站停车场收费问题" in page
    assert "服务热线0551" in page
    assert not any(value in page for value in (NUMBER, NUMBER[4:], "王小明", "62712345"))

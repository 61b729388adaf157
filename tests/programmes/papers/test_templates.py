"""An office gives templates; its documents are DOCX besides PDF, and the record says by which template."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.documents.models import DocumentTemplate
from huisuan.documents.queries import check_documents, document_to_dict, is_same_file, load_docx
from huisuan.parties.viewer import Viewer
from huisuan.programmes.papers.commands import template as commands
from huisuan.programmes.papers.issuing import issue_from_record
from huisuan.programmes.papers.templates import add_template
from huisuan.programmes.workflow import act
from support.docx_templates import template
from support.programmes import INDUSTRY, NOON, applicant, application, official, person

pytestmark = pytest.mark.django_db
SHAPE = template("标题", "文号", "主送", "正文", "日期", "核验码", "核验地址")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def given(content: bytes = SHAPE, kind: str = "refusal", name: str = "不予支持.docx") -> DocumentTemplate:
    return add_template(kind, INDUSTRY, name, content, official("decider", "decide"), NOON)


def test_documents_of_a_kind_are_docx_too_by_the_newest_template_and_only_for_whom_they_concern() -> None:
    given(template("文号", "核验码"))
    newest = given()
    assert (newest.number, "正文" in newest.fields) == (2, True)
    made, decider = application(), official("decider", "decide")
    act(made.number, "submit", applicant(), NOON)
    act(made.number, "refuse", decider, NOON, reason="不是国家标准")
    paper = issue_from_record("refusal", made.number, decider, NOON)
    assert paper.docx_template == newest
    content = load_docx(paper, Viewer.for_person(applicant(1)))
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        said = package.read("word/document.xml").decode()
    assert all(words in said for words in (paper.code, paper.full_number, "不是国家标准", "行政复议"))
    shown = document_to_dict(paper)["docx"]
    assert shown == {"sha256": paper.docx_sha256, "template": 2, "template_sha256": newest.sha256}
    with pytest.raises(NotFound):
        load_docx(paper, Viewer.for_person(applicant(2)))
    assert is_same_file(paper, content)
    assert list(check_documents()) == []


def test_a_template_is_given_by_the_office_itself_and_is_what_it_says() -> None:
    for kind, name, content in (
        ("poem", "t.docx", SHAPE), ("refusal", "t.pdf", b"%PDF-1.4 x %%EOF"), ("refusal", "t.docx", b"x"),
        ("refusal", "t.docx", template("文号", "核验码", "金额")),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest):
            given(content, kind, name)
    with pytest.raises(NotAllowed):
        add_template("refusal", INDUSTRY, "t.docx", SHAPE, person("elsewhere"), NOON)
    given()
    with pytest.raises(Conflict):
        given()


def test_macros_are_refused() -> None:
    made = io.BytesIO(SHAPE)
    with zipfile.ZipFile(made, "a") as package:
        package.writestr("word/vbaProject.bin", b"x")
    with pytest.raises(InvalidRequest):
        given(made.getvalue())


def test_the_commands_add_list_and_show(tmp_path: Path) -> None:
    official("decider", "decide", from_day=NOON.date())
    file = tmp_path / "t.docx"
    file.write_bytes(SHAPE)

    def run(*words: str) -> object:
        result = CliRunner().invoke(commands, [*words, "--json"], obj=lambda: None)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    made = run("add", "refusal", str(file), "--office", INDUSTRY, "--by", "decider")
    assert run("list") == [made]
    assert run("show", "refusal", "--office", INDUSTRY) == made

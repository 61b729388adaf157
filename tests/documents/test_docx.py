"""DOCX from an office's template: only fields are filled in, and the same record gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.documents.docx import merge_docx, read_template_fields
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.typesetting import Imprint
from support.docx_templates import field, template

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
IMPRINT = Imprint(
    "省财政厅", "皖财〔2024〕1号", "ABCD-EFGH-JKMN", "https://x/document/ABCD", datetime(2024, 9, 2, tzinfo=UTC)
)
LETTER = Letter(
    "关于 A & B <甲> # 的通知", (Part("一、事实", "heading"), Part("已付 1 元。")), to="某某公司",
    annexes=(Annex("清单", (AnnexColumn("项"), AnnexColumn("元")), (("甲", "1.00"), ("乙", "2.00"))),),
)  # fmt: skip


def text_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.read("word/document.xml").decode()


def code(content: bytes) -> str:
    with pytest.raises(InvalidRequest) as no:
        read_template_fields(content)
    return f"{no.value.code} {no.value}"


def test_fields_are_read_and_filled_in_with_whatever_signs_a_name_has() -> None:
    made = template("标题", "文号", "主送", "正文", "核验码", "核验地址", "日期", rows=("附件1列1", "附件1列2"))
    assert set(read_template_fields(made)) >= {"标题", "附件1列2"}
    said = text_of(merge_docx(made, LETTER, IMPRINT))
    for words in (
        "关于 A &amp; B &lt;甲&gt; # 的通知",
        "某某公司：",
        "已付 1 元。",
        "皖财〔2024〕1号",
        "乙",
        "2.00",
        "ABCD-EFGH-JKMN",
    ):
        assert words in said
    assert "MERGEFIELD" not in said


def test_the_same_record_gives_the_same_bytes_without_a_time() -> None:
    made = template("标题", "文号", "核验码")
    first, again = merge_docx(made, LETTER, IMPRINT), merge_docx(made, LETTER, IMPRINT)
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert {one.date_time for one in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_nobody_knows_or_what_must_not_be_missing_is_named() -> None:
    assert "document.template_field_unknown 模板里有不认识的域：收款帐号、附件1列21" in code(
        template("文号", "核验码", "收款帐号", "附件1列21")
    )
    assert code(template("标题", "文号")) == "document.template_field_missing 模板缺少域：核验码"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (field("INCLUDETEXT \\\\host\\a.docx"), "域 INCLUDETEXT"),
        (field("DDEAUTO c:\\\\x"), "域 DDEAUTO"),
        (field("MACROBUTTON Go"), "域 MACROBUTTON"),
    ],
)
def test_a_field_that_does_more_than_fill_in_is_refused(more: str, named: str) -> None:
    assert named in code(template("文号", "核验码", more=more))


def test_a_part_is_read_whatever_it_is_called() -> None:
    made = io.BytesIO(template("文号", "核验码"))
    with zipfile.ZipFile(made, "a") as package:
        package.writestr("word/header1.bin", f'\ufeff<w:hdr xmlns:w="{W}"><w:p>{field("DDEAUTO x")}</w:p></w:hdr>')
    assert "域 DDEAUTO" in code(made.getvalue())


def test_a_link_to_something_outside_a_doctype_and_what_is_no_docx_are_refused() -> None:
    assert "外部链接 http://evil/t.dotm" in code(template("文号", "核验码", link="http://evil/t.dotm"))
    assert "DTD" in code(template("文号", "核验码", doctype='<!DOCTYPE x [<!ENTITY a "b">]>'))
    assert "document.template_unreadable" in code(b"PK\x03\x04 nothing")
    assert "document.template_too_large" in code(b"x" * 2_000_001)


def test_a_template_that_no_letter_can_be_merged_into_is_refused_at_its_upload() -> None:
    assert "document.template_unreadable 模板套不进公文" in code(template("文号", "核验码", settings=False))


def test_a_letter_that_no_docx_can_hold_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="模板套不进公文"):
        merge_docx(template("标题", "文号", "核验码"), replace(LETTER, title="甲\x0b乙"), IMPRINT)


@pytest.mark.parametrize("stated", [None, 10])
def test_a_template_that_unpacks_to_more_than_may_be_is_refused_whatever_size_it_states(stated: int | None) -> None:
    made = io.BytesIO(template("文号", "核验码"))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/media/image1.bin", b"\0" * 20_000_000)
        if stated is not None:
            package.getinfo("word/media/image1.bin").file_size = stated
    assert "document.template_too_large 模板解开后超过 20 MB" in code(made.getvalue())

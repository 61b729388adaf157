"""A refusal on a page: its sentence in the reader's language, and its code for those who read English."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

import huisuan.portal
from huisuan.base.errors import InvalidRequest
from huisuan.law.model import InvalidValue
from huisuan.portal.ui.refusals import refusal_html, refusal_lines, refusal_plain_text
from support.portal import World

UNKNOWN = InvalidRequest("没有这样的<b>句子</b>", code="test.no_such_sentence")
#: what is raised with a code; the words of a plain ValueError are the page's own
KINDS = {"Refused", "LawError", "HuisuanError", "InvalidRequest", "NotAllowed", "NotFound", "Conflict", "Unavailable"}


def test_a_chinese_page_shows_the_sentence_alone() -> None:
    with translation.override("zh-hans"):
        assert refusal_html(UNKNOWN) == "没有这样的&lt;b&gt;句子&lt;/b&gt;"
        assert refusal_plain_text(UNKNOWN) == str(UNKNOWN)


def test_an_english_page_marks_what_is_not_translated_as_chinese_and_adds_the_code() -> None:
    with translation.override("en"):
        assert refusal_html(UNKNOWN) == (
            '<span lang="zh-hans">没有这样的&lt;b&gt;句子&lt;/b&gt;</span>'
            ' <code class="small quiet">test.no_such_sentence</code>'
        )
        assert refusal_plain_text(UNKNOWN) == f"{UNKNOWN} (test.no_such_sentence)"


def test_an_error_without_a_code_shows_none() -> None:
    with translation.override("en"):
        assert "<code" not in refusal_html(InvalidValue("应为日期"))


def test_a_refusal_of_several_lines_has_its_code_once() -> None:
    several = InvalidRequest("一\n二", code="job_file.invalid")
    with translation.override("en"):
        assert [line.count("job_file.invalid") for line in refusal_lines(several)] == [0, 1]
    with translation.override("zh-hans"):
        assert refusal_lines(several) == ["一", "二"]


@pytest.mark.django_db
def test_a_page_and_the_message_after_a_redirect_carry_the_code_in_english_only(world: World) -> None:
    for language, carries in (("en", True), ("zh-hans", False)):
        browser = world.browser("alpha", language)
        page = browser.post(reverse("new-token"), {"label": "", "scope": "everything", "days": "5"})
        assert ('<code class="small quiet">token.' in page.content.decode()) is carries
        whole = reverse("cancel-array", args=[world.jobs["alpha"].uid])
        page = browser.post(whole, follow=True)
        assert ('<code class="small quiet">job.' in page.content.decode()) is carries


def test_no_page_shows_the_bare_words_of_a_refusal() -> None:
    folder = Path(huisuan.portal.__file__).parent
    bare = []
    for path in sorted(folder.rglob("*.py")):
        for handler in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or not handler.name or handler.type is None:
                continue
            if not KINDS & {name.id for name in ast.walk(handler.type) if isinstance(name, ast.Name)}:
                continue
            bare += [
                f"{path.relative_to(folder)}:{call.lineno}"
                for call in ast.walk(handler)
                if isinstance(call, ast.Call) and ast.unparse(call) == f"str({handler.name})"
            ]
    assert bare == []

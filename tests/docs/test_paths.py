"""Every file that a page names is there, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
PATH = re.compile(r"`((?:src|tests|docs|policies|bench|setup|deploy)/[\w./*-]+)`")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
ANCHOR = re.compile(r"\]\(#([^)\s]+)\)")
#: a page about what was, with names of that day
HISTORY = {"docs/decisions/024-the-house-rebuilt.md", "CHANGELOG.md"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set() if name_of(page) in HISTORY else set(PATH.findall(text))
    assert not sorted(path for path in named if not list(ROOT.glob(path.rstrip("/"))))
    assert not sorted(link for link in LINK.findall(text) if not (page.parent / link).exists())


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages - {link.split("/")[-1] for link in LINK.findall(index)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_a_page_has_its_heading(page: Path) -> None:
    text = page.read_text("utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    assert not [anchor for anchor in ANCHOR.findall(text) if anchor not in headings]

"""Page templates lie beside what they show: in a folder named like the subject's folder of Python, and each is used."""

from __future__ import annotations

import re
from pathlib import Path

from support.source_tree import ROOT, modules

TEMPLATES = ROOT / "portal" / "templates"
#: Django looks for these by their names
ERROR_PAGES = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}
NAME = re.compile(r"[\"'](portal/[\w/]+\.html)[\"']")


def template_names() -> set[str]:
    """Every template as Django loads it: portal/jobs/jobs.html."""
    return {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}


def used_templates() -> set[str]:
    """Every template that a page renders, or that another one extends or includes."""
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")]
    return {name for text in [*texts, *(module.source for module in modules())] for name in NAME.findall(text)}


def test_each_folder_of_templates_is_a_subject_of_the_portal() -> None:
    folders = {Path(name).parent.name for name in template_names() if name.count("/") == 2}
    assert folders <= {path.name for path in (ROOT / "portal").iterdir() if (path / "__init__.py").is_file()}


def test_each_template_exists_and_is_used() -> None:
    assert used_templates() == template_names() - ERROR_PAGES

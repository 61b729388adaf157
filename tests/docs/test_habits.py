"""What CONTRIBUTING tells people to run is there: targets of make, hooks that download nothing, editor settings."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import huisuan

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def test_every_target_that_a_page_names_is_one_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        named = {*re.findall(r"`make ([a-z]+)", text), *re.findall(r"^make ([a-z]+)", text, re.MULTILINE)}
        assert named <= targets, page
    assert targets - {"help", "pure"} <= set(re.findall(r"make ([a-z]+)", makefile.split("\ndemo:")[0]))


def test_hooks_are_local_and_run_what_make_installed() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert all((ROOT / hook["entry"].split()[0]).exists() for hook in hooks)


def test_the_changelog_begins_with_what_is_unreleased_and_names_this_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert huisuan.__version__ in headings

"""The policy that the how-to writes from nothing stands as it is printed, and no alteration of it goes unnoticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from huisuan.law.cases.mutants import try_mutants
from huisuan.law.cases.policy_check import check_policy
from huisuan.law.cases.runner import load_policy_cases
from huisuan.law.policy.load import load_folder
from support.command_tree import invoke
from support.manual import ROOT

_FILE = re.compile(r"^`([\w./]+)`：[^\n]*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page's last section, as they stand there."""
    _, _, section = (ROOT / "docs/writing-policy.md").read_text("utf-8").partition("## 从零写一个")
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path))
    place = tmp_path / "research-support-2026"
    for name, content in _FILE.findall(section):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content, encoding="utf-8")
    return place


def test_the_printed_policy_stands_and_every_alteration_is_noticed(folder: Path) -> None:
    policy = load_folder(folder)
    assert [f"{each.place}: {each.what}" for each in check_policy(policy).findings] == []
    report = try_mutants(policy, load_policy_cases(policy))
    assert (report.tried > 10, [found.text for found in report.unnoticed]) == (True, [])


def test_an_item_of_the_list_that_no_condition_cites_is_named(folder: Path) -> None:
    article = folder / "a01_research.py"
    lines = article.read_text("utf-8").splitlines(keepends=True)
    article.write_text("".join(each for each in lines if "opposite(firm.forged)" not in each), encoding="utf-8")
    told = [each.what for each in check_policy(load_folder(folder)).findings]
    assert any("列有“提供虚假材料的”，没有规则引用" in what for what in told)


def test_the_command_says_so_too(folder: Path) -> None:
    result = invoke("policy", "check", str(folder), "--mutants")
    assert result.exit_code == 0, result.output

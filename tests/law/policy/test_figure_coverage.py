"""Every figure of the text is met by a rule of its value and direction, or the article says why not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.law.cases.policy_check import check_policy
from huisuan.law.model.errors import LawError
from huisuan.law.policy.figure_coverage import unmet_figures
from huisuan.law.policy.load import list_policies, load_folder, load_policy

Changed = Callable[..., Path]


@pytest.mark.parametrize("name", list_policies())
def test_the_shipped_policies_leave_no_figure_unmet(name: str) -> None:
    assert unmet_figures(load_folder(load_policy(name).folder)) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence", "what"),
    [
        (
            "a01_compute_centres.py", "return added >= legal_int", "return added <= legal_int", "1.2",
            "“400”（不低于）：规则里用作“不超过”，方向不同",
        ),
        (
            "a08_attracting_firms.py", "return payable(raised_and_capped(award, project.city, project.county, cap, "
            '"8.2", "最高1000万元"))', "return payable(award)", "8.2", "“1000万元”（不超过）：没有规则用到",
        ),
        (
            "a09_parks.py", "park.agi_firms > legal_share", "park.agi_firms >= legal_share", "9.1",
            "“60%”（超过）：规则里用作“不低于”，方向不同",
        ),
        ("text.md", "可上浮20%。", "可上浮20%，最高500万元。", "0.2", "“500万元”（不超过）：没有规则用到"),
        ("text.md", "可上浮20%。", "可上浮20%，届满评估。", "0.2", "“届满”后没有数"),
    ],
)  # fmt: skip
def test_a_figure_that_no_rule_meets_is_a_finding(
    changed: Changed, file: str, before: str, after: str, sentence: str, what: str
) -> None:
    policy = load_folder(changed(file, before, after))
    [found] = [unmet for unmet in unmet_figures(policy) if unmet.sentence == sentence]
    assert found.what.startswith(what)


_ENOUGH = 'return added >= legal_int(400, "1.2", "400P以上")'
_OPPOSITE = "from huisuan.law import opposite\n\n    "


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("opposite(added < {400})", []),
        ("opposite(opposite(added >= {400}))", []),
        ("opposite(added >= {400})", ["“400”（不低于）：规则里用作“不满”，方向不同；请核对比较或上限"]),
        ("opposite({400} > added)", []),
        ("opposite({400} >= added)", ["“400”（不低于）：规则里用作“超过”，方向不同；请核对比较或上限"]),
    ],
)
def test_a_comparison_that_is_denied_is_used_as_its_opposite(changed: Changed, written: str, found: list[str]) -> None:
    now = f"{_OPPOSITE}return " + written.replace("{400}", 'legal_int(400, "1.2", "400P以上")')
    policy = load_folder(changed("a01_compute_centres.py", _ENOUGH, now))
    assert [unmet.what for unmet in unmet_figures(policy) if unmet.sentence == "1.2"] == found


def test_a_figure_that_is_part_of_another_is_not_in_the_text(changed: Changed) -> None:
    folder = changed("a01_compute_centres.py", 'legal_int(400, "1.2"', 'legal_int(40, "1.2"')
    with pytest.raises(LawError, match="数字 40 不在引文“400P以上”中"):
        load_folder(folder)


def test_a_day_of_another_month_is_not_in_the_text(changed: Changed) -> None:
    folder = changed("a01_compute_centres.py", "legal_day(date(2024, 12, 31)", "legal_day(date(2024, 6, 30)")
    with pytest.raises(LawError, match="数字 2024-06-30 不在引文“2024年底前”中"):
        load_folder(folder)


@pytest.mark.slow
def test_the_days_at_the_head_of_the_text_are_those_of_the_policy(changed: Changed) -> None:
    policy = load_folder(changed("text.md", "- 印发日期: 2023-10-12", "- 印发日期: 2023-10-21"))
    [finding] = [finding for finding in check_policy(policy).findings if finding.place == "policy.toml"]
    assert finding.what == "issued 是 2023-10-12，而 text.md 写“印发日期: 2023-10-21”；请与原文核对"


def test_a_sentence_that_only_a_cap_cites_is_accounted_for_by_its_rule(tmp_path: Path) -> None:
    folder = tmp_path / "wuhu"
    shutil.copytree(load_policy("wuhu-compute-2025").folder, folder)
    article = folder / "a01_compute_and_data.py"
    text = article.read_text("utf-8")
    start = text.index('article.procedure(\n    "w.3"')
    article.write_text(text[:start] + text[text.index("article.declares(") :], "utf-8")
    assert check_policy(load_folder(folder)).open_sentences == ()

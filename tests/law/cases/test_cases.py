"""The worked cases of every policy, as a lawyer wrote them, and what is said of a case that does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from huisuan.law.cases.case_file import Case, load_cases
from huisuan.law.cases.coverage_gaps import CoverageGap, find_gaps
from huisuan.law.cases.runner import load_policy_cases, run_case
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import RuleKind
from huisuan.law.policy.load import list_policies, load_folder, load_policy
from huisuan.law.policy.policy import Policy

POLICIES = [load_folder(load_policy(name).folder) for name in list_policies()]
ANHUI = load_folder(load_policy("anhui-agi-2023").folder)
EVERY_CASE = [
    pytest.param(policy, case, id=f"{case.subject} {case.title}")
    for policy in POLICIES
    for case in load_policy_cases(policy)
]


@pytest.mark.parametrize(("policy", "case"), EVERY_CASE)
def test_case(policy: Policy, case: Case) -> None:
    outcome = run_case(policy, case)
    assert outcome.wrong == ""
    assert outcome.differences == ()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_no_answer_no_condition_no_limit_and_no_option_is_left_untried(policy: Policy) -> None:
    assert find_gaps(policy, load_policy_cases(policy)) == []


def test_an_option_that_no_case_chooses_is_missed() -> None:
    cases = [case for case in load_policy_cases(ANHUI) if "0.2.cap" not in case.interpretations]
    assert [gap.what for gap in find_gaps(ANHUI, cases) if "0.2.cap" in gap.what] == [
        "没有一个算例选 beyond；请写一个 interpretations: {0.2.cap: beyond} 的"
    ]


def test_fewer_than_five_cases_are_too_few() -> None:
    few = [case for case in load_policy_cases(ANHUI) if case.subject == "4.1.cities"][:4]
    cases = [case for case in load_policy_cases(ANHUI) if case.subject != "4.1.cities"] + few
    assert CoverageGap("4.1.cities", "有 4 个算例；至少要 5 个") in find_gaps(ANHUI, cases)


def written(place: Path, text: str, name: str = "2.2.yaml") -> Path:
    path = place / "cases" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def only(place: Path, text: str, name: str = "2.2.yaml") -> Case:
    (case,) = load_cases(written(place, text, name))
    return case


USE = "facts: {in_anhui: true, kind: enterprise, spend: 100 元, self_use: 0 元}"


@pytest.mark.parametrize(
    ("changed", "what", "expected", "got"),
    [
        ("answer: eligible\n  amount: 20.01", "金额", "20.01 元", "20.00 元"),
        ("answer: eligible", "金额", "无金额", "20.00 元"),
        ("answer: missing_facts\n  amount: 20", "答案", "缺少事实", "应享"),
        ('answer: eligible\n  amount: 20\n  reasons: ["capped@2.2"]', "理由", "capped@2.2", "无"),
        ("answer: eligible\n  amount: 20\n  nearest: {spend: 5 元}", "最近的符合条件的情形", "spend: 500", "无"),
    ],
)
def test_a_case_that_says_otherwise_is_told_with_both(
    tmp_path: Path, changed: str, what: str, expected: str, got: str
) -> None:
    outcome = run_case(ANHUI, only(tmp_path, f"- case: 试\n  {USE}\n  {changed}\n"))
    assert not outcome.holds
    found = outcome.differences[0]
    assert (found.what, found.expected, found.got) == (what, expected, got)


def test_shares_that_are_written_otherwise_are_told_by_name(tmp_path: Path) -> None:
    text = (
        "- case: 试\n  budget: 1 元\n  rows: {甲: {sales: 1 元, subsidised: 1 元, vendors: 1}}\n  amounts: {甲: 0.99}\n"
    )
    (found,) = run_case(ANHUI, only(tmp_path, text, "4.1.cities.yaml")).differences
    assert (found.expected, found.got) == ("甲 0.99 元", "甲 1.00 元")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"- case: 试\n  {USE}\n  answer: eligble\n", "cases/2.2.yaml 行 1：answer 应为 eligible"),
        ("\n- case: 试\n  facts: {spend: 100}\n  answer: eligible\n", "行 2：spend（算力总支出）是金额，请写单位"),
        ("- case: 试\n  facts: {spend: 0.001 元}\n  answer: eligible\n", "“0.001 元”不是整数分"),
        ("- case: 试\n  facts: {spent: 1 元}\n  answer: eligible\n", "spent：没有这个事实；是不是 spend？"),
        ('- case: 试\n  settings: {"2.2.rate": "21%"}\n  facts: {}\n  answer: eligible\n', "21% 超过法定上限 20%"),
        ('- case: 试\n  interpretations: {"2.2.vat": no}\n  facts: {}\n  answer: eligible\n', "没有选项 False"),
        ("- case: 试\n  rows: {}\n  amounts: {}\n", "关于 2.2 的算例应写 facts，不是 rows"),
        ("- case: 试\n  facts: {kind: 0400}\n  answer: eligible\n", "“0400”不在选项中"),
    ],
)
def test_a_case_that_cannot_be_asked_says_where_and_why(tmp_path: Path, text: str, message: str) -> None:
    outcome = run_case(ANHUI, only(tmp_path, text))
    assert not outcome.holds
    assert message in outcome.wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- case: 试\n  facts: {kind: a, kind: b}\n", "cases/2.2.yaml 行 2：不是算例的写法（kind 写了两次）"),
        ("- case: 试\n facts: {}\n", "cases/2.2.yaml 行 2：不是算例的写法"),
        ("case: 试\n", "行 1：应为一列算例"),
        ("- facts: {}\n", "行 1：算例应以“- case: 标题”开头"),
        ("- case: 试\n  fact: {}\n", "行 1：不认识 fact；是不是 facts？"),
        ("- case: 试\n  facts: {}\n", "行 1：没有写应当得到什么"),
        ("- case: 试\n  facts: {}\n  rows: {}\n  answer: eligible\n", "其中之一"),
        ("- case: 试\n  facts: {}\n  day: 2024\n  answer: eligible\n", "day 应为日期"),
    ],
)
def test_a_file_that_is_no_list_of_cases_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LawError) as refusal:
        load_cases(written(tmp_path, text))
    assert message in str(refusal.value)


def test_a_file_that_nothing_is_named_by_is_refused(changed: Any) -> None:
    folder = changed("policy.toml", "issuer", "issuer")
    (folder / "cases" / "2.2.yaml").rename(folder / "cases" / "2.3.yaml")
    with pytest.raises(LawError, match=r"cases/2\.3\.yaml：没有规则、分配或叠加“2\.3”"):
        load_policy_cases(load_folder(folder))


def test_cases_see_the_folder_alone_not_what_was_adopted_since(
    changed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = tmp_path / "later" / "anhui-agi-2023"
    later.mkdir(parents=True)
    (later / "2023.toml").write_text(
        'authority = "省专班"\nvalid_from = 2023-10-12\nknown_from = 2023-12-01\n[settings]\n"2.2.rate" = "1%"\n'
    )
    monkeypatch.setenv("HUISUAN_SETTINGS", str(later.parent))
    assert load_policy("anhui-agi-2023").digest != ANHUI.digest
    policy = load_folder(ANHUI.folder)
    cases = [case for case in load_policy_cases(policy) if case.subject == "2.2"]
    assert cases
    assert all(run_case(policy, case).holds for case in cases)


def test_a_rule_that_is_changed_breaks_the_cases_at_its_edges(changed: Any) -> None:
    folder = changed("a01_compute_centres.py", "return added >= legal_int", "return added > legal_int")
    policy = load_folder(folder)
    cases = [case for case in load_policy_cases(policy) if case.subject in ("1.2", "2.2")]
    wrong = [case for case in cases if not run_case(policy, case).holds]
    assert "合肥的 " in {case.title[:4] for case in wrong}
    assert {case.subject for case in wrong} == {"1.2"}


def test_the_kinds_of_rules_are_all_among_the_cases() -> None:
    assert {ANHUI.rule(case.subject).kind for case in load_policy_cases(ANHUI) if case.kind == "facts"} == set(RuleKind)

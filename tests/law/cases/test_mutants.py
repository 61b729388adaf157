"""Every condition, cap, rate and comparison of the shipped policies is held by a case: altered, it is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from huisuan.law.cases.alterations import Alteration, alter_tree
from huisuan.law.cases.case_file import Case
from huisuan.law.cases.mutants import try_mutants
from huisuan.law.cases.runner import load_policy_cases
from huisuan.law.cli.policy_commands import app
from huisuan.law.model import expressions as nodes
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import list_policies, load_folder, load_policy
from huisuan.law.policy.policy import Policy

POLICIES = [load_folder(load_policy(name).folder) for name in list_policies()]
ANHUI = load_folder(load_policy("anhui-agi-2023").folder)
GROUND = Alteration("", "1.2", "原文")
TEN = nodes.Const(10, ValueKind.INT)
PRESENT = nodes.Compare(">=", TEN, nodes.Const(9, ValueKind.INT))


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_no_alteration_of_a_shipped_policy_goes_unnoticed(policy: Policy) -> None:
    report = try_mutants(policy, load_policy_cases(policy))
    assert report.tried > 20
    assert [found.text for found in report.unnoticed] == []


def without(policy: Policy, *rules: str) -> Policy:
    """The policy with these rules alone: the others take time."""
    kept = tuple(rule for rule in policy.rules if rule.key in rules)
    return replace(policy, rules=kept, allotments=(), stackings=())


LARGE = ("added_p", "added_p_sparse", "added_p_fp32")


def test_an_edge_that_no_case_tries_is_named() -> None:
    beyond = [
        replace(
            case,
            given={name: 401 if name in LARGE and said == 400 else said for name, said in case.given.items()},
            expected={key: value for key, value in case.expected.items() if key != "nearest"},
        )
        for case in load_policy_cases(ANHUI)
    ]
    found = [entry.alteration for entry in try_mutants(without(ANHUI, "1.2"), beyond).unnoticed]
    assert {(altered.what, altered.sentence) for altered in found} == {(">= 改为 >", "1.2"), ("400改为401", "1.2")}
    assert any("400P以上" in altered.phrase for altered in found)


def test_without_cases_every_alteration_goes_unnoticed() -> None:
    report = try_mutants(without(ANHUI, "8.2"), [])
    assert report.tried == len(report.unnoticed) > 10


def test_the_place_of_a_policy_among_others_that_pay_for_the_same_is_held_by_a_case() -> None:
    wuhu = load_folder(load_policy("wuhu-compute-2025").folder)
    # the order alone: without the rule's own cases, what else goes unnoticed is not of interest here
    small = replace(wuhu, rules=tuple(rule for rule in wuhu.rules if rule.key == "w.2"), shared_caps=())
    cases = [case for case in load_policy_cases(wuhu) if case.subject == "compute-spend"]
    by_itself = [case for case in cases if "anhui-agi-2023/2.2" not in case.given]
    moved = ("compute-spend", "级别改为 nation，排到最先", "w.2")

    def unnoticed(tried: list[Case]) -> list[tuple[str, str, str]]:
        found = try_mutants(small, tried).unnoticed
        return [(entry.subject, entry.alteration.what, entry.alteration.sentence) for entry in found]

    assert moved in unnoticed(by_itself)
    assert moved not in unnoticed(cases)


def test_a_case_that_states_an_interpretation_notices_that_what_it_was_about_is_gone() -> None:
    written = [case for case in load_policy_cases(ANHUI) if case.subject == "2.2" and not case.settings]
    stated = [replace(case, interpretations=_options(case)) for case in written]
    found = try_mutants(without(ANHUI, "2.2"), stated)
    assert [entry.text for entry in found.unnoticed] == []


def _options(case: Case) -> dict[str, str]:
    """All that 2.2 leaves open, as shipped, where the case supposes nothing else."""
    specs = without(ANHUI, "2.2").interpretation_specs()
    shipped = {each.name: str(each.value) for each in ANHUI.settings.adopted if each.name in specs}
    return shipped | dict(case.interpretations)


def test_a_case_that_cannot_be_asked_notices_nothing() -> None:
    [case, *_] = [case for case in load_policy_cases(ANHUI) if case.subject == "8.2"]
    report = try_mutants(without(ANHUI, "8.2"), [replace(case, given={"unknown": 1})])
    assert report.tried == len(report.unnoticed)


@pytest.mark.parametrize(
    ("node", "what"),
    [
        (nodes.Const(100, ValueKind.MONEY), ["100改为99", "100改为101"]),
        (nodes.Const(Fraction(1, 5), ValueKind.SHARE), ["20%改为18%", "20%改为2/9"]),
        (nodes.Const(date(2024, 1, 1), ValueKind.DATE), ["2024-01-01改为2023-12-31", "2024-01-01改为2024-01-02"]),
        (nodes.Const(value=True, kind=ValueKind.BOOL), ["是改为否"]),
        (nodes.Not(nodes.Const(value=True, kind=ValueKind.BOOL)), ["去掉“不”", "是改为否"]),
        (nodes.Rounded(nodes.Const(1, ValueKind.CHOICE), 100), ["取整到元与到分对调", "去尾与四舍五入对调"]),
        (nodes.Cap(nodes.Const("a", ValueKind.TEXT), nodes.Const("b", ValueKind.TEXT)), ["去掉上限", "总按上限"]),
        (
            nodes.Among(nodes.Const("a", ValueKind.CHOICE), nodes.Const(("a", "b"), ValueKind.CHOICE)),
            ["属于改为不属于", "名单里少了 a", "名单里少了 b"],
        ),
    ],
)
def test_each_kind_of_node_is_altered_in_its_own_ways(node: nodes.Node, what: list[str]) -> None:
    assert [alteration.what for alteration, _ in alter_tree(node, GROUND)] == what


def test_what_stands_twice_is_altered_in_both_places() -> None:
    tree = nodes.All((PRESENT, nodes.Not(PRESENT)))
    (changed,) = (node for alteration, node in alter_tree(tree, GROUND) if alteration.what == ">= 改为 >")
    above = replace(PRESENT, op=">")
    assert changed == nodes.All((above, nodes.Not(above)))


def test_equal_figures_of_two_phrases_are_altered_one_by_one() -> None:
    first, second = (nodes.Cited(TEN, "1.2", phrase, ValueKind.INT) for phrase in ("甲", "乙"))
    found = [alteration for alteration, _ in alter_tree(nodes.Sum((first, second)), GROUND)]
    assert {(alteration.what, alteration.phrase) for alteration in found if "10改为" in alteration.what} == {
        (what, phrase) for what in ("10改为9", "10改为11") for phrase in ("甲", "乙")
    }


def test_the_command_lists_them_and_fails_where_one_goes_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = CliRunner().invoke(app, ["check", "wuhu-compute-2025", "--mutants", "--json"])
    assert (ran.exit_code, json.loads(ran.stdout)["mutants"]["unnoticed"]) == (0, [])
    monkeypatch.setattr("huisuan.law.cli.policy_commands.load_policy_cases", lambda policy: ())
    ran = CliRunner().invoke(app, ["check", "wuhu-compute-2025", "--mutants"])
    assert ran.exit_code == 1
    assert "没有算例察觉的改动" in ran.stdout

"""Claims as people really enter them: split over two contracts, entered twice, of a user whom no list names."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huisuan.law.cases.policy_check import check_policy
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.policy.load import load_folder, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario, setting_declarations
from huisuan.law.sql.claims_file import claims_file

ANHUI = load_folder(load_policy("anhui-agi-2023").folder)
WUHU = load_folder(load_policy("wuhu-compute-2025").folder)
DAY, KNOWN = date(2025, 6, 30), date(2026, 6, 1)
CLAIMS = "claimant,claim,enterprise,compliant,purchases,contract,paid_on"


def decided(place: Path, *rows: str) -> list[tuple[str, str, str]]:
    """By claim its amount (yuan) and reasons, of a file of data vouchers: all of the purchase, at most 500,000."""
    source, target = place / "claims.csv", place / "decided.csv"
    source.write_text("\n".join([CLAIMS, *rows, ""]), encoding="utf-8")
    claims_file(WUHU, [WUHU.rule("w.4")], [], source, target, on=DAY, as_known=KNOWN)
    with target.open(encoding="utf-8-sig", newline="") as file:
        return [(row["claim"], row["amount_fen"], row["reasons"]) for row in csv.DictReader(file)]


def purchase(claim: str, contract: str, fen: int = 160_000_000, day: str = "2025-03-01") -> str:
    return f"甲公司,{claim},true,true,{fen},{contract},{day}"


def test_two_contracts_of_one_user_come_to_one_cap_in_whatever_order_they_are_entered(tmp_path: Path) -> None:
    rows = [purchase("一", "HT-A", 30_000_000), purchase("二", "HT-B", 30_000_000, "2025-03-02")]
    expected = {("一", "30000000", ""), ("二", "20000000", "capped@w.4")}
    found, turned = decided(tmp_path, *rows), decided(tmp_path, *reversed(rows))
    assert sum(int(amount) for _, amount, _ in found) == 50_000_000
    assert {(name, amount) for name, amount, _ in found} == {(name, amount) for name, amount, _ in expected}
    assert sorted(found) == sorted(turned)


def test_the_same_contract_twice_is_paid_once_and_the_second_says_which_it_repeats(tmp_path: Path) -> None:
    first, second = decided(tmp_path, purchase("一", "HT-A", 10_000_000), purchase("二", "HT-A", 10_000_000))
    assert (first[1], second[1]) == ("10000000", "0")
    assert second[2] == "repeats:一@w.4"


def supposed(option: str) -> Policy:
    declared = setting_declarations(ANHUI)
    (name,) = [spec.name for spec in ANHUI.rule("2.2").interpretations() if "open" in spec.options]
    return apply_scenario(ANHUI, Scenario("试", {name: declared.parse_option(name, option, "")}))


def of_hospital(policy: Policy, **others: Any) -> tuple[str, int | None]:
    rule = policy.rule("2.2")
    facts = {"in_anhui": True, "kind": "other", "spend": 1_000_000, "self_use": 0, **others}
    found = explain(policy, rule, parse_facts(rule, facts), on=date(2024, 12, 31), as_known=KNOWN)
    return found.status.value, found.amount_fen


def test_a_hospital_in_the_province_is_an_open_question_with_options_an_authority_and_an_answer_for_each() -> None:
    (question,) = [spec for spec in ANHUI.rule("2.2").interpretations() if "open" in spec.options]
    assert tuple(question.options) == ("closed", "open")
    adopted = ANHUI.adopted(date(2024, 12, 31), KNOWN)[question.name]
    assert (adopted.value, bool(adopted.authority)) == ("closed", True)
    assert of_hospital(ANHUI) == ("not_eligible", 0)
    (alike,) = {spec.name for spec in ANHUI.rule("2.2").facts} - {"in_anhui", "kind", "spend", "self_use"}
    opened = supposed("open")
    assert of_hospital(opened)[0] == "missing_facts", "whether it is alike is asked, not taken for no"
    assert of_hospital(opened, **{alike: True}) == ("eligible", 200_000)
    assert of_hospital(opened, **{alike: False}) == ("not_eligible", 0)


TEXT = """# 试验政策

## 一、总则

### 第1条 补助

- [1.1] 对企业、高校、科研院所等使用算力的，按费用的20%补助。
"""
ABOUT = 'issuer = "某市"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, boolean, choice, legal_share, money, open_list

article = Article("1")
QUESTION


class Use(Facts):
    kind = choice("类别", "Kind", {"enterprise": ("企业", "enterprise"), "university": ("高校", "university"),
                  "institute": ("科研院所", "institute"), "other": ("其他", "other")}, asked_by="1.1")
    alike = boolean("经认定同类", "Found alike", asked_by="1.1")
    cost = money("费用", "Cost", maximum="1亿元", asked_by="1.1")


@article.pays("1.1", "按费用的20%补助", to="单位", to_en="users", title="补助", title_en="Support")
def support(use: Use) -> Money:
    CONDITION.required("1.1", "企业、高校、科研院所等")
    return (legal_share("20%", "1.1", "按费用的20%补助") * use.cost).rounded_down("fen")
"""
NAMED = 'use.kind.among("enterprise", "university", "institute")'
OPEN = (
    'others = open_list("1.1.others", "等", "and the like", finder="某市", finder_en="the city", sentence="1.1",\n'
    '                   phrase="企业、高校、科研院所等")'
)


@pytest.mark.parametrize("asks", [False, True])
def test_a_list_that_never_ends_is_named_by_the_check_until_somebody_is_asked_about_it(
    tmp_path: Path, asks: bool
) -> None:
    folder = tmp_path / "endless"
    folder.mkdir()
    condition = f"others.covers({NAMED}, use.alike)" if asks else NAMED
    article = ARTICLE.replace("QUESTION", OPEN if asks else "").replace("CONDITION", condition)
    for name, content in {"text.md": TEXT, "policy.toml": ABOUT, "a01_support.py": article}.items():
        (folder / name).write_text(content, encoding="utf-8")
    told = [each.place for each in check_policy(load_folder(folder)).findings if "以“等”结尾" in each.what]
    assert told == ([] if asks else ["第 1.1 句"])

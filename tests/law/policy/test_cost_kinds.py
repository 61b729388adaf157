"""Which kinds of cost count is said by the list that names them: the same in every reading, and no item is left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from huisuan.law.cases.policy_check import check_policy
from huisuan.law.explain import assess_rule
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.policy import PolicyRule
from huisuan.law.policy.list_items import uncited_items
from huisuan.law.policy.load import list_policies, load_folder, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import answer_query

TEXT = """# 试验费用种类

### 第1条 补助

- [1.1] 对企业算力费用的50%给予补助。
- [1.2] 下列费用不计入算力费用：（一）存储费；（二）带宽费；（三）软件许可费。
- [1.3] 对研发给予补助，可计入的费用：1.材料费；2.测试费。
"""
ABOUT = 'issuer = "某市"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, counting_costs, excluding_costs, legal_share, money

article = Article("1")


class Used(Facts):
    spend = money("算力费用", "Spend", maximum="1亿元", asked_by="1.1")
    storage = money("存储费", "Storage", maximum="1亿元", asked_by="1.2")
    network = money("带宽费", "Network", maximum="1亿元", asked_by="1.2")
    licences = money("软件许可费", "Licences", maximum="1亿元", asked_by="1.2")


@article.pays("1.1", "给予补助", to="企业", to_en="firms", title="算力", title_en="Compute")
def support(used: Used) -> Money:
    counted = excluding_costs(used.spend, "1.2", EXCLUDED)
    return (legal_share("50%", "1.1", "50%") * counted).rounded_down("fen")


class Researched(Facts):
    materials = money("材料费", "Materials", maximum="1亿元", asked_by="1.3")
    tests = money("测试费", "Tests", maximum="1亿元", asked_by="1.3")


@article.pays("1.3", "对研发给予补助", to="企业", to_en="firms", title="研发", title_en="Research")
def research(done: Researched) -> Money:
    return counting_costs("1.3", done.materials, done.tests).rounded_down("fen")
"""
DAY = date(2025, 1, 1)
ALL = "used.storage, used.network, used.licences"


def policy(place: Path, excluded: str = ALL) -> Policy:
    folder = place / "costs-2024"
    folder.mkdir()
    files = {"text.md": TEXT, "policy.toml": ABOUT, "a01_support.py": ARTICLE.replace("EXCLUDED", excluded)}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)


@pytest.mark.parametrize(
    ("key", "facts", "amount"),
    [
        ("1.1", {"spend": 1001, "storage": 100, "network": 200, "licences": 0}, 350),
        ("1.1", {"spend": 100, "storage": 60, "network": 60, "licences": 0}, 0),
        ("1.3", {"materials": 7, "tests": 8}, 15),
    ],
)
def test_kinds_of_cost_count_or_not_alike_in_every_reading(
    tmp_path: Path, key: str, facts: dict[str, int], amount: int
) -> None:
    law = policy(tmp_path)
    rule = law.rule(key)
    parsed = parse_facts(rule, facts)
    assert explain(law, rule, parsed, on=DAY, as_known=DAY).amount_fen == amount
    assert assess_rule(PolicyRule(law, rule), parsed, DAY, DAY).verdict.amount_fen == amount
    with duckdb.connect() as engine:
        columns = ", ".join(f'CAST({fen} AS BIGINT) AS "{name}"' for name, fen in facts.items())
        engine.execute(f"CREATE TABLE facts AS SELECT {columns}")
        query, _ = answer_query(law, rule, "facts", dict.fromkeys(facts, "BIGINT"), on=DAY, as_known=DAY)
        assert engine.execute(query.sql("duckdb")).fetchone()[:2] == ("eligible", amount)  # type: ignore[index]


def test_an_item_of_the_list_that_no_rule_cites_is_named(tmp_path: Path) -> None:
    law = policy(tmp_path, "used.storage, used.licences")
    assert [(item.sentence, item.text) for item in uncited_items(law)] == [("1.2", "带宽费")]
    assert "列有“带宽费”" in "；".join(finding.what for finding in check_policy(law).findings)


def test_a_cost_that_the_list_does_not_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"算力费用|1\.2"):
        policy(tmp_path, "used.storage, used.spend.less(used.network)")


@pytest.mark.parametrize("name", list_policies())
def test_no_item_of_a_shipped_policy_is_left_out(name: str) -> None:
    assert uncited_items(load_policy(name)) == []

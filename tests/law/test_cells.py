"""A cell is read alike in a form (explain) and in a file (SQL); shown on a policy of its own, in its own folder."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from huisuan.law.explain import explain, read_facts
from huisuan.law.policy import Policy, load_folder
from huisuan.law.table import compute_file
from huisuan.law.text import LawError

TEXT = """# 试验政策

## 一、总则

### 第1条 补助

- [1.1] 对2024年底前完成的项目，按其占比补助。
"""
ABOUT = 'issuer = "某市"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2024-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, date, day, legal_day, money, share

article = Article("1")


class Project(Facts):
    finished = day("完成日期", "Finished on", asked_by="1.1")
    part = share("占比", "Part", asked_by="1.1")
    cost = money("费用", "Cost", maximum="1000万元", asked_by="1.1")


@article.pays("1.1", "按其占比补助", to="项目", to_en="projects", title="补助", title_en="Support")
def support(project: Project) -> Money:
    in_time = project.finished <= legal_day(date(2024, 12, 31), "1.1", "2024年底前")
    in_time.required("1.1", "2024年底前完成的项目")
    return (project.part * project.cost).cites("1.1", "按其占比补助").rounded_down("fen")
"""
DAY = date(2024, 6, 30)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    folder = tmp_path / "trial"
    (folder / "settings").mkdir(parents=True)
    for name, content in {"text.md": TEXT, "policy.toml": ABOUT, "a01_support.py": ARTICLE}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)


def by_form(policy: Policy, finished: str, part: str) -> tuple[str, str, str]:
    """Status, amount and reasons by explanation; a cell that is refused counts as unusable."""
    rule = policy.rule("1.1")
    facts: dict[str, object] = {"cost": 10_000}
    refused = []
    for name, cell in (("finished", finished), ("part", part)):
        try:
            facts |= read_facts(rule, {name: cell})
        except LawError:
            refused.append(name)
    answer = explain(policy, rule, facts, on=DAY, as_known=DAY)  # type: ignore[arg-type]
    codes = [reason.code for reason in answer.reasons]
    for name in refused:
        codes = [f"invalid:{name}" if code == f"missing:{name}" else code for code in codes]
    return answer.status.value, "" if answer.amount_fen is None else str(answer.amount_fen), ";".join(codes)


def by_file(policy: Policy, folder: Path, finished: str, part: str) -> tuple[str, str, str]:
    source, target = folder / "in.csv", folder / "out.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("finished", "part", "cost"), (finished, part, "10000")])
    compute_file(policy, policy.rule("1.1"), source, target, on=DAY, as_known=DAY)
    (row,) = csv.DictReader(target.open(encoding="utf-8"))
    return row["status"], row["amount_fen"], row["reasons"]


@pytest.mark.parametrize(
    ("finished", "part", "amount"),
    [
        ("2024-12-31", "20%", "2000"),
        ("2024-12-31", "1/3", "3333"),
        (" 2024-12-31 ", " 12.34% ", "1234"),
        ("2024-12-31", "9999/10000", "9999"),
        ("2025-01-01", "20%", "0"),
        ("0000-01-01", "20%", ""),
        ("2024-02-30", "20%", ""),
        ("２０２４-12-31", "20%", ""),
        ("2024-12-31", "5.000%", ""),
        ("2024-12-31", "2/20000", ""),
        ("2024-12-31", "1/03", ""),
        ("2024-12-31", "１/３", ""),
        ("2024-12-31", "100000/100000", ""),
        ("2024-12-31", "0000001%", ""),
        ("2024-12-31", "101%", ""),
        ("2024-12-31", "3/2", ""),
        ("2024-12-31", "1/0", ""),
        ("2024-12-31", "0.2", ""),
    ],
)
def test_a_cell_means_the_same_in_a_form_and_in_a_file(
    policy: Policy, tmp_path: Path, finished: str, part: str, amount: str
) -> None:
    found = by_form(policy, finished, part)
    assert found == by_file(policy, tmp_path, finished, part)
    assert found[1] == amount

"""A policy of one rule with a day, a share and an amount, in its own folder: for tests of how cells are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder
from huisuan.law.policy.policy import Policy

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


def trial_policy(place: Path) -> Policy:
    """The policy, written into a folder below `place`."""
    folder = place / "trial"
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
            facts |= parse_facts(rule, {name: cell})
        except LawError:
            refused.append(name)
    answer = explain(policy, rule, facts, on=DAY, as_known=DAY)  # type: ignore[arg-type]
    codes = [reason.code for reason in answer.reasons]
    for name in refused:
        codes = [f"invalid:{name}" if code == f"missing:{name}" else code for code in codes]
    return answer.status.value, "" if answer.amount_fen is None else str(answer.amount_fen), ";".join(codes)

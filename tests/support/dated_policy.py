"""A policy of days, in its own folder: not yet three years, anniversaries of 29 February, days between, a bar."""

from __future__ import annotations

from pathlib import Path

from huisuan.law.policy.load import load_folder
from huisuan.law.policy.policy import Policy

TEXT = """# 试验期限政策

## 一、总则

### 第1条 补助

- [1.1] 对申报时成立不满3年的企业，自成立之日起每满一天补助1元；受到处罚未满2年的不予补助。
"""
ARTICLE = """
from __future__ import annotations

from huisuan.law import (
    Article, Facts, Money, anniversary, any_of, boolean, day, legal_money, opposite,
)

article = Article("1")
years = anniversary("1.1.leap", sentence="1.1", phrase="成立不满3年")


class Firm(Facts):
    founded = day("成立日期", "Founded", asked_by="1.1")
    applied = day("申报日期", "Applied", asked_by="1.1")
    punished = boolean("受到处罚", "Punished", asked_by="1.1")
    punished_on = day("处罚日期", "Punished on", asked_by="1.1")


@article.pays("1.1", "每满一天补助1元", to="企业", to_en="firms", title="补助", title_en="Support")
def support(firm: Firm) -> Money:
    young = years.after(firm.founded, 3) > firm.applied
    young.required("1.1", "申报时成立不满3年", "成立不满3年", "Not yet three years")
    served = years.before(firm.applied, 2) >= firm.punished_on
    any_of(opposite(firm.punished), served).required("1.1", "受到处罚未满2年的不予补助")
    lasted = firm.applied.minus(months=1, days=1).days_since(firm.founded)
    return (lasted * legal_money("1元", "1.1", "每满一天补助1元")).rounded_down("fen")
"""
SETTINGS = """
authority = "市政府"
document = "细则"
valid_from = 2020-01-01
known_from = 2020-01-01

[interpretations]
"1.1.leap" = "last"
"""


def dated_policy(place: Path, leap: str = "last") -> Policy:
    """The policy, written into a folder below `place`, with the option chosen for 29 February."""
    folder = place / f"dated-{leap}"
    (folder / "settings").mkdir(parents=True)
    files = {
        "text.md": TEXT, "a01_support.py": ARTICLE, "settings/2020.toml": SETTINGS.replace('"last"', f'"{leap}"'),
        "policy.toml": 'issuer = "某市"\nissued = 2020-01-01\nvalid_from = 2020-01-01\nvalid_to = 2029-12-31\n',
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)

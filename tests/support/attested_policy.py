"""A policy whose conditions a city and a centre attest, in a folder of its own: it settles from their words and use."""

from __future__ import annotations

from pathlib import Path

NAME = "attested-2024"
TEXT = """# 稳定用算补助办法

## 一、总则

### 第k条 补助

- [k.1] 对经合肥市认定的团队，在智算中心评为一级、二级的，按算力费用的10%给予补助。
"""
ABOUT = 'issuer = "某区"\nlevel = "county"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, boolean, choice, legal_share, money

article = Article("k")
TENTH = "按算力费用的10%给予补助"


class Team(Facts):
    recognised = boolean(
        "合肥市认定的团队", "A recognised team", asked_by="k.1", evidence="认定文件", known_by="city",
        measure="recognised-team", within="340100",
    )
    grade = choice(
        "中心评级", "Grade", {"first": ("一级", "first"), "second": ("二级", "second"), "third": ("三级", "third")},
        asked_by="k.1", evidence="评级表", known_by="centre", measure="team-grade",
    )
    cost = money("算力费用", "Cost", maximum="10亿元", asked_by="k.1", known_by="meter", measure="spend")


@article.pays("k.1", TENTH, to="团队", to_en="teams", title="稳定用算补助", title_en="Teams")
def teams(team: Team) -> Money:
    team.recognised.required("k.1", "经合肥市认定的团队")
    team.grade.among("first", "second").required("k.1", "评为一级、二级的")
    return (legal_share("10%", "k.1", TENTH) * team.cost).cites("k.1", TENTH, "一成", "A tenth").rounded_down("fen")
"""


def write_attested_policy(place: Path) -> Path:
    """Write the policy into a folder below `place`, which is to be on the search path."""
    folder = place / NAME
    folder.mkdir(parents=True)
    for name, content in {"text.md": TEXT, "policy.toml": ABOUT, "a01_teams.py": ARTICLE}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder

"""A third policy, in a folder of its own, that pays for the same use as the shipped ones: for tests of settlement.

It is about the second half-year, by card-hours and by the day of registration, and pays after province and city.
"""

from __future__ import annotations

from pathlib import Path

NAME = "card-hours-2024"
TEXT = """# 卡时补助办法

## 一、总则

### 第h条 补助

- [h.1] 对2024年1月1日前登记的单位，按下半年算力费用的10%给予补助，卡时不少于100，每家最高5万元。
"""
ABOUT = 'issuer = "某区"\nlevel = "county"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import (
    Article, Facts, Money, claims, date, day, days_of_year, integer, interpretation, legal_day, legal_int, legal_money,
    legal_share, money,
)

article = Article("h")
PAID = "按下半年算力费用的10%给予补助"
with_others = interpretation(
    "h.1.with_others", "与省、市补助如何叠加", "How does it combine with the others?",
    {"together": ("合计不超过费用", "in all not above the cost"), "rest": ("只计余下的费用", "what the others left"),
     "once": ("同一费用只补一次", "once for the same cost")},
    sentence="h.1", phrase=PAID,
)
article.stacks("compute-spend", by=with_others)


class HalfYear(Facts):
    opened = day("登记日", "Registered on", asked_by="h.1", known_by="register", measure="registered_on")
    cost = money("费用", "Cost", maximum="10亿元", asked_by="h.1", known_by="meter", measure="spend")
    used = integer(
        "卡时", "Card-hours", unit="卡时", maximum=10**9, asked_by="h.1", known_by="meter", measure="card_hours"
    )


@article.pays(
    "h.1", PAID, to="单位", to_en="parties", title="卡时补助", title_en="By card-hours",
    claim=claims("compute-spend", HalfYear.cost), window=days_of_year("07-01", "12-31"),
)
def by_hours(half: HalfYear) -> Money:
    (half.opened < legal_day(date(2024, 1, 1), "h.1", "2024年1月1日前")).required("h.1", "2024年1月1日前登记的单位")
    (half.used >= legal_int(100, "h.1", "卡时不少于100")).required("h.1", "卡时不少于100")
    share = (legal_share("10%", "h.1", PAID) * half.cost).cites("h.1", PAID, "费用的 10%", "A tenth")
    return share.capped(legal_money("5万元", "h.1", "每家最高5万元"), "h.1", "每家最高5万元").rounded_down("fen")
"""


def write_third_policy(place: Path, mode: str = "together") -> Path:
    """Write the policy into a folder below `place`, which is to be on the search path."""
    folder = place / NAME
    (folder / "settings").mkdir(parents=True)
    settings = (
        'authority = "试验"\ndocument = "试验"\nvalid_from = 2024-01-01\nknown_from = 2024-01-01\n\n'
        f'[interpretations]\n"h.1.with_others" = "{mode}"\n'
    )
    files = {"text.md": TEXT, "policy.toml": ABOUT, "a01_hours.py": ARTICLE, "settings/2024.toml": settings}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder

"""A third policy on the ground of compute spend, in a folder of its own: a county that pays what is left."""

from __future__ import annotations

from pathlib import Path

from huisuan.law.policy.load import load_folder
from huisuan.law.policy.policy import Policy

TEXT = """# 某区支持使用算力若干措施

## 一、总则

### 第1条 补助

- [1.1] 对在本区使用算力的企业，按算力费用的50%给予补助。
"""
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, claims, interpretation, legal_share, money

article = Article("1")
HALF = "按算力费用的50%给予补助"
beside = interpretation(
    "1.1.beside", "与上级补助如何叠加", "How does it combine with those above?",
    {"rest": ("只就余下的费用", "on what is left"), "together": ("分别计算", "each by itself")},
    sentence="1.1", phrase=HALF,
)
STACKS


class LocalUse(Facts):
    cost = money("本区算力费用", "Compute of the county", maximum="100亿元", asked_by="1.1")


@article.pays(
    "1.1", HALF, to="企业", to_en="enterprises", title="区级补助", title_en="County",
    claim=claims("compute-spend", LocalUse.cost),
)
def county(use: LocalUse) -> Money:
    return (legal_share("50%", "1.1", HALF) * use.cost).rounded_down("fen")
"""
SETTINGS = """
authority = "区政府"
document = "细则"
valid_from = 2024-01-01
known_from = 2024-01-01

[interpretations]
"1.1.beside" = "rest"
"""


def third_policy(place: Path, *, level: str = "county", declares: bool = True, issued: str = "2024-01-01") -> Policy:
    """The policy, written into a folder below `place`; without `declares` it does not say how it combines."""
    folder = place / "some-county-2025"
    (folder / "settings").mkdir(parents=True)
    stacks = 'article.stacks("compute-spend", by=beside)' if declares else ""
    about = f'issuer = "某区"\nlevel = "{level}"\nissued = {issued}\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
    files = {"text.md": TEXT, "policy.toml": about, "a01_support.py": ARTICLE.replace("STACKS", stacks)}
    if declares:
        files["settings/2024.toml"] = SETTINGS
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)

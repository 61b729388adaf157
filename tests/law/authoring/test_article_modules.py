"""What an article's module may not say: what the law does not, and what would compute otherwise another day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder

Copy = Callable[[str, str, str], Path]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("a02_compute_costs.py", "在皖企业、高校院所等算力使用方", "在沪企业", "引文“在沪企业”不在第 2.2 句中"),
        ("a02_compute_costs.py", '"2.2", AT_MOST_20, to', '"2.9", AT_MOST_20, to', "不存在的句 2.9"),
        ("a02_compute_costs.py", 'at_most="20%"', 'at_most="25%"', "数字 25% 不在引文"),
        ("a02_compute_costs.py", "rate * counted", "rate * counted if use.in_anhui else counted", "不能用 if"),
        ("a02_compute_costs.py", 'maximum="100亿元"', 'maximum="1000000000亿元"', "超出 64 位整数"),
        ("a02_compute_costs.py", "article = Article", "import random\narticle = Article", "不能导入 random"),
        ("a02_compute_costs.py", "article = Article", "x = 0.2\narticle = Article", "不能有浮点数 0.2"),
        ("a01_compute_centres.py", "date(2024, 12, 31)", "date.today()", "不能用 today"),
        ("a08_attracting_firms.py", 'legal_share("30%"', 'legal_share("35%"', "数字 35% 不在引文"),
        ("a08_attracting_firms.py", "return payable(", "return (", "rounded_down"),
        ("a00_supplementary.py", 'yuan=amount.rounded_down("yuan")', "yuan=amount", "rounded_down"),
    ],
)
def test_an_article_that_says_otherwise_than_the_law_is_refused_and_named(
    changed: Copy, file: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(LawError) as refusal:
        load_folder(changed(file, old, new))
    assert message in str(refusal.value)

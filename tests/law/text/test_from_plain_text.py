"""A text as issued is cut into articles and numbered sentences, or says why it cannot be."""

from __future__ import annotations

import pytest

from huisuan.law.model.errors import LawError
from huisuan.law.text.from_plain_text import to_markdown


def test_articles_may_be_numbered_as_a_list() -> None:
    text = to_markdown("措施\n1.加快建设。给予补助。\n2. 支持使用。给予奖励。\n")
    assert "### 第1条 加快建设\n\n- [1.1] 给予补助。" in text
    assert "### 第2条 支持使用\n\n- [2.1] 给予奖励。" in text


@pytest.mark.parametrize(("written", "number"), [("十", 10), ("十九", 19), ("二十", 20), ("九十九", 99), ("7", 7)])
def test_the_number_of_an_article_is_read_as_it_is_written(written: str, number: int) -> None:
    assert f"- [{number}.1] 给予补助。" in to_markdown(f"措施\n第{written}条 支持。给予补助。")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("一份没有条的通知。", "没有“第一条”"),
        ("措施\n第一条 甲。给予补助。\n第一条 乙。给予奖励。", "第 1 条出现了两次"),
        ("措施\n第一条 甲", "第 1 条没有句子"),
        ("措施\n第一二条 甲。给予补助。", "“第一二条”的条号看不懂"),
        ("措施\n第一百零一条 甲。给予补助。", "应在 1 与 99 之间"),
        ("第一条 甲。给予补助。", "写 --title"),
    ],
)
def test_a_text_that_cannot_be_cut_into_sentences_says_why(text: str, message: str) -> None:
    with pytest.raises(LawError, match=message):
        to_markdown(text)

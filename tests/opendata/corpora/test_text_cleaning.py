"""A text as it goes into a corpus: one way to write each sign, lines that a page broke joined, nothing unseen."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from huisuan.opendata.corpora.text_cleaning import clean_text, compared_text, han_share

PAGE = """关于公布二〇二六年度第一批开放数据的通知
各市人民政府：
　　为了贯彻落实省政府关于公共数据开放的要求，现将１２３
条数据目录予以公布，请各地认真执行并于年底之前报告情
况。\x00\x1b
第一条 适用范围与各项名词的含义，见附在后面的文件里面
（一）总体要求\u200b"""
CLEAN = """关于公布二〇二六年度第一批开放数据的通知
各市人民政府：
为了贯彻落实省政府关于公共数据开放的要求，现将123条数据目录予以公布，请各地认真执行并于年底之前报告情况。
第一条 适用范围与各项名词的含义，见附在后面的文件里面
（一）总体要求"""


def test_broken_lines_are_joined_and_headings_and_articles_stay_apart() -> None:
    assert clean_text(PAGE) == CLEAN
    assert clean_text("the quick brown fox jumps over\r\nthe lazy dog") == "the quick brown fox jumps over the lazy dog"
    assert clean_text("ＡＢｃ０９，e\u0301") == "ABc09，é"
    assert clean_text("\x00\x07\u200b\ufeff \u3000\n\ud800") == ""


def test_the_share_of_chinese_is_of_letters_alone() -> None:
    assert han_share("合肥2026！！") == 1
    assert han_share("abc合") == 0.25
    assert han_share("12 !") == 0
    assert compared_text("合肥（市）, A_1。\n") == "合肥市a1"


@given(st.text(alphabet=st.characters(), max_size=60))
def test_what_was_cleaned_stays_as_it_is_and_holds_no_control_character(text: str) -> None:
    found = clean_text(text)
    assert clean_text(found).replace("\n", "").replace(" ", "") == found.replace("\n", "").replace(" ", "")
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" for sign in found)
    found.encode()  # no half of a pair

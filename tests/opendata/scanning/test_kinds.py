"""Numbers, words and marks in text: found wherever and however they are written; what only looks like one is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.opendata.scanning.finding_kinds import WITHOUT_VALUE, FindingKind, mask_value
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.numbers import find_numbers
from huisuan.opendata.scanning.words import is_name_column, list_names
from support.scanned_files import ID, WRONG, kinds_of_text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"王某{ID}等", "resident_id"), (f"ID{ID}", "resident_id"), (f"{ID[:6]} {ID[6:14]} {ID[14:]}", "resident_id"),
        (f"{ID[:9]}\n{ID[9:]}", "resident_id"), ("\t".join(ID), "resident_id"), (f"身份证号：{WRONG}", "resident_id"),
        ("".join(chr(ord(sign) + 0xFEE0) for sign in ID), "resident_id"), ("\u200b".join(ID), "resident_id"),
        ("身份证340104800101123", "resident_id"), ("13800138000", "mobile"), ("联系138-0013-8000。", "mobile"),
        ("+86 138 0013 8000", "mobile"), ("8613800138000", "mobile"), ("tel13800138000", "mobile"),
        ("0551-63631234", "landline"), ("（0551）63631234".replace("（", "").replace("）", "-"), "landline"),
        ("6222 0212 3456 7890 128", "bank_card"), ("4111 1111 1111 1111", "bank_card"),
        ("卡号4111111111111111", "bank_card"), ("91340100MA2P00001" + "U", "uscc"), ("皖A12345", "plate"),
        ("皖A·D12345", "plate"), ("护照号E12345678", "passport"), ("li.wei+1@example.com.cn", "email"),
        ("住合肥市庐阳区长江中路1号3栋201室", "address"), ("某镇王家村12号", "address"),
    ],
)  # fmt: skip
def test_each_kind_is_found_however_it_is_written(text: str, kind: str) -> None:
    if kind == "uscc":
        from support.portal import code

        text = f"代码{code(1)}，"
    if kind == "bank_card" and text.startswith("6222"):
        front = "622202123456789012"
        text = next(front + str(d) for d in range(10) if kinds_of_text(front + str(d)) == ["bank_card"])
    assert kinds_of_text(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "订单20240101123456789012", "批次202401011234567890123456", WRONG, "金额13800138000.00元", "共13800138000元",
        "sha256 3b4c5d6e7f13800138000a1b2c3d4e5f60718293a4b5c6d7e8f9", "ISBN 978-7-5086-1234-5", "117.283042,31.861190",
        "皖政〔2023〕5号", "第13号令", "1号文件", "2024-01-01 12:00:00", "E12345678",
        "涉及商业秘密，依保守国家秘密法处理",
        "本办法不属于机密", "安徽省合肥市庐阳区", "10.0.0.1", "1 2 3 4 5 6 7 8 9 10 11 12", "1700000000000", "rate@1.2",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert kinds_of_text(text) == []


@pytest.mark.parametrize(
    "text", ["绝密★10年", "机密", "  秘密★", "密级：机密", "【秘密】", "标题\n秘密★1年\n正文", "内部资料 注意保存"]
)
def test_a_mark_of_secrecy_is_one_where_a_line_begins(text: str) -> None:
    assert kinds_of_text(text) == ["secrecy"]


@given(
    before=st.text("数据表一二三，。 \n", max_size=12),
    after=st.text("数据表一二三，。 \n", max_size=12),
    number=st.sampled_from([ID, "13900001111", "0551-63631234"]),
    wide=st.booleans(),
)
def test_a_planted_number_is_found_wherever_it_is_planted(before: str, after: str, number: str, wide: bool) -> None:
    planted = number.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"}) if wide else number
    folded = fold_text(before + planted + after)
    found = list(find_numbers(folded.text))
    assert [each.value for each in found] == [number.replace("-", "")]
    assert folded.origin(found[0].start) == len(before)


def test_a_mask_is_one_rule_a_kind_and_shows_no_more_than_it_says() -> None:
    assert mask_value(FindingKind.MOBILE, "13800138000") == "138****8000"
    assert mask_value(FindingKind.RESIDENT_ID, ID) == "340" + "*" * 14 + ID[-1]
    assert mask_value(FindingKind.EMAIL, "li.wei@a.cn") == "l***@a.cn"
    for kind in FindingKind:
        if kind not in WITHOUT_VALUE:
            assert mask_value(kind, "甲" * 30).count("*") > 2


def test_a_column_is_judged_by_its_header_and_its_cells() -> None:
    people = ["王小明", "李四", "欧阳修文", "张*"]
    assert is_name_column("姓名", people) == "high"
    assert is_name_column("负责人", ["王小明"]) == "high"
    assert is_name_column("负责人电话", people) is None
    assert is_name_column("区县", ["安庆市", "黄山市", "宣城市", "庐阳区"] * 5) is None
    assert is_name_column("项目", people) is None
    assert is_name_column("x", [f"王{sign}" for sign in "一二三四五六七八九十"]) == "low"
    assert list_names(["王小明", "李四"] * 6) is not None
    assert list_names(["合计", "小计", "教育", "王小明"] * 6) is None

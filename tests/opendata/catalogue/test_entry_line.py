"""A line of a department's list is read by the closed words, and each bad cell is named with the nearest good value."""

from __future__ import annotations

from datetime import date

import pytest

from huisuan.opendata.catalogue.entry_line import EntryContent, parse_line, years_later
from huisuan.opendata.vocabulary import Access, Updates
from support.catalogue import code, line

TODAY = date(2026, 11, 29)
REGIONS = {"340100": "合肥市", "340200": "芜湖市"}


def entry(**cells: str) -> EntryContent:
    found = parse_line(line(**cells), REGIONS, TODAY)
    assert isinstance(found, EntryContent), found
    return found


def faults(**cells: str) -> dict[str, tuple[str, str]]:
    found = parse_line(line(**cells), REGIONS, TODAY)
    assert isinstance(found, list), found
    return {fault.field: (fault.rule, fault.remedy) for fault in found}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("按季", Updates.QUARTERLY), ("每季度", Updates.QUARTERLY), (" 每 年 ", Updates.YEARLY),
     ("半年", Updates.HALF_YEARLY)],
)  # fmt: skip
def test_what_departments_write_for_a_frequency_is_one_word(written: str, meant: Updates) -> None:
    assert entry(frequency=written).frequency is meant


def test_the_classes_in_other_words() -> None:
    grounds = {"ground": "条例第九条", "terms": "限本省企业"}
    assert entry(access="受限开放", **grounds).access is Access.CONDITIONAL
    assert entry(access="禁止开放", **grounds).access is Access.CLOSED


def test_every_bad_cell_of_a_line_is_named_at_once_with_the_nearest_good_value() -> None:
    found = faults(frequency="每季底", region="合肥是", code="x", title="", grade="重要")
    assert set(found) == {"更新频率", "行政区划", "目录代码", "名称", "数据分级"}
    assert "每季度" in found["更新频率"][1]
    assert "340100（合肥市）" in found["行政区划"][1]
    assert "340200（芜湖市）" in faults(region="340202")["行政区划"][1]


def test_a_city_is_known_by_its_name_and_a_day_however_it_is_written() -> None:
    assert entry(region="芜湖市").region == "340200"
    reviewed = {"kind": "档案", "reviewed_by_archive": "市档案馆", "reviewed_by_origin": "市城建局"}
    for written in ("1998-06-30", "1998/6/30", "1998.6.30", "1998年6月30日", "19980630"):
        assert entry(origin_day=written, **reviewed).origin_day == date(1998, 6, 30)
    assert "形成日期" in faults(origin_day="1998年13月1日", **reviewed)


def test_a_code_whose_provider_has_a_wrong_check_digit_is_told_the_right_one() -> None:
    good = code()
    wrong = good[:17] + ("0" if good[17] != "0" else "1") + good[18:]
    assert good[:18] in faults(code=wrong)["目录代码"][1]


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"access": "不予开放", "ground": "保密法第九条"}, "开放条件或理由"),
        ({"access": "不予开放", "terms": "涉及个人隐私"}, "法律依据"),
        ({"access": "有条件开放", "ground": "条例"}, "开放条件或理由"),
        ({"licence": ""}, "许可"),
        ({"kind": "地方志"}, "权利人"),
        ({"kind": "档案"}, "形成日期"),
        ({"kind": "文书"}, "公开属性"),
        ({"kind": "文书", "attribute": "不予公开"}, "开放属性"),
    ],
)
def test_each_class_and_kind_asks_for_what_it_rests_on(cells: dict[str, str], field: str) -> None:
    assert field in faults(**cells)


def test_archives_open_twenty_five_years_on_and_otherwise_name_their_ground() -> None:
    reviewed = {"kind": "档案", "reviewed_by_archive": "市档案馆", "reviewed_by_origin": "市建设局"}
    assert entry(origin_day="2001-11-29", **reviewed).opens_on == TODAY
    assert "提前" in faults(origin_day="2001-11-30", **reviewed)["提前或延期开放依据"][1]
    assert entry(origin_day="2001-11-30", opening_ground="第二十七条第二款", **reviewed)
    closed = {**reviewed, "access": "不予开放", "ground": "第二十八条", "terms": "涉及未成年人"}
    assert "延期" in faults(origin_day="2001-11-29", **closed)["提前或延期开放依据"][1]


def test_of_29_february_25_years_end_on_1_march() -> None:
    assert years_later(date(2000, 2, 29), 25) == date(2025, 3, 1)


def test_columns_are_read_with_type_unit_and_role_or_named() -> None:
    assert entry(columns="身份证号:文本::标识；年龄：整数：岁：准标识符").columns == (
        {"name": "身份证号", "type": "文本", "unit": "", "role": "identifier"},
        {"name": "年龄", "type": "整数", "unit": "岁", "role": "quasi_identifier"},
    )
    for wrong in ("甲;甲", "甲:1:2:3:4", ":文本", "甲:::秘密", "甲\0"):
        assert "数据项" in faults(columns=wrong), wrong

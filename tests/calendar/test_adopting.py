"""A year becomes known by its document, and a correction prevails for the days that it names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.calendar.commands import app
from huisuan.calendar.counting import count_working_days
from huisuan.calendar.models import AdoptedDay, CalendarDocument
from huisuan.calendar.official import load_calendar
from huisuan.calendar.services import adopt_days

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, tzinfo=UTC)
# invented for the tests: in November 2026 nobody knows the days of 2027
DAYS_2027 = "日期,类型,名称\n" + "".join(
    f"{day},{kind},{name}\n"
    for day, kind, name in (
        ("2027-01-01", "放假", "元旦"),
        ("2027-02-05", "放假", "春节"),
        ("2027-02-08", "放假", "春节"),
        ("2027-02-09", "放假", "春节"),
        ("2027-02-10", "放假", "春节"),
        ("2027-02-13", "上班", "春节调休"),
    )
)


def adopt(text: str, document: str = "国办发明电〔2026〕9 号") -> CalendarDocument:
    return adopt_days(text.encode(), document, "李处", NOW)


def test_an_open_count_is_complete_once_its_year_is_adopted() -> None:
    assert not count_working_days(date(2026, 12, 28), 5, load_calendar()).complete
    adopt(DAYS_2027)
    found = count_working_days(date(2026, 12, 28), 5, load_calendar())
    assert [day.isoformat() for day in found.counted[3:]] == ["2027-01-04", "2027-01-05"]
    by = load_calendar()
    assert (by(date(2027, 2, 13)), by(date(2027, 2, 8)), by(date(2027, 2, 14)), by(date(2028, 1, 4))) == (
        True, False, False, None
    )  # fmt: skip


def test_a_later_document_prevails_for_its_days_alone() -> None:
    adopt(DAYS_2027)
    adopt("日期,类型,名称\n2027-02-11,放假,春节\n2027-02-14,上班,春节调休\n", "国办发明电〔2027〕1 号")
    by = load_calendar()
    assert (by(date(2027, 2, 11)), by(date(2027, 2, 14)), by(date(2027, 2, 8))) == (False, True, False)
    adopt("日期,类型,名称\n2026-09-03,放假,纪念日\n", "国办发明电〔2026〕10 号")  # of a year that is published
    assert load_calendar()(date(2026, 9, 3)) is False


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("日期,类型,名称\n2027/01/01,放假,元旦\n2027-13-01,放假,x\n", r"行 2，列 日期(?s:.)*行 3，列 日期"),
        ("日期,类型,名称\n2027-01-01,休,元旦\n", "行 2，列 类型"),
        ("日期,类型,名称\n2027-01-01,放假,\n", "行 2，列 名称"),
        ("日期,类型,名称\n2027-01-01,放假,元旦\n2027-01-01,放假,元旦\n", "行 3，列 日期：2027-01-01 前面已经有了"),
        ("日期,类型,名称\n2027-01-04,上班,x\n", "星期一至五"),
        ("日期,类型,名称\n2027-12-31,放假,元旦\n2028-01-01,放假,元旦\n", "同一年"),
        ("日期,类型,名称\n2027-01-01,放假\n", "有 2 列"),
        ("日期,类型,名称\n", "没有日子"),
        ("day,kind,name\n", "第 1 行须是"),
        ("日期,类型,名称\n2027-01-01,放假,元旦\n", "第一份须写全年"),
    ],
)
def test_a_wrong_file_is_told_line_by_line_and_nothing_is_adopted(text: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        adopt(text)
    assert not AdoptedDay.objects.exists()


def test_rubbish_a_missing_number_and_the_same_document_twice_are_refused() -> None:
    for content in (b"\xff\xfe", b"x" * 200_001, b""):
        with pytest.raises(InvalidRequest):
            adopt_days(content, "x", "李处", NOW)
    for number in ("", " ", "x" * 81, "a\nb"):
        with pytest.raises(InvalidRequest):
            adopt(DAYS_2027, number)
    made = adopt(DAYS_2027)
    with pytest.raises(Conflict, match="已采用"):
        adopt(DAYS_2027)
    with pytest.raises(DatabaseError), transaction.atomic():
        made.days.update(working=True)


def test_the_commands_adopt_count_and_list(tmp_path: Path) -> None:
    run = CliRunner()
    file = tmp_path / "2027.csv"
    file.write_text(DAYS_2027, encoding="utf-8-sig")
    assert run.invoke(app, ["adopt", str(file), "--document", "甲", "--by", "nobody"]).exit_code == 1
    told = run.invoke(app, ["adopt", str(file), "--document", "甲", "--json"])
    assert json.loads(told.stdout)["days"] == 6
    found = json.loads(run.invoke(app, ["count", "2026-12-28", "5", "--json"]).stdout)
    assert (found["complete"], found["ends_at"]) == (True, "2027-01-06T00:00:00+08:00")
    assert "至少到 2028-01-01" in run.invoke(app, ["count", "2027-12-30", "5"]).stdout
    assert "2026-02-27 24:00 满" in run.invoke(app, ["count", "2026-02-13", "5"]).stdout
    assert json.loads(run.invoke(app, ["list", "--json"]).stdout)[0]["number"] == "甲"

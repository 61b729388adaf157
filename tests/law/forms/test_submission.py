"""A filled-in sheet: good rows are kept, bad cells are named with place and remedy, money is never wrong."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from huisuan.law.forms.cell_values import InvalidCell, format_cell, parse_cell
from huisuan.law.forms.layout import column_letter, format_heading, parse_layout
from huisuan.law.forms.submission import Submission, errors_csv, parse_submission
from huisuan.law.forms.templates import csv_template, xlsx_template
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import load_policy

POLICY = load_policy("anhui-agi-2023")
USE, CENTRE = POLICY.rule("2.2"), POLICY.rule("1.2")
RULES = {rule.key: rule for rule in POLICY.rules}
HEADS = ["在皖[in_anhui]", "使用方类别[kind]", "算力总支出（元）[spend]", "其中自建自用（元）[self_use]"]
SHARE = FactSpec("part", ValueKind.SHARE, "占比", "Part", "2.2")
MONEY = FactSpec("paid", ValueKind.MONEY, "拨付", "Paid", "2.2", "分", maximum=10**15)


def sheet(*rows: list[Any], formats: dict[tuple[int, int], str] | None = None, title: str = "填报") -> bytes:
    """A workbook as a spreadsheet program writes it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet(title)
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            form = (formats or {}).get((at, column))
            page.write(at, column, value, book.add_format({"num_format": form}) if form else None)
    book.close()
    return out.getvalue()


def table(*rows: list[str]) -> bytes:
    """A CSV."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def facts(filled: Submission) -> list[dict[str, object]]:
    """The facts of the good rows."""
    return [dict(row.facts) for row in filled.rows]


def errors(filled: Submission) -> list[tuple[str, str]]:
    """Where the errors are, and the value there."""
    return [(error.cell, error.value) for error in filled.errors]


@pytest.mark.parametrize("key", RULES)
def test_the_templates_of_every_rule_are_read_back_with_every_column(key: str) -> None:
    rule = RULES[key]
    for content in (csv_template(rule), xlsx_template(POLICY, rule)):
        found = parse_submission(rule, content, "模板")
        assert [column.spec for column in found.layout.facts] == list(rule.facts)
        assert all(column.by_people for column in found.layout.facts)
        assert (found.rows, found.errors, found.layout.absent, found.carried) == ((), (), (), ())


def test_a_template_is_the_same_file_each_time_and_explains_every_field() -> None:
    content = xlsx_template(POLICY, CENTRE)
    assert content == xlsx_template(POLICY, CENTRE)
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["填报", "填写说明", "选项"]
    said = "\n".join(str(cell.value) for row in book["填写说明"].iter_rows() for cell in row)
    for spec in CENTRE.facts:
        assert format_heading(spec) in said
        assert spec.evidence in said
    assert POLICY.digest in said
    checks = {str(each.sqref).split(":")[0]: each for each in book["填报"].data_validations.dataValidation}
    assert len(checks) == len(CENTRE.facts)
    city = next(at for at, spec in enumerate(CENTRE.facts) if spec.name == "city")
    assert checks[f"{column_letter(city)}2"].formula1 == f"选项!${column_letter(city)}$1:${column_letter(city)}$16"
    assert [cell.value for cell in book["选项"][column_letter(city)][:2]] == ["合肥市", "芜湖市"]


def test_good_rows_are_kept_and_bad_cells_are_named_as_the_sheet_names_them() -> None:
    content = table(
        HEADS,
        ["是", "企业", "1,534,567.85", "300000"],
        ["也许", "公司", "12.345", "-1"],
        [],
        ["否", "university", "", ""],
    )
    for encoded in (content, content.decode().encode("utf-8-sig"), content.decode().encode("gb18030")):
        found = parse_submission(USE, encoded, "表.csv")
        assert facts(found) == [
            {"in_anhui": True, "kind": "enterprise", "alike": None, "spend": 153456785, "self_use": 30000000},
            {"in_anhui": False, "kind": "university", "alike": None, "spend": None, "self_use": None},
        ]
        assert [row.row for row in found.rows] == [2, 5]
        assert errors(found) == [("A3", "也许"), ("B3", "公司"), ("C3", "12.345"), ("D3", "-1")]
        assert found.refused == 1
        assert str(found.errors[2]).startswith(
            "行 3，列 算力总支出（元）[spend]（C3）：“12.345”应为以元计的金额，至多两位小数"
        )


def test_a_sheet_of_excel_gives_the_same_as_a_csv() -> None:
    content = sheet(
        ["2024 年算力使用"],
        HEADS,
        [True, "企业", 1534567.85, 300000],
        ["是", "企业", "1,534,567.85", 0.1 + 0.2],
        ["否", "高校", 0.335, 1],
    )
    found = parse_submission(USE, content, "表.xlsx")
    assert [(row.row, row.facts["spend"], row.facts["self_use"]) for row in found.rows] == [
        (3, 153456785, 30000000),
        (4, 153456785, 30),
    ]
    assert errors(found) == [("C5", "0.335")]


@given(st.integers(0, 10**15 - 1))
def test_no_amount_is_changed_on_its_way_through_a_cell(fen: int) -> None:
    yuan = sheet(["拨付（元）[paid]"], [fen / 100], [format_cell(MONEY, fen)])
    plan = POLICY.rule("2.2")
    rule = replace(plan, facts=(MONEY,))
    assert facts(parse_submission(rule, yuan, "x")) == [{"paid": fen}, {"paid": fen}]


def test_a_number_that_a_spreadsheet_cannot_hold_is_refused_and_not_guessed() -> None:
    found = parse_submission(USE, sheet(HEADS, ["是", "企业", 12345678901234567, 1]), "x")
    assert found.errors[0].cell == "C2"
    assert "以文本填写" in found.errors[0].remedy


def test_a_formula_an_error_value_and_a_time_of_day_are_refused() -> None:
    heads = ["新增单体智能算力规模（P）[added_p]", "建设完成日期[finished_on]", "市级实际补助额度（元）[city_paid]"]
    content = sheet(
        heads,
        [400, date(2024, 12, 31), "=A2*2"],
        [400, datetime(2024, 12, 31, 8, 30), 1],  # noqa: DTZ001 - a cell has no zone
        [400, date(2024, 12, 31), 1],
        formats={(1, 1): "yyyy-mm-dd", (2, 1): "yyyy-mm-dd hh:mm", (3, 1): "yyyy/m/d"},
    )
    found = parse_submission(CENTRE, content, "x")
    assert errors(found) == [("C2", "=A2*2"), ("B3", "2024-12-31 08:30:00")]
    assert [(row.row, row.facts["finished_on"], row.facts["added_p"]) for row in found.rows] == [
        (4, date(2024, 12, 31), 400)
    ]


def test_a_per_cent_cell_says_its_base_and_a_bare_number_does_not() -> None:
    rule = replace(USE, facts=(SHARE,))
    content = sheet(
        ["占比[part]"], [0.2], ["1/3"], [0.2], [0.2],
        formats={(1, 0): "0%", (3, 0): "0.00", (4, 0): '0.0"%"'},
    )  # fmt: skip
    found = parse_submission(rule, content, "x")
    assert facts(found) == [{"part": Fraction(1, 5)}, {"part": Fraction(1, 3)}]
    assert errors(found) == [("A4", "0.2"), ("A5", "0.2")]  # 0.2 shown with a written % is 0.2%: not what it holds


def test_machines_write_fen_and_people_write_yuan_and_nobody_leaves_it_open() -> None:
    assert (
        facts(parse_submission(USE, table(["spend", "self_use（分）[self_use]"], ["123", "45"]), "x"))[0]["spend"]
        == 123
    )
    assert facts(parse_submission(USE, table(["算力总支出 (元)[spend]"], ["1.23"]), "x"))[0]["spend"] == 123
    assert facts(parse_submission(USE, table(["算力总支出（元）"], ["1.2"]), "x"))[0]["spend"] == 120
    for title in ("算力总支出[spend]", "算力总支出"):
        with pytest.raises(LawError, match="没有写明金额的单位"):
            parse_submission(USE, table([title], ["1"]), "x")
    with pytest.raises(LawError, match="列 A“spend”与列 C“算力总支出（元）"):
        parse_submission(USE, table(["spend", "x", "算力总支出（元）[spend]"], ["1", "", "1"]), "x")


def test_other_columns_are_carried_over_and_a_misspelt_one_is_pointed_at() -> None:
    found = parse_submission(USE, table(["备注", "spend", "selfuse"], ["甲", "1", "2"]), "x")
    assert found.carried == ("备注", "selfuse")
    assert found.rows[0].carried == ("甲", "2")
    assert found.layout.remarks == ("列 C“selfuse”不是事实，原样带过；是不是 self_use？",)
    assert [spec.name for spec in found.layout.absent] == ["in_anhui", "kind", "alike", "self_use"]


def test_a_thousands_comma_without_quotes_does_not_shift_a_row_unseen() -> None:
    found = parse_submission(USE, b"spend,self_use\n1,534,567\n", "x")
    assert (errors(found), found.rows) == ([("C2", "567")], ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "前 20 行里没有第 2.2 句的列"),
        (b"a,b\n1,2\n", "前 20 行里没有第 2.2 句的列"),
        (b"\xff\xfes\x00p\x00", "Unicode 文本"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "旧版 Excel"),
        (b"\x00\x01\x02\xff\xff", "不是 CSV 或 XLSX"),
        (b"PK\x03\x04 broken", "打不开这个 XLSX"),
        (b'spend\n"1\n', "引号或分隔符不成对"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(content: bytes, message: str) -> None:
    with pytest.raises(LawError, match=message):
        parse_submission(USE, content, "表")


def test_a_sheet_that_is_cut_short_is_refused() -> None:
    whole = xlsx_template(POLICY, USE)
    with pytest.raises(LawError, match="打不开这个 XLSX"):
        parse_submission(USE, whole[: len(whole) // 2], "表")


def test_the_list_of_errors_runs_nothing_in_a_spreadsheet() -> None:
    found = parse_submission(USE, table(["spend"], ["=cmd()"]), "x")
    rows = list(csv.reader(io.StringIO(errors_csv(found.errors).decode("utf-8-sig"))))
    assert rows[1][:5] == ["2", "A2", "spend", "spend", "'=cmd()"]


@given(st.data())
def test_what_is_written_for_people_is_read_back_as_the_same_value(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([SHARE, *(spec for rule in POLICY.rules for spec in rule.facts)]))
    value = data.draw(values(spec))
    assert parse_cell(spec, format_cell(spec, value), by_people=True) == value


def values(spec: FactSpec) -> st.SearchStrategy[Any]:
    """Values of a fact."""
    if spec.kind in (ValueKind.MONEY, ValueKind.INT):
        return st.integers(0, spec.maximum)
    if spec.kind == ValueKind.SHARE:
        return st.fractions(0, 1, max_denominator=10_000)
    if spec.kind == ValueKind.DATE:
        return st.dates(date(1900, 1, 1), date(2199, 12, 31))
    if spec.kind == ValueKind.CHOICE:
        return st.sampled_from(list(spec.options or {}))
    return st.booleans() if spec.kind == ValueKind.BOOL else st.just("文字")


@given(st.text(max_size=12))
def test_whatever_is_typed_is_a_value_or_an_error_that_says_what_to_do(text: str) -> None:
    for spec in (*USE.facts, *CENTRE.facts, SHARE):
        for by_people in (True, False):
            try:
                parse_cell(spec, text, by_people=by_people)
            except InvalidCell as misread:
                assert all((misread.expected, misread.remedy, misread.english))  # noqa: PT017 - a value is as good


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("finished_on", "2024/1/5", date(2024, 1, 5)),
        ("finished_on", "2024年12月31日", date(2024, 12, 31)),
        ("city", "hefei", "340100"),
        ("city_paid", "12元", 1200),
        ("city_paid", "10000000000", 10**12),
        ("added_p", "1,000", 1000),
    ],
)
def test_people_may_write_as_they_are_used_to(name: str, text: str, value: object) -> None:
    spec = next(spec for spec in CENTRE.facts if spec.name == name)
    assert parse_cell(spec, text, by_people=True) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("city_paid", "10000000000.01"), ("city_paid", "1,00"), ("city_paid", "1.234"), ("city_paid", "１２"),
        ("city_paid", "1e3"), ("city_paid", "-1"), ("city_paid", "0.1万"), ("added_p", "400.0"),
        ("added_p", "10000001"),
        ("finished_on", "2024-02-30"), ("finished_on", "31/12/2024"), ("city_qualifies", "2"), ("city", "上海市"),
    ],
)  # fmt: skip
def test_what_could_mean_something_else_is_refused(name: str, text: str) -> None:
    spec = next(spec for spec in CENTRE.facts if spec.name == name)
    with pytest.raises(InvalidCell):
        parse_cell(spec, text, by_people=True)


def test_columns_are_lettered_as_spreadsheets_do() -> None:
    assert [column_letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert parse_layout(USE.facts, ["", "spend"]).facts[0].letter == "B"


def test_two_options_with_the_same_words_are_told_apart() -> None:
    spec = FactSpec(
        "county", ValueKind.CHOICE, "县", "County", "2.2", options={"1": "鼓楼区", "2": "鼓楼区", "3": "和县"}
    )
    assert [parse_cell(spec, format_cell(spec, name), by_people=True) for name in ("1", "2", "3")] == ["1", "2", "3"]
    assert format_cell(spec, "3") == "和县"
    with pytest.raises(InvalidCell, match="鼓楼区（1）"):
        parse_cell(spec, "鼓楼区", by_people=True)

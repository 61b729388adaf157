"""The templates of a rule: a CSV, and an XLSX with drop-downs and a second sheet that explains every field."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time
from typing import Any

from huisuan.law.forms.cell_values import format_cell, option_labels
from huisuan.law.forms.layout import column_letter, format_heading
from huisuan.law.forms.sheet_reader import FORM_SHEET
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import FIRST_DAY, LAST_DAY, ValueKind
from huisuan.law.policy.policy import Policy

EXPLANATION_SHEET, OPTIONS_SHEET = "填写说明", "选项"
PREPARED_ROWS = 10_000
YES_NO = ("是", "否")
KIND_LABELS = {
    ValueKind.MONEY: "金额（元，至多两位小数）", ValueKind.INT: "整数", ValueKind.BOOL: "是 或 否",
    ValueKind.DATE: "日期（如 2024-12-31）",
    ValueKind.SHARE: "比例（如 20% 或 1/3）", ValueKind.CHOICE: "从选项中选一个", ValueKind.TEXT: "文字",
}  # fmt: skip
#: where the platform knows a value from, in words
_KNOWN_BY = {
    "meter": "平台计量", "register": "登记库", "relations": "关联关系登记", "centre": "平台所见的智算中心容量",
    "treasury": "财政拨付账",
    "opendata": "开放数据目录", "things": "本政策的名录",
}  # fmt: skip


def csv_template(rule: Rule) -> bytes:
    """The headings, as UTF-8 with a mark at the start: without it Excel reads Chinese as gibberish."""
    out = io.StringIO()
    csv.writer(out).writerow([format_heading(spec) for spec in rule.facts])
    return out.getvalue().encode("utf-8-sig")


def xlsx_template(policy: Policy, rule: Rule) -> bytes:
    """The same as a workbook; the same policy and rule give the same bytes."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    issued = datetime.combine(policy.issued, time())
    book.set_properties({"title": f"{policy.title} 第 {rule.sentence} 句", "created": issued})
    forms = {
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        ValueKind.MONEY: book.add_format({"num_format": "#,##0.00"}),
        ValueKind.INT: book.add_format({"num_format": "#,##0"}),
        ValueKind.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    text = book.add_format({"num_format": "@"})  # what is typed stays as typed: 1/3 becomes no date
    sheet, explained = book.add_worksheet(FORM_SHEET), book.add_worksheet(EXPLANATION_SHEET)
    lists = book.add_worksheet(OPTIONS_SHEET)
    lists.hide()
    sheet.freeze_panes(1, 0)
    for at, spec in enumerate(rule.facts):
        sheet.set_column(at, at, 24, forms.get(spec.kind, text))
        sheet.write_string(0, at, format_heading(spec), forms["head"])
        sheet.data_validation(1, at, PREPARED_ROWS, at, _validation(spec, at, lists))
    _write_explanation(policy, rule, explained, forms)
    book.close()
    return out.getvalue()


def _validation(spec: FactSpec, at: int, lists: Any) -> dict[str, Any]:
    """What a spreadsheet checks while people type, and the hint that it shows."""
    hint = {"input_title": spec.zh[:32], "input_message": _hint(spec)[:255], "ignore_blank": True}
    if spec.kind in (ValueKind.BOOL, ValueKind.CHOICE):
        words = YES_NO if spec.kind == ValueKind.BOOL else tuple(option_labels(spec).values())
        lists.write_column(0, at, words)  # a range, for a list written out may have 255 characters only
        source = f"={OPTIONS_SHEET}!${column_letter(at)}$1:${column_letter(at)}${len(words)}"
        return {"validate": "list", "source": source, "error_message": "请从下拉列表中选", **hint}
    if spec.kind == ValueKind.MONEY and spec.maximum is not None:
        most = format_cell(spec, spec.maximum)
        says = f"应为 0 至 {most} 元的数，至多两位小数"
        return {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": most,
            "error_message": says,
            **hint,
        }
    if spec.kind == ValueKind.INT and spec.maximum is not None:
        says = f"应为 0 至 {spec.maximum} 的整数"
        return {
            "validate": "integer", "criteria": "between", "minimum": 0, "maximum": spec.maximum,
            "error_message": says, **hint,
        }  # fmt: skip
    if spec.kind == ValueKind.DATE:
        says = "应为日期，如 2024-12-31"
        return {
            "validate": "date", "criteria": "between", "minimum": FIRST_DAY, "maximum": LAST_DAY,
            "error_message": says, **hint,
        }  # fmt: skip
    return {"validate": "any", **hint}


def _hint(spec: FactSpec) -> str:
    hints = [KIND_LABELS[spec.kind] + (f"，单位 {spec.unit}" if spec.kind == ValueKind.INT else ""), "不知道就空着"]
    if spec.evidence:
        hints.insert(1, f"证明材料：{spec.evidence}")
    return "；".join(hints)


def _write_explanation(policy: Policy, rule: Rule, sheet: Any, forms: dict[Any, Any]) -> None:
    sentence = policy.text.sentences[rule.sentence]
    top = [
        f"{policy.title} 第 {rule.sentence} 句：{rule.title}", sentence.text, f"给谁：{rule.to}",
        f"一行一例，填在“{FORM_SHEET}”表里；不知道就空着。请勿改标题行方括号里的名称。",
        f"政策摘要（SHA-256）：{policy.digest}",
    ]  # fmt: skip
    heads = ["列标题", "怎么填", "单位", "最大值", "选项", "哪一句要求", "原文", "证明材料", "平台已知"]
    for row, line in enumerate(top):
        sheet.merge_range(row, 0, row, len(heads) - 1, line, forms["head" if row == 0 else "wrap"])
    sheet.set_row(1, 48)
    for at, (head, width) in enumerate(zip(heads, (32, 20, 10, 18, 28, 10, 48, 28, 16), strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(len(top) + 1, at, head, forms["head"])
    for row, spec in enumerate(rule.facts, start=len(top) + 2):
        for at, text in enumerate(_field_row(policy, spec)):
            sheet.write_string(row, at, text, forms["wrap"])


def _field_row(policy: Policy, spec: FactSpec) -> list[str]:
    money = spec.kind == ValueKind.MONEY
    most = "" if spec.maximum is None else format_cell(spec, spec.maximum) if money else f"{spec.maximum:,}"
    options = YES_NO if spec.kind == ValueKind.BOOL else tuple(option_labels(spec).values())
    return [
        format_heading(spec),
        KIND_LABELS[spec.kind],
        "元" if money else spec.unit,
        most,
        "、".join(options),
        spec.asked_by,
        policy.text.sentences[spec.asked_by].text,
        spec.evidence,
        _KNOWN_BY.get(spec.known_by, spec.known_by),
    ]

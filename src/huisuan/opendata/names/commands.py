"""`huisuan data scan`: what a file says that must not leave, before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

_COLUMNS = {"kind": "种类", "place": "位置", "masked": "内容（已遮盖）", "confidence": "把握"}
_CONFIDENCE = {"high": "高", "low": "低"}
_SHOWN = 50


def scan(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="要送出的文件：表格、文档、PDF、OFD 或 ZIP")],
    as_json: AsJson = False,
) -> None:
    """检查文件里有没有身份证号、手机号、密级标志等：全部部件都读，读不了的也会说；不需要平台和数据库。"""
    from huisuan.base.errors import Unavailable
    from huisuan.opendata.names.text_findings import scan_with_names

    reports = []
    for file in files:
        try:
            reports.append(scan_with_names(file))
        except OSError as error:
            raise Unavailable(f"读不了 {file}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
    if not all(report.model for report in reports):
        note("没有装找姓名的模型，正文里的姓名没有查（另有发现“姓名未查”）：请装 huisuan[names] 再查，或由人逐行读过")
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            _print(report)
    if not all(report.is_clean for report in reports):
        raise typer.Exit(1)


def _print(report: Any) -> None:
    from huisuan.opendata.scanning.finding_kinds import FINDING_NAMES, FindingKind

    if report.refused:
        note(f"{report.name}: 没有读完，超过了限度：{report.refused}；请分成几个文件")
    if report.sealed:
        note(f"{report.name}: 有密级标志，不得送出，也不得在本平台处理")
    rows = [
        {
            "kind": FINDING_NAMES[FindingKind(one.kind)], "place": _place(one), "masked": one.masked,
            "confidence": _CONFIDENCE[one.confidence],
        }
        for one in report.findings[:_SHOWN]
    ]  # fmt: skip
    for column in report.columns():
        kind = FINDING_NAMES[FindingKind(column["kind"])]
        out.print(f"列 {column['column']}（{column['heading']}）: {kind} {column['findings']} 处", markup=False)
    print_table(report.name, rows, _COLUMNS, f"{report.name}: {report.cells:,} 个单元格或行，没有发现")
    if len(report.findings) > _SHOWN:
        out.print(f"共 {len(report.findings):,} 处，这里是前 {_SHOWN} 处；全部见 --json", markup=False)


def _place(finding: Any) -> str:
    where = [finding.part] if finding.part else []
    where += [f"行 {finding.row}"] if finding.row else []
    where += [f"列 {finding.column}"] if finding.column else []
    where += [finding.heading] if finding.heading else []
    return "，".join(where)

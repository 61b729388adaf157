"""`huisuan call sheet`: the decision sheet of a call, shown, frozen, written as XLSX or PDF."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import Unavailable
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, out, print_json, print_table

_COLUMNS = {
    "rank": "名次", "application": "申报", "score": "得分", "spread": "极差", "owed_fen": "应拨（元）",
    "running_fen": "累计（元）", "funded_fen": "拟拨（元）", "status": "意见", "tie": "同分依据",
}  # fmt: skip
_MONEY = ("owed_fen", "running_fen", "funded_fen")


def sheet(
    number: Annotated[str, typer.Argument(metavar="CALL", help="申报通知编号，如 C2024-0001")],
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")],
    freeze: Annotated[bool, typer.Option("--freeze", help="冻结；此后排序和批准以它为准")] = False,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="写成 XLSX；已有的文件不覆盖")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="冻结后写成 PDF；已有的不覆盖")] = None,
    as_json: AsJson = False,
) -> None:
    """申报通知的决策表：得分、金额、累计对预算、分界、同分依据、候补；冻结前是现在冻结会得到的样子。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review.sheet_workbook import status_name, tie_name
    from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, show_sheet

    person = find_person(by)
    if freeze:
        freeze_sheet(number, person, datetime.now(UTC))
    shown = show_sheet(Viewer.for_person(person), number)
    found = shown.to_dict()
    if xlsx is not None:
        _write(xlsx, shown.to_workbook())
    if pdf is not None:
        _write(pdf, shown.to_pdf())
    if as_json:
        print_json(found)
        return
    rows = [
        line | {key: yuan(line[key]) for key in _MONEY} | {"status": status_name(about), "tie": tie_name(line["tie"])}
        for line, about in zip(found["lines"], shown.sheet.lines, strict=True)
    ]
    state = f"第 {found['number']} 版，已冻结" if found["frozen"] else f"未冻结，另有 {len(found['pending'])} 件未完成"
    print_table(f"{number} 决策表（{state}）", rows, _COLUMNS, "没有可列入的申报")
    out.print(
        f"预算 {yuan(found['budget_fen'])} 元，拟拨 {yuan(found['funded_fen'])} 元；摘要 {found['digest']}",
        markup=False,
    )
    if found["marginal"]:
        out.print(f"分界：{'、'.join(found['marginal'])}", markup=False)


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as place:
            place.write(content)
    except OSError as error:
        raise Unavailable(f"写不了 {path}：{error.strerror}；请检查路径与权限", code="file.unwritable") from None

"""`huisuan data risk`: how well a table hides people, and every way to make it coarser with what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import Unavailable
from huisuan.terminal import AsJson, out, print_json, print_table

_SHOWN = 20


def risk(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="一张表：CSV、XLSX 或 Parquet")],
    quasi: Annotated[str, typer.Option("--quasi", metavar="列,列", help="准标识列；不写则按列名建议")] = "",
    sensitive: Annotated[str, typer.Option("--sensitive", metavar="列", help="敏感列；不写则按列名建议")] = "",
    k: Annotated[int, typer.Option("--k", help="每一组至少几行")] = 5,
    as_json: AsJson = False,
) -> None:
    """一张表里多少行还认得出人：k 匿名、l 多样，全部概化组合和各自损失的细节；不需要平台和数据库。"""
    from huisuan.opendata.anonymity.table_risk import measure_table

    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unavailable(f"读不了 {file}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
    columns = [each.strip() for each in quasi.replace("，", ",").split(",") if each.strip()]
    found = measure_table(content, file.name, quasi=columns, sensitive=sensitive, k=k)
    if as_json:
        print_json(found.to_dict())
        return
    for heading, role in found.roles.items():
        out.print(f"{heading}: {_ROLES[role]}", markup=False)
    exact = next(one for one in found.lattice if not any(one.levels))
    out.print(f"{found.rows:,} 行；按原值 {exact.classes:,} 组，最小的一组 {exact.k} 行", markup=False)
    out.print(f"{exact.rows_at_risk:,} 行在不足 {k} 行的组里", markup=False)
    rows = [_row(found.quasi, one.to_dict()) for one in found.lattice[:_SHOWN]]
    safe = next((one for one in found.lattice if one.rows_at_risk == 0), None)
    if safe is not None and safe not in found.lattice[:_SHOWN]:
        rows.append(_row(found.quasi, safe.to_dict()))
    titles = {**{heading: heading for heading in found.quasi}, "k": "k", "l": "l", "risk": "不足的行", "loss": "损失"}
    print_table("概化组合，损失小的在前", rows, titles, "没有")


_ROLES = {"identifier": "标识：不能送出", "quasi_identifier": "准标识", "sensitive": "敏感", "plain": "一般"}


def _row(quasi: tuple[str, ...], one: dict[str, Any]) -> dict[str, Any]:
    levels = dict(zip(quasi, one["names"], strict=True))
    return {**levels, "k": one["k"], "l": one["l"], "risk": one["rows_at_risk"], "loss": f"{one['loss']:.2f}"}

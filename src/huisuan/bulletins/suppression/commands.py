"""`huisuan bulletin attack`: what anybody finds out of issued bulletins by adding up. No platform, no database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

_COLUMNS = {"cell": "未公布的单元格", "least": "至少", "most": "至多", "said": "结论"}
_SHOWN = 50


def attack(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="各期通报的数据文件（JSON），越全越好")],
    own: Annotated[
        list[str], typer.Option(metavar="CELL=VALUE", help="自己在某单元格的数，可多次；作为知情企业来试")
    ] = [],  # noqa: B006
    alone: Annotated[list[str], typer.Option(metavar="CELL=VALUE", help="同上，而且该单元格只有自己一家")] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """用各期通报公布的数反推未公布的数：推得出的逐个列出并以 1 退出；任何人都可以试，不需要平台。"""
    from huisuan.base.errors import Unavailable
    from huisuan.bulletins.suppression.bulletin_data import attack_bulletins, read_bulletin_cells

    try:
        published = read_bulletin_cells(files)
    except OSError as error:
        raise Unavailable(
            f"读不了 {error.filename}：{error.strerror}；请检查路径与权限", code="file.unreadable"
        ) from None
    found = attack_bulletins(published, _parse_known(own), _parse_known(alone))
    recovered = [one for one in found if one.interval.is_exact]
    if as_json:
        shown = [one.to_dict() for one in found]
        print_json({"cells": len(published.values), "hidden": shown, "recovered": len(recovered)})
    else:
        ordered = sorted(found, key=lambda one: not one.interval.is_exact)
        rows = [
            {
                "cell": "/".join(one.key), "least": one.interval.least,
                "most": "不限" if one.interval.most is None else f"{one.interval.most:,}",
                "said": "推得出" if one.interval.is_exact else "推不出",
            }
            for one in ordered[:_SHOWN]
        ]  # fmt: skip
        print_table(f"{len(files)} 份通报", rows, _COLUMNS, "这些通报没有未公布的单元格")
        if len(found) > _SHOWN:
            out.print(f"共 {len(found):,} 个，这里是前 {_SHOWN} 个；全部见 --json", markup=False)
        note(f"未公布 {len(found)} 个单元格，推得出 {len(recovered)} 个")
    if recovered:
        raise typer.Exit(1)


def _parse_known(given: list[str]) -> dict[tuple[str, ...], int]:
    from huisuan.base.errors import InvalidRequest

    known = {}
    for one in given:
        cell, equals, value = one.rpartition("=")
        if not equals or not value.strip().isdecimal():
            raise InvalidRequest(
                f'"{one}" 不是 单元格=数：单元格照数据文件的 key 以 / 连写，数是不为负的整数',
                code="bulletin.not_a_known_cell",
            )
        known[tuple(cell.split("/"))] = int(value)
    return known

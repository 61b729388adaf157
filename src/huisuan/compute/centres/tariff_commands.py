"""`huisuan tariff`: the price of a card-hour, from a day on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()

_COLUMNS = {
    "centre": "中心",
    "model": "型号",
    "fen_per_card_hour": "分/卡时",
    "valid_from": "自",
    "valid_to": "至（不含）",
}


@app.command("set", context_settings={"ignore_unknown_options": True})  # so that a price of -5 is refused by its rule
def set_(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    model: Annotated[str, typer.Argument(help="加速卡型号")],
    fen: Annotated[str, typer.Argument(help="每卡时多少分（整数；1 元 = 100）")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="自哪天起")],
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="至哪天（不含）；不写为一直有效")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="使现行的价目止于新价目的第一天")] = False,
    as_json: AsJson = False,
) -> None:
    """设定一个中心一种卡的价格。"""
    from huisuan.compute.centres.queries import tariff_to_dict
    from huisuan.compute.centres.tariffs import set_tariff

    row = tariff_to_dict(set_tariff(centre, model, fen, first.date(), last.date() if last else None, replace=replace))
    if as_json:
        print_json(row)
    else:
        until = f"至 {row['valid_to']}（不含）" if row["valid_to"] else "起"
        out.print(
            f"{row['centre']} {row['model']}：{row['fen_per_card_hour']:,} 分/卡时，{row['valid_from']} {until}",
            markup=False,
        )


@app.command("list")
def list_(
    centre: Annotated[str | None, typer.Option(help="只看这个中心")] = None,
    as_json: AsJson = False,
) -> None:
    """列出价目。"""
    from huisuan.compute.centres.queries import list_tariffs, tariff_to_dict

    rows = [tariff_to_dict(tariff) for tariff in list_tariffs(centre=centre)]
    if as_json:
        print_json(rows)
    else:
        print_table("价目", rows, _COLUMNS, "还没有价目；用 huisuan tariff set 中心 型号 分 --from 日期 设定")

"""`huisuan centre`: add centres and their partitions, and look at them; `cli.main` adds the commands of other rooms."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()

_COLUMNS = {
    "code": "代码",
    "name": "名称",
    "operator_name": "运营方",
    "region_name": "地区",
    "cards": "卡数",
    "capacity_p": "算力（P）",
    "engine": "执行引擎",
    "last_sequence": "用量记录",
}
PARTITION_COLUMNS = {
    "name": "分区",
    "model": "型号",
    "nodes": "节点",
    "cards_per_node": "每节点卡数",
    "cards": "卡数",
    "capacity_p": "算力（P）",
    "local_names_text": "调度器中的卡名",
}


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="中心代码，如 hefei-1")],
    name: Annotated[str | None, typer.Option(help="名称")] = None,
    name_en: Annotated[str | None, typer.Option(help="英文名")] = None,
    operator: Annotated[str | None, typer.Option(help="运营方的统一社会信用代码")] = None,
    region: Annotated[str | None, typer.Option(help="行政区划代码，如 340100")] = None,
    timezone: Annotated[str | None, typer.Option(help="中心时区（IANA），默认 Asia/Shanghai")] = None,
    engine: Annotated[str | None, typer.Option(help="slurm、kubernetes、ray 或 local；只报用量的中心不写")] = None,
    partition: Annotated[
        list[str] | None,
        typer.Option(
            help="分区=型号:节点数x每节点卡数[:调度器中的卡名,…]，可多次", metavar="NAME=MODEL:NODESxCARDS[:LOCAL,…]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """加入一个智算中心；对已有的中心再次运行，即增改分区。"""
    from huisuan.compute.centres.queries import centre_to_dict
    from huisuan.compute.centres.services import CentrePlan, add_centre

    plan = CentrePlan(
        name=name,
        operator=operator,
        region=region,
        name_en=name_en,
        timezone=timezone,
        engine=engine,
        partitions=tuple(partition or ()),
    )
    row = centre_to_dict(add_centre(code, plan))
    if as_json:
        print_json(row)
    else:
        out.print(f"{row['code']} {row['name']}：{row['cards']:,} 卡，{row['capacity_p']} P", markup=False)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出智算中心。"""
    from huisuan.compute.centres.queries import centre_to_dict, list_centres

    rows = [centre_to_dict(centre) for centre in list_centres()]
    if as_json:
        print_json(rows)
    else:
        print_table("智算中心", rows, _COLUMNS, "还没有智算中心；用 huisuan centre add 加入")


@app.command()
def show(code: Annotated[str, typer.Argument(help="中心代码")], as_json: AsJson = False) -> None:
    """查看一个智算中心和它的分区。"""
    from huisuan.compute.centres.queries import centre_to_dict
    from huisuan.compute.centres.services import centre_by_code

    row = centre_to_dict(centre_by_code(code))
    if as_json:
        print_json(row)
        return
    partitions: list[dict[str, Any]] = [
        {**each, "local_names_text": "、".join(each["local_names"])} for each in row["partitions"]
    ]
    print_table("智算中心", [row], _COLUMNS, "")
    print_table("分区", partitions, PARTITION_COLUMNS, "还没有分区；用 huisuan centre add CODE --partition … 加入")

"""`huisuan data import|list|show`: the list of open data."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "code": "目录代码", "title": "名称", "department": "提供单位", "region": "区划", "access_zh": "开放属性",
    "frequency_zh": "更新频率", "version": "版本",
}  # fmt: skip


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="部门的清单，CSV 或 XLSX；- 为标准输入")],
    as_json: AsJson = False,
) -> None:
    """更新开放清单：好行留下，坏的格子逐个说明；同一个文件再导入一次不会多出什么。"""
    from huisuan.opendata.catalogue.catalogue_import import import_catalogue
    from huisuan.parties.cli.party_commands import read_file, show_report

    content, name = read_file(file)
    by = f"本机命令行 {getpass.getuser()}"[:80]
    show_report(import_catalogue(content, name, by=by, now=datetime.now(UTC)), as_json=as_json)


@app.command("list")
def list_(
    q: Annotated[str, typer.Option("--q", metavar="词", help="名称、摘要、单位、主题、代码里有的词")] = "",
    access: Annotated[
        str, typer.Option("--access", metavar="属性", help="只列一种开放属性：open、conditional、closed，或清单里的词")
    ] = "",
    region: Annotated[str, typer.Option("--region", help="只列一个行政区划：六位代码")] = "",
    as_json: AsJson = False,
) -> None:
    """列出开放清单。"""
    from huisuan.opendata.catalogue.queries import entry_to_dict, filter_by_access, search_entries

    found = search_entries(q)
    found = filter_by_access(found, access) if access else found
    found = found.filter(region=region) if region else found
    rows = [entry_to_dict(each) for each in found.order_by("entry__code")]
    if as_json:
        print_json(rows)
        return
    print_table("政府公共数据资源开放清单", rows, _COLUMNS, "清单里还没有；用 huisuan data import FILE 导入")


@app.command("show")
def show(code: Annotated[str, typer.Argument(metavar="CODE", help="目录代码")], as_json: AsJson = False) -> None:
    """一个目录的全部内容，和有过的版本。"""
    from huisuan.opendata.catalogue.queries import entry_to_dict, get_entry

    found = get_entry(code)
    versions = list(found.entry.versions.order_by("number").values("number", "title", "access", "listed_on", "source"))
    row: dict[str, Any] = {**entry_to_dict(found), "versions": versions}
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        if value not in ("", None, []):
            out.print(f"{name}: {value}", markup=False)

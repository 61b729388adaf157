"""`huisuan data released|query`: what is out now, and a query on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.terminal import AsJson, note, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.viewer import Viewer

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义；不写则只有无条件开放的")]
_RELEASED = {
    "number": "编号", "title": "名称", "entry": "目录代码", "format": "格式", "rows": "行", "size": "字节",
    "released_at": "放行时间",
}  # fmt: skip


def released(
    entry: Annotated[str, typer.Option("--entry", metavar="ENTRY", help="只列一个目录的")] = "",
    by: _By = "",
    as_json: AsJson = False,
) -> None:
    """列出现在能读的已放行文件，新的在前。"""
    from huisuan.opendata.access.released import list_readable, readable_by
    from huisuan.opendata.access.watermark import reads_to_dicts

    viewer, now = _viewer(by), datetime.now(UTC)
    rows = reads_to_dicts(list_readable(readable_by(viewer, now, entry), viewer, now))
    if as_json:
        print_json(rows)
    else:
        print_table("已放行的文件", rows, _RELEASED, "没有；放行见 huisuan data release")


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="一条 SELECT；表名是 data，或 r 加文件的编号")],
    entry: Annotated[str, typer.Option("--entry", metavar="ENTRY", help="data 是哪个目录最新的表")] = "",
    by: _By = "",
    as_json: AsJson = False,
) -> None:
    """对已放行的表查询：单独的进程，至多 1 万行或 8 MB、512 MB 内存、5 秒。"""
    from huisuan.opendata.access.query import run_query

    found = run_query(sql, _viewer(by), datetime.now(UTC), entry)
    if as_json:
        print_json({"columns": found.columns, "rows": found.rows, "cut": found.cut})
        return
    heads = {str(at): name for at, name in enumerate(found.columns)}
    print_table("", [{str(at): cell for at, cell in enumerate(row)} for row in found.rows], heads, "没有一行")
    if found.cut:
        note("超过 1 万行或 8 MB，后面的没有列出")


def _viewer(by: str) -> Viewer | None:
    from huisuan.base.errors import NotFound
    from huisuan.parties.models import Person
    from huisuan.parties.viewer import Viewer

    if not by:
        return None
    found = Person.objects.filter(username=by, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {by}：没有这个人，或已停用", code="person.unknown")
    return Viewer.for_person(found)

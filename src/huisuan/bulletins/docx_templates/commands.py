"""`huisuan bulletin template add|list`: by what offices have the DOCX of their bulletins made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.bulletins.issuing.commands import BulletinSubject, disk_refusals
from huisuan.terminal import AsJson, out, print_json, print_table

template = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "template": "编号", "office": "发文机关", "kind": "内容", "number": "版", "filename": "文件", "fields": "域",
    "by": "上传",
}  # fmt: skip


@template.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="DOCX，用 Word 或 WPS 的“邮件合并域”写")],
    office: Annotated[str, typer.Option("--office", help="发文机关，照通报上写")],
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")],
    kind: Annotated[
        BulletinSubject, typer.Option("--kind", help="开放程度、场景、算力使用或资金拨付")
    ] = BulletinSubject.OPENNESS,
    check: Annotated[bool, typer.Option("--check", help="只检查，不收")] = False,
    as_json: AsJson = False,
) -> None:
    """上传模板：此后起草的该机关这一种通报，DOCX 由它生成；不认识的域、宏、外部链接都不收。"""
    context.obj()
    from huisuan.bulletins.docx_templates.services import (
        add_bulletin_template,
        check_bulletin_template,
        state_bulletin_template,
    )
    from huisuan.programmes.people import find_person

    person = find_person(by)
    with disk_refusals():
        content = file.read_bytes()
    if check:
        name, fields = check_bulletin_template(file.name, content)
        said = {"filename": name, "fields": list(fields)}
    else:
        said = state_bulletin_template(
            add_bulletin_template(kind.value, office, file.name, content, person, datetime.now(UTC))
        )
    if as_json:
        print_json(said)
    else:
        out.print(f"{said['filename']} 可以用。域：{'、'.join(said['fields'])}", markup=False)


@template.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """列出各机关的模板，同一种的新版在前。"""
    context.obj()
    from huisuan.bulletins.docx_templates.services import list_bulletin_templates, state_bulletin_template

    rows = [state_bulletin_template(one) for one in list_bulletin_templates()]
    if as_json:
        print_json(rows)
        return
    shown = [row | {"fields": "、".join(row["fields"])} for row in rows]
    print_table("通报模板", shown, _COLUMNS, "没有模板；用 huisuan bulletin template add 上传")

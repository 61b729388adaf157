"""`huisuan document draw|template`: documents of what is on record, and the templates of their DOCX."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.terminal import AsJson, out, print_json, print_table

template = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "office": "发文单位", "kind": "种类", "number": "版", "filename": "文件", "fields": "域", "by": "上传",
}  # fmt: skip
_Kind = Annotated[str, typer.Argument(metavar="KIND", help="公文种类，同 document draw")]
_Office = Annotated[str, typer.Option("--office", metavar="OFFICE", help="发文单位，照落款写")]


def draw(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="call、publicity、correction、decision、refusal、revocation、funds、payment_list、recovery",
        ),
    ],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="申报通知、公示、申报或送银行文件的编号")],
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义，须在发文单位任岗")],
    as_json: AsJson = False,
) -> None:
    """按记录出文：申报通知、公示、补正、批准、不予支持、撤销、资金下达、拨付清单、追回；再出的替代前一份。"""
    from huisuan.documents.queries import document_to_dict
    from huisuan.programmes.papers.issuing import issue_from_record
    from huisuan.programmes.people import find_person

    made = issue_from_record(kind, number, find_person(by), datetime.now(UTC))
    if as_json:
        print_json(document_to_dict(made))
        return
    out.print(f"已签发 {made.full_number}《{made.title}》，核验码 {made.code}", markup=False)


@template.command("add")
def add(
    context: typer.Context,
    kind: _Kind,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="DOCX，用 Word 或 WPS 的“邮件合并域”写")],
    office: _Office,
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义，须在发文单位任岗")],
    as_json: AsJson = False,
) -> None:
    """上传模板：此后该单位这一种公文同时出 DOCX；不认识的域、宏、外部链接都不收。"""
    context.obj()
    from huisuan.documents.queries import template_to_dict
    from huisuan.programmes.papers.templates import add_template
    from huisuan.programmes.people import find_person

    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file}：读不了：{error.strerror}", code="document.file_unreadable") from None
    made = add_template(kind, office, file.name, content, find_person(by), datetime.now(UTC))
    if as_json:
        print_json(template_to_dict(made))
        return
    out.print(f"{office} 的模板第 {made.number} 版，域：{'、'.join(made.fields)}", markup=False)


@template.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """列出各单位的模板，同一种的新版在前。"""
    context.obj()
    from huisuan.documents.queries import list_templates, template_to_dict

    rows = [template_to_dict(one) for one in list_templates()]
    if as_json:
        print_json(rows)
        return
    shown = [row | {"fields": "、".join(map(str, row["fields"]))} for row in rows]  # type: ignore[call-overload]
    print_table(
        "公文模板", shown, _COLUMNS, "没有模板：huisuan document template add KIND FILE --office OFFICE --by USERNAME"
    )


@template.command("show")
def show(context: typer.Context, kind: _Kind, office: _Office, as_json: AsJson = False) -> None:
    """在用的模板：哪一版、散列、有哪些域。"""
    context.obj()
    from huisuan.documents.issuing import newest_template
    from huisuan.documents.queries import template_to_dict

    found = newest_template(office, kind)
    if found is None:
        raise NotFound(f"{office} 没有 {kind} 的模板", code="document.no_template")
    if as_json:
        print_json(template_to_dict(found))
        return
    out.print(f"第 {found.number} 版（{found.filename}），SHA-256 {found.sha256}", markup=False)
    out.print(f"域：{'、'.join(found.fields)}", markup=False)

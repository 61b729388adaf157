"""`huisuan document draw`: a document of what is on record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.terminal import AsJson, out, print_json


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

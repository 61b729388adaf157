"""`huisuan application opinion|opinions`: what offices say of a case that is decided one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, print_json, print_table

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_COLUMNS = {"office": "单位", "text": "意见", "amount_fen": "建议金额（分）", "by": "谁", "at": "何时"}


def opinion(
    number: _Number,
    office: Annotated[str, typer.Option("--office", help="哪个单位的意见，写法同政策文本")],
    text: Annotated[str, typer.Option("--text", help="意见")],
    by: _By,
    amount_fen: Annotated[int | None, typer.Option("--amount-fen", help="建议的金额（分），可不写")] = None,
    as_json: AsJson = False,
) -> None:
    """登记一个单位对一事一议的意见，一次，不能改。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.opinions import give_opinion

    give_opinion(number, office, text, find_person(by), datetime.now(UTC), amount_fen=amount_fen)
    _print(number, by, as_json)


def opinions(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一事一议须征求意见的单位和各自的意见。"""
    _print(number, by, as_json)


def _print(number: str, by: str, as_json: bool) -> None:
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.opinions import list_opinions

    rows: list[dict[str, Any]] = list_opinions(Viewer.for_person(find_person(by)), number)
    if as_json:
        print_json(rows)
        return
    print_table(f"{number} 的意见", rows, _COLUMNS, "金额由政策确定，不征求意见")

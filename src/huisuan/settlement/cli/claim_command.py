"""`huisuan settle claim`: one project's answer, with what the registers know of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json


def claim(
    policy: Annotated[str, typer.Option("--policy", help="按哪个政策")],
    rule: Annotated[str, typer.Option("--rule", help="按哪一句，如 8.2")],
    city: Annotated[str, typer.Option("--city", help="市的六位代码")],
    project: Annotated[str, typer.Option("--project", help="项目，与拨付登记中的写法一致")],
    year: Annotated[int, typer.Option("--year", help="哪一年支付的")],
    facts: Annotated[str, typer.Option("--facts", help="申报人提供的其余事实，JSON 文件；- 为标准输入")] = "",
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天所知", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """一个项目按一句能得多少：登记里有的（市级拨付凭证）自动取，其余由申报人提供；不写入。"""
    from huisuan.base.money import yuan
    from huisuan.parties.cli.party_commands import read_file
    from huisuan.settlement.runs.claim_facts import answer_claim

    known = (as_known or datetime.now(SHANGHAI)).date()
    found = answer_claim(policy, rule, city, project, year, _declared(read_file(facts)[0] if facts else b"{}"), known)
    if as_json:
        print_json({"registered": found.registered, "as_known": known, "answer": found.answer.to_dict()})
        return
    for name, value in found.registered.items():
        out.print(f"登记所知　{name}：{yuan(value) if isinstance(value, int) else value} 元", markup=False)
    answer = found.answer
    amount = "—" if answer.amount_fen is None else f"{yuan(answer.amount_fen)} 元"
    out.print(f"{rule}　{answer.status.value}　{amount}", markup=False)
    for reason in answer.reasons:
        out.print(f"　{reason.text}", markup=False)


def _declared(content: bytes) -> dict[str, object]:
    try:
        read = json.loads(content.decode())
    except ValueError as error:
        raise InvalidRequest(f"--facts 不是 JSON：{error}", code="settlement.facts_no_json") from None
    if not isinstance(read, dict):
        raise InvalidRequest("--facts 须是一个 JSON 对象：事实名 → 值", code="settlement.facts_no_json")
    return read

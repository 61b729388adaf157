"""`huisuan token`: what programs carry instead of a password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.console import AsJson, note, out, print_json, print_table

app = typer.Typer()


@app.command("create")
def create(
    role: Annotated[str, typer.Option("--role", help="角色：user、centre、city、province、auditor")],
    label: Annotated[str, typer.Option("--label", help="名称：谁用、在哪里用")],
    party: Annotated[str | None, typer.Option("--party", help="主体的统一社会信用代码（user、centre）")] = None,
    city: Annotated[str | None, typer.Option("--city", help="市的行政区划代码（city）")] = None,
    as_json: AsJson = False,
) -> None:
    """新建令牌；密文只显示这一次，平台只保存其摘要。"""
    from huisuan.parties.tokens import make_token

    token, secret = make_token(role, label, party=party, city=city)
    if as_json:
        print_json({"id": token.pk, "label": token.label, "role": token.role, "token": secret})
        return
    out.print(secret, markup=False)
    note(f"令牌 {token.pk}（{token.label}）已建；请现在就保存，它不会再显示")


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """列出令牌（没有密文可列）。"""
    from huisuan.parties.tokens import tokens

    rows: list[dict[str, Any]] = [
        {
            "id": token.pk,
            "label": token.label,
            "role": token.role,
            "party": token.party.uscc if token.party else None,
            "city": token.city_id,
            "created_at": token.created_at,
            "revoked_at": token.revoked_at,
        }
        for token in tokens()
    ]
    if as_json:
        print_json(rows)
        return
    columns = {"id": "编号", "label": "名称", "role": "角色", "party": "主体", "city": "市"}
    times = {"created_at": "新建于", "revoked_at": "吊销于"}
    print_table("令牌", rows, {**columns, **times}, "还没有令牌：huisuan token create")


@app.command("revoke")
def revoke_token(
    number: Annotated[int, typer.Argument(metavar="编号", help="见 huisuan token list")],
    as_json: AsJson = False,
) -> None:
    """吊销令牌：立即失效，不能恢复。"""
    from huisuan.parties.tokens import revoke

    token = revoke(number, datetime.now(UTC))
    if as_json:
        print_json({"id": token.pk, "label": token.label, "revoked_at": token.revoked_at})
    else:
        out.print(f"令牌 {token.pk}（{token.label}）已吊销", markup=False)

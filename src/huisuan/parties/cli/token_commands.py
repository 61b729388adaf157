"""`huisuan token`: what programs carry instead of a password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
TOKEN_COLUMNS = {
    "id": "编号",
    "label": "名称",
    "person": "人员",
    "role": "角色",
    "party": "主体",
    "scope": "权限",
    "project": "项目",
    "created_at": "新建于",
    "expires_at": "到期",
    "last_used_at": "最近使用",
    "revoked_at": "吊销于",
}


@app.command("new")
def new_token(
    username: Annotated[str, typer.Argument(metavar="账号", help="令牌是谁的；见 huisuan person list")],
    label: Annotated[str, typer.Option("--label", help="名称：在哪里用")],
    scope: Annotated[
        str, typer.Option("--scope", help="权限：read 只读、submit 提交作业、manage 该人员能做的一切")
    ] = "submit",
    days: Annotated[int, typer.Option("--days", help="有效期，天，至多 365")] = 90,
    as_json: AsJson = False,
) -> None:
    """新建令牌；密文只显示这一次，平台只保存其摘要。"""
    from huisuan.parties.identity.audit_trail import Actor
    from huisuan.parties.identity.people import get_person
    from huisuan.parties.identity.tokens import issue_token

    now = datetime.now(UTC)
    token, secret = issue_token(get_person(username), label, Actor.at_this_machine(), now, scope=scope, days=days)
    if as_json:
        print_json({**token_row(token), "token": secret})
        return
    out.print(secret, markup=False)
    note(f"令牌 {token.pk}（{token.label}）已建，{token.expires_at:%Y-%m-%d} 到期；请现在就保存，它不会再显示")


@app.command("list")
def list_tokens(
    person: Annotated[str | None, typer.Option("--person", help="只看这个人员的")] = None, as_json: AsJson = False
) -> None:
    """列出令牌（没有密文可列）。"""
    from huisuan.parties.identity.people import get_person
    from huisuan.parties.identity.tokens import list_tokens

    rows = [token_row(token) for token in list_tokens(get_person(person) if person else None)]
    if as_json:
        print_json(rows)
    else:
        print_table("令牌", rows, TOKEN_COLUMNS, "还没有令牌：huisuan token new 账号 --label 名称")


@app.command("revoke")
def revoke_token(
    number: Annotated[int, typer.Argument(metavar="编号", help="见 huisuan token list")],
    as_json: AsJson = False,
) -> None:
    """吊销令牌：立即失效，不能恢复。"""
    from huisuan.parties.identity.audit_trail import Actor
    from huisuan.parties.identity.tokens import revoke_token_by_id

    token = revoke_token_by_id(number, Actor.at_this_machine(), datetime.now(UTC))
    if as_json:
        print_json(token_row(token))
    else:
        out.print(f"令牌 {token.pk}（{token.label}）已吊销", markup=False)


def token_row(token: Any) -> dict[str, Any]:
    """A token as lists and JSON show it."""
    person = token.person
    return {
        "id": token.pk,
        "label": token.label,
        "person": person.username,
        "role": person.role,
        "party": person.party.uscc if person.party else None,
        "city": person.city_id,
        "scope": token.scope,
        "project": token.project.code if token.project else None,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }

"""`huisuan todo`: what waits for a person, by when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.viewer import Viewer

#: where each is done on the command line
_COMMANDS = {
    "proposal": "huisuan settings adopt {about} --by 用户名",
    "correction": "huisuan meter flags {about}",
    "flag": "huisuan meter flags {about}",
    "seal": "huisuan meter seal {about} {last} --through",
    "settlement": "huisuan settle run --year {about} --policy {name}",
    "unclaimed": "huisuan usage unclaimed --centre {about}",
    "agent": "huisuan centre agents {about}",
}
_COLUMNS = {
    "kind_zh": "什么", "name": "在哪里", "count": "数量", "since": "最早", "due": "最晚", "command": "怎么办",
}  # fmt: skip


def todo(
    role: Annotated[str, typer.Option("--role", help="以谁的身份看：province、city、centre、auditor")] = "province",
    city: Annotated[str | None, typer.Option("--city", help="市的行政区划代码（--role city）")] = None,
    party: Annotated[str | None, typer.Option("--party", help="运营方的统一社会信用代码（--role centre）")] = None,
    as_json: AsJson = False,
) -> None:
    """待办：提案、更正、疑点、待封的月、待结算的年度、无主用量、没有回音的站点代理，各自最晚哪天。"""
    from huisuan.settlement.todo.queries import list_todo

    now = datetime.now(UTC)
    items = list_todo(_viewer(role, party, city), now)
    rows = [item.to_dict(now.astimezone(SHANGHAI).date(), role) for item in items]
    for item, row in zip(items, rows, strict=True):
        values = {"about": item.about, "name": item.name, "last": item.detail[-1] if item.detail else ""}
        row["command"] = _COMMANDS[item.kind].format(**values)
    if as_json:
        print_json(rows)
    else:
        print_table(
            "待办", rows, _COLUMNS, "没有什么在等：提案都有了结果，疑点都已答复，该封的都已封，该结算的都已结算"
        )


def _viewer(role: str, party: str | None, city: str | None) -> Viewer:
    from huisuan.parties.identity.positions import Position
    from huisuan.parties.viewer import Viewer
    from huisuan.settlement.todo.queries import TODO_ROLES

    if role not in TODO_ROLES:
        raise InvalidRequest(f"角色 {role} 没有待办：可用 {'、'.join(TODO_ROLES)}", code="todo.role_without")
    found, region = Position(role, party, city).resolve()
    return Viewer(role=role, name="", party_id=found.pk if found else None, city=region.pk if region else None)

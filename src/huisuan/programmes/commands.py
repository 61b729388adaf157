"""`huisuan standing`: how firm an entitlement is, and where its claim is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

_COLUMNS = {
    "month": "月份", "centre": "中心", "amount_fen": "账单（元）", "sealed_by": "封账人", "sealed_at": "封账",
    "countersigned_by": "中心会签", "root": "默克尔根",
}  # fmt: skip
_WOULD_CHANGE = {
    "open_flags": "未答复的疑点", "waiting_corrections": "等待确认的更正", "new_records": "结算后新到的用量记录",
    "unsealed_months": "未封账的月", "pending_settings": "待采用的参数提案", "law_changed": "政策或参数有改动",
}  # fmt: skip


def standing(
    entitlement: Annotated[str, typer.Argument(metavar="ENTITLEMENT", help="应享编号，如 E12")], as_json: AsJson = False
) -> None:
    """一笔应享的状况：哪些用量已封账、由谁封，出自哪一批次，什么会改变它，申报到哪一步。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.claims import standing_with_claim
    from huisuan.settlement.models import Entitlement
    from huisuan.settlement.runs.queries import get_entitlement

    try:
        owed = get_entitlement(Viewer(role="province", name=""), int(entitlement.upper().removeprefix("E")))
    except (ValueError, Entitlement.DoesNotExist):
        raise NotFound(f"没有应享 {entitlement}；编号见 huisuan settle show", code="entitlement.unknown") from None
    found = standing_with_claim(owed, datetime.now(UTC).astimezone(SHANGHAI).date())
    if as_json:
        print_json(found)
        return
    print_table(f"E{owed.pk}　第 {owed.run_id} 次结算", found["standing"]["months"], _COLUMNS, "没有用量")
    changes = found["standing"]["would_change"]
    rows = [{"what": _WOULD_CHANGE[name], "count": int(value)} for name, value in changes.items() if value]
    print_table("会改变它的", rows, {"what": "什么", "count": "数量"}, "平台所知，没有什么会改变它")
    claims = "、".join(f"草稿 {claim['draft']}" for claim in found["claim"])
    out.print(f"申报：{claims or '还没有草稿'}", markup=False)

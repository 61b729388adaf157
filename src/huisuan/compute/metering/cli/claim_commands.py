"""`huisuan usage suggest`, `claim`, `unclaim`: whose the accounts are that no party has claimed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

_By = Annotated[str, typer.Option("--by", help="谁认领的，写进记录")]
_WHY = {"elsewhere": "别的中心这样对应", "uscc": "名字里有信用代码", "likeness": "名称相近"}
_COLUMNS = {"centre": "中心", "what": "账户或用户", "records": "记录", "card_seconds": "卡秒", "text": "可能是"}


def suggest(centre: Annotated[str | None, typer.Option(help="只看这个中心")] = None, as_json: AsJson = False) -> None:
    """列出无主的账户和它们可能属于谁：只是建议，由人用 huisuan usage claim 确认。"""
    from huisuan.compute.metering.imports.suggestions import suggest_claims
    from huisuan.parties.viewer import Viewer

    rows: list[dict[str, Any]] = [
        {
            "centre": each.centre, "kind": each.kind, "name": each.name, "records": each.records,
            "card_seconds": each.card_seconds,
            "suggestions": [
                {"uscc": one.party.uscc, "name": one.party.name, "why": one.why, "likeness": f"{one.likeness:.2f}"}
                for one in each.suggestions
            ],
        }
        for each in suggest_claims(Viewer(role="province", name="huisuan usage suggest"), centre)
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["what"] = f"{'账户' if row['kind'] == 'account' else '用户'} {row['name']}"
        row["text"] = "；".join(f"{one['uscc']} {one['name']}（{_WHY[one['why']]}）" for one in row["suggestions"])
    print_table("无主的账户", rows, _COLUMNS, "所有用量都有主体")


def claim(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    name: Annotated[str, typer.Argument(help="账户或用户，照调度器的写法")],
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码")],
    user: Annotated[bool, typer.Option("--user", help="这是用户名，不是账户名")] = False,
    by: _By = "huisuan usage claim",
    as_json: AsJson = False,
) -> None:
    """把一个账户对应到主体；存下的文件重新计量，以前的用量一并归它。"""
    from huisuan.compute.metering.imports.claims import claim_account

    _print(claim_account(centre, "user" if user else "account", name, uscc, by, datetime.now(UTC)), as_json)


def unclaim(
    number: Annotated[int, typer.Argument(help="认领的编号，见中心的无主用量页")],
    by: _By = "huisuan usage unclaim",
    as_json: AsJson = False,
) -> None:
    """撤回一次认领：以后的用量恢复原样；已经归了它的，成为等人确认的更正。"""
    from huisuan.compute.metering.imports.claims import undo_claim

    _print(undo_claim(number, by, datetime.now(UTC)), as_json)


def _print(report: Any, as_json: bool) -> None:
    claim = report.claim
    row = {
        "number": claim.pk, "centre": claim.centre.code, "kind": claim.kind, "name": claim.name,
        "uscc": claim.party.uscc if claim.party else None, "files": report.files, "records": report.records,
        "waiting": report.waiting, "not_read": list(report.not_read),
    }  # fmt: skip
    if as_json:
        print_json(row)
        return
    whose = claim.party.name if claim.party else "无主"
    out.print(
        f"{claim.pk} 号认领：{claim.centre.code} 的 {claim.name} → {whose}；重新计量 {report.files} 份文件，"
        f"新记录 {report.records} 条，等人确认 {report.waiting} 条",
        markup=False,
    )
    for name in report.not_read:
        out.print(f"{name} 是跟踪数据，读法没有存下：请带 --tenants 再导入一次", markup=False)

"""`huisuan tariff what-if` and `history`, `huisuan meter checklist`: a centre's desk at the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.card_time import card_hours
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, note, print_json, print_table

_PAYERS = {
    "party_name": "主体", "model": "型号", "card_hours": "卡时", "before": "按现价（元）", "after": "按新价（元）",
    "difference": "相差（元）",
}  # fmt: skip
_HISTORY = {
    "at": "何时", "step": "做了什么", "model": "型号", "fen_per_card_hour": "分/卡时", "before_fen": "更正前",
    "valid_from": "自", "valid_to": "至（不含）", "by": "谁办的",
}  # fmt: skip


def what_if(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    model: Annotated[str, typer.Argument(help="加速卡型号")],
    fen: Annotated[str, typer.Argument(help="每卡时多少分（整数；1 元 = 100）")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="自哪天起")],
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="至哪天（不含）")] = None,
    months: Annotated[int, typer.Option(help="按最近几个月的用量")] = 3,
    as_json: AsJson = False,
) -> None:
    """预览一个新价目：谁付多少、哪些账单会变、碰上哪些作业；什么也不写入。"""
    from huisuan.compute.centre_desk.tariff_preview import preview_tariffs, preview_to_dict
    from huisuan.compute.centres.tariffs import TariffPlan

    plan = TariffPlan({model: fen}, first.date(), last.date() if last else None, replace=True)
    found = preview_to_dict(preview_tariffs(centre, plan, months, datetime.now(UTC)))
    if as_json:
        print_json(found)
        return
    title = f"{found['since']} 至 {found['until']} 的用量若照样再来一次"
    print_table(title, [_row(each) for each in found["payers"]], _PAYERS, "没有主体在这种型号上的用量")
    if found["past"]:
        print_table("下次结算时会变的账单", [_row(each) for each in found["past"]], _PAYERS, "")
    note(f"在中心的平台作业 {found['job_count']:,} 个可能碰上；价格上限低于新价的等待作业 {found['ceilings']:,} 个")


def history(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多多少条")] = 100,
    as_json: AsJson = False,
) -> None:
    """一个中心的价目改动：设定、更正、截止，谁在何时；最新的在前。"""
    from huisuan.compute.centres.queries import list_tariff_changes, tariff_change_to_dict

    rows = [tariff_change_to_dict(change) for change in list_tariff_changes(centre)[:limit]]
    if as_json:
        print_json(rows)
    else:
        print_table("价目的改动", rows, _HISTORY, "还没有改动的记录")


def checklist(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    through: Annotated[str | None, typer.Argument(help="到哪个月，如 2024-03；不写为最近过完的月")] = None,
    as_json: AsJson = False,
) -> None:
    """封账前的核对：疑点、无主用量、漏听的日子、还在跑的作业、没导入的文件；什么也不改变。有要掂量的，退出码为 1。"""
    from huisuan.base.months import Month
    from huisuan.compute.centre_desk.seal_checklist import checklist_to_dict, seal_checklist
    from huisuan.compute.centres.services import centre_by_code

    found = seal_checklist(centre_by_code(centre), Month.parse(through) if through else None, datetime.now(UTC))
    data = checklist_to_dict(found)
    if as_json:
        print_json(data)
    else:
        rows = [{"what": label, "value": str(data[key])} for key, label in _CHECKLIST.items()]
        print_table(f"{found.first} 至 {found.last}", rows, {"what": "逐项", "value": "值"}, "")
    if not found.is_clear:
        raise typer.Exit(1)


_CHECKLIST = {
    "open_flags": "未答复的疑点", "unclaimed_card_seconds": "无主用量（卡秒）", "silent_since": "代理自何时没有回音",
    "unheard_days": "没有听到代理的日子", "running": "还在跑的作业", "last_file": "最近一份记账文件",
    "files_missing": "月末以后没有导入过文件", "empty_days": "没有任何用量的日子", "uncounted": "还没有按日汇总的记录",
}  # fmt: skip


def _row(payer: dict[str, Any]) -> dict[str, Any]:
    return {
        "party_name": payer["party_name"], "model": payer["model"],
        "card_hours": card_hours(payer["card_seconds"]),
        "before": "—" if payer["before_fen"] is None else yuan(payer["before_fen"]),
        "after": yuan(payer["after_fen"]), "difference": yuan(payer["difference_fen"]),
    }  # fmt: skip

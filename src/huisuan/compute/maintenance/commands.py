"""`huisuan maintenance`: when a centre, or a part of it, takes no work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()
_TIMES = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
_STATES = {"to_come": "未到", "under_way": "进行中", "over": "已结束", "cancelled": "已撤销"}
_COLUMNS = {
    "number": "编号", "centre": "中心", "where": "范围", "starts_at": "自", "ends_at": "至", "state_text": "状态",
    "reason": "原因", "declared_by": "申报人",
}  # fmt: skip
_JOB_COLUMNS = {
    "uid": "作业", "name": "名称", "party": "主体", "cards": "卡数", "ends_by": "最晚结束", "what_happens": "会怎样",
}  # fmt: skip
_By = Annotated[str, typer.Option("--by", help="谁办的，写进记录")]


@app.command()
def add(
    centre: Annotated[str, typer.Argument(help="中心代码")],
    starts: Annotated[datetime, typer.Option("--from", formats=_TIMES, help="自何时（北京时间），如 2026-07-01T08:00")],
    ends: Annotated[datetime, typer.Option("--to", formats=_TIMES, help="至何时（北京时间）")],
    reason: Annotated[str, typer.Option("--reason", help="原因：提交作业的人会看到")],
    partition: Annotated[list[str] | None, typer.Option(help="只是这个分区，可多次；不写为整个中心")] = None,
    node: Annotated[list[str] | None, typer.Option(help="只是这个节点，可多次：它所在的分区都不接新作业")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看会碰到哪些作业，不申报")] = False,
    by: _By = "huisuan maintenance",
    as_json: AsJson = False,
) -> None:
    """申报一个维护窗口：时限会延伸到其中的作业不再派来，还没开始的撤回，在跑的跑完并告知。"""
    from huisuan.compute.maintenance.queries import met_to_dict, window_to_dict
    from huisuan.compute.maintenance.services import WindowPlan, declare_window

    now = datetime.now(UTC)
    plan = WindowPlan(_shanghai(starts), _shanghai(ends), reason, tuple(partition or ()), tuple(node or ()))
    declared = declare_window(centre, plan, by, now, dry_run=dry_run)
    window, met = declared.window, [met_to_dict(each, declared.window) for each in declared.met]
    if as_json:
        print_json({**window_to_dict(window, now), "dry_run": dry_run, "jobs": met})
        return
    what = "只是试看，没有申报" if dry_run else f"{window.pk} 号维护窗口"
    out.print(
        f"{what}：{centre} {_where(window_to_dict(window, now))}，{starts:%m-%d %H:%M} 至 {ends:%m-%d %H:%M}",
        markup=False,
    )
    print_table("碰到的作业", met, _JOB_COLUMNS, "没有碰到作业")


@app.command("list")
def list_(
    centre: Annotated[str | None, typer.Option(help="只看这个中心")] = None,
    past: Annotated[bool, typer.Option("--all", help="也列出已结束和已撤销的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出维护窗口。"""
    from huisuan.compute.maintenance.queries import list_windows, window_to_dict

    now = datetime.now(UTC)
    rows = [window_to_dict(window, now) for window in list_windows(now, centre, past=past)]
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "where": _where(row), "state_text": _STATES[row["state"]]} for row in rows]
    print_table(
        "维护窗口", shown, _COLUMNS, "没有维护窗口；用 huisuan maintenance add 中心 --from … --to … --reason … 申报"
    )


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(help="编号，见 huisuan maintenance list")],
    by: _By = "huisuan maintenance",
    as_json: AsJson = False,
) -> None:
    """撤销一个维护窗口；正在进行的就此结束。"""
    from huisuan.compute.maintenance.queries import window_to_dict
    from huisuan.compute.maintenance.services import cancel_window

    now = datetime.now(UTC)
    window = cancel_window(number, by, now)
    if as_json:
        print_json(window_to_dict(window, now))
    else:
        out.print(f"{number} 号维护窗口已撤销，{window.centre.code} 照常接作业", markup=False)


def _shanghai(at: datetime) -> datetime:
    return at.replace(tzinfo=SHANGHAI)


def _where(row: dict[str, Any]) -> str:
    if row["nodes"]:
        return f"节点 {'、'.join(row['nodes'])}（分区 {'、'.join(row['partitions']) or '全部'}）"
    return f"分区 {'、'.join(row['partitions'])}" if row["partitions"] else "整个中心"

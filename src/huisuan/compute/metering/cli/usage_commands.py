"""`huisuan usage`: import accounting files, look at the records, sum them up."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.json_values import to_json_value
from huisuan.compute.traces import options
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

if TYPE_CHECKING:
    from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport

app = typer.Typer()
_SHOWN = 20  # refused lines on the screen; --json has all
_PAGE = 50
STAGES = 4

_COLUMNS = {
    "centre": "中心",
    "sequence": "序号",
    "job_id": "作业",
    "run": "次",
    "user": "用户",
    "party": "主体",
    "model": "型号",
    "cards": "卡",
    "card_seconds": "卡秒",
    "start": "开始",
    "end": "结束",
    "state": "状态",
}
UNCLAIMED_COLUMNS = {
    "centre": "中心",
    "user": "用户",
    "account": "账户",
    "records": "记录",
    "card_seconds": "卡秒",
}
REPORT = {
    "lines": "读入行",
    "new": "新记录",
    "superseding": "其中更正",
    "unchanged": "已有未变",
    "older": "已被更正的旧内容",
    "repeated": "文件内重复",
    "steps": "作业步",
    "cpu_only": "未用加速卡",
    "never_started": "未曾开始",
    "running": "仍在运行，尚未计量",
    "partial": "分段（已在汇总行中）",
    "fractional": "其中只占部分卡，按整卡计",
    "own": "平台调度的作业，由站点代理计量",
    "waiting": "更正等待确认",
    "turned_down": "更正此前已答复，不再提出",
    "held": "可能出自作业名而没有计量",
    "unclaimed": "无主体的记录",
    "card_seconds": "新记录卡秒",
}
NO_CARDS = {
    "asked": "要了卡而记账里没有",
    "unknown_gres": "卡名不认识",
    "untracked": "有卡的分区没有记卡",
    "parts": "部分卡，没有计量",
    "idle": "在有卡的分区上没有用卡",
}
_CentreOption = Annotated[str | None, typer.Option(help="只看这个中心")]
_PartyOption = Annotated[str | None, typer.Option(help="只看这个主体（统一社会信用代码）")]
User = Annotated[str | None, typer.Option(help="只看这个用户")]
_JobOption = Annotated[str | None, typer.Option(help="只看这个作业")]
_MonthOption = Annotated[str | None, typer.Option(help="只看这个月，如 2024-01（北京时间）")]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="文件，- 为标准输入")],
    centre: Annotated[str, typer.Option(help="中心代码")],
    format: Annotated[str, typer.Option(help="sacct 或 trace")],
    timezone: Annotated[str | None, typer.Option(help="文件中本地时间的时区（IANA），默认为中心的时区")] = None,
    tenants: Annotated[
        Path | None, typer.Option(help="CSV：account 或 user（或 name）与 uscc；存下来，以后的导入也用它")
    ] = None,
    model: Annotated[str | None, typer.Option(help="trace：加速卡型号（中心有多种时必须写）")] = None,
    epoch: Annotated[str | None, typer.Option(help="trace：按秒计时的零点，如 2020-09-01T00:00:00")] = None,
    shift_days: Annotated[int, typer.Option(help="trace：所有时间平移多少天（负数向前）；原始行不变")] = 0,
    tenant: Annotated[str, typer.Option(help="trace：没有用户列时，都记在这个用户名下")] = "",
    submit_column: options.SubmitColumn = None,
    start_column: options.StartColumn = None,
    end_column: options.EndColumn = None,
    duration_column: options.DurationColumn = None,
    cards_column: options.CardsColumn = None,
    user_column: options.UserColumn = None,
    account_column: options.AccountColumn = None,
    job_column: options.JobColumn = None,
    state_column: options.StateColumn = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说会怎样，不写入")] = False,
    as_json: AsJson = False,
) -> None:
    """导入记账：huisuan usage export-command 打印的 sacct 命令的输出，或作业轨迹（CSV、SWF、Philly）；可为 .gz。

    好行收下，坏行逐行说明；同一文件导入两次，不会多出一条。
    """
    from huisuan.compute.metering.imports.import_file import UsageFile
    from huisuan.compute.traces.columns import TraceColumns
    from huisuan.parties.cli.party_commands import read_file

    content, name = read_file(file)
    columns = TraceColumns(
        submit=submit_column,
        start=start_column,
        end=end_column,
        duration=duration_column,
        cards=cards_column,
        user=user_column,
        account=account_column,
        job=job_column,
        state=state_column,
    )
    usage = UsageFile(
        content=content,
        name=name,
        format=format,
        timezone=timezone,
        tenants=read_file(str(tenants)) if tenants else None,
        model=model,
        columns=columns,
        epoch=epoch,
        shift_days=shift_days,
        tenant=tenant,
    )
    report = _import(centre, usage, dry_run=dry_run)
    data = report.as_json()
    if as_json:
        print_json(data)
    else:
        _show(data)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _import(centre: str, usage: UsageFile, *, dry_run: bool) -> UsageReport:
    """Import with a bar that names each stage."""
    from huisuan.compute.metering.imports.import_file import import_usage

    with progress("导入", STAGES) as bar:
        task = bar.task_ids[0]

        def stage(text: str) -> None:
            started = bar.tasks[0].description != "导入"
            bar.update(task, description=text, advance=1 if started else 0)

        return import_usage(centre, usage, datetime.now(UTC), dry_run=dry_run, stage=stage)


@app.command("export-command")
def export_command(
    since: Annotated[str, typer.Option("--from", help="从何时起，如 2024-01-01")] = "2024-01-01",
    until: Annotated[str, typer.Option("--to", help="到何时止（不含），如 2025-01-01")] = "2025-01-01",
    as_json: AsJson = False,
) -> None:
    """打印在 Slurm 上导出记账的命令：每次运行都用新的随机分隔符，作业名里写什么都冒充不了记录。"""
    from huisuan.compute.sacct.export import command_for

    command = command_for(since, until)
    if as_json:
        print_json({"command": command})
    else:
        typer.echo(command)  # unwrapped: to be copied or piped as it is


def _show(data: dict[str, Any]) -> None:
    tenants = data["tenants"]
    for fault in (tenants["faults"] if tenants else [])[:_SHOWN]:
        note(f"租户表：{fault['text']}")
    for fault in data["faults"][:_SHOWN]:
        note(f"行 {fault['line']}，{fault['reason']}")
    if data["refused"] > _SHOWN:
        note(f"…… 另有 {data['refused'] - _SHOWN} 行，用 --json 查看全部")
    for text in data["notes"]:
        note(f"注：{text}")
    if data["dry_run"]:
        note("试运行：没有写入")
    counts = [f"{label} {data[key]:,}" for key, label in REPORT.items() if data[key] or key in ("lines", "new")]
    counts += [f"{NO_CARDS[kind]} {lines:,}" for kind, lines in data["no_cards"].items()]
    out.print("，".join([*counts, f"拒收 {data['refused']:,}"]), markup=False)
    for text in [*data["own_doubts"], *data["doubts"]][:_SHOWN]:
        note(f"疑点：{text}")
    if data["flagged"]:
        note(f"有 {data['flagged']:,} 处（按型号、按日）同时使用的卡多于中心登记：记录照计，请看 huisuan meter flags")
    if data["unclaimed"]:
        look = f"huisuan usage unclaimed --centre {data['centre']}"
        note(f"无主体的记录请用 {look} 查看，补 --tenants 后再导入一次即可认领")


@app.command("list")
def list_(
    centre: _CentreOption = None,
    party: _PartyOption = None,
    user: User = None,
    job: _JobOption = None,
    month: _MonthOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="最多多少条")] = None,
    after: Annotated[str | None, typer.Option(help="接在这一条之后：中心/序号")] = None,
    as_json: AsJson = False,
) -> None:
    """列出现行的用量记录（被更正的不列）。"""
    from huisuan.compute.metering.usage.summaries import UsageFilter, list_usage_records, usage_rows

    asked = UsageFilter(centre=centre, party=party, user=user, job=job, month=month, after=after)
    if as_json:
        stream_json(usage_rows(list_usage_records(asked), limit))
        return
    wanted = limit or _PAGE
    rows = list(islice(usage_rows(list_usage_records(asked), wanted + 1), wanted + 1))
    print_table("用量记录", rows[:wanted], _COLUMNS, "没有这样的用量记录；用 huisuan usage import 导入")
    if len(rows) > wanted:
        last = rows[wanted - 1]
        note(f"还有更多：加 --after {last['centre']}/{last['sequence']}，或 --json 取全部")


def stream_json(rows: Iterable[dict[str, Any]]) -> None:
    """Write rows to stdout as one JSON list, without holding them all."""
    sys.stdout.write("[")
    for piece in _pieces(rows):
        sys.stdout.write(piece)
    sys.stdout.write("\n]\n")


def _pieces(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield (",\n  " if number else "\n  ") + json.dumps(row, ensure_ascii=False, default=to_json_value)


@app.command()
def summary(
    by: Annotated[
        str, typer.Option(help="按什么汇总：party,month,centre,model,user,account,state 中任取")
    ] = "party,month",
    centre: _CentreOption = None,
    party: _PartyOption = None,
    user: User = None,
    job: _JobOption = None,
    month: _MonthOption = None,
    as_json: AsJson = False,
) -> None:
    """汇总卡秒（整数）：跨月的作业按月切分，逐秒相加无误差。"""
    from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage

    names = [name.strip() for name in by.split(",") if name.strip()]
    asked = UsageFilter(centre=centre, party=party, user=user, job=job, month=month)
    rows = summarise_usage(names, asked)
    if as_json:
        print_json(rows)
        return
    headings = {"party": "主体", "month": "月份", "centre": "中心", "model": "型号", "user": "用户"}
    headings |= {"account": "账户", "state": "状态", "card_seconds": "卡秒", "records": "记录"}
    columns = {name: headings[name] for name in [*names, "card_seconds", "records"]}
    print_table("用量汇总", rows, columns, "没有用量记录；用 huisuan usage import 导入")


@app.command()
def unclaimed(centre: _CentreOption = None, as_json: AsJson = False) -> None:
    """列出还不属于任何主体的用户和账户。"""
    from huisuan.compute.metering.usage import unclaimed as queries

    rows = queries.list_unclaimed_usage(centre)
    if as_json:
        print_json(rows)
    else:
        print_table("无主体的用量", rows, UNCLAIMED_COLUMNS, "所有用量都有主体")

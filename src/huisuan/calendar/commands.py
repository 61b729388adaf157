"""`huisuan calendar`: working days, counted; free days of a year, adopted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()


@app.command("count")
def count(
    day: Annotated[str, typer.Argument(metavar="日期", help="自哪天起，例如 2026-02-13")],
    number: Annotated[int, typer.Argument(metavar="天数", help="多少个工作日")],
    first: Annotated[bool, typer.Option("--first", help="当天也算（若是工作日）；不写则自次日起算")] = False,
    as_json: AsJson = False,
) -> None:
    """数工作日：何时满。遇到没有公布的年份不猜，只说至少到何时。"""
    from huisuan.calendar.counting import count_working_days
    from huisuan.calendar.official import load_calendar

    try:
        begins = date.fromisoformat(day)
    except ValueError:
        raise InvalidRequest(f'日期 "{day}" 写法不对；请写成 2026-02-13', code="calendar.day_malformed") from None
    found = count_working_days(begins, number, load_calendar(), first=first)
    if as_json:
        print_json(found.to_dict())
        return
    print_table("工作日", [{"day": each.isoformat()} for each in found.counted], {"day": "日期"}, "还没有数到")
    if found.ends_at:
        out.print(f"{found.counted[-1]} 24:00 满", markup=False)
    else:
        missing, until = number - len(found.counted), f"{found.certain_until:%Y-%m-%d %H:%M}"
        out.print(f"还差 {missing} 个工作日：之后的年份没有公布，至少到 {until}", markup=False)
        out.print("公布后用 huisuan calendar adopt 采用", markup=False)


@app.command("adopt")
def adopt(
    file: Annotated[Path, typer.Argument(metavar="文件", help="CSV：日期,类型（放假 或 上班）,名称；同一年的")],
    document: Annotated[str, typer.Option("--document", metavar="文号", help="国务院办公厅通知的文号")],
    by: Annotated[str | None, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")] = None,
    as_json: AsJson = False,
) -> None:
    """采用一年的放假和调休安排；同一年更正的，以后采用的为准。"""
    from huisuan.calendar.services import adopt_days
    from huisuan.parties.models import Person, Role

    if by and not Person.objects.filter(username=by, role=Role.PROVINCE, is_active=True).exists():
        raise NotFound(f"--by {by}：没有这位省专班人员", code="person.unknown")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file}：读不了：{error.strerror}", code="calendar.file_unreadable") from error
    made = adopt_days(content, document, by or "本机命令行", datetime.now(UTC))
    if as_json:
        print_json({"number": made.number, "year": made.year, "days": made.days.count(), "sha256": made.sha256})
    else:
        out.print(f"已采用 {made.number}：{made.year} 年 {made.days.count()} 天", markup=False)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出采用过的文件；2004 至 2026 年的日历随平台带来。"""
    from huisuan.calendar.models import CalendarDocument

    rows = [
        {"number": found.number, "year": found.year, "by": found.adopted_by, "at": found.adopted_at.isoformat()}
        for found in CalendarDocument.objects.all()
    ]
    if as_json:
        print_json(rows)
    else:
        columns = {"number": "文号", "year": "年份", "by": "采用人", "at": "采用"}
        print_table("日历", rows, columns, "还没有采用过：2004 至 2026 年的日历随平台带来")

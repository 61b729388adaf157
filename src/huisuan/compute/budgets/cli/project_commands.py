"""`huisuan project`: projects, budgets and the use by person and project of one's own firm, over HTTP."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from huisuan.base.card_time import card_hours
from huisuan.base.errors import InvalidRequest
from huisuan.base.money import round_half_up, yuan
from huisuan.client import connect
from huisuan.compute.budgets.limit_text import parse_limit
from huisuan.protocol import firm as wire
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()
_ProjectCode = Annotated[str, typer.Argument(metavar="项目", help="代码；见 huisuan project list")]
_PROJECTS = {"code": "代码", "name": "名称", "created_at": "新建于", "closed_at": "关闭于"}
_BUDGETS = {
    "id": "编号",
    "project": "项目",
    "period": "期",
    "starts": "本期自",
    "limit": "限额",
    "used": "已用",
    "reserved": "已预留",
    "left": "剩余",
    "hard": "硬",
    "alerts": "提醒",
}
_FORECAST = {"when": "", "spend": "花费（元）", "subsidy": "补助（元）", "net": "净付（元）", "status": "法律的答复"}
_FORMS = {".xlsx": "xlsx", ".pdf": "pdf", ".csv": "focus"}
_USE = {"project": "项目", "user": "人员", "card_hours": "卡时", "yuan": "元"}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出本单位的项目。"""
    with connect() as client:
        rows = [project.model_dump() for project in client.projects()]
    if as_json:
        print_json(rows)
    else:
        print_table("项目", rows, _PROJECTS, "还没有项目：没有写项目的作业归默认项目（default）")


@app.command("new")
def new(
    code: Annotated[str, typer.Argument(metavar="代码", help="小写字母、数字或 -，例如 speech-2026")],
    name: Annotated[str, typer.Option("--name", help="名称；不写则用代码")] = "",
    as_json: AsJson = False,
) -> None:
    """新建项目：之后 huisuan job submit --project 代码。"""
    with connect() as client:
        made = client.new_project(code, name or code)
    _print_project(made, as_json, f"项目 {made.code} 已建")


@app.command("close")
def close(code: _ProjectCode, as_json: AsJson = False) -> None:
    """关闭项目：不收新作业，它的令牌失效；已有的作业照常运行。"""
    with connect() as client:
        closed = client.close_project(code)
    _print_project(closed, as_json, f"项目 {closed.code} 已关闭")


@app.command("reopen")
def reopen(code: _ProjectCode, as_json: AsJson = False) -> None:
    """重新打开项目。"""
    with connect() as client:
        back = client.reopen_project(code)
    _print_project(back, as_json, f"项目 {back.code} 已重新打开")


@app.command("budgets")
def budgets(as_json: AsJson = False) -> None:
    """列出预算：限额、已用、已预留、剩余、提醒。"""
    with connect() as client:
        found = client.budgets()
    if as_json:
        print_json([budget.model_dump() for budget in found])
    else:
        print_table("预算", [_budget_row(budget) for budget in found], _BUDGETS, "还没有预算：huisuan project budget")


@app.command("budget")
def budget(
    limit: Annotated[str, typer.Argument(metavar="限额", help="以元计，例如 12000.50；加 --card-hours 则以卡时计")],
    project: Annotated[str | None, typer.Option("--project", help="哪个项目的；不写则全单位的")] = None,
    per: Annotated[str, typer.Option("--per", help="多久一期：month 或 year")] = "month",
    card_hours: Annotated[bool, typer.Option("--card-hours", help="限额以卡时计")] = False,
    soft: Annotated[bool, typer.Option("--soft", help="软预算：只在 50%、80%、100% 时提醒")] = False,
    as_json: AsJson = False,
) -> None:
    """设定预算，立即生效；同样的预算已有时，新的代替旧的。硬预算放不下的作业等待。"""
    unit: wire.UnitName = "card_seconds" if card_hours else "fen"
    asked = wire.BudgetRequest(
        project=project, period=_period(per), unit=unit, limit=parse_limit(limit, unit), hard=not soft,
    )  # fmt: skip
    with connect() as client:
        made = client.set_budget(asked)
    if as_json:
        print_json(made.model_dump())
    else:
        print_table("预算", [_budget_row(made)], _BUDGETS, "")


@app.command("unbudget")
def unbudget(
    number: Annotated[int, typer.Argument(metavar="编号", help="见 huisuan project budgets")],
    as_json: AsJson = False,
) -> None:
    """取消预算；记录仍在。"""
    with connect() as client:
        client.end_budget(number)
    if as_json:
        print_json({"id": number})
    else:
        out.print(f"预算 {number} 已取消", markup=False)


@app.command("use")
def use(
    month: Annotated[str | None, typer.Option("--month", help="月份，例如 2024-06；不写则按年")] = None,
    year: Annotated[int | None, typer.Option("--year", help="年份；不写则今年")] = None,
    as_json: AsJson = False,
) -> None:
    """按人员和项目的用量，以每天的价目计。"""
    with connect() as client:
        found = client.firm_use(month=month, year=year)
    if as_json:
        print_json(found.model_dump())
        return
    rows = [
        {
            "project": row.project or "（不经平台）", "user": row.user, "card_hours": card_hours(row.card_seconds),
            "yuan": yuan(round_half_up(Fraction(row.fen))),
        }
        for row in found.rows
    ]  # fmt: skip
    print_table(f"{found.starts} 至 {found.ends}（不含）的用量", rows, _USE, "这段时间没有用量")


@app.command("forecast")
def forecast(as_json: AsJson = False) -> None:
    """按今年至今的速度，到年底会花多少、补多少（由法律的规则作答）。"""
    with connect() as client:
        found = client.forecast()
    if as_json:
        print_json(found.model_dump())
        return
    rows = [_outlook_row("今年至今", found.so_far), _outlook_row(f"到 {found.year} 年底", found.at_end)]
    print_table("花费与补助", rows, _FORECAST, "")
    for reason in dict.fromkeys(found.at_end.reasons):
        out.print(reason, markup=False)


@app.command("statement")
def statement(
    month: Annotated[str, typer.Argument(metavar="月份", help="例如 2024-06")],
    target: Annotated[
        Path, typer.Option("--output", metavar="文件", help=".xlsx、.pdf，或 .csv（FOCUS 1.2，供 FinOps 工具读取）")
    ],
    as_json: AsJson = False,
) -> None:
    """一个月的对账单，按人员、项目、中心、型号。"""
    form = _FORMS.get(target.suffix.lower())
    if form is None:
        raise InvalidRequest(
            f"{target}：文件名须以 {'、'.join(_FORMS)} 结尾，以此选格式", code="statement.form_unknown"
        )
    with connect() as client:
        content = client.statement(month, form)
    target.write_bytes(content)
    if as_json:
        print_json({"month": month, "file": str(target), "form": form, "bytes": len(content)})
    else:
        out.print(f"{month} 的对账单已写入 {target}", markup=False)


def _outlook_row(label: str, outlook: wire.OutlookInfo) -> dict[str, Any]:
    return {
        "when": label, "spend": yuan(round_half_up(Fraction(outlook.spend_fen))), "subsidy": yuan(outlook.subsidy_fen),
        "net": yuan(round_half_up(Fraction(outlook.net_fen))), "status": outlook.status,
    }  # fmt: skip


def _print_project(project: wire.ProjectInfo, as_json: bool, text: str) -> None:
    if as_json:
        print_json(project.model_dump())
    else:
        out.print(text, markup=False)


def _budget_row(budget: wire.BudgetInfo) -> dict[str, Any]:
    amounts = {name: _amount(budget.unit, Fraction(getattr(budget, name))) for name in ("limit", "used", "reserved")}
    return {
        **budget.model_dump(), **amounts, "left": _amount(budget.unit, Fraction(budget.left), down=True),
        "project": budget.project or "（全单位）", "alerts": "、".join(alert.kind for alert in budget.alerts),
    }  # fmt: skip


def _amount(unit: str, amount: Fraction, *, down: bool = False) -> str:
    if unit == "fen":
        return f"{yuan(amount // 1 if down else -(-amount // 1))} 元"
    return f"{card_hours(amount, 'down' if down else 'up')} 卡时"


def _period(text: str) -> Literal["year", "month"]:
    if text == "month":
        return "month"
    if text == "year":
        return "year"
    raise InvalidRequest(f"--per {text}：只能是 month 或 year", code="budget.kind_unknown")

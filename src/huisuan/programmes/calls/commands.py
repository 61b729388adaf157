"""`huisuan call`: calls for applications: opened, amended, extended, shown; drafts handed in under them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, note_rest, out, print_json, print_table

app = typer.Typer()
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报通知编号，如 C2024-0001")]
_Draft = Annotated[int, typer.Option("--draft", metavar="N", min=1, help="草稿编号，不带 D")]
_Task = Annotated[str, typer.Option("--task", metavar="CODE", help="榜单中的哪一项")]
_Objects = Annotated[
    list[str] | None,
    typer.Option("--object", metavar="KIND=CODE", help="申报对象，可重复，如 standard=GB/T 41867"),
]
_Last = Annotated[str, typer.Option("--last", metavar="DAY", help="截止日，至当天 24:00（北京时间），如 2024-09-30")]
_COLUMNS = {
    "number": "编号", "programme": "程序", "year": "年度", "title": "标题", "first_day": "自", "last_day": "至（含）",
    "state": "状态",
}  # fmt: skip
_AMENDMENTS = {"at": "何时", "text": "内容", "last_day": "延期至"}


@app.command("open")
def open_(
    programme: Annotated[str, typer.Argument(metavar="KEY", help="程序，如 14.1；见 huisuan programme list")],
    year: Annotated[int, typer.Option("--year", help="申报的年度")],
    title: Annotated[str, typer.Option("--title", help="标题")],
    first: Annotated[str, typer.Option("--first", metavar="DAY", help="开始日，自当天 00:00")],
    last: _Last,
    line: Annotated[int, typer.Option("--line", metavar="N", help="预算编号")],
    by: _By,
    policy: Annotated[str, typer.Option("--policy", help="政策，如 anhui-agi-2023")],
    shortage: Annotated[str, typer.Option("--shortage", help="预算不足时：pro_rata、first_come、rank")] = "pro_rata",
    ties: Annotated[str, typer.Option("--ties", help="同分的先后，逗号分隔：spread、applied、amount")] = "",
    evidence: Annotated[
        str | None, typer.Option("--evidence", help="须附材料的事实，逗号分隔；默认凡政策写明材料的")
    ] = None,
    task: Annotated[list[str] | None, typer.Option("--task", metavar="CODE=NAME", help="榜单的一项，可重复")] = None,
    objects: Annotated[str, typer.Option("--objects", help="另须写明的申报对象，逗号分隔，如 contract")] = "",
    as_json: AsJson = False,
) -> None:
    """发布申报通知：程序、年度、受理期、材料、预算、榜单、预算不足和同分时的办法。"""
    from huisuan.programmes.calls.services import CallTerms, open_call
    from huisuan.programmes.people import find_person

    terms = CallTerms(
        policy, programme, year, title, _day(first), _day(last), line, shortage, _names(ties),
        None if evidence is None else _names(evidence), _tasks(task or []),
        _names(objects),
    )  # fmt: skip
    _print(open_call(terms, find_person(by), datetime.now(UTC)), as_json)


@app.command("extend")
def extend(
    number: _Number,
    last: _Last,
    text: Annotated[str, typer.Option("--text", help="公布的内容")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """延期，只能更晚；作为更正公布。"""
    from huisuan.programmes.calls.services import amend_call
    from huisuan.programmes.people import find_person

    _print(amend_call(number, text, find_person(by), datetime.now(UTC), last_day=_day(last)), as_json)


@app.command("amend")
def amend(
    number: _Number,
    text: Annotated[str, typer.Option("--text", help="公布的内容")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """在通知下公布一条更正或说明；受理期和条件不变。"""
    from huisuan.programmes.calls.services import amend_call
    from huisuan.programmes.people import find_person

    _print(amend_call(number, text, find_person(by), datetime.now(UTC)), as_json)


@app.command("list")
def list_(
    only_open: Annotated[bool, typer.Option("--open", help="只列现在受理的")] = False,
    policy: Annotated[str, typer.Option("--policy", help="只列此政策的")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="至多几份")] = 100,
    as_json: AsJson = False,
) -> None:
    """列出申报通知，新的在前。"""
    from huisuan.programmes.calls.queries import call_to_dict, list_calls

    now = datetime.now(UTC)
    found = list_calls(now, only_open=only_open, policy=policy)
    rows = [call_to_dict(call, now) for call in found[:limit]]
    note_rest(len(rows), found.count())
    if as_json:
        print_json(rows)
        return
    print_table("申报通知", rows, _COLUMNS, "没有申报通知")


@app.command("show")
def show(number: _Number, as_json: AsJson = False) -> None:
    """一份申报通知：受理的起止时刻，材料、预算、榜单、预算不足和同分时的办法，各次更正。"""
    from huisuan.programmes.calls.queries import get_call

    _print(get_call(number), as_json)


@app.command("missing")
def missing(number: _Number, draft: _Draft, by: _By, task: _Task = "", as_json: AsJson = False) -> None:
    """一份草稿按此通知还缺什么；不缺才能提交。"""
    from huisuan.programmes.calls.submit import list_missing
    from huisuan.programmes.people import find_person

    rows = [item.to_dict() for item in list_missing(number, draft, find_person(by), datetime.now(UTC), task=task)]
    if as_json:
        print_json(rows)
        return
    print_table("还缺", rows, {"field": "栏目", "text": "缺什么"}, "不缺什么，可以提交")


@app.command("submit")
def submit(
    number: _Number, draft: _Draft, by: _By, task: _Task = "", named: _Objects = None, as_json: AsJson = False
) -> None:
    """把草稿提交为申报；退回补正的再次提交。以平台收到全部内容的时刻为准。--object 先写入草稿。"""
    from huisuan.programmes.calls.submit import submit_draft
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.queries import describe_application

    now = datetime.now(UTC)
    objects = None if named is None else [_object(text) for text in named]
    found = describe_application(submit_draft(number, draft, find_person(by), now, task=task, objects=objects))
    if as_json:
        print_json(found)
        return
    out.print(f"{found['number']}　{found['programme']}　{found['party']}　{found['state']}", markup=False)


def _print(call: Any, as_json: bool) -> None:
    from huisuan.programmes.calls.queries import describe_call

    found = describe_call(call, datetime.now(UTC))
    if as_json:
        print_json(found)
        return
    out.print(f"{found['number']}　{found['title']}", markup=False)
    out.print(f"受理：{found['opens_at']} 至 {found['closes_at']}（{found['state']}）", markup=False)
    print_table("更正", found["amendments"], _AMENDMENTS, "没有更正")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(f'日期 "{text}" 写法不对；请写成 2024-09-30', code="call.day_malformed") from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _object(text: str) -> dict[str, str]:
    kind, sign, code = text.partition("=")
    if not sign:
        raise InvalidRequest(f"--object {text}：请写成 类别=编号", code="call.object_malformed")
    return {"kind": kind.strip(), "code": code.strip()}


def _tasks(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [code for code, sign, _ in pairs if not sign]:
        raise InvalidRequest(f"--task {wrong[0]}：请写成 编号=名称", code="call.tasks_malformed")
    if len({code.strip() for code, _, _ in pairs}) < len(pairs):
        raise InvalidRequest("榜单编号重复", code="call.tasks_malformed")
    return {code.strip(): name for code, _, name in pairs}

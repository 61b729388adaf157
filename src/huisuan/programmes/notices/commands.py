"""`huisuan notice`: notices published, read, objected to; objections answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, note_rest, out, print_json, print_table

app = typer.Typer()
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="公示编号，如 N2024-0001")]
_LIST = {
    "number": "编号", "title": "标题", "office": "单位", "published_at": "发布", "ends_at": "期满", "state": "状态",
}  # fmt: skip
_LINES = {
    "position": "序号", "application": "申报", "applicant": "单位", "amount": "金额（元）", "reason": "理由",
    "state": "状态", "objections": "异议", "unanswered": "待答复",
}  # fmt: skip
_OBJECTIONS = {
    "objection": "异议", "notice": "公示", "position": "序号", "name": "姓名", "contact": "联系方式",
    "facts": "事实", "due": "最晚", "done": "答复",
}  # fmt: skip
_LARGEST = 20 * 1024 * 1024


@app.command("publish")
def publish(
    applications: Annotated[list[str], typer.Argument(metavar="NUMBER...", help="列入的申报，按编号排列")],
    by: _By,
    title: Annotated[str, typer.Option("--title", help="标题；默认是程序的名称")] = "",
    amount: Annotated[
        list[str] | None,
        typer.Option("--amount", metavar="NUMBER=FEN", help="拟支持的金额（分），平台核算的不写；可重复"),
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", metavar="NUMBER=TEXT", help="理由，默认是政策的语句；可重复")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """公示一批申报：名单、理由、金额，全部列入或一件不列；至公示期满、异议答复前不能批准。"""
    from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
    from huisuan.programmes.people import find_person

    amounts, reasons = _pairs("--amount", amount, applications), _pairs("--reason", reason, applications)
    listed = [
        ListedApplication(number, _fen(amounts[number]) if number in amounts else None, reasons.get(number, ""))
        for number in applications
    ]
    _print(publish_notice(listed, title, find_person(by), datetime.now(UTC)), as_json)


@app.command("list")
def list_(
    running: Annotated[bool, typer.Option("--running", help="只列还没有期满的")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="至多几份")] = 100,
    as_json: AsJson = False,
) -> None:
    """列出公示，新的在前。"""
    from huisuan.programmes.notices.queries import list_notices, notice_to_dict
    from huisuan.programmes.publicity.ends import notice_ends

    now, end_of = datetime.now(UTC), notice_ends()
    notices = list_notices()
    found = [notice_to_dict(notice, end_of(notice), now) for notice in (notices if running else notices[:limit])]
    going = [row for row in found if row["state"] == "running"]
    rows = going[:limit] if running else found
    note_rest(len(rows), len(going) if running else notices.count())
    if as_json:
        print_json(rows)
        return
    print_table("公示", [row | {"ends_at": row["ends_at"] or "未定"} for row in rows], _LIST, "没有公示")


@app.command("show")
def show(number: _Number, as_json: AsJson = False) -> None:
    """一份公示：何时期满，名单、理由、金额，哪一项有异议。"""
    from huisuan.programmes.notices.queries import get_notice

    _print(get_notice(number), as_json)


@app.command("object")
def object_(
    number: _Number,
    position: Annotated[int, typer.Argument(metavar="POSITION", min=1, help="名单中的序号")],
    name: Annotated[str, typer.Option("--name", help="姓名，不公开")],
    contact: Annotated[str, typer.Option("--contact", help="联系方式，不公开")],
    facts: Annotated[str, typer.Option("--facts", help="事实和理由")],
    file: Annotated[list[Path] | None, typer.Option("--file", help="附件，可重复")] = None,
    as_json: AsJson = False,
) -> None:
    """提异议（代书面来件登记，或任何人）：只暂停这一项；打印查询码。"""
    from huisuan.programmes.notices.objecting import ObjectionText, object_to_line
    from huisuan.programmes.notices.queries import follow_objection

    files = [(path.name, _read(path)) for path in file or []]
    made = object_to_line(number, position, ObjectionText(name, contact, facts, files), datetime.now(UTC))
    if as_json:
        print_json(follow_objection(made.code))
        return
    out.print(f"已收到，查询码 {made.code}：{number} 第 {position} 项在答复前不能批准", markup=False)


@app.command("objections")
def objections(
    by: _By,
    waiting: Annotated[bool, typer.Option("--waiting", help="只列还没有答复的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出此人可看的异议：本单位公示的，或审计看全部。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.notices.queries import objections_to_dict, visible_objections
    from huisuan.programmes.people import find_person

    now = datetime.now(UTC)
    found = visible_objections(Viewer.for_person(find_person(by)), now)
    rows = objections_to_dict(found.filter(answer__isnull=True) if waiting else found, now)
    if as_json:
        print_json(rows)
        return
    shown = [row | {"done": _done(row["answer"]), "due": _due(row)} for row in rows]
    print_table("异议", shown, _OBJECTIONS, "没有异议")


@app.command("answer")
def answer(
    objection: Annotated[int, typer.Argument(metavar="N", min=1, help="异议编号，见 huisuan notice objections")],
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="成立，退回核验；或不成立")],
    text: Annotated[str, typer.Option("--text", help="答复的理由")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """答复异议：由没有办理过此件的公示岗位；成立的退回核验，理由写入经过。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.notices.answering import answer_objection
    from huisuan.programmes.notices.queries import get_objection, objections_to_dict
    from huisuan.programmes.people import find_person

    now, person = datetime.now(UTC), find_person(by)
    answer_objection(objection, text, person, now, upheld=upheld)
    found = objections_to_dict([get_objection(Viewer.for_person(person), objection, now)], now)[0]
    if as_json:
        print_json(found)
        return
    out.print(f"异议 {objection}：{_done(found['answer'])}", markup=False)


def _print(notice: Any, as_json: bool) -> None:
    from huisuan.base.money import yuan
    from huisuan.programmes.notices.queries import describe_notice

    found = describe_notice(notice, datetime.now(UTC))
    if as_json:
        print_json(found)
        return
    out.print(f"{found['number']}　{found['title']}　{found['office']}", markup=False)
    until = found["ends_at"] or f"未定（至少到 {found['certain_until']}）"
    out.print(f"公示：{found['published_at']} 起 {found['working_days']} 个工作日，期满 {until}", markup=False)
    rows = [
        line | {"amount": "" if line["amount_fen"] is None else yuan(line["amount_fen"])} for line in found["lines"]
    ]
    print_table("名单", rows, _LINES, "没有")


def _done(said: dict[str, Any] | None) -> str:
    return "待答复" if said is None else ("成立：" if said["upheld"] else "不成立：") + said["text"]


def _due(row: dict[str, Any]) -> str:
    return f"{row['due'] or ''}{'（已过期）' if row['overdue'] else ''}"


def _pairs(option: str, given: list[str] | None, numbers: list[str]) -> dict[str, str]:
    found = dict(text.partition("=")[::2] for text in given or [])
    if unknown := [number for number in found if number not in numbers]:
        raise InvalidRequest(f"{option} {unknown[0]}：不在名单里；请写成 编号=内容", code="notice.option_malformed")
    return found


def _fen(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidRequest(f"--amount {text}：金额是分，只写数字", code="notice.option_malformed")
    return int(text)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"{path}：读不了：{error.strerror}", code="objection.file_unreadable") from None

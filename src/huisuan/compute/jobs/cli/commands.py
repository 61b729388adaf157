"""`huisuan job`: submitting, watching and ending jobs, over HTTP."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.client import Client, connect
from huisuan.compute.jobs.cli.again import app as templates
from huisuan.compute.jobs.cli.again import resubmit_jobs
from huisuan.compute.jobs.cli.cancel import cancel, undo
from huisuan.compute.jobs.cli.completion import centre_codes, job_uids, model_names
from huisuan.compute.jobs.cli.files import copy, find_in_log, get, list_results
from huisuan.compute.jobs.cli.output import STATES, print_events, print_job, print_preview
from huisuan.compute.jobs.cli.submit import AfterDashes, submit
from huisuan.compute.jobs.cli.top import top
from huisuan.terminal import AlwaysJson, AsJson, note, out, print_json, print_table

app = typer.Typer()
app.command("submit", cls=AfterDashes)(submit)
app.command("ls")(list_results)
app.command("get")(get)
app.command("cp")(copy)

LAST_BYTES = 1024 * 1024  # in which the last lines are looked for
MOST_LINES = 10_000
Uid = Annotated[str, typer.Argument(metavar="作业号", help="见 huisuan job list", autocompletion=job_uids)]


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option("--state", help=f"只看这些状态，逗号分隔：{'、'.join(STATES)}")] = None,
    array: Annotated[str | None, typer.Option("--array", help="只看这个阵列（它的第一个作业号）")] = None,
    name: Annotated[str | None, typer.Option("--name", help="作业名里有这一段")] = None,
    centre: Annotated[
        str | None, typer.Option("--centre", help="只看这个智算中心的", autocompletion=centre_codes)
    ] = None,
    party: Annotated[str | None, typer.Option("--party", help="只看这个主体的")] = None,
    project: Annotated[str | None, typer.Option("--project", help="只看这个项目的")] = None,
    model: Annotated[str | None, typer.Option("--model", help="只看分到这个型号的", autocompletion=model_names)] = None,
    since: Annotated[str | None, typer.Option("--since", help="这天（北京时间）起提交的：2024-06-30")] = None,
    until: Annotated[str | None, typer.Option("--until", help="这天及以前提交的")] = None,
    limit: Annotated[int, typer.Option("--limit", help="一页多少个")] = 50,
    before: Annotated[str | None, typer.Option("--before", help="从这个作业号往前（上一页给出的）")] = None,
    as_json: AsJson = False,
) -> None:
    """列出作业，最新的在前。"""
    with connect() as client:
        page = client.jobs(
            state=state, array=array, name=name, centre=centre, party=party, model=model, since=_midnight(since),
            until=_midnight(until, after=1), project=project, limit=limit, before=before,
        )  # fmt: skip
    if as_json:
        print_json({"items": [job.model_dump() for job in page.items], "next": page.next})
        return
    columns = {
        "uid": "作业号",
        "name": "名称",
        "cards": "卡数",
        "centre": "智算中心",
        "state": "状态",
        "submitted_at": "提交于",
    }
    rows = [
        {
            **job.model_dump(),
            "name": f"{job.name}[{job.array_index}]" if job.array_uid else job.name,
            "state": STATES[job.state],
        }
        for job in page.items
    ]
    print_table("作业", rows, columns, "没有作业：用 huisuan job submit 文件 或 -- 命令 提交一个")
    if page.next:
        note(f"还有更早的：加 --before {page.next}")


@app.command("show")
def show(uid: Uid, as_json: AsJson = False) -> None:
    """查看一个作业：要求、状态、去向及理由、起止、退出码。"""
    with connect() as client:
        job = client.job(uid)
    if as_json:
        print_json(job.model_dump())
    else:
        print_job(job)


@app.command("events")
def events(uid: Uid, as_json: AsJson = False) -> None:
    """查看一个作业的经过：每一步何时、为什么、通知是否送到。"""
    with connect() as client:
        found = client.job_events(uid)
    if as_json:
        print_json([event.model_dump() for event in found])
    else:
        print_events(found)


@app.command("why")
def why(uid: Uid, as_json: AsJson = False) -> None:
    """为什么在那里，或者为什么还没有开始：每次调度决定的理由；等待时，各处各说什么。"""
    with connect() as client:
        found = client.why(uid)
    if as_json:
        print_json(found.model_dump())
        return
    for decision in found.decisions:
        out.print(f"第 {decision.run + 1} 次运行去 {decision.centre}（{decision.model}）：", markup=False)
        for text in decision.reasons:
            out.print(f"  {text}", markup=False)
    if found.waiting:
        print_preview(found.waiting)
    elif not found.decisions:
        out.print(f"{STATES[found.state]}：{'；'.join(found.reasons) or '没有调度过'}", markup=False)


@app.command("logs")
def logs(
    uid: Uid,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="持续显示直到作业结束")] = False,
    tail: Annotated[int | None, typer.Option("--tail", help="只从最后若干行开始")] = None,
    search: Annotated[str | None, typer.Option("--search", help="只显示含有这段文字的行，带行号")] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="查找时不分大小写")] = False,
    as_json: AsJson = False,
) -> None:
    """显示作业的输出（标准输出与标准错误，按先后）；或在其中查找。"""
    if search is not None:
        if follow or tail is not None:
            raise typer.BadParameter("--search 不能与 --follow、--tail 同用")
        find_in_log(uid, search, ignore_case, as_json)
        return
    if tail is not None and not 0 <= tail <= MOST_LINES:
        raise InvalidRequest(f"--tail {tail}：应在 0 至 {MOST_LINES} 之间", code="job.tail_out_of_bounds")
    with connect() as client:
        first, offset = _last_lines(client, uid, tail) if tail is not None else (b"", 0)
        rest = client.follow_log(uid, offset=offset) if follow else _so_far(client, uid, offset)
        if not as_json:
            for text in _decoded([first] if first else [], rest):
                sys.stdout.write(text)
                sys.stdout.flush()
            return
        content = first + b"".join(rest)
    print_json({"uid": uid, "text": content.decode(errors="replace"), "bytes": len(content)})


app.command("cancel")(cancel)
app.command("undo")(undo)
app.command("resubmit")(resubmit_jobs)
app.command("top")(top)
app.add_typer(templates, name="template")


@app.command("schema")
def schema(as_json: AlwaysJson = False) -> None:
    """打印惠算作业文件的 JSON Schema：编辑器据此检查和补全。"""
    from huisuan.compute.jobspec.huisuan.job_file import job_file_schema

    print_json(job_file_schema())


def _midnight(text: str | None, after: int = 0) -> datetime | None:
    """The beginning of a day in Shanghai, or of so many days after it."""
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=after), time(), SHANGHAI)
    except (ValueError, OverflowError):
        raise InvalidRequest(f'日期 "{text}" 写法不对：请写成 2024-06-30', code="day.malformed") from None


def _last_lines(client: Client, uid: str, lines: int) -> tuple[bytes, int]:
    """The last lines so far, and the place after them."""
    piece = client.job_log(uid, tail=LAST_BYTES)
    kept = piece.text.splitlines(keepends=True)[-lines:] if lines else []
    return b"".join(kept), piece.next_offset


def _so_far(client: Client, uid: str, offset: int = 0) -> Iterable[bytes]:
    while (piece := client.job_log(uid, offset)).text:
        offset = piece.next_offset
        yield piece.text


def _decoded(*sources: Iterable[bytes]) -> Iterable[str]:
    """Text, where a character may be cut between two pieces and a program may write anything."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for pieces in sources:
        for piece in pieces:
            yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)

"""`huisuan job`: submitting, watching and ending jobs, over HTTP."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from huisuan.client import Client, connect
from huisuan.client.wire import Job
from huisuan.compute.job_request import duration_seconds
from huisuan.console import SHANGHAI, AsJson, Refused, note, out, print_json, print_table

app = typer.Typer()

STATES = {
    "submitted": "已提交",
    "placed": "已调度",
    "running": "运行中",
    "done": "完成",
    "failed": "失败",
    "cancelled": "已取消",
    "lost": "失联",
}
Uid = Annotated[str, typer.Argument(metavar="作业号", help="见 huisuan job list")]


@app.command("submit", context_settings={"ignore_unknown_options": True})
def submit(
    command: Annotated[list[str], typer.Argument(metavar="-- 命令 参数…", help="要运行的程序和参数，不经过 shell")],
    name: Annotated[str, typer.Option("--name", help="作业名；不写则用程序名")] = "",
    cards: Annotated[int, typer.Option("--cards", help="加速卡数")] = 1,
    model: Annotated[str | None, typer.Option("--model", help="加速卡型号；不写则任何型号")] = None,
    centre: Annotated[str | None, typer.Option("--centre", help="智算中心代码；不写则由平台调度")] = None,
    time_limit: Annotated[str, typer.Option("--time-limit", help="时限：90s、15m、1h30m、2d")] = "1h",
    env: Annotated[list[str] | None, typer.Option("--env", help="环境变量 名=值；可重复")] = None,
    party: Annotated[str | None, typer.Option("--party", help="所属主体的统一社会信用代码（仅操作员）")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="等到作业结束；失败则退出码为 1")] = False,
    as_json: AsJson = False,
) -> None:
    """提交作业，例如 huisuan job submit --cards 8 -- python train.py --epochs 3"""
    with connect() as client:
        job = client.submit_job(
            command,
            name=name,
            cards=cards,
            model=model,
            centre=centre,
            time_limit_seconds=duration_seconds(time_limit),
            environment=dict(_pair(one) for one in env or []),
            party=party,
        )
        if wait:
            note(f"作业 {job.uid} 已提交，正在等待结束……")
            job = client.wait(job.uid)
    _print(job, as_json)
    if wait and job.state != "done":
        raise typer.Exit(1)


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option("--state", help=f"只看某种状态：{'、'.join(STATES)}")] = None,
    limit: Annotated[int, typer.Option("--limit", help="一页多少个")] = 50,
    before: Annotated[str | None, typer.Option("--before", help="从这个作业号往前（上一页给出的）")] = None,
    as_json: AsJson = False,
) -> None:
    """列出作业，最新的在前。"""
    with connect() as client:
        page = client.jobs(state=state, limit=limit, before=before)
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
    rows = [{**job.model_dump(), "state": STATES[job.state]} for job in page.items]
    print_table("作业", rows, columns, "没有作业：用 huisuan job submit -- 命令 提交一个")
    if page.next:
        note(f"还有更早的：huisuan job list --before {page.next}")


@app.command("show")
def show(uid: Uid, as_json: AsJson = False) -> None:
    """查看一个作业：状态、去向及理由、起止、退出码。"""
    with connect() as client:
        job = client.job(uid)
    _print(job, as_json)


@app.command("logs")
def logs(
    uid: Uid,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="持续显示直到作业结束")] = False,
    as_json: AsJson = False,
) -> None:
    """显示作业的输出（标准输出与标准错误，按先后）。"""
    with connect() as client:
        if not as_json:
            for text in _decoded(client.follow_log(uid) if follow else _so_far(client, uid)):
                sys.stdout.write(text)
                sys.stdout.flush()
            return
        content = b"".join(client.follow_log(uid) if follow else _so_far(client, uid))
    print_json({"uid": uid, "text": content.decode(errors="replace"), "bytes": len(content)})


@app.command("cancel")
def cancel(uid: Uid, as_json: AsJson = False) -> None:
    """取消作业：先请程序自行结束（SIGTERM），稍后强制结束。"""
    with connect() as client:
        job = client.cancel_job(uid)
    if as_json:
        print_json(job.model_dump())
    else:
        done = "已取消" if job.state == "cancelled" else "已要求智算中心结束它"
        out.print(f"作业 {job.uid}：{done}", markup=False)


def _so_far(client: Client, uid: str) -> Iterable[bytes]:
    offset = 0
    while (piece := client.job_log(uid, offset)).text:
        offset = piece.next_offset
        yield piece.text


def _decoded(pieces: Iterable[bytes]) -> Iterable[str]:
    """Text, where a character may be cut between two pieces and a program may write anything."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise Refused(f"--env {text}：应写成 名=值")
    return name, value


def _print(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job.model_dump())
        return
    where = f"{job.centre}（{job.model}）" if job.centre else "尚未调度"
    lines: dict[str, Any] = {
        "作业": f"{job.uid} {job.name}",
        "主体": f"{job.party_name}（{job.party}）",
        "命令": " ".join(job.command),
        "状态": STATES[job.state] + (f"，退出码 {job.exit_code}" if job.exit_code is not None else ""),
        "卡数": job.cards,
        "智算中心": where,
        "理由": "；".join(job.reasons) or None,
        "提交": _when(job.submitted_at),
        "开始": _when(job.started_at),
        "结束": _when(job.ended_at),
    }
    for label, value in lines.items():
        if value is not None:
            out.print(f"{label}：{value}", markup=False)


def _when(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if at else None

"""`huisuan job top`: the jobs that are not over and what is free, drawn anew every few seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from huisuan.client import Client, ClientError, connect
from huisuan.compute.jobs.cli.output import STATES
from huisuan.protocol.placement import Availability
from huisuan.protocol.resources import Job
from huisuan.terminal import AsJson, note, out, print_json, print_table

UNFINISHED = "submitted,waiting,placed,queued,running"
_CLEAR = "\x1b[H\x1b[2J"
_COLUMNS = {
    "uid": "作业号", "name": "名称", "state": "状态", "since": "已有", "cards": "卡数", "centre": "智算中心",
    "model": "型号",
    "reason": "理由",
}  # fmt: skip


def top(
    every: Annotated[float, typer.Option("--every", min=1, max=3600, help="每隔几秒重画")] = 3,
    once: Annotated[bool, typer.Option("--once", help="只看一次")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="最多列多少个作业")] = 30,
    as_json: AsJson = False,
) -> None:
    """没结束的作业和空闲的卡，每隔几秒重画；Ctrl-C 结束。不在终端里、或带 --once、--json 时只看一次。"""
    with connect() as client:
        if as_json:
            jobs, now = _look(client, limit)
            print_json({"jobs": [job.model_dump() for job in jobs], "now": now.model_dump()})
            return
        alive = out.is_terminal and not once
        with suppress(KeyboardInterrupt):
            while _show(client, limit, alive):
                time.sleep(every)


def _show(client: Client, limit: int, alive: bool) -> bool:
    """Draw what is there now; whether to go on. While it is watched, a platform that starts anew is no end of it.

    Raises:
        ClientError: refused; or not reached, when it is not watched.
    """
    try:
        jobs, now = _look(client, limit)
    except ClientError as error:
        if not alive or 0 < error.status < 500:
            raise
        note(f"{error}；接着再试")
        return True
    if alive:
        out.file.write(_CLEAR)
    _draw(jobs, now, limit)
    return alive


def _look(client: Client, limit: int) -> tuple[Sequence[Job], Availability]:
    return client.jobs(state=UNFINISHED, limit=limit).items, client.now()


def _draw(jobs: Sequence[Job], now: Availability, limit: int) -> None:
    rows = [_row(job, now.at) for job in jobs]
    print_table("没结束的作业", rows, _COLUMNS, "没有没结束的作业：用 huisuan job submit 提交一个")
    free = "、".join(f"{pool.centre} {pool.model} {pool.free}/{pool.cards}" for pool in now.pools if pool.online)
    out.print(f"空闲：{free or '没有连接着的中心'}；全省等待 {now.waiting_jobs:,} 个", markup=False)
    if len(jobs) == limit:
        out.print(f"只列了最新的 {limit} 个：--limit 可以多列", markup=False)


def _row(job: Job, now: datetime) -> dict[str, Any]:
    entered = {"running": job.started_at, "queued": job.queued_at, "placed": job.placed_at}.get(job.state)
    lasted = max(int((now - (entered or job.submitted_at).astimezone(UTC)).total_seconds()), 0)
    return {
        "uid": job.uid,
        "name": job.name if job.array_index is None else f"{job.name}[{job.array_index}]",
        "state": STATES[job.state],
        "since": str(timedelta(seconds=lasted)),
        "cards": job.cards,
        "centre": job.centre,
        "model": job.model,
        "reason": job.reasons[0] if job.reasons and job.state in ("submitted", "waiting") else "",
    }

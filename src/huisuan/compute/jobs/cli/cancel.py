"""`huisuan job cancel`, `huisuan job undo`: some jobs by their uids, at once; many by a filter, with time to undo."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.client import Client, connect
from huisuan.compute.jobs.cli.completion import centre_codes, job_uids, model_names
from huisuan.compute.jobs.cli.output import STATES
from huisuan.protocol.job_desk import CancelHold, CancelRequest
from huisuan.protocol.resources import Job
from huisuan.terminal import AsJson, note, out, print_json

MOST_ASKED = 1000  # in one question
NAMED_IN_QUESTION = 20
OPEN_STATES = "submitted,waiting,placed,queued,running"


def cancel(
    uids: Annotated[
        list[str] | None, typer.Argument(metavar="[作业号…]", help="见 huisuan job list", autocompletion=job_uids)
    ] = None,
    array: Annotated[bool, typer.Option("--array", help="取消作业所在的整个阵列")] = False,
    state: Annotated[str | None, typer.Option("--state", help=f"取消这些状态的全部：{'、'.join(STATES)}")] = None,
    name: Annotated[str | None, typer.Option("--name", help="取消作业名里有这一段的全部")] = None,
    centre: Annotated[
        str | None, typer.Option("--centre", help="取消在这个智算中心的全部", autocompletion=centre_codes)
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="取消用这个型号的全部", autocompletion=model_names)
    ] = None,
    project: Annotated[str | None, typer.Option("--project", help="取消这个项目的全部")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="按筛选取消时不再问")] = False,
    as_json: AsJson = False,
) -> None:
    """取消作业：先请程序自行结束（SIGTERM），稍后强制结束。一个不能取消，其余照样取消。

    按筛选取消的先问一句，之后还有几秒可以用 huisuan job undo 撤销。
    """
    given = {"state": state, "name": name, "centre": centre, "model": model, "project": project}
    only = {key: text for key, text in given.items() if text}
    if bool(uids) == bool(only):
        raise typer.BadParameter("请写作业号，或写筛选（--state、--name、--centre、--model、--project），二者之一")
    if only and array:
        raise typer.BadParameter("--array 要写作业号")
    with connect() as client:
        if only:
            _by_filter(client, only, yes=yes, as_json=as_json)
        else:
            _by_uid(client, list(dict.fromkeys(uids or ())), array=array, as_json=as_json)


def undo(
    number: Annotated[int | None, typer.Argument(metavar="[取消号]", help="不写则撤销最近的一次")] = None,
    as_json: AsJson = False,
) -> None:
    """撤销一次按筛选的取消；发出之后就不能撤销了。"""
    with connect() as client:
        if number is None:
            held = client.cancels()
            if not held:
                raise InvalidRequest("没有还能撤销的取消", code="cancel.nothing_to_undo")
            number = max(each.id for each in held)
        done = client.undo_cancel(number)
    if as_json:
        print_json(done.model_dump())
    else:
        out.print(f"已撤销取消 {done.id}：{len(done.uids)} 个作业照常进行", markup=False)


def _by_filter(client: Client, only: dict[str, str], *, yes: bool, as_json: bool) -> None:
    """What is asked about is what is cancelled: the uids that were found before the question."""
    found, before = list[Job](), None
    while len(found) <= MOST_ASKED:
        page = client.jobs(
            state=only.get("state", OPEN_STATES), name=only.get("name"), centre=only.get("centre"),
            model=only.get("model"), project=only.get("project"), limit=500, before=before,
        )  # fmt: skip
        found += [job for job in page.items if not job.final and job.cancel_requested_at is None]
        before = page.next
        if before is None:
            break
    if not found:
        raise InvalidRequest("没有一个没结束的作业符合这个筛选", code="cancel.finds_nothing")
    if len(found) > MOST_ASKED:
        raise InvalidRequest(f"符合筛选的多于 {MOST_ASKED} 个：请缩小筛选，分几次取消", code="cancel.too_many")
    if not yes:
        for job in found[:NAMED_IN_QUESTION]:
            note(f"  {job.uid} {job.name}（{STATES[job.state]}）")
        if len(found) > NAMED_IN_QUESTION:
            note(f"  以及另外 {len(found) - NAMED_IN_QUESTION} 个")
        if not sys.stdin.isatty():
            raise InvalidRequest("按筛选取消要先确认：不在终端里时请加 --yes", code="cancel.not_confirmed")
        typer.confirm(f"取消这 {len(found)} 个作业？", abort=True, err=True)
    held = client.cancel_many(CancelRequest(uids=[job.uid for job in found]))
    if as_json:
        print_json(held.model_dump())
    else:
        out.print(_told(held), markup=False)


def _told(held: CancelHold) -> str:
    if held.sent_at:
        return f"已要求取消 {len(held.uids)} 个作业"
    seconds = round((held.due_at - held.asked_at).total_seconds())
    return f"{len(held.uids)} 个作业将在 {seconds} 秒后取消；撤销：huisuan job undo {held.id}"


def _by_uid(client: Client, uids: list[str], *, array: bool, as_json: bool) -> None:
    answers: list[Any] = []
    refused = False
    for uid in uids:
        try:
            if array:
                asked = client.cancel_array(uid)
                answers.append({"uid": uid, "asked": asked})
                text = f"作业 {uid} 的阵列：已要求取消 {len(asked)} 个"
            else:
                job = client.cancel_job(uid)
                answers.append(job.model_dump())
                done = "已取消" if job.state == "cancelled" else "已要求智算中心结束它"
                text = f"作业 {job.uid}：{done}"
        except Refused as refusal:
            if len(uids) == 1:
                raise
            refused = True
            note(f"错误：{refusal}")
            continue
        if not as_json:
            out.print(text, markup=False)
    if as_json:
        print_json(answers[0] if len(uids) == 1 else answers)
    if refused:
        raise typer.Exit(1)

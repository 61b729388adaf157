"""`huisuan message`: what one was told and how one wants to be told, over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.client import connect
from huisuan.protocol.messages import MessageSettings, MessageSettingsChange
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
_KINDS = {
    "job_ended": "作业结束", "budget_reached": "预算用到", "month_sealed": "月份封账", "result_changed": "结果有变",
    "waiting": "有事待办",
}  # fmt: skip
_CHANNELS = {"page": "站内", "mail": "邮件", "webhook": "Webhook"}


@app.command("list")
def list_messages(
    unread: Annotated[bool, typer.Option("--unread", help="只看未读的")] = False,
    kind: Annotated[str | None, typer.Option("--kind", help=f"只看一种：{'、'.join(_KINDS)}")] = None,
    limit: Annotated[int, typer.Option("--limit", help="一页多少条")] = 50,
    before: Annotated[int | None, typer.Option("--before", help="从这一条往前（上一页给出的）")] = None,
    as_json: AsJson = False,
) -> None:
    """列出我的消息，最新的在前。"""
    with connect() as client:
        page = client.messages(unread=unread, kind=kind, limit=limit, before=before)
    if as_json:
        print_json(page.model_dump(mode="json"))
        return
    rows = [
        {
            "id": message.id, "state": "已读" if message.read_at else "未读", "text": message.text,
            "kind": _KINDS.get(message.kind, message.kind), "at": message.at,
        }
        for message in page.items
    ]  # fmt: skip
    columns = {"id": "编号", "state": "状态", "kind": "种类", "text": "消息", "at": "时间"}
    print_table("消息", rows, columns, "没有消息")
    if page.next:
        note(f"还有更早的：加 --before {page.next}")


@app.command("read")
def mark_read(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[编号]...", help="见 huisuan message list")] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="改回未读")] = False,
    as_json: AsJson = False,
) -> None:
    """标为已读；--undo 改回未读。"""
    if bool(numbers) == everything or (undo and everything):
        raise InvalidRequest("请写明编号，或者 --all（--undo 只能写编号）", code="message.ids_missing")
    with connect() as client:
        marked = client.mark_messages(None if everything else numbers, read=not undo)
    if as_json:
        print_json({"marked": marked})
    else:
        out.print(f"{marked} 条已{'改回未读' if undo else '标为已读'}", markup=False)


@app.command("settings")
def settings(
    choose: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="种类.方式=频率", help="例如 job_ended.mail=daily；频率是 now、daily 或 never"),
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="邮件的语言：zh-hans 或 en")] = None,
    hour: Annotated[int | None, typer.Option("--digest-hour", help="每日汇总的整点，北京时间")] = None,
    webhook: Annotated[str | None, typer.Option("--webhook", help="Webhook 网址；空即不送")] = None,
    as_json: AsJson = False,
) -> None:
    """查看或更改怎样告诉我；令牌的权限须是 manage。"""
    change = MessageSettingsChange(
        language=language, digest_hour=hour, webhook_url=webhook, frequencies=_frequencies(choose or [])
    )
    asked = bool(choose) or any(value is not None for value in (language, hour, webhook))
    with connect() as client:
        holds = client.message_settings(change if asked else None)
    if as_json:
        print_json(holds.model_dump(mode="json"))
    else:
        _print(holds)


def _frequencies(chosen: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in chosen:
        name, equals, how = one.partition("=")
        kind, dot, channel = name.partition(".")
        if not equals or not dot:
            raise InvalidRequest(f"--set {one}：应形如 job_ended.mail=daily", code="message.choice_malformed")
        found.setdefault(kind, {})[channel] = how
    return found


def _print(holds: MessageSettings) -> None:
    rows = [{"kind": _KINDS.get(kind, kind), "code": kind, **ways} for kind, ways in holds.frequencies.items()]
    print_table("怎样告诉我", rows, {"kind": "种类", "code": "代码", **_CHANNELS}, "")
    out.print(f"每日汇总 {holds.digest_hour:02d}:00；邮件语言 {holds.language}", markup=False)
    out.print(f"邮件 {holds.mail or '没有'}；Webhook {holds.webhook_url or '没有'}", markup=False)
    for failed in holds.failed:
        until = "不再试" if failed.given_up else "还会再试"
        why = f"{failed.error}（试了 {failed.tries} 次，{until}）"
        note(f"{failed.at:%Y-%m-%d %H:%M} {_CHANNELS[failed.channel]} 没有送到：{why}")

"""`huisuan session`: starting, opening and ending interactive sessions, over HTTP."""

from __future__ import annotations

import time
import webbrowser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import yuan
from huisuan.client import Client, connect
from huisuan.compute.jobs.cli.completion import centre_codes, complete_from
from huisuan.compute.jobs.cli.output import STATES
from huisuan.compute.jobs.cli.request_from_options import environment_pair, upload
from huisuan.compute.jobspec.core.request_rules import duration_seconds
from huisuan.protocol.sessions import Session, SessionKindName, SessionRequest
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
KIND_NAMES = {"jupyter": "JupyterLab", "vscode": "VS Code", "shell": "终端"}
_POLL_SECONDS = 1.0


def session_uids(incomplete: str) -> list[str]:
    """What the shell completes: the sessions that are not over."""
    return complete_from(incomplete, lambda client: [session.uid for session in client.sessions()])


_Uid = Annotated[str, typer.Argument(metavar="会话号", help="见 huisuan session list", autocompletion=session_uids)]
_Cards = Annotated[int | None, typer.Option("--cards", help="加速卡数；不写则处理器槽也可以")]
_Hours = Annotated[str, typer.Option("--hours", help="至多几小时，到时自动结束")]
_Idle = Annotated[str, typer.Option("--idle", help="没人用也没在算，多久后自动结束：30m、2h")]
_Models = Annotated[
    list[str] | None, typer.Option("--models", "--model", help="可接受的型号，逗号分隔或重复；不写则任何型号")
]
_CentreCode = Annotated[
    str | None, typer.Option("--centre", help="只在这个智算中心；不写则由平台调度", autocompletion=centre_codes)
]
_City = Annotated[str | None, typer.Option("--city", help="只在这个市")]
_Ceiling = Annotated[int | None, typer.Option("--price-ceiling", help="每卡时最高价，分，补助前")]
_Prepare = Annotated[str, typer.Option("--prepare", help="启动前在节点上执行，如 module load jupyter")]
_Name = Annotated[str, typer.Option("--name", help="名称")]
_Env = Annotated[list[str] | None, typer.Option("--env", help="环境变量 名=值；只写名则取本机的值；可重复")]
_Workdir = Annotated[Path | None, typer.Option("--workdir", help="打包上传的文件夹；会话在其中开始")]
_PartyCode = Annotated[str | None, typer.Option("--party", help="所属主体的统一社会信用代码（仅操作员）")]
_ProjectCode = Annotated[str | None, typer.Option("--project", help="归哪个项目；不写则默认项目，或令牌的项目")]
_Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="等到可以进入")]
_OpenPage = Annotated[bool, typer.Option("--open", help="就绪后打开浏览器")]


@app.command("jupyter")
def jupyter(
    cards: _Cards = None, hours: _Hours = "2", idle: _Idle = "30m", models: _Models = None, centre: _CentreCode = None,
    city: _City = None, price_ceiling: _Ceiling = None, prepare: _Prepare = "", name: _Name = "", env: _Env = None,
    workdir: _Workdir = None, party: _PartyCode = None, project: _ProjectCode = None, wait: _Wait = True,
    open_page: _OpenPage = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """在卡上开一个 JupyterLab；像作业一样调度、计量、计价。就绪后给出一次有效的网址。"""
    with connect() as client:
        session = _start(client, "jupyter", locals())
        _told(client, session, wait, open_page, as_json)


@app.command("vscode")
def vscode(
    cards: _Cards = None, hours: _Hours = "2", idle: _Idle = "30m", models: _Models = None, centre: _CentreCode = None,
    city: _City = None, price_ceiling: _Ceiling = None, prepare: _Prepare = "", name: _Name = "", env: _Env = None,
    workdir: _Workdir = None, party: _PartyCode = None, project: _ProjectCode = None, wait: _Wait = True,
    open_page: _OpenPage = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """在卡上开一个 VS Code（节点上须有 code-server）；就绪后给出一次有效的网址。"""
    with connect() as client:
        session = _start(client, "vscode", locals())
        _told(client, session, wait, open_page, as_json)


@app.command("shell")
def shell(
    cards: _Cards = None, hours: _Hours = "2", idle: _Idle = "30m", models: _Models = None, centre: _CentreCode = None,
    city: _City = None, price_ceiling: _Ceiling = None, name: _Name = "", env: _Env = None, workdir: _Workdir = None,
    party: _PartyCode = None, project: _ProjectCode = None, wait: _Wait = True, as_json: AsJson = False,
) -> None:  # fmt: skip
    """在卡上开一个终端，就绪后接上；Ctrl-] 离开而终端继续，exit 结束会话。"""
    with connect() as client:
        session = _start(client, "shell", locals())
        if not wait or as_json:
            _told(client, session, wait, False, as_json)
            return
        _attach(client, _until_ready(client, session))


@app.command("list")
def list_sessions(
    ended: Annotated[bool, typer.Option("--ended", help="也列出已经结束的")] = False, as_json: AsJson = False
) -> None:
    """列出会话，最新的在前；不写 --ended 只列没有结束的。"""
    with connect() as client:
        found = client.sessions(ended=ended)
    if as_json:
        print_json([session.model_dump() for session in found])
        return
    columns = {
        "uid": "会话号", "kind": "种类", "name": "名称", "owner": "谁的", "cards": "卡数", "centre": "智算中心",
        "state": "状态", "submitted_at": "提交于",
    }  # fmt: skip
    rows = [{**session.model_dump(), "kind": KIND_NAMES[session.kind], "state": _state(session)} for session in found]
    print_table("会话", rows, columns, "没有会话：用 huisuan session jupyter 开一个")


@app.command("open")
def open_(uid: _Uid, open_page: _OpenPage = False, as_json: AsJson = False) -> None:
    """进入会话：终端直接接上，其余给出一次有效、一分钟内有效的网址。"""
    with connect() as client:
        session = client.session(uid)
        if session.kind == "shell" and not as_json:
            _attach(client, session)
            return
        _told(client, session, False, open_page, as_json, always=True)


@app.command("end")
def end(uid: _Uid, as_json: AsJson = False) -> None:
    """结束会话，归还它的卡。"""
    with connect() as client:
        session = client.end_session(uid)
    if as_json:
        print_json(session.model_dump())
    else:
        out.print(f"会话 {uid} 正在结束", markup=False)


def _start(client: Client, kind: SessionKindName, options: dict[str, Any]) -> Session:
    models = [name.strip() for part in options["models"] or [] for name in part.split(",") if name.strip()]
    folder, party = options["workdir"], options["party"]
    return client.start_session(
        SessionRequest(
            kind=kind,
            seconds=_bounded("--hours", options["hours"], hours_to_seconds(options["hours"])),
            idle_seconds=_bounded("--idle", options["idle"], duration_seconds(options["idle"])),
            prepare=options.get("prepare", ""),
            name=options["name"],
            cards=options["cards"],
            models=models,
            centre=options["centre"],
            city=options["city"],
            price_ceiling_fen=options["price_ceiling"],
            workdir=upload(client, folder, party) if folder is not None else None,
            environment=dict(map(environment_pair, options["env"] or [])),
            party=party,
            project=options["project"],
        )
    )


def hours_to_seconds(text: str) -> int:
    """Whole seconds of a number of hours such as 2 or 0.5.

    Raises:
        InvalidRequest: it is no number.
    """
    try:
        seconds = Decimal(text) * 3600
        return int(seconds)
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidRequest(f"--hours {text}：应是小时数，例如 2 或 0.5", code="session.hours_malformed") from None


def _bounded(option: str, text: str, seconds: int) -> int:
    if not 60 <= seconds <= 7 * 86_400:
        raise InvalidRequest(f"{option} {text}：应在 1 分钟至 7 天之间", code="session.time_out_of_bounds")
    return seconds


def _until_ready(client: Client, session: Session) -> Session:
    """The session once its program answers.

    Raises:
        Conflict: it ended before.
    """
    told = ""
    while not session.ready:
        if session.final:
            raise Conflict(
                f"会话 {session.uid} 没有开始就结束了（{STATES[session.state]}）：huisuan job logs {session.uid}",
                code="session.over",
            )
        said = STATES[session.state] + (f"：{'；'.join(session.reasons)}" if session.state == "waiting" else "")
        if said != told:
            note(f"会话 {session.uid} {said}")
            told = said
        time.sleep(_POLL_SECONDS)
        session = client.session(session.uid)
    return session


def _told(
    client: Client, session: Session, wait: bool, open_page: bool, as_json: bool, *, always: bool = False
) -> None:
    """Say how it stands and, once it can be entered, by which address."""
    if wait:
        session = _until_ready(client, session)
    ticket = client.open_session(session.uid) if session.ready or always else None
    if as_json:
        entrance = {"url": ticket.url, "expires_at": ticket.expires_at} if ticket else {}
        print_json({**session.model_dump(), **entrance})
    elif ticket is None:
        out.print(f"会话 {session.uid} 已提交：huisuan session open {session.uid}", markup=False)
    else:
        price = session.fen_per_card_hour
        cost = f"，每卡时 {yuan(price)} 元" if price is not None else ""
        out.print(f"{KIND_NAMES[session.kind]} {session.uid} 在 {session.centre}{cost}", markup=False)
        out.print(f"进入（一次有效，一分钟内）：{ticket.url}", markup=False, soft_wrap=True)
        out.print(
            f"再次进入：huisuan session open {session.uid}；结束：huisuan session end {session.uid}", markup=False
        )
    if ticket is not None and open_page:
        webbrowser.open(ticket.url)


def _attach(client: Client, session: Session) -> None:
    from huisuan.compute.sessions.cli.terminal_client import attach_terminal

    note(f"已接上终端 {session.uid}：Ctrl-] 离开而终端继续；exit 结束会话")
    code = attach_terminal(client, session.uid, lambda why: note(f"\r连接断开，正在重连：{why}\r"))
    if code is None:
        note(f"\r\n已离开；终端继续计费。回来：huisuan session open {session.uid}")
    elif code:
        raise typer.Exit(code)


def _state(session: Session) -> str:
    return "可进入" if session.ready else "正在启动" if session.state == "running" else STATES[session.state]

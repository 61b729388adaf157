"""`huisuan agent`: enrol, run and diagnose the site agent. On the centre's machine; needs no platform installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import Conflict, InvalidRequest, Unavailable
from huisuan.base.json_values import to_json_value
from huisuan.terminal import AsJson, note, out, print_json

app = typer.Typer()
Folder = Annotated[Path | None, typer.Option("--home", help="代理的目录；默认 HUISUAN_AGENT_HOME")]


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(metavar="网址", help="平台的地址，如 https://huisuan.example.cn")],
    token: Annotated[str, typer.Option("--token", help="邀请码（huisuan centre invite）；写 - 则从标准输入读一行")],
    engine: Annotated[str, typer.Option("--engine", help="执行引擎：local、slurm、ray、kubernetes")],
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="名=值", help="执行引擎自己的选项，可多次")
    ] = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="平台证书由私有 CA 签发时，CA 证书文件")] = None,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """加入平台：在本机造一把密钥，凭邀请码登记；密钥不出本机。再次运行会换一把密钥。"""
    from huisuan.compute.site_agent.config import Config, agent_folder
    from huisuan.compute.site_agent.process import join

    word = typer.get_text_stream("stdin").readline().strip() if token == "-" else token.strip()  # noqa: S105
    config = Config(
        url=_address(url), engine=engine, options=_options(option or []), ca=str(ca.resolve()) if ca else ""
    )
    place = folder or agent_folder()
    reply = join(place, config, word)
    if as_json:
        print_json({"centre": reply.centre, "message": reply.message, "url": config.url, "home": str(place)})
    else:
        out.print(f"已加入 {config.url}，智算中心 {reply.centre or '（尚未服务）'}", markup=False)
        if reply.message:
            note(f"注意：{reply.message}")
        out.print("接着运行：huisuan agent run（常驻，见 docs/for-centres.md 的 systemd 写法）", markup=False)


@app.command()
def run(
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="每句话写成一行 JSON：at、text")] = False,
) -> None:
    """常驻运行：只向外连平台一个地址；停止时运行中的作业继续运行，重启后接着看管。"""
    from huisuan.compute.site_agent.config import agent_folder
    from huisuan.compute.site_agent.process import log_line, serve

    if stopped := serve(folder or agent_folder(), log=_json_line if as_json else log_line):
        raise Unavailable(stopped, code="agent.stopped")


@app.command()
def doctor(folder: Folder = None, as_json: AsJson = False) -> None:
    """逐项检查：地址、证书、时钟、密钥、磁盘、调度器、是否被吊销或有另一份在运行；不对的说明怎么改。"""
    from huisuan.compute.site_agent.config import agent_folder
    from huisuan.compute.site_agent.diagnostics import run_checks

    found = run_checks(folder or agent_folder())
    well = all(check.well for check in found)
    if as_json:
        print_json({"well": well, "checks": [check.to_dict() for check in found]})
    else:
        for check in found:
            out.print(f"{'✓' if check.well else '✗'} {check.what}", markup=False)
            if not check.well:
                out.print(f"    补救：{check.remedy}", markup=False)
    if not well:
        raise typer.Exit(1)


@app.command()
def status(folder: Folder = None, as_json: AsJson = False) -> None:
    """代理知道些什么：所属中心、在管的作业、还没上报的用量。"""
    from huisuan.compute.site_agent.config import agent_folder
    from huisuan.compute.site_agent.diagnostics import agent_status

    found = agent_status(folder or agent_folder())
    if as_json:
        print_json(found)
        return
    out.print(f"平台 {found['url']}，智算中心 {found['centre'] or '未知'}，执行引擎 {found['engine']}", markup=False)
    out.print("正在运行" if found["running"] else "没有在运行：huisuan agent run", markup=False)
    out.print(f"公钥 {found['public_key']}（亲手交给审计，核对时用 --agent-key 指定）", markup=False)
    out.print(
        f"在管的作业 {len(found['runs'])} 个；未上报的用量 {found['waiting_lines']} 行、{found['waiting_batches']} 批；"
        f"最后一批 {found['last_batch']}",
        markup=False,
    )


@app.command()
def receipts(
    file: Annotated[Path, typer.Argument(help="写到哪个文件（新的）")],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """平台给本代理的收据，写成文件：自己留着，或交给审计，核对导出时用 --receipt 指定；账本少了哪一批都看得出。"""
    import json

    from huisuan.compute.site_agent.config import agent_folder
    from huisuan.compute.site_agent.diagnostics import held_receipts

    if file.exists():
        raise Conflict(f"{file} 已经有了：请另选一个名字，旧的收据不要丢", code="file.exists")
    held = held_receipts(folder or agent_folder())
    file.write_text(json.dumps(held, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        print_json(held)
    else:
        note(f"{len(held['receipts'])} 张收据已写到 {file}")


def _json_line(text: str) -> None:
    import json
    from datetime import UTC, datetime

    typer.echo(json.dumps({"at": to_json_value(datetime.now(UTC)), "text": text}, ensure_ascii=False))


def _options(words: list[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'"{word}"：应写成 名=值，如 --option partition=gpu', param_hint="--option")
        found[name.strip()] = value
    return found


def _address(url: str) -> str:
    from urllib.parse import urlsplit

    address = (url if "://" in url else f"https://{url}").rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(f"网址 {url}：应形如 https://主机 或 http://主机:端口", code="client.address_malformed")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        note(f"注意：{address} 不加密，作业内容会以明文经过网络；正式使用请用 https")
    return address

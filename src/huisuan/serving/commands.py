"""`huisuan up` and `huisuan migrate`."""

from __future__ import annotations

import contextlib
import webbrowser
from typing import Annotated

import typer

from huisuan.terminal import AsJson, note, out, print_json


def up(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="端口；0 表示任选一个空闲的")] = 8710,
    host: Annotated[str, typer.Option("--host", help="监听的地址；0.0.0.0 表示本机所有地址")] = "127.0.0.1",
    agent: Annotated[bool, typer.Option("--agent/--no-agent", help="是否在本机运行站点代理")] = True,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="是否运行后台任务")] = True,
    relay: Annotated[bool, typer.Option("--relay/--no-relay", help="是否运行交互会话的中继")] = True,
    relay_port: Annotated[
        int | None, typer.Option("--relay-port", min=0, max=65535, help="中继的端口；不写则是平台端口加一")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="启动后打开浏览器")] = False,
    as_json: AsJson = False,
) -> None:
    """启动平台：数据库、网页与接口、后台任务、本机的站点代理；按一次 Ctrl-C 全部停止。"""
    from huisuan.serving.processes.supervisor import running_platform

    note("正在启动……")
    sessions = (relay_port if relay_port is not None else port and port + 1) if relay else None
    with (
        contextlib.suppress(KeyboardInterrupt),
        running_platform(port, host, agent=agent, worker=worker, relay=sessions) as platform,
    ):
        if as_json:
            print_json({"url": platform.url, "processes": {name: one.pid for name, one in platform.children.items()}})
        else:
            out.print(f"惠算平台已在运行：{platform.url}", markup=False)
            out.print("停止：按 Ctrl-C。日志：" + str(platform.children["web"].log.parent), markup=False)
        if open_page:
            webbrowser.open(platform.url)
        platform.serve()
        note("正在停止……")
    note("已停止")


def migrate(as_json: AsJson = False) -> None:
    """更新数据库的表结构。"""
    from huisuan.serving.database import apply_migrations

    applied = apply_migrations()
    if as_json:
        print_json({"applied": applied})
        return
    for name in applied:
        out.print(f"已更新 {name}", markup=False)
    if not applied:
        out.print("表结构已是最新", markup=False)

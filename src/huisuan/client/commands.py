"""`huisuan login` and `huisuan logout`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from huisuan.client.connection import Login, forget, remember, remembered
from huisuan.client.http import Client, ClientError
from huisuan.console import AsJson, Refused, note, out, print_json


def login(
    url: Annotated[str, typer.Argument(metavar="网址", help="平台的地址，例如 https://huisuan.example.cn")],
    token: Annotated[str | None, typer.Option("--token", help="令牌；写 - 则从标准输入读一行")] = None,
    username: Annotated[str | None, typer.Option("--username", "-u", help="用户名；口令另行询问")] = None,
    as_json: AsJson = False,
) -> None:
    """登录平台：以后的作业命令都发往这里。

    令牌保存在只有本人可读的文件里；口令不保存。
    """
    address = _checked(url)
    if token is None:
        name = username or typer.prompt("用户名", err=True)
        password = typer.prompt("口令", hide_input=True, err=True)
        with Client(address) as nobody:
            token = nobody.login(name, password).token
    elif username:
        raise Refused("--token 与 --username 只能用一个")
    elif token == "-":  # noqa: S105  # a dash, not a secret
        token = typer.get_text_stream("stdin").readline().strip()
    with Client(address, token) as client:
        who = client.me()
    path = remember(Login(address, token))
    if as_json:
        print_json({"url": address, "role": who.role, "name": who.name, "party": who.party, "kept_in": str(path)})
    else:
        out.print(f"已登录 {address}：{who.name}（{who.role}）；令牌保存在 {path}", markup=False)


def logout(as_json: AsJson = False) -> None:
    """退出登录：吊销令牌并删除本机保存的登录。"""
    found = remembered()
    if found is None:
        raise Refused("没有登录")
    revoked = True
    try:
        with Client(found.url, found.token) as client:
            client.logout()
    except ClientError as error:
        revoked = False
        note(f"令牌未能在平台上吊销：{error}")
    forget()
    if as_json:
        print_json({"url": found.url, "revoked": revoked})
    else:
        out.print(f"已退出 {found.url}", markup=False)
    if not revoked:
        raise typer.Exit(1)


def _checked(url: str) -> str:
    """The address with its scheme.

    Raises:
        Refused: it is no http(s) address.
    """
    address = url if "://" in url else f"http://{url}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"网址 {url}：应形如 https://主机 或 http://主机:端口")
    return address.rstrip("/")

"""`huisuan login` and `huisuan logout`."""

from __future__ import annotations

from typing import Annotated, cast, get_args
from urllib.parse import urlsplit

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.client.client import Client, ClientError
from huisuan.client.credentials import Login, forget, remember, remembered
from huisuan.protocol.resources import CODE_WANTED, Granted, ScopeName
from huisuan.terminal import AsJson, note, out, print_json


def login(
    url: Annotated[str, typer.Argument(metavar="网址", help="平台的地址，例如 https://huisuan.example.cn")],
    token: Annotated[str | None, typer.Option("--token", help="令牌；写 - 则从标准输入读一行")] = None,
    username: Annotated[str | None, typer.Option("--username", "-u", help="用户名；口令（和验证码）另行询问")] = None,
    scope: Annotated[str, typer.Option("--scope", help="新令牌的权限：read、submit、manage")] = "submit",
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="新令牌的有效期，天")] = 90,
    as_json: AsJson = False,
) -> None:
    """登录平台：以后的作业命令都发往这里。

    令牌保存在只有本人可读的文件里；口令不保存。
    """
    if token is not None and username:
        raise typer.BadParameter("--token 与 --username 只能用一个")
    address = _checked(url)
    if token is None:
        name = username or typer.prompt("用户名", err=True)
        password = typer.prompt("口令", hide_input=True, err=True)
        with Client(address) as nobody:
            token = _granted(nobody, name, password, scope, days).token
    elif token == "-":  # noqa: S105  # a dash, not a secret
        token = typer.get_text_stream("stdin").readline().strip()
    with Client(address, token) as client:
        who = client.me()
    path = remember(Login(address, token))
    if as_json:
        print_json({"url": address, "role": who.role, "name": who.name, "party": who.party, "kept_in": str(path)})
    else:
        out.print(f"已登录 {address}：{who.name}（{who.role}）；令牌保存在 {path}", markup=False)


def _granted(nobody: Client, name: str, password: str, scope: str, days: int) -> Granted:
    """The token of a login; the code of a second factor is asked for where one is wanted.

    Raises:
        InvalidRequest: there is no such scope.
    """
    if scope not in get_args(ScopeName):
        raise InvalidRequest(f"权限 {scope}：只能是 {'、'.join(get_args(ScopeName))}", code="token.scope_unknown")
    wanted = cast(ScopeName, scope)
    try:
        return nobody.login(name, password, scope=wanted, days=days)
    except ClientError as error:
        if error.status != CODE_WANTED:
            raise
    return nobody.login(name, password, typer.prompt("验证码", err=True), scope=wanted, days=days)


def logout(as_json: AsJson = False) -> None:
    """退出登录：吊销令牌并删除本机保存的登录。"""
    found = remembered()
    if found is None:
        raise NotFound("没有登录", code="client.not_signed_in")
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
        InvalidRequest: it is no http(s) address.
    """
    address = url if "://" in url else f"http://{url}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(f"网址 {url}：应形如 https://主机 或 http://主机:端口", code="client.address_malformed")
    return address.rstrip("/")

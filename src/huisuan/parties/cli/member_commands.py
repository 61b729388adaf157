"""`huisuan member`: colleagues of one's own firm, over HTTP. Owners invite, give roles and remove."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.client import connect
from huisuan.protocol import firm as wire
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
_ROLES: dict[str, wire.MemberRoleName] = {"owner": "owner", "submitter": "submitter", "viewer": "viewer"}
_RoleOption = Annotated[
    str, typer.Option("--role", help="角色：owner 管成员、项目、预算；submitter 提交和取消作业；viewer 只看")
]
_Username = Annotated[str, typer.Argument(metavar="账号", help="见 huisuan member list")]
_MEMBERS = {
    "username": "账号",
    "name": "姓名",
    "member_role": "角色",
    "active": "可登录",
    "machine": "程序",
    "last_login": "最近登录",
}
_INVITATIONS = {
    "id": "编号",
    "member_role": "角色",
    "note": "给谁",
    "invited_by": "邀请人",
    "expires_at": "到期",
}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出本单位的成员。"""
    with connect() as client:
        rows = [member.model_dump() for member in client.members()]
    _print(rows, as_json, "成员", _MEMBERS, "本单位还没有成员")


@app.command("invite")
def invite(
    role: _RoleOption = "submitter",
    for_: Annotated[str, typer.Option("--for", help="给谁：自己记着用")] = "",
    days: Annotated[int, typer.Option("--days", help="有效期，天，至多 30")] = 7,
    as_json: AsJson = False,
) -> None:
    """邀请同事：得到一个只能用一次的链接，转给本人即可，不需要邮件。"""
    with connect() as client:
        made = client.invite(_role(role), for_, days)
    if as_json:
        print_json(made.model_dump())
        return
    out.print(made.link or "", markup=False, soft_wrap=True)
    note(f"链接只显示这一次，只能用一次，{made.expires_at:%Y-%m-%d} 到期；撤回用 huisuan member uninvite {made.id}")


@app.command("invitations")
def invitations(as_json: AsJson = False) -> None:
    """列出还没有用的邀请。"""
    with connect() as client:
        rows = [each.model_dump(exclude={"link"}) for each in client.invitations()]
    _print(rows, as_json, "未用的邀请", _INVITATIONS, "没有未用的邀请：huisuan member invite")


@app.command("uninvite")
def uninvite(
    number: Annotated[int, typer.Argument(metavar="编号", help="见 huisuan member invitations")],
    as_json: AsJson = False,
) -> None:
    """撤回邀请：链接立即失效。"""
    with connect() as client:
        ended = client.revoke_invitation(number)
    if as_json:
        print_json(ended.model_dump(exclude={"link"}))
    else:
        out.print(f"邀请 {ended.id} 已撤回", markup=False)


@app.command("role")
def role_(username: _Username, role: _RoleOption, as_json: AsJson = False) -> None:
    """改成员的角色；其会话与令牌立即失效。"""
    with connect() as client:
        changed = client.set_member_role(username, _role(role))
    if as_json:
        print_json(changed.model_dump())
    else:
        out.print(f"{changed.username} 已是 {changed.member_role}", markup=False)


@app.command("remove")
def remove(
    username: _Username,
    jobs: Annotated[str, typer.Option("--jobs", help="其未结束的作业：keep 继续运行，cancel 请求取消")],
    as_json: AsJson = False,
) -> None:
    """移除成员：其会话与令牌立即失效；作业按 --jobs 继续或取消，记录在案。"""
    with connect() as client:
        done = client.remove_member(username, jobs)
    if as_json:
        print_json(done.model_dump())
        return
    what = "已请求取消" if done.jobs == "cancel" else "继续运行"
    out.print(f"{done.member.username} 已移除；{len(done.uids)} 个未结束的作业{what}", markup=False)


@app.command("restore")
def restore(username: _Username, as_json: AsJson = False) -> None:
    """让移除的成员回来；此前的令牌不恢复。"""
    with connect() as client:
        back = client.restore_member(username)
    if as_json:
        print_json(back.model_dump())
    else:
        out.print(f"{back.username} 可以重新登录", markup=False)


def _role(text: str) -> wire.MemberRoleName:
    if text not in _ROLES:
        raise InvalidRequest(f"成员角色 {text}：只能是 {'、'.join(_ROLES)}", code="member.role_unknown")
    return _ROLES[text]


def _print(rows: list[dict[str, Any]], as_json: bool, title: str, columns: dict[str, str], empty: str) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table(title, rows, columns, empty)

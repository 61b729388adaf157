"""`huisuan person`: who may sign in. Passwords are asked for, read from standard input, or made and shown once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, note, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.models import Person

app = typer.Typer()
Username = Annotated[str, typer.Argument(metavar="账号", help="见 huisuan person list")]
RoleOption = Annotated[
    str,
    typer.Option("--role", help="角色：user、centre、city、province、department、treasury、expert、auditor、operator"),
]
PartyOption = Annotated[str | None, typer.Option("--party", help="主体的统一社会信用代码（user、centre）")]
CityOption = Annotated[str | None, typer.Option("--city", help="市的行政区划代码（city）")]
MemberOption = Annotated[
    str,
    typer.Option(
        "--member", help="单位内的角色（user）：owner、submitter、viewer；不写则首位为 owner，其余为 submitter"
    ),
]
AskOption = Annotated[bool, typer.Option("--ask", help="询问口令（或从标准输入读一行），而不是生成一个")]
_PERSON_COLUMNS = {
    "username": "账号",
    "name": "姓名",
    "role": "角色",
    "member_role": "单位内",
    "party": "主体",
    "city": "市",
    "active": "可登录",
    "machine": "程序",
    "second_factor": "两步验证",
    "last_login": "最近登录",
}
_EVENT_COLUMNS = {"at": "时间", "actor": "谁", "what": "做了什么", "detail": "说明", "address": "地址"}


@app.command("add")
def add(
    username: Annotated[str, typer.Argument(metavar="账号", help="登录用的名字")],
    role: RoleOption,
    party: PartyOption = None,
    city: CityOption = None,
    member: MemberOption = "",
    name: Annotated[str, typer.Option("--name", help="姓名")] = "",
    email: Annotated[str, typer.Option("--email", help="统一身份里核实过的邮箱：首次以统一身份登录时凭它绑定")] = "",
    machine: Annotated[bool, typer.Option("--machine", help="程序账号：不登录，只用令牌")] = False,
    ask: AskOption = False,
    as_json: AsJson = False,
) -> None:
    """新增人员；口令默认生成一个，只显示这一次，首次登录须改。"""
    from huisuan.parties.identity import people
    from huisuan.parties.identity.positions import Position

    password = _prompt_password() if ask and not machine else None
    person, secret = people.add_person(
        username,
        Position(role, party, city, member),
        *_actor_and_time(),
        name=name,
        email=email,
        machine=machine,
        password=password,
    )
    _print_person(
        f"已新增 {person.username}（{person.get_role_display()}）", person, as_json, "" if password else secret
    )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出人员。"""
    from huisuan.parties.identity.people import list_people

    rows = [person_row(person) for person in list_people()]
    if as_json:
        print_json(rows)
    else:
        print_table("人员", rows, _PERSON_COLUMNS, "还没有人员：huisuan person add 账号 --role operator")


@app.command("show")
def show(username: Username, as_json: AsJson = False) -> None:
    """查看一个人员、他的令牌，和对他做过的一切。"""
    from huisuan.parties.cli.token_commands import TOKEN_COLUMNS, token_row
    from huisuan.parties.identity.people import get_person
    from huisuan.parties.identity.tokens import list_tokens

    person = get_person(username)
    row = person_row(person)
    mine = [token_row(token) for token in list_tokens(person)]
    events = [
        {
            "at": event.at,
            "actor": event.actor,
            "what": event.get_what_display(),
            "detail": event.detail,
            "address": event.address,
        }
        for event in person.events.all()
    ]
    if as_json:
        print_json({**row, "tokens": mine, "events": events})
        return
    print_table("人员", [row], _PERSON_COLUMNS, "")
    print_table("令牌", mine, TOKEN_COLUMNS, "没有令牌")
    print_table("记录", events, _EVENT_COLUMNS, "没有记录")


@app.command("disable")
def disable(username: Username, as_json: AsJson = False) -> None:
    """停用：登录、已打开的会话、令牌立即失效。"""
    from huisuan.parties.identity import people

    person = people.disable_person(people.get_person(username), *_actor_and_time())
    _print_person(f"{person.username} 已停用，其会话与令牌已失效", person, as_json)


@app.command("enable")
def enable(username: Username, as_json: AsJson = False) -> None:
    """重新启用；此前的令牌不恢复。"""
    from huisuan.parties.identity import people

    person = people.enable_person(people.get_person(username), *_actor_and_time())
    _print_person(f"{person.username} 已启用；此前的令牌不恢复", person, as_json)


@app.command("password")
def password(username: Username, ask: AskOption = False, as_json: AsJson = False) -> None:
    """重设口令；会话与令牌立即失效，下次登录须改。"""
    from huisuan.parties.identity import people

    given = _prompt_password() if ask else None
    person = people.get_person(username)
    secret = people.set_password(person, given, *_actor_and_time())
    _print_person(f"{person.username} 的口令已重设", person, as_json, "" if given else secret)


@app.command("move")
def move(
    username: Username,
    role: RoleOption,
    party: PartyOption = None,
    city: CityOption = None,
    member: MemberOption = "",
    as_json: AsJson = False,
) -> None:
    """调动：换角色或主体；会话与令牌立即失效。"""
    from huisuan.parties.identity import people
    from huisuan.parties.identity.positions import Position

    person = people.change_position(
        people.get_person(username), Position(role, party, city, member), *_actor_and_time()
    )
    _print_person(f"{person.username} 已调到 {person.get_role_display()}", person, as_json)


@app.command("reset-factor")
def reset_factor(username: Username, as_json: AsJson = False) -> None:
    """清除两步验证（手机丢失时）；下次登录重新登记。"""
    from huisuan.parties.identity import people, second_factor

    person = people.get_person(username)
    second_factor.reset_factor(person, *_actor_and_time())
    _print_person(f"{person.username} 的两步验证已清除", people.get_person(username), as_json)


@app.command("bind")
def bind(
    username: Username,
    subject: Annotated[str, typer.Argument(metavar="SUB", help="统一身份提供方给这个人的 sub")],
    as_json: AsJson = False,
) -> None:
    """绑定统一身份（OIDC）：以后凭它登录。"""
    from huisuan.parties.identity import people

    person = people.get_person(username)
    people.link_identity(person, people.oidc_issuer(), subject, *_actor_and_time())
    _print_person(f"{person.username} 已绑定统一身份", person, as_json)


@app.command("unbind")
def unbind(username: Username, as_json: AsJson = False) -> None:
    """解除统一身份的绑定，并清掉用来绑定的邮箱。"""
    from huisuan.parties.identity import people

    person = people.get_person(username)
    people.unlink_identities(person, *_actor_and_time())
    _print_person(f"{person.username} 的统一身份已解除", people.get_person(username), as_json)


@app.command("code")
def code(username: Username, as_json: AsJson = False) -> None:
    """演示账号此刻的验证码；真实的人没有。"""
    from huisuan.parties.identity import people, second_factor

    digits = second_factor.demo_code(people.get_person(username), datetime.now(UTC))
    if as_json:
        print_json({"username": username, "code": digits})
    else:
        out.print(digits, markup=False)


def person_row(person: Person) -> dict[str, Any]:
    """A person as lists and JSON show it."""
    return {
        "username": person.username,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "member_role": person.member_role or None,
        "party": person.party.uscc if person.party else None,
        "city": person.city_id,
        "active": person.is_active,
        "machine": person.machine,
        "second_factor": hasattr(person, "second_factor"),
        "must_change_password": person.must_change_password,
        "last_login": person.last_login,
    }


def _print_person(text: str, person: Person, as_json: bool, secret: str = "") -> None:
    if as_json:
        print_json({**person_row(person), **({"password": secret} if secret else {})})
        return
    out.print(text, markup=False)
    if secret:
        out.print(f"口令：{secret}", markup=False)
        note("口令只显示这一次；首次登录时须换掉")


def _actor_and_time() -> tuple[Any, datetime]:
    from huisuan.parties.identity.audit_trail import Actor

    return Actor.at_this_machine(), datetime.now(UTC)


def _prompt_password() -> str:
    """A password from the keyboard, twice, or one line of standard input.

    Raises:
        Refused: there is none.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("口令", hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InvalidRequest("标准输入里没有口令", code="person.password_missing")
    return line

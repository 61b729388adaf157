"""`huisuan post`: who holds which duty in which office; given by another person, ended on record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员或平台管理员的名义")]
_COLUMNS = {
    "number": "编号", "person": "账号", "name": "姓名", "office": "单位", "duty": "职责", "from": "自", "until": "至",
    "stands_in_for": "代理", "given_by": "给予", "ended_on": "结束于", "in_force": "在任",
}  # fmt: skip


@app.command("give")
def give(
    person: Annotated[str, typer.Argument(metavar="USERNAME", help="给谁；见 huisuan person list")],
    office: Annotated[str, typer.Option("--office", metavar="单位", help="照政策文本写；见 huisuan post offices")],
    duty: Annotated[
        str,
        typer.Option(
            "--duty", metavar="职责", help="check、recommend、review、decide、commit、pay、publish 或 register"
        ),
    ],
    by: _By,
    from_day: Annotated[str, typer.Option("--from", metavar="日期", help="第一天；不写则今天")] = "",
    until_day: Annotated[str, typer.Option("--until", metavar="日期", help="最后一天；不写则到结束为止")] = "",
    stands_in_for: Annotated[
        int | None, typer.Option("--stands-in-for", metavar="编号", min=1, help="代理哪个岗位；须写 --until")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """给一个人一个岗位：在某单位承担一项职责，自哪天至哪天。不能给自己。"""
    from huisuan.programmes.offices.queries import get_post
    from huisuan.programmes.offices.services import give_post
    from huisuan.programmes.people import find_person

    now = datetime.now(UTC)
    made = give_post(
        find_person(person), office, duty, _day(from_day, "--from") or now.astimezone(SHANGHAI).date(), find_person(by),
        now, until_day=_day(until_day, "--until"), stands_in_for=get_post(stands_in_for) if stands_in_for else None,
    )  # fmt: skip
    _print_posts([made.pk], as_json, f"已给予岗位 {made.pk}")


@app.command("end")
def end(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="岗位编号")],
    by: _By,
    last_day: Annotated[str, typer.Option("--on", metavar="日期", help="最后一天，至早是昨天；不写则今天")] = "",
    as_json: AsJson = False,
) -> None:
    """结束一个岗位，留有记录；之前办理的仍然成立。"""
    from huisuan.programmes.offices.queries import get_post
    from huisuan.programmes.offices.services import end_post
    from huisuan.programmes.people import find_person

    now = datetime.now(UTC)
    day = _day(last_day, "--on") or now.astimezone(SHANGHAI).date()
    ended = end_post(get_post(number), day, find_person(by), now)
    _print_posts([ended.pk], as_json, f"岗位 {ended.pk} 至 {day} 为止")


@app.command("list")
def list_(
    office: Annotated[str, typer.Option("--office", metavar="单位", help="只列这个单位的")] = "",
    person: Annotated[str, typer.Option("--person", metavar="USERNAME", help="只列此人的")] = "",
    as_json: AsJson = False,
) -> None:
    """列出岗位，新的在前，结束了的也在内。"""
    from huisuan.programmes.offices.queries import list_posts

    _print_posts(list(list_posts(office=office, username=person).values_list("pk", flat=True)), as_json)


@app.command("offices")
def offices(as_json: AsJson = False) -> None:
    """列出政策文本写到的单位：岗位只能在这些单位里。"""
    from huisuan.programmes.offices.queries import list_offices

    names = list_offices()
    if as_json:
        print_json(names)
    else:
        print_table("单位", [{"name": name} for name in names], {"name": "名称"}, "没有政策写到单位")


def _print_posts(numbers: list[int], as_json: bool, done: str = "") -> None:
    from huisuan.programmes.offices.queries import list_posts, post_to_dict

    today = datetime.now(SHANGHAI).date()
    rows = [post_to_dict(post, today) for post in list_posts().filter(pk__in=numbers)]
    if as_json:
        print_json(rows[0] if done else rows)
        return
    shown = [row | {"in_force": "是" if row["in_force"] else "否"} for row in rows]
    print_table("岗位", shown, _COLUMNS, "还没有岗位：用 huisuan post give 给予")
    if done:
        out.print(done, markup=False)


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidRequest(f'{option} "{text}" 写法不对；请写成 2026-02-13', code="post.day_malformed") from None

"""`huisuan application`: applications under the programmes, their history, and acts on them by a named person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, note_rest, out, print_json, print_table

app = typer.Typer()
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_INBOX = {
    "number": "编号", "programme": "程序", "party": "申报人", "actions": "可办", "due": "到期", "overdue": "",
}  # fmt: skip
_HISTORY = {"seq": "步", "action": "动作", "from": "自", "to": "至", "duty": "职责", "by": "谁", "at": "何时"}


@app.command("list")
def list_(
    by: _By,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="只列此状态的，如 submitted")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="至多几件")] = 100,
    as_json: AsJson = False,
) -> None:
    """列出此人可看的申报，新的在前。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.queries import visible_applications

    found = visible_applications(Viewer.for_person(find_person(by)))
    found = found.filter(state=state) if state else found
    rows = list(found[:limit])
    note_rest(len(rows), found.count())
    shown = [
        {"number": one.number, "programme": one.edition.key, "party": str(one.party or one.city), "state": one.state}
        for one in rows
    ]
    if as_json:
        print_json(shown)
        return
    print_table("申报", shown, {"number": "编号", "programme": "程序", "party": "申报人", "state": "状态"}, "没有申报")


@app.command("show")
def show(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一件申报：状态、金额、何时到期、每一步由谁以何职责办理。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.queries import describe_application, get_application

    _print(describe_application(get_application(Viewer.for_person(find_person(by)), number)), as_json)


@app.command("act")
def act_(
    number: _Number,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="动作，如 submit、check；见 huisuan programme show")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="理由")] = "",
    amount_fen: Annotated[int | None, typer.Option("--amount-fen", help="批准的金额（分），只用于 decide")] = None,
    fields: Annotated[str, typer.Option("--fields", help="须补正的栏目，逗号分隔，只用于 return")] = "",
    budget_year: Annotated[
        int | None,
        typer.Option("--budget-year", min=2000, max=2200, help="用哪一年的预算，只用于 commit"),
    ] = None,
    facts: Annotated[
        str, typer.Option("--facts", help="更正的事实，JSON 文件，只用于 recover 和 relent；- 为标准输入")
    ] = "",
    key: Annotated[str, typer.Option("--key", help="幂等键：同一键只办一次")] = "",
    as_json: AsJson = False,
) -> None:
    """办理一步。"""
    from huisuan.programmes.corrections.commands import facts_of_file
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow import act
    from huisuan.programmes.workflow.queries import describe_application

    said: dict[str, tuple[Any, tuple[str, ...]]] = {
        "fields": ([name.strip() for name in fields.split(",")] if fields else None, ("return",)),
        "budget_year": (budget_year, ("commit",)),
        "facts": (facts_of_file(facts) if facts else None, ("recover", "relent")),
    }
    payload = {name: value for name, (value, _) in said.items() if value is not None}
    for name in payload:
        if action not in said[name][1]:
            option = name.replace("_", "-")
            raise InvalidRequest(f"--{option} 只用于 {'、'.join(said[name][1])}", code=f"application.{name}_not_here")
    now = datetime.now(UTC)
    step = act(number, action, find_person(by), now, reason=reason, amount_fen=amount_fen, payload=payload, key=key)
    _print(describe_application(type(step.application).objects.get(pk=step.application_id)), as_json)


@app.command("move")
def move(
    number: _Number,
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="为什么改按现行程序")],
    as_json: AsJson = False,
) -> None:
    """改按现行程序办理：由作决定的岗位；已办的步骤不变，以后的步骤按现行程序。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.moving import move_to_present
    from huisuan.programmes.workflow.queries import describe_application

    made = move_to_present(number, reason, find_person(by), datetime.now(UTC))
    _print(describe_application(type(made.application).objects.get(pk=made.application_id)), as_json)


@app.command("check")
def check(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """核对一件申报并存下：政策条件、叠加、申报对象、关联关系、信用名单、未还款项；核验通过（act check）以它为据。"""
    from huisuan.programmes.check_desk.checking import check_application, checks_to_dicts
    from huisuan.programmes.people import find_person

    _print_checks(checks_to_dicts(check_application(number, find_person(by), datetime.now(UTC))), as_json)


@app.command("checks")
def checks(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """最近一次核对的结果：每一项是否通过、理由、看到了什么、由谁何时核对。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.check_desk.checking import list_checks
    from huisuan.programmes.people import find_person

    _print_checks(list_checks(Viewer.for_person(find_person(by)), number), as_json)


@app.command("flags")
def flags(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一件申报的疑点：和哪一件、看到了什么、由谁何时以何理由答复。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.check_desk.flag_answers import list_flags
    from huisuan.programmes.people import find_person

    _print_flags(list_flags(Viewer.for_person(find_person(by)), number), as_json)


@app.command("answer-flag")
def answer_flag_(
    number: _Number,
    flag: Annotated[int, typer.Argument(metavar="FLAG", help="疑点编号，见 huisuan application flags", min=1)],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    as_json: AsJson = False,
) -> None:
    """答复一个疑点：由核验人以外的人，写明理由；全部答复后申报才能往下办。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.check_desk.flag_answers import give_flag_answer, list_flags
    from huisuan.programmes.people import find_person

    person = find_person(by)
    give_flag_answer(number, flag, person, reason, datetime.now(UTC))
    _print_flags(list_flags(Viewer.for_person(person), number), as_json)


def inbox(
    by: _By,
    after: Annotated[int, typer.Option("--after", min=0, help="上一页最后一件的 id")] = 0,
    opinions: Annotated[bool, typer.Option("--opinions", help="等此人的单位出具意见的（一事一议）")] = False,
    as_json: AsJson = False,
) -> None:
    """等此人当天在任的岗位办理的申报：可办什么，何时到期，是否逾期。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.inbox import list_waiting

    now = datetime.now(UTC)
    if opinions:
        _print_opinions_waiting(by, now, after, as_json)
        return
    rows = [waiting.to_dict(now) for waiting in list_waiting(find_person(by), now, after=after)]
    if as_json:
        print_json(rows)
        return
    shown = [row | {"actions": "、".join(row["actions"]), "overdue": "逾期" if row["overdue"] else ""} for row in rows]
    columns = {
        "number": "编号",
        "programme": "程序",
        "party": "申报人",
        "actions": "可办",
        "due": "到期",
        "overdue": "",
    }
    print_table("待办", shown, columns, "没有等您办理的申报")


def _print_opinions_waiting(by: str, now: datetime, after: int, as_json: bool) -> None:
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.opinions import list_opinions_waiting

    rows = list_opinions_waiting(find_person(by), now, after=after)
    if as_json:
        print_json(rows)
        return
    shown = [row | {"offices": "、".join(row["offices"]), "overdue": "逾期" if row["overdue"] else ""} for row in rows]
    columns = {
        "number": "编号",
        "programme": "程序",
        "party": "申报人",
        "offices": "单位",
        "due": "到期",
        "overdue": "",
    }
    print_table("待出具意见", shown, columns, "没有等您的单位出具意见的申报")


def _print_checks(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    words = {True: "通过", False: "没有通过", None: "有情况，须答复"}
    rows = [row | {"passed": words[row["passed"]]} for row in found]
    columns = {"what": "核对", "passed": "", "reason": "理由", "by": "谁", "at": "何时"}
    print_table("核对", rows, columns, "还没有核对过")


def _print_flags(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [row | {"answer": f"{row['answered_by']}：{row['reason']}" if row["answered_by"] else ""} for row in found]
    columns = {"id": "编号", "what": "疑点", "other": "另一件", "raised_at": "何时发现", "answer": "答复"}
    print_table("疑点", rows, columns, "没有疑点")


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    out.print(f"{found['number']}　{found['programme']}　{found['party']}　{found['state']}", markup=False)
    if found["due"]:
        out.print(f"到期：{found['due']}", markup=False)
    print_table("经过", found["history"], _HISTORY, "还没有提交")
    for moved in found["moves"]:
        step, before, after = moved["after_step"], moved["from"][:8], moved["to"][:8]
        said = f"第 {step} 步之后改按新程序：{before} → {after}，{moved['by']} {moved['at']}，{moved['reason']}"
        out.print(said, markup=False)

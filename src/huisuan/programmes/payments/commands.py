"""`huisuan treasury`, what persons do: budget lines, committing, orders, files for the bank, returns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import parse_typed_yuan, yuan
from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.programmes.workflow import ActOutcome

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Numbers = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="申报编号，一个或几个")]
_Policy = Annotated[str, typer.Option("--policy", metavar="政策", help="政策目录名")]
_Key = Annotated[str, typer.Option("--programme", metavar="KEY", help="程序，如 2.2")]
_Year = Annotated[int, typer.Option("--year", min=2000, max=2200, help="预算年度")]
_LINES = {
    "line": "预算", "available_fen": "可用（元）", "committed_fen": "已承诺", "ordered_fen": "已开支付令",
    "paid_fen": "已拨付", "unused_years": "几年未用",
}  # fmt: skip


def lines(
    policy: Annotated[str, typer.Option("--policy", metavar="政策", help="只看一项政策")] = "",
    unused: Annotated[bool, typer.Option("--unused", help="只看两年未用、应交回的")] = False,
    as_json: AsJson = False,
) -> None:
    """预算一条条：可用、已承诺、已开支付令、已拨付。"""
    from huisuan.treasury.line_queries import list_lines

    rows = [row.to_dict() for row in list_lines(policy, datetime.now(UTC), unused_only=unused)]
    if as_json:
        print_json(rows)
        return
    print_table("预算", [_in_yuan(row) for row in rows], _LINES, "没有应交回的" if unused else "还没有预算")


def appropriate(
    by: _By,
    policy: _Policy,
    programme: _Key,
    year: _Year,
    amount: Annotated[str, typer.Option("--amount", help="金额，以元计；负数为追减")],
    document: Annotated[str, typer.Option("--document", help="文号")],
    as_json: AsJson = False,
) -> None:
    """下达预算；没有这条预算就开设。"""
    from huisuan.programmes.payments.budget import appropriate_budget
    from huisuan.programmes.people import find_person

    fen = parse_typed_yuan(amount.removeprefix("-"))
    if fen is None:
        raise InvalidRequest(
            f'--amount "{amount[:30]}" 不是金额：以元填写，至多两位小数', code="treasury.amount_unreadable"
        )
    signed = -fen if amount.startswith("-") else fen
    line = appropriate_budget(policy, programme, year, signed, document, find_person(by), datetime.now(UTC))
    _done({"line": str(line), "amount_fen": signed, "document": document}, f"{line}：下达 {yuan(signed)} 元", as_json)


def share(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """市级拨付的省级分担：提交时写明的项目，登记的凭证现在得出多少。"""
    from huisuan.programmes.payments.city_shares import share_of
    from huisuan.programmes.people import find_person

    found = share_of(number, find_person(by))
    fen = found.owed_fen
    shown = {"number": number, "project": found.project, "registered": dict(found.registered), "amount_fen": fen}
    _done(shown, f"{number}：{found.project}，按登记的凭证 {'—' if fen is None else yuan(fen)} 元", as_json)


def unused(
    policy: Annotated[str, typer.Option("--policy", metavar="政策", help="只看一项政策")] = "",
    as_json: AsJson = False,
) -> None:
    """两年未用、应交回的预算。"""
    lines(policy=policy, unused=True, as_json=as_json)


def carry_over(
    by: _By,
    policy: _Policy,
    programme: _Key,
    year: _Year,
    into: Annotated[int, typer.Option("--into", min=2000, max=2200, help="结转到哪个预算年度")],
    as_json: AsJson = False,
) -> None:
    """年末结转：已承诺而未开支付令的，连同资金转到以后年度的同一条预算。"""
    from huisuan.programmes.payments.budget import budget_line, carry_over_budget
    from huisuan.programmes.people import find_person

    line = budget_line(policy, programme, year)
    moved = carry_over_budget(line, into, find_person(by), datetime.now(UTC))
    _done({"line": str(line), "into": into, "instalments": moved}, f"{line}：{moved} 期结转至 {into} 年", as_json)


def lapse(by: _By, policy: _Policy, programme: _Key, year: _Year, as_json: AsJson = False) -> None:
    """年末收回：没有承诺的余额。"""
    from huisuan.programmes.payments.budget import budget_line, lapse_budget
    from huisuan.programmes.people import find_person

    line = budget_line(policy, programme, year)
    fen = lapse_budget(line, find_person(by), datetime.now(UTC))
    _done({"line": str(line), "lapsed_fen": fen}, f"{line}：收回 {yuan(fen)} 元", as_json)


def commit(
    numbers: _Numbers,
    by: _By,
    year: Annotated[int, typer.Option("--year", help="预算年度；不写则为今年")] = 0,
    as_json: AsJson = False,
) -> None:
    """下达资金：从预算中承诺，金额重定的重新承诺；不够的逐件说明，其余照办。"""
    from huisuan.programmes.corrections.recommitting import commit_again, to_commit_again
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow import act_on_many

    again = to_commit_again(numbers)
    if again:
        commit_again(again, find_person(by), datetime.now(UTC), year)
    rest = [number for number in numbers if number not in again]
    payload = {"budget_year": year} if year else {}
    outcome = act_on_many(rest, "commit", find_person(by), datetime.now(UTC), payload=payload)
    _show_outcome(outcome, as_json, again=again)


def order(numbers: _Numbers, by: _By, as_json: AsJson = False) -> None:
    """开支付令：初次支付，或到期的下一期、银行退回后重开。"""
    from huisuan.programmes.models import Application
    from huisuan.programmes.payments.returns import PAID_AGAIN_IN, order_again
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow import act_on_many

    paying = set(
        Application.objects.filter(number__in=numbers, state__in=PAID_AGAIN_IN).values_list("number", flat=True)
    )
    if paying:
        order_again([number for number in numbers if number in paying], find_person(by), datetime.now(UTC))
    rest = [number for number in numbers if number not in paying]
    _show_outcome(act_on_many(rest, "pay", find_person(by), datetime.now(UTC)), as_json, again=sorted(paying))


def file(
    by: _By,
    to: Annotated[Path, typer.Option("--to", help="写到哪个文件；已有的不覆盖")],
    as_json: AsJson = False,
) -> None:
    """把未送银行的支付令编成一个文件（CSV，末行为合计）。"""
    from huisuan.programmes.payments.returns import send_orders
    from huisuan.programmes.people import find_person

    if to.exists():
        raise Conflict(f"{to} 已存在：没有覆盖", code="file.exists")
    made = send_orders(find_person(by), datetime.now(UTC))
    to.write_bytes(bytes(made.content))
    shown = {
        "file": str(made),
        "orders": made.orders,
        "total_fen": made.total_fen,
        "sha256": made.sha256,
        "to": str(to),
    }
    _done(shown, f"{made}：{made.orders} 张支付令，{yuan(made.total_fen)} 元，SHA-256 {made.sha256}", as_json)


def return_(
    source: Annotated[str, typer.Argument(metavar="FILE", help="银行回单 CSV，- 为标准输入")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """导入银行回单：同一文件只记一次，付清的即办结，对不上的进待清算。"""
    from huisuan.parties.cli.party_commands import read_file
    from huisuan.programmes.payments.returns import import_bank_returns
    from huisuan.programmes.people import find_person
    from huisuan.treasury.models import BankOutcome

    content, name = read_file(source)
    done = import_bank_returns(content, name, find_person(by), datetime.now(UTC))
    unmatched = done.file.lines.filter(outcome=BankOutcome.CLEARING).count()
    shown = {
        "file": str(done.file), "new": done.new, "lines": done.file.lines_count, "unmatched": unmatched,
        "completed": list(done.completed),
        "refused": [{"number": number, "code": why.code, "detail": str(why)} for number, why in done.refused.items()],
        "not_entered": [{"number": number, "why": why} for number, why in done.not_entered.items()],
    }  # fmt: skip
    text = f"{done.file}：{done.file.lines_count} 行，对不上 {unmatched} 行，付清 {len(done.completed)} 件"
    _done(shown, text if done.new else f"{done.file}：此前已导入，没有再记", as_json)
    for number, why in () if as_json else done.not_entered.items():
        out.print(f"{number}：已支付，但专款名录没有记上：{why}；改正名录后再导入同一文件即补记", markup=False)


def unmatched(as_json: AsJson = False) -> None:
    """银行回单中对不上支付令的行，等人处理。"""
    from huisuan.treasury.line_queries import unmatched_lines, unmatched_to_dict

    rows = [unmatched_to_dict(row) for row in unmatched_lines()]
    if as_json:
        print_json(rows)
        return
    columns = {"line": "行", "order": "支付令", "amount_fen": "金额（元）", "why": "为何", "bank_reason": "银行的话"}
    print_table("待清算", [_in_yuan(row) for row in rows], columns, "没有对不上的")


def resolve(
    line: Annotated[str, typer.Argument(metavar="LINE", help="行，如 3/2，见 huisuan treasury unmatched")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="查明是什么")],
    as_json: AsJson = False,
) -> None:
    """查明一行对不上的款，写明理由，冲销待清算。"""
    from huisuan.programmes.payments.returns import resolve_return
    from huisuan.programmes.people import find_person
    from huisuan.treasury.line_queries import get_return_line

    resolve_return(get_return_line(line), find_person(by), datetime.now(UTC), reason)
    _done({"line": line, "reason": reason}, f"{line} 已处理", as_json)


def _show_outcome(outcome: ActOutcome, as_json: bool, again: list[str] | None = None) -> None:
    done = sorted(step.application.number for step in outcome.done)
    refused = [{"number": number, "code": why.code, "detail": str(why)} for number, why in outcome.refused.items()]
    if as_json:
        print_json({"done": done, "again": again or [], "refused": refused})
    else:
        done += again or []
        out.print(f"已办 {len(done)} 件 {'、'.join(done)}", markup=False)
        for row in refused:
            out.print(f"没有办：{row['detail']}（{row['code']}）", markup=False)
    if refused:
        raise typer.Exit(1)


def _done(shown: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        out.print(text, markup=False)


def _in_yuan(row: dict[str, Any]) -> dict[str, Any]:
    return {name: yuan(value) if name.endswith("_fen") else value for name, value in row.items()}

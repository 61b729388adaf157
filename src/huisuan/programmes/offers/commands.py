"""`huisuan award`: offers and their confirmation, the account that is paid, and awards with their money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import NotFound
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, note_rest, out, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_Account = Annotated[str, typer.Option("--account", help="账号，8 至 32 位数字")]
_Bank = Annotated[str, typer.Option("--bank", help="开户行")]
_COLUMNS = {
    "number": "编号", "programme": "程序", "party": "申报人", "year": "年度", "amount_fen": "金额（元）",
    "state": "状态",
}  # fmt: skip


@app.command("offer")
def offer(
    run: Annotated[int, typer.Argument(metavar="RUN", help="结算编号，见 huisuan settle show")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """按一次结算向符合条件的单位提出（免申即享）；已有的不重复，金额有变的列出。"""
    from huisuan.programmes.awards.queries import offer_to_dict
    from huisuan.programmes.offers.services import make_offers
    from huisuan.programmes.people import find_person
    from huisuan.settlement.models import SettlementRun

    found = SettlementRun.objects.filter(pk=run).first()
    if found is None:
        raise NotFound(f"没有第 {run} 次结算", code="run.unknown")
    made = make_offers(found, find_person(by), datetime.now(UTC))
    rows, differing = [offer_to_dict(one) for one in made.made], [one.number for one in made.differing]
    if as_json:
        print_json({"offers": rows, "unchanged": made.unchanged, "differing": differing})
        return
    print_table(f"第 {run} 次结算的提出", [_in_yuan(row) for row in rows], _COLUMNS, "没有新提出的")
    out.print(f"不变 {made.unchanged} 件；金额有变、须重定 {len(differing)} 件 {'、'.join(differing)}", markup=False)


@app.command("offers")
def offers(by: _By, as_json: AsJson = False) -> None:
    """可以领取、只待确认的。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.awards.queries import offer_to_dict, offers_to_confirm
    from huisuan.programmes.people import find_person

    rows = [offer_to_dict(one) for one in offers_to_confirm(Viewer.for_person(find_person(by)))]
    if as_json:
        print_json(rows)
        return
    print_table("待确认", [_in_yuan(row) for row in rows], _COLUMNS, "没有待确认的")


@app.command("confirm")
def confirm(
    number: _Number,
    by: _By,
    account: _Account,
    bank: _Bank,
    truthful: Annotated[bool, typer.Option("--truthful", help="声明内容属实")] = False,
    as_json: AsJson = False,
) -> None:
    """确认一件免申即享：账户和内容属实，无需上传。"""
    from huisuan.programmes.offers.services import confirm_offer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.queries import describe_application

    step = confirm_offer(number, find_person(by), account, bank, datetime.now(UTC), truthful=truthful)
    shown = describe_application(type(step.application).objects.get(pk=step.application_id))
    if as_json:
        print_json(shown)
        return
    out.print(f"{shown['number']} 已确认：{shown['state']}", markup=False)


@app.command("payee")
def payee(
    number: _Number,
    by: _By,
    account: _Account,
    bank: _Bank,
    name: Annotated[str, typer.Option("--name", help="户名；只有市填写，单位的即其名称")] = "",
    reason: Annotated[str, typer.Option("--reason", help="变更的理由")] = "",
    as_json: AsJson = False,
) -> None:
    """填写收款账户；变更须由财政部门的另一人确认（payee-answer）。"""
    from huisuan.programmes.payments.payees import give_payee, given_payee_to_dict
    from huisuan.programmes.people import find_person

    given = give_payee(number, find_person(by), account, bank, datetime.now(UTC), name=name, reason=reason)
    _print_payee(given_payee_to_dict(given), as_json)


@app.command("payee-answer")
def payee_answer(
    number: _Number,
    by: _By,
    accept: Annotated[bool | None, typer.Option("--accept/--reject", help="确认还是驳回，必选其一")] = None,
    as_json: AsJson = False,
) -> None:
    """确认或驳回收款账户的变更。"""
    if accept is None:
        raise typer.BadParameter("请写明 --accept（确认）或 --reject（驳回）")
    from huisuan.programmes.payments.payees import answer_payee_change, given_payee_to_dict
    from huisuan.programmes.people import find_person

    answered = answer_payee_change(number, accept, find_person(by), datetime.now(UTC))
    _print_payee(given_payee_to_dict(answered), as_json)


@app.command("list")
def list_(
    by: _By,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="至多几件")] = 100,
    as_json: AsJson = False,
) -> None:
    """批准了什么，新的在前。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.awards.queries import award_to_dict, visible_awards
    from huisuan.programmes.people import find_person

    found = visible_awards(Viewer.for_person(find_person(by)))
    rows = [award_to_dict(one) for one in found[:limit]]
    note_rest(len(rows), found.count())
    if as_json:
        print_json(rows)
        return
    print_table("批准", [_in_yuan(row) for row in rows], _COLUMNS, "还没有批准的")


@app.command("show")
def show(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一件批准的依据、账户、分期，每期的支付令和银行的结果。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.awards.queries import describe_award, get_award
    from huisuan.programmes.people import find_person

    found = describe_award(get_award(Viewer.for_person(find_person(by)), number))
    if as_json:
        print_json(found)
        return
    basis = f"，依据 {found['entitlement']}（第 {found['run']} 次结算）" if found["entitlement"] else ""
    out.print(f"{found['number']}　{found['party']}　{yuan(found['amount_fen'])} 元{basis}", markup=False)
    rows = [
        {
            "award": one["award"], "number": part["number"], "amount": yuan(part["amount_fen"]),
            "orders": "、".join(f"{order['order']} {order['outcome'] or '在途'}" for order in part["orders"]),
            "released": "已解除" if part["released"] else "",
        }
        for one in found["commitments"]
        for part in one["instalments"]
    ]  # fmt: skip
    columns = {"award": "承诺", "number": "期", "amount": "金额（元）", "orders": "支付令", "released": ""}
    print_table("资金", rows, columns, "资金还没有下达")


def _in_yuan(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"amount_fen": yuan(row["amount_fen"])}


def _print_payee(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    counts = {None: "等财政部门的另一人确认", True: "有效", False: "已驳回"}[shown["accepted"]]
    out.print(
        f"{shown['number']} 收款账户 {shown['account']}（{shown['name']}，{shown['bank']}）：{counts}", markup=False
    )

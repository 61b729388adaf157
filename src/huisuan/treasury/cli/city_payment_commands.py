"""`huisuan treasury city-payments`: what cities paid, by voucher: from a file, listed, lowered, reversed."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import parse_typed_yuan
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.treasury.ledger import Act
    from huisuan.treasury.models import CityPayment

app = typer.Typer(no_args_is_help=True)
_City = Annotated[str, typer.Option("--city", help="市的六位代码，如 340100")]
_Voucher = Annotated[str, typer.Argument(metavar="VOUCHER", help="凭证号")]
_Reason = Annotated[str, typer.Option("--reason", help="理由")]
_COLUMNS = {
    "city": "市", "voucher": "凭证", "project": "项目", "payee": "收款方", "paid_day": "支付日",
    "amount_fen": "金额（元）", "left_fen": "现存（元）", "known_from": "何日起知道", "by": "登记人",
}  # fmt: skip


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="CSV 文件，- 为标准输入")],
    as_json: AsJson = False,
) -> None:
    """从 CSV 登记市级拨付（city,voucher,project,amount,paid_day[,payee]）；好行留下，坏行逐行说明。"""
    from huisuan.parties.cli.party_commands import read_file, show_report
    from huisuan.treasury.city_payment_import import import_city_payments

    content, name = read_file(file)
    show_report(import_city_payments(content, name, _act()), as_json=as_json)


@app.command("list")
def list_(
    city: Annotated[str, typer.Option("--city", help="只看一个市；不写则全部")] = "",
    project: Annotated[str, typer.Option("--project", help="只看一个项目")] = "",
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天已知的登记", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """列出登记的市级拨付，和核减、冲销之后的现存数。"""
    from huisuan.treasury.city_payments import city_payments_known, normal_project

    known = (as_known or datetime.now(SHANGHAI)).date()
    found = city_payments_known(known).select_related("payee")
    found = found.filter(city=city) if city else found
    found = found.filter(project=normal_project(project)) if project else found
    rows = [_row(payment) for payment in found]
    if as_json:
        print_json(rows)
        return
    print_table("市级拨付", rows, _COLUMNS, "还没有登记；用 huisuan treasury city-payments import FILE.csv 导入")


@app.command("lower")
def lower(
    voucher: _Voucher,
    city: _City,
    amount: Annotated[str, typer.Option("--amount", help="核减多少，以元计")],
    reason: _Reason,
    as_json: AsJson = False,
) -> None:
    """核减一笔市级拨付；登记的原数留着，历次核减都在。"""
    from huisuan.treasury.city_payments import get_city_payment, lower_city_payment

    fen = parse_typed_yuan(amount)
    if fen is None:
        raise InvalidRequest(
            f'--amount "{amount[:30]}" 不是金额：以元填写，至多两位小数', code="treasury.amount_unreadable"
        )
    payment = get_city_payment(city, voucher)
    lower_city_payment(payment, fen, reason, _act())
    _show(payment, as_json)


@app.command("reverse")
def reverse(voucher: _Voucher, city: _City, reason: _Reason, as_json: AsJson = False) -> None:
    """冲销一笔市级拨付现存的全部。"""
    from huisuan.treasury.city_payments import get_city_payment, reverse_city_payment

    payment = get_city_payment(city, voucher)
    reverse_city_payment(payment, reason, _act())
    _show(payment, as_json)


def _act() -> Act:
    from huisuan.treasury.ledger import Act

    now = datetime.now(UTC)
    return Act(f"本机命令行 {getpass.getuser()}"[:80], now, now.astimezone(SHANGHAI).date())


def _show(payment: CityPayment, as_json: bool) -> None:
    from huisuan.treasury.city_payments import city_payments_known

    known = datetime.now(SHANGHAI).date()
    row = _row(city_payments_known(known).select_related("payee").get(pk=payment.pk))
    if as_json:
        print_json(row)
    else:
        print_table("市级拨付", [row], _COLUMNS, "")
    if not as_json:
        out.print("历次核减与冲销都留着", markup=False)


def _row(payment: Any) -> dict[str, Any]:
    return {
        "city": payment.city_id, "voucher": payment.voucher, "project": payment.project,
        "payee": payment.payee.uscc if payment.payee else "", "paid_day": payment.paid_day,
        "amount_fen": payment.amount_fen, "left_fen": payment.left_fen, "known_from": payment.known_from,
        "by": payment.by,
    }  # fmt: skip

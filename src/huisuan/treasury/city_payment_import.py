"""Payments of cities from CSV: good lines are kept, bad ones named, the same file twice changes nothing."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.errors import HuisuanError
from huisuan.base.money import parse_typed_yuan
from huisuan.parties.models import Party
from huisuan.treasury.city_payments import PaymentClaim, normal_voucher, record_city_payment
from huisuan.treasury.ledger import Act

_COLUMNS = ("city", "voucher", "project", "amount", "paid_day")


def import_city_payments(content: bytes, name: str, act: Act, city: str = "") -> FileReport:
    """Enter the lines of a file (columns city, voucher, project, amount in yuan, paid_day; payee, a USCC).

    One transaction. `city`: the only one whose payments the file may name. A voucher that stands with another content
    is a fault: nothing is ever overwritten.

    Raises:
        InvalidRequest: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _COLUMNS, ("payee",))
    report = FileReport(ignored_columns=table.ignored)
    seen: dict[tuple[str, str], int] = {}
    with transaction.atomic():
        parties = {party.uscc: party for party in Party.objects.all()}
        for line, cells in table.rows(report.faults):
            try:
                claim = _parse_claim(cells, parties)
                if city and claim.city.strip() != city:
                    raise LineRefused("city", claim.city, "不是本市", f"只登记本市 {city} 的拨付")
                key = (claim.city, _voucher(claim.voucher))
                if key in seen:
                    rule = f"与第 {seen[key]} 行是同一凭证"
                    raise LineRefused("voucher", claim.voucher, rule, "一张凭证只写一行；分给几个项目的请分开开证")
                seen[key] = line
                _, made = _record(claim, act, name)
                report.new += made
                report.same += not made
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
    return report


def _parse_claim(cells: dict[str, str], parties: dict[str, Party]) -> PaymentClaim:
    fen = parse_typed_yuan(cells["amount"])
    if not fen:
        raise LineRefused("amount", cells["amount"], "不是大于 0 的金额", "以元填写，至多两位小数，如 1234567.85")
    try:
        day = date.fromisoformat(cells["paid_day"].replace("/", "-"))
    except ValueError:
        raise LineRefused("paid_day", cells["paid_day"], "不是日期", "请写成 2024-01-31") from None
    payee = cells.get("payee", "").replace(" ", "").upper()
    if payee and payee not in parties:
        raise LineRefused("payee", payee, "不是已登记的主体", "请先用 huisuan party import 导入它，或留空")
    return PaymentClaim(cells["city"], cells["voucher"], cells["project"], fen, day, parties.get(payee))


def _voucher(text: str) -> str:
    try:
        return normal_voucher(text)
    except HuisuanError as refusal:
        raise LineRefused("voucher", text, str(refusal), "请照凭证填写") from None


def _record(claim: PaymentClaim, act: Act, name: str) -> tuple[object, bool]:
    try:
        return record_city_payment(claim, act, name)
    except HuisuanError as refusal:
        column, value = _PLACES.get(refusal.code, ("voucher", ""))
        raise LineRefused(column, value or getattr(claim, column, ""), str(refusal), "没有登记这一行") from None


#: in which column of a line a refusal lies
_PLACES = {
    "treasury.city_payment_of_no_city": ("city", ""), "treasury.paid_in_future": ("paid_day", ""),
    "treasury.amount_out_of_bounds": ("amount", ""), "treasury.city_payment_key_missing": ("project", ""),
}  # fmt: skip

"""A line with money on it, promises, payees: what the tests of the treasury begin with."""

from __future__ import annotations

from datetime import UTC, date, datetime

from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.commitments import Promise, commit
from huisuan.treasury.ledger import Act, line_accounts
from huisuan.treasury.lines import appropriate, open_line
from huisuan.treasury.models import Account, AccountKind, AppropriationLine, BankFile, Commitment, PaymentOrder
from huisuan.treasury.orders import Payee, order_payments
from support.jobs import party

NOON = datetime(2024, 9, 2, 4, tzinfo=UTC)
ACT = Act("王会计", NOON, date(2024, 9, 2))
PAYEE = Payee("合肥甲智能科技有限公司", "1302010109022100001", "工商银行合肥分行")


def line(fen: int = 100_000, year: int = 2024) -> AppropriationLine:
    """The line of 5.1 with so much on it."""
    made = open_line("anhui-agi-2023", "5.1", year, "科技厅", "张处", NOON)
    if fen:
        appropriate(made, fen, f"皖财教〔{year}〕101 号", ACT)
    return made


def promise(award: str, *fen: int, who: int = 1, due: date | None = None) -> Promise:
    """An award in such instalments."""
    return Promise(award, party(who).pk, tuple((part, due) for part in fen))


def committed(on: AppropriationLine, award: str, *fen: int, who: int = 1) -> Commitment:
    """An award that was committed."""
    return Commitment.objects.get(pk=commit(on, [promise(award, *fen, who=who)], ACT)[0])


def ordered(of: Commitment, number: int = 1) -> PaymentOrder:
    """An order for one instalment of it."""
    return order_payments([of.instalments.get(number=number)], {of.pk: PAYEE}, ACT)[0]


def sent(order: PaymentOrder) -> BankFile:
    """Its file for the bank."""
    return make_bank_file([order], ACT)


def returned(*lines: str) -> bytes:
    """A file of returns: lines such as `P1,10.00,成功,`."""
    return ("\r\n".join(["支付令号,金额（元）,结果,原因", *lines]) + "\r\n").encode("utf-8-sig")


def balances(of: AppropriationLine) -> dict[str, int]:
    """What stands on a line's accounts, in fen, but for those with nothing."""
    rows = Account.objects.in_bulk(line_accounts(of).values()).values()
    return {AccountKind(row.kind).value: row.balance for row in rows if row.balance}

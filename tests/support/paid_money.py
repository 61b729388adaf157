"""Money that the bank paid to firms of several cities: what bulletins on money add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from huisuan.base.money import plain_yuan
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.commitments import Promise, commit
from huisuan.treasury.ledger import Act
from huisuan.treasury.lines import appropriate, open_line
from huisuan.treasury.models import Commitment, Instalment
from huisuan.treasury.orders import Payee, order_payments
from support.jobs import party
from support.treasury import returned

POLICY = "anhui-agi-2023"
#: firms by number with their cities
CITY_OF = {**dict.fromkeys(range(1, 7), "340100"), **dict.fromkeys(range(7, 11), "340200"), 11: "340300", 12: "340600"}


def pay_firms(day: date, sentence: str, paid: Sequence[tuple[int, int]]) -> None:
    """On a day the bank pays each firm (by its number) so many fen under a sentence of 2023's policy."""
    act = Act("王会计", datetime(day.year, day.month, day.day, 4, tzinfo=UTC), day)
    line = open_line(POLICY, sentence, day.year, "科技厅", "张处", act.now)
    appropriate(line, sum(fen for _, fen in paid), f"示例 {day} {sentence} 号", act)
    promises = [
        Promise(f"{day} {sentence} {firm}", party(firm, region=CITY_OF[firm]).pk, ((fen, None),)) for firm, fen in paid
    ]
    made = commit(line, promises, act)
    parts = list(Instalment.objects.filter(commitment__in=made).order_by("pk"))
    payees = {
        one: Payee("合肥甲智能科技有限公司", "1302010109022100001", "工商银行合肥分行")
        for one in Commitment.objects.filter(pk__in=made).values_list("pk", flat=True)
    }
    orders = order_payments(parts, payees, act)
    make_bank_file(orders, act)
    lines = [f"{one.name},{plain_yuan(one.instalment.amount_fen)},成功," for one in orders]
    import_returns(returned(*lines), f"{day} {sentence}.csv", act)


def pay_two_quarters() -> None:
    """Both quarters of 2024's first half: six firms in one city, four in another, one each in two more."""
    pay_firms(date(2024, 2, 20), "2.2", [(at, 100_000_00 + at * 3_000_00) for at in range(1, 13)])
    pay_firms(date(2024, 5, 20), "2.2", [(at, 120_000_00 + at * 1_000_00) for at in range(1, 11)])
    pay_firms(date(2024, 5, 21), "6.2", [(1, 50_000_00), (2, 40_000_00), (7, 30_000_00), (11, 70_000_00)])

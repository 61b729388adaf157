"""From a decision to money: committed, ordered, sent to the bank, some returned and sent again, some taken back."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from huisuan.base.errors import Refused
from huisuan.base.money import plain_yuan
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.generated_year.contracting import eliminate_runners, reach_milestone
from huisuan.programmes.generated_year.walking import Walk
from huisuan.programmes.models import Application
from huisuan.programmes.payments.payees import answer_payee_change, give_payee
from huisuan.programmes.payments.returns import import_bank_returns, order_again, send_orders
from huisuan.treasury.models import PaymentOrder

_SHARED, _BANK = "1302010109022100001", "示例银行合肥分行"
#: of a hundred applicants so many name one and the same account, which is flagged
_SHARING = 3
#: of a hundred orders so many come back from the bank
_FAILED = 4
_HEADING = "支付令号,金额（元）,结果,原因"


def pay_claims(walk: Walk) -> None:
    """Pay what was decided; what failed is ordered once more."""
    state = State.CONTRACTED if walk.edge("commit", State.CONTRACTED) else State.DECIDED
    committer, payer = walk.who("commit", state), walk.who("pay", State.COMMITTED)
    numbers = walk.numbers(state)
    if committer is None or payer is None or not numbers:
        return
    now = walk.pass_days(2)
    for number in numbers:
        _name_account(walk, number, payer, now)
    walk.take(numbers, "commit", committer, walk.pass_days(5))
    first = reach_milestone(walk, 1, walk.numbers(State.COMMITTED))
    walk.take(first, "pay", payer, walk.pass_days(5))
    _pay_orders(walk, payer)
    eliminate_runners(walk)
    if walk.edge("contract", State.DECIDED) and (last := reach_milestone(walk, 2, walk.numbers(State.PAYING))):
        order_again(last, payer, walk.pass_days(3))
        _pay_orders(walk, payer)


def _pay_orders(walk: Walk, payer: Person) -> None:
    """What failed at the bank is ordered once more."""
    if failed := _to_the_bank(walk, payer, _FAILED):
        order_again(failed, payer, walk.pass_days(2))
        _to_the_bank(walk, payer, 0)


def _name_account(walk: Walk, number: str, payer: Person, now: datetime) -> None:
    owner = walk.made.owners[number]
    holder = f"{owner.city.name_zh}财政局（示例）" if owner.city else ""
    given = give_payee(number, owner, _account(owner), _BANK, now, name=holder)
    if not given.counts:
        answer_payee_change(number, True, payer, now)


def _account(owner: Person) -> str:
    """The account of the owner's firm or city: the same in every claim of a year with the same people."""
    place = crc32((owner.party.uscc if owner.party else f"{owner.city_id}").encode())
    return _SHARED if place % 100 < _SHARING else f"13020101{place:011d}"


def _to_the_bank(walk: Walk, payer: Person, failing: int) -> list[str]:
    """One file to the bank and what it says of it; returns the applications of which an order failed."""
    try:
        sent = send_orders(payer, walk.pass_days(1))
    except Refused:
        return []
    orders = PaymentOrder.objects.filter(bank_line__file=sent).select_related("instalment__commitment").order_by("pk")
    failed, lines = set[str](), [_HEADING]
    for order in orders:
        fails = walk.chance.randrange(100) < failing
        failed |= {order.instalment.commitment.award} if fails else set()
        said = "失败,账户已销" if fails else "成功,"
        lines.append(f"{order.name},{plain_yuan(order.instalment.amount_fen)},{said}")
    content = ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")
    import_bank_returns(content, f"示例回单{sent.pk}.csv", payer, walk.pass_days(2))
    return list(Application.objects.filter(awards__key__in=failed).order_by("pk").values_list("number", flat=True))

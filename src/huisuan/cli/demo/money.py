"""The demo goes on from entitlements to money: one offer is confirmed, decided and paid, and a part comes back.

What the officials did is dated to the months after the year that is settled, with the working days that it took.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from huisuan.base.money import plain_yuan, yuan
from huisuan.cli.demo.scenario import YUNXIU, settle_demo_year
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import STATE_WORDS, State
from huisuan.parties.models import Person, Role
from huisuan.parties.relation_import import import_relations
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.corrections.outdated import find_outdated, outdated_to_dict
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.models import Application
from huisuan.programmes.offers.services import confirm_offer, make_offers
from huisuan.programmes.offices import give_post, store_offices
from huisuan.programmes.payments.budget import appropriate_budget
from huisuan.programmes.payments.returns import import_bank_returns, send_orders
from huisuan.programmes.workflow import act
from huisuan.settlement.models import SettlementRun
from huisuan.terminal import out, print_table
from huisuan.treasury.check import prove
from huisuan.treasury.models import PaymentOrder

_ACCOUNT, _BANK = "1302010109022100001", "示例银行合肥分行"
_FROM = date(2025, 1, 1)
_BUDGET_FEN = 2_000_000_00
#: who acts under which duty: a name, and that of the account
_OFFICIALS = {
    "check": "heyan", "publish": "gongshi", "decide": "pizhun", "commit": "xiada", "pay": "zhifu",
    "register": "dengji",
}  # fmt: skip


@dataclass(frozen=True)
class MoneyStep:
    """A line of the way: on which day who did what, and what it came to."""

    day: date
    by: str
    what: str
    came_to: str


def walk_the_money(run: SettlementRun) -> Iterator[MoneyStep]:
    """From the offers of a run to paid money, a late relation, a recovery and the proof of the books; once."""
    if Application.objects.filter(offers__isnull=False).exists():
        return
    by = _officials(load_policy(run.policy), run.sentence)
    made = make_offers(run, by["check"], _at(2, 10))
    offer = next(one for one in made.made if one.application.party and one.application.party.uscc == YUNXIU)
    number, firm = offer.application.number, Person.objects.get(username="yunxiu")
    total = sum(one.amount_fen for one in made.made)
    yield MoneyStep(date(2025, 2, 10), "heyan", f"按结算提出 {len(made.made)} 件（免申即享）", f"{yuan(total)} 元")
    confirm_offer(number, firm, _ACCOUNT, _BANK, _at(2, 11), truthful=True)
    yield MoneyStep(date(2025, 2, 11), "yunxiu", f"{number} 确认账户，无需上传", f"{yuan(offer.amount_fen)} 元")
    for action, duty, month, day in (
        ("check", "check", 2, 12),
        ("publicise", "publish", 2, 13),
        ("decide", "decide", 2, 24),
    ):
        yield _act(number, action, by[duty], month, day)
    appropriate_budget(run.policy, run.sentence, 2025, _BUDGET_FEN, "示例〔2025〕1 号", by["commit"], _at(2, 25))
    for action, duty, month, day in (("commit", "commit", 2, 26), ("pay", "pay", 2, 27)):
        yield _act(number, action, by[duty], month, day)
    yield _bank(by["pay"])
    yield from _take_back(number, by)


def _take_back(number: str, by: dict[str, Person]) -> Iterator[MoneyStep]:
    """A relation that was entered late makes use of two months self-use: settled again, less is owed."""
    import_relations((files("huisuan.cli.demo") / "relations-late.csv").read_bytes(), "relations-late.csv")
    settle_demo_year()
    application = Application.objects.select_related("edition", "party").get(number=number)
    (found,) = find_outdated([application])
    use = len(outdated_to_dict(found)["use"])
    words = f"补登的股权关系使应得变为 {yuan(found.basis.owed_fen)} 元，{use} 行用量有变"
    yield MoneyStep(date(2025, 6, 3), "—", words, f"多付 {yuan(found.paid.kept_fen - found.basis.owed_fen)} 元")
    yield _act(number, "recover", by["register"], 6, 4, reason="补登的股权关系：自建自用")
    (debt,) = debts_of([application])[application.pk]
    receipt = receive_repayment(debt, debt.amount_fen, "示例收 1 号", by["pay"], _at(6, 18))
    over = "追回完毕" if receipt.recovered else "未退清"
    yield MoneyStep(date(2025, 6, 18), "zhifu", f"收到退款，{over}", f"{yuan(debt.amount_fen)} 元")
    proof = prove()
    yield MoneyStep(date(2025, 6, 18), "—", "对账", f"{'账平' if proof.holds else '账不平'}，{proof.entries} 笔分录")


def show_money(steps: Iterator[MoneyStep]) -> None:
    """The way, a line a step."""
    rows: list[dict[str, Any]] = [vars(step) for step in steps]
    columns = {"day": "日期", "by": "谁", "what": "做了什么", "came_to": "金额"}
    print_table("五、从应享到拨付，再到追回", rows, columns, "此前的演示已经走过")
    if rows:
        out.print("   看其中任何一步：huisuan award list --by shenji；huisuan treasury lines；huisuan treasury check")


def _officials(policy: Policy, key: str) -> dict[str, Person]:
    """Invented officials, each with one post of those that the programme asks for."""
    store_offices([policy])
    giver, found = Person.objects.get(username="zhuanban"), {}
    offices = {taken.duty.value: taken.office for taken in policy.programme(key).steps if taken.office}
    for duty, username in _OFFICIALS.items():
        person, _ = Person.objects.get_or_create(
            username=username, defaults={"name": username, "demo": True, "role": Role.PROVINCE}
        )
        give_post(person, offices[duty], duty, _FROM, giver, _at(1, 2))
        found[duty] = person
    return found


def _act(number: str, action: str, person: Person, month: int, day: int, reason: str = "") -> MoneyStep:
    step = act(number, action, person, _at(month, day), reason=reason)
    fen = f"{yuan(step.amount_fen)} 元" if step.amount_fen else ""
    state = STATE_WORDS[State(step.to_state)].official
    return MoneyStep(date(2025, month, day), person.username, f"{number} {state}", fen)


def _bank(payer: Person) -> MoneyStep:
    """The orders go to the bank as a file, and its file comes back."""
    sent = send_orders(payer, _at(2, 28))
    orders = PaymentOrder.objects.filter(bank_line__file=sent).select_related("instalment").order_by("pk")
    lines = [f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功," for order in orders]
    content = "\r\n".join(["支付令号,金额（元）,结果,原因", *lines]) + "\r\n"
    done = import_bank_returns(content.encode("utf-8-sig"), "示例回单.csv", payer, _at(3, 3))
    words = f"银行文件 {sent} 送出，回单 {done.file} 入账，办结 {len(done.completed)} 件"
    return MoneyStep(date(2025, 3, 3), payer.username, words, f"{yuan(sent.total_fen)} 元")


def _at(month: int, day: int) -> datetime:
    """Noon at Asia/Shanghai of a day of 2025."""
    return datetime(2025, month, day, 4, tzinfo=UTC)

"""The province's share follows the city's vouchers: lowered while unpaid it shrinks, once paid it is taken back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.cli.main import assemble
from huisuan.parties.models import Person, Region
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Award
from huisuan.programmes.payments.city_shares import claim_share
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.check import prove
from huisuan.treasury.city_payments import (
    PaymentClaim,
    lower_city_payment,
    record_city_payment,
    reverse_city_payment,
)
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import CityPayment, Entry
from support.awards import GROUP
from support.programmes import ENDED, LAW, NOON, TREASURY, applicant, budget, official, paid_at_bank, person
from support.treasury import balances

pytestmark = pytest.mark.django_db
DECLARED = {"key_technology": True, "city": "340100"}
LATER = ENDED + timedelta(days=1)
WAY = (
    ("check", "check", GROUP), ("publicise", "publish", GROUP), ("decide", "decide", GROUP),
    ("commit", "commit", TREASURY), ("pay", "pay", TREASURY),
)  # fmt: skip


def hefei() -> Person:
    return person("hefei", "city", city=Region.objects.get(code="340100"))


def by(action: str) -> Person:
    duty, office = next((duty, office) for name, duty, office in WAY if name == action)
    return official(f"{duty} of 8.2", duty, office)


def voucher(number: str, fen: int, day: date = date(2024, 4, 1)) -> CityPayment:
    act_ = Act("李会计", NOON, NOON.date())
    return record_city_payment(PaymentClaim("340100", number, "项目甲", fen, day), act_)[0]


def lowered(payment: CityPayment, fen: int) -> None:
    lower_city_payment(payment, fen, "多付退回", Act("李会计", LATER, LATER.date()))


def claimed(until: str) -> Application:
    """A share of the project, walked to an action."""
    made = begin_application(LAW, "8.2", 2024, hefei(), NOON)
    claim_share(made.number, " 项目甲", DECLARED, hefei(), NOON)
    give_payee(made.number, hefei(), "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    act(made.number, "submit", hefei(), NOON)
    for action, *_ in WAY:
        act(made.number, action, by(action), NOON if action in ("check", "publicise") else ENDED)
        if action == until:
            break
    made.refresh_from_db()
    return made


def test_a_voucher_lowered_before_payment_shrinks_the_share_and_the_entry_names_it() -> None:
    line = budget("8.2", 100_000_000)
    payment = voucher("V-1", 100_000_000)
    voucher("V-2", 50_000_000)
    made = claimed("commit")
    assert Award.objects.get(application=made).amount_fen == 45_000_000  # 30%
    lowered(payment, 20_000_000)
    with pytest.raises(Conflict) as old:
        act(made.number, "pay", by("pay"), LATER)
    assert old.value.code == "offer.outdated"
    rebase(made.number, "随市级凭证", by("decide"), LATER)
    commit_again([made.number], by("commit"), LATER)
    release = Entry.objects.get(kind="release")
    assert "凭证 V-1 核减 200,000.00 元" in release.reason
    assert balances(line) == {"appropriated": -100_000_000, "available": 61_000_000, "committed": 39_000_000}
    act(made.number, "pay", by("pay"), LATER)
    import_bank_returns(paid_at_bank(by("pay")), "r.csv", by("pay"), LATER)
    assert balances(line)["paid"] == 39_000_000
    assert prove().holds


def test_a_voucher_reversed_after_payment_is_taken_back_from_the_city_and_the_entry_names_it() -> None:
    line = budget("8.2", 100_000_000)
    payment = voucher("V-1", 100_000_000)
    made = claimed("pay")
    import_bank_returns(paid_at_bank(by("pay")), "r.csv", by("pay"), NOON)
    reverse_city_payment(payment, "付错了项目", Act("李会计", LATER, LATER.date()))
    registers = official("registers", "register", GROUP)
    act(made.number, "recover", registers, LATER, reason="市级凭证冲销")
    (debt,) = debts_of([made])[made.pk]
    assert (debt.amount_fen, debt.city_id, debt.party) == (30_000_000, "340100", None)
    assert "凭证 V-1 核减 1,000,000.00 元" in debt.reason
    assert debt.entry.reason == debt.reason
    assert balances(line)["claimed_back"] == -30_000_000
    assert prove().holds


def test_what_the_city_pays_later_is_another_application_and_the_project_is_shared_once() -> None:
    budget("8.2", 100_000_000)
    first_voucher = voucher("V-1", 100_000_000)
    first = claimed("decide")
    voucher("V-2", 10_000_000)
    act(first.number, "commit", by("commit"), NOON)  # more is no reason to change what was granted
    second = claimed("decide")
    assert [award.amount_fen for award in Award.objects.order_by("pk")] == [30_000_000, 3_000_000]
    lowered(first_voucher, 5_000_000)
    with pytest.raises(Conflict):
        act(second.number, "commit", by("commit"), LATER)
    rebase(second.number, "随市级凭证", by("decide"), LATER)
    assert Award.objects.get(application=second, superseded_by__isnull=True).amount_fen == 1_500_000


def test_a_share_is_said_by_its_city_before_it_is_handed_in_and_computed_by_nobody_else(tmp_path: Path) -> None:
    voucher("V-1", 100_000_000)
    made = begin_application(LAW, "8.2", 2024, hefei(), NOON)
    for stranger in (applicant(1), person("wuhu", "city", city=Region.objects.get(code="340200"))):
        with pytest.raises(NotFound):
            claim_share(made.number, "项目甲", DECLARED, stranger, NOON)
    with pytest.raises(InvalidRequest):
        claim_share(made.number, "项目甲", {**DECLARED, "city_paid": 1}, hefei(), NOON)
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(DECLARED), encoding="utf-8")
    words = ["award", "share", made.number, "--by", "hefei", "--project", "项目甲", "--facts", str(facts), "--json"]
    done = CliRunner().invoke(assemble(), words)
    assert json.loads(done.stdout)["amount_fen"] == 30_000_000, done.output
    give_payee(made.number, hefei(), "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    act(made.number, "submit", hefei(), NOON)
    with pytest.raises(Conflict) as late:
        claim_share(made.number, "项目乙", DECLARED, hefei(), NOON)
    assert late.value.code == "award.share_handed_in"
    firm = begin_application(LAW, "14.1", 2024, applicant(1), NOON)
    with pytest.raises(NotAllowed):
        claim_share(firm.number, "项目甲", DECLARED, applicant(1), NOON)
    for action in ("check", "publicise"):
        act(made.number, action, by(action), NOON)
    with pytest.raises(InvalidRequest) as computed:
        act(made.number, "decide", by("decide"), ENDED, amount_fen=1)
    assert computed.value.code == "award.amount_is_computed"

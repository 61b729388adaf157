"""From the offer to money that comes back, over HTTP, each by the person whose token asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.base.money import plain_yuan
from huisuan.law.policy import load_policy
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person
from huisuan.programmes.offices import give_post, store_offices
from huisuan.programmes.payments.bank_queries import get_bank_file
from huisuan.programmes.payments.budget import appropriate_budget, carry_over_budget, lapse_budget
from huisuan.programmes.payments.returns import import_bank_returns, send_orders
from huisuan.programmes.workflow import store_edition
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine, BankFile, BankReturn, PaymentOrder
from support.awards import ACCOUNT, BANK, DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import NOON, TREASURY, applicant, budget, official, person
from support.treasury import returned

pytestmark = pytest.mark.django_db
API = "/api/v1"


def client(who: Person) -> Client:
    """A program with a person's token."""
    secret = issue_token(who, "test", Actor("test"), datetime.now(UTC), scope="submit")[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(by: Client, path: str, key: str = "", **body: object) -> tuple[int, Any]:
    answer = by.post(f"{API}/{path}", body, "application/json", headers={"Idempotency-Key": key})
    return answer.status_code, answer.json()


def get(by: Client, path: str) -> Any:
    answer = by.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_from_the_offer_to_what_comes_back_over_http() -> None:
    budget("2.2", 1_000_000)
    firm = client(applicant(1))
    payer = client(official("pay of 2.2", "pay", TREASURY))
    (offer,) = offered(30_000)
    number = walked_offer(confirmed(offer), "commit").number
    assert post(payer, f"applications/{number}/acts/pay", "k2")[0] == 200
    assert post(payer, "treasury/orders", numbers=[number])[1]["code"] == "award.nothing_due"
    (order,) = get(payer, "treasury/orders?waiting=true")["orders"]
    assert (order["amount_fen"], order["account"]) == (30_000, f"…{ACCOUNT[-4:]}")
    status, sent = post(payer, "treasury/files")
    assert (status, sent["total_fen"]) == (200, 30_000)
    assert post(payer, "treasury/files")[1]["code"] == "treasury.no_orders"
    bank = person("caizheng", "treasury")
    give_post(bank, TREASURY, "pay", date(2024, 1, 1), person("giver"), NOON)
    assert ACCOUNT.encode() in client(bank).get(f"{API}/treasury/files/{sent['file']}").content
    made = PaymentOrder.objects.get()
    content = returned(f"{made.name},{plain_yuan(30_000)},成功,", "P999,1.00,成功,")
    for new in (True, False):
        answer = payer.post(f"{API}/treasury/returns", {"file": SimpleUploadedFile("r.csv", content)})
        assert (answer.status_code, answer.json()["new"]) == (200, new)
    (lost,) = get(payer, "treasury/unmatched")["unmatched"]
    line = lost["line"].replace("/", "-")
    assert post(payer, f"treasury/unmatched/{line}", reason="另一系统的款")[0] == 200
    assert get(firm, f"awards/{number}")["paid_fen"] == 30_000
    settled(10_000)
    listed = get(firm, "awards/outdated")
    assert ([row["correction"] for row in listed["outdated"]], listed["next"]) == (["recovery"], None)
    registers = client(official("registers", "register", GROUP))
    plan = [[20_000, "2026-12-31"]]
    status, found = post(registers, f"awards/{number}/recovery", "k3", reason="更正", repayments=plan)
    assert (status, found["state"]) == (200, "in_recovery")
    (debt,) = get(payer, "treasury/debts")["debts"]
    assert get(payer, "treasury/debts?offset=1") == {"total": 1, "debts": []}
    assert get(payer, "treasury/files?offset=1&limit=1") == {"total": 1, "files": []}
    assert get(payer, "treasury/files")["files"][0]["file"] == sent["file"]
    body = {"debt": debt["debt"], "amount_fen": 20_000, "voucher": "收 1 号"}
    assert post(payer, "treasury/receipts", **body)[1]["recovered"]
    assert post(payer, "treasury/receipts", **body)[0] == 409
    assert get(payer, "treasury/lines?policy=anhui-agi-2023")["lines"][0]["paid_fen"] == 10_000
    assert prove().holds


def test_an_offer_is_confirmed_once_for_a_key_over_http() -> None:
    firm, (offer,) = client(applicant(1)), offered(30_000)
    number = offer.application.number
    assert [one["number"] for one in get(firm, "offers")["offers"]] == [number]
    for _ in range(2):
        status, found = post(
            firm, f"offers/{number}/confirmation", "k1", account=ACCOUNT, bank=BANK, truthful=True
        )  # fmt: skip
        assert (status, found["state"], len(found["history"])) == (200, "submitted", 1)
    assert get(firm, "offers")["offers"] == []


def test_an_outdated_award_is_rebased_and_committed_again_over_http() -> None:
    budget("2.2", 1_000_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    settled(40_000)
    decider, committer = client(person("decide of 2.2")), client(person("commit of 2.2"))
    assert post(committer, f"awards/{made.number}/rebase", reason="更正")[0] == 403
    assert post(decider, f"awards/{made.number}/rebase", reason="更正")[1]["amount_fen"] == 40_000
    status, found = post(committer, "treasury/commitments", numbers=[made.number], budget_year=2024)
    assert (status, found["awards"][0]["amount_fen"]) == (200, 40_000)
    status, line = post(
        committer, "treasury/appropriations", policy="anhui-agi-2023", programme="2.2", year=2025, amount_fen=100,
        document="皖财〔2025〕9 号",
    )  # fmt: skip
    assert (status, line["id"] > 0) == (200, True)


def test_who_holds_no_post_of_money_moves_none_and_a_firm_sees_no_line() -> None:
    budget("2.2", 1_000_000)
    stranger, firm = client(official("data", "check", DATA)), client(applicant(1))
    assert post(stranger, "treasury/files")[1]["code"] == "award.no_money_post_in_force"
    assert firm.get(f"{API}/treasury/lines").status_code == 403
    assert post(firm, "treasury/files")[0] == 403


def test_the_files_of_one_treasury_hold_no_orders_of_another() -> None:
    budget("2.2", 1_000_000)
    walked_offer(confirmed(offered(30_000)[0]))
    other = load_policy("wuhu-compute-2025")
    spec = next(one for one in other.programmes if any(step.duty == "pay" for step in one.steps))
    office = next(step.office for step in spec.steps if step.duty == "pay")
    store_offices([other])
    store_edition(other, spec.key)
    assert office != TREASURY
    elsewhere = person("shicaizheng")
    give_post(elsewhere, office, "pay", date(2024, 1, 1), person("giver"), NOON)
    assert post(client(elsewhere), "treasury/files")[1]["code"] == "treasury.no_orders"
    mine = official("pay of 2.2", "pay", TREASURY)
    assert post(client(mine), "treasury/files")[1]["orders"] == 1
    order, file = PaymentOrder.objects.get(), BankFile.objects.get()
    for said in ("成功", "失败"):
        with pytest.raises(NotAllowed) as refused:
            import_bank_returns(
                returned(f"{order.name},{plain_yuan(order.instalment.amount_fen)},{said},"), "r.csv", elsewhere, NOON
            )
        assert refused.value.code == "award.orders_of_others"
    with pytest.raises(NotAllowed) as kept:
        get_bank_file(str(file), elsewhere, NOON)
    assert kept.value.code == "award.file_of_another_office"
    give_post(elsewhere, office, "commit", date(2024, 1, 1), person("giver"), NOON)
    line = AppropriationLine.objects.get(sentence="2.2")
    for move in (lapse_budget, lambda *asked: carry_over_budget(asked[0], 2030, *asked[1:])):
        with pytest.raises(NotAllowed) as foreign:
            move(line, elsewhere, NOON)
        assert foreign.value.code == "award.money_of_another_office"
    with pytest.raises(NotAllowed):
        appropriate_budget(line.policy, "2.2", 2024, 10**9, "芜财〔2024〕1号", elsewhere, NOON)
    assert BankReturn.objects.count() == 0


def test_a_return_and_a_file_are_not_for_whoever_had_another_duty_in_what_they_pay() -> None:
    budget("2.2", 1_000_000)
    made = confirmed(offered(30_000)[0])
    walked_offer(made)
    both = official("decide of 2.2", "decide", DATA)
    assert made.duties.filter(person=both).exists()
    give_post(both, TREASURY, "pay", date(2024, 1, 1), person("giver"), NOON)
    with pytest.raises(InvalidRequest) as none_of_mine:
        send_orders(both, NOON)
    assert none_of_mine.value.code == "treasury.no_orders"
    send_orders(official("pay of 2.2", "pay", TREASURY), NOON)
    with pytest.raises(NotAllowed) as refused:
        import_bank_returns(
            returned("P1,1.00,成功,".replace("P1", PaymentOrder.objects.get().name)), "r.csv", both, NOON
        )
    assert refused.value.code == "award.orders_of_others"

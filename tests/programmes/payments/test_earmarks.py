"""Earmarked money: what is paid is entered, each use draws on it; left over, spent elsewhere or at home shows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.parties.models import PartyKind, Person, Region
from huisuan.programmes.models import Application, CityShare, DrawnAmount
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.payments.earmarks import earmarked_money
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import enter_entry, get_register, import_register
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment, reverse_city_payment
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import CityPayment
from support.awards import GROUP
from support.jobs import party
from support.programmes import ENDED, LAW, NOON, TREASURY, budget, checked, city_account, official, paid_at_bank, person
from support.relations import relate

pytestmark = pytest.mark.django_db


def of_city(code: str, office: str) -> Person:
    made = person(f"city{code}", "city", city=Region.objects.get(code=code))
    if not made.posts.exists():
        give_post(made, office, "register", date(2024, 1, 1), person("giver"), NOON)
    return made


def paid() -> Application:
    """300,000 yuan of 8.2, paid to Hefei for 1,000,000 that it paid."""
    made = ordered()
    payer = official("pay of 8.2", "pay", TREASURY)
    import_bank_returns(paid_at_bank(payer), "r.csv", payer, ENDED)
    made.refresh_from_db()
    return made


def ordered() -> Application:
    """The same before the bank has it."""
    budget("8.2", 100_000_000)
    record_city_payment(
        PaymentClaim("340100", "V-1", "项目甲", 100_000_000, date(2024, 4, 1)), Act("李会计", NOON, NOON.date())
    )
    hefei = of_city("340100", "合肥市人民政府")
    made = begin_application(LAW, "8.2", 2024, hefei, NOON)
    declared = {"key_technology": True, "city": "340100"}
    CityShare.objects.create(application=made, number=1, project="项目甲", declared=declared, by=hefei, at=NOON)
    city_account(made.number, hefei, "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    act(made.number, "submit", hefei, NOON)
    checked(made, official("check of 8.2", "check", GROUP), NOON)
    for action, duty, office, now in (
        ("publicise", "publish", GROUP, NOON), ("decide", "decide", GROUP, ENDED),
        ("commit", "commit", TREASURY, ENDED), ("pay", "pay", TREASURY, ENDED),
    ):  # fmt: skip
        act(made.number, action, official(f"{duty} of 8.2", duty, office), now)
    return made


def use(made: Application, number: int, yuan: str, purpose: str = "compute", **other: str) -> list[str]:
    """What was wrong with a use of the money by Hefei."""
    cells = {"code": f"{made.number}/{number}", "name": "用途", "region": "340100", "from": "2024-07-01",
             "award": made.number, "purpose": purpose, "amount": yuan, "voucher": f"Z-{number}"} | other  # fmt: skip
    reason = cells.pop("reason", "")
    report = enter_entry(
        LAW.name, "earmark_uses", cells, by=of_city("340100", "合肥市人民政府"), now=ENDED, reason=reason
    )
    return [fault.rule for fault in report.faults]


def test_every_yuan_of_an_earmark_is_tied_to_its_use_and_what_is_not_is_proposed_to_come_back() -> None:
    made = paid()
    (money,) = earmarked_money(LAW.name, ENDED.date())
    total = 30_000_000
    assert (money.number, money.paid_fen, money.left_fen, money.proposed_fen) == (made.number, total, total, 0)
    own, platform = party(50, PartyKind.CITY), party(51)
    relate(own, platform)
    assert use(made, 1, "100000") == []
    assert use(made, 2, "50000", holder=platform.uscc) == []
    assert use(made, 3, "20000", "other") == []
    assert use(made, 4, "1", voucher="z-1")[0].startswith("与在册的")
    assert "合计超过" in use(made, 5, str(total // 100))[0]
    assert use(made, 6, "1", region="340200") == ["不是本市"]
    wuhu = of_city("340200", "芜湖市人民政府")
    foreign = {"code": "W-1", "name": "用途", "region": "340200", "from": "2024-07-01", "award": made.number,
               "purpose": "firms", "amount": "1", "voucher": "W-1"}  # fmt: skip
    assert enter_entry(LAW.name, "earmark_uses", foreign, by=wuhu, now=ENDED).faults[0].rule == "是另一市的"
    (money,) = earmarked_money(LAW.name, ENDED.date())
    assert (money.used_fen, money.affiliate_fen, money.elsewhere_fen) == (17_000_000, 5_000_000, 2_000_000)
    assert money.proposed_fen == 7_000_000
    assert money.due_on is not None
    (late,) = earmarked_money(LAW.name, money.due_on + timedelta(days=1))
    assert (late.overdue, late.proposed_fen) == (True, 7_000_000 + total - 17_000_000)
    assert earmarked_money(LAW.name, ENDED.date(), "340200") == []
    spec = LAW.programme("8.2").earmarked
    assert spec is not None
    keeper = official("register of 8.2", "register", GROUP)
    with CaptureQueriesContext(connection) as one:
        earmarked_money(LAW.name, ENDED.date())
    more = {"code": "B-1", "name": "另一件", "region": "340100", "from": "2024-06-01", "amount": "1",
            "received_on": "2024-06-01"}  # fmt: skip
    assert not enter_entry(LAW.name, spec.register, more, by=keeper, now=ENDED).faults
    with CaptureQueriesContext(connection) as two:
        assert len(earmarked_money(LAW.name, ENDED.date())) == 2
    assert len(two) == len(one)  # so many questions however many awards


def test_a_file_of_one_city_leaves_the_entry_and_the_draw_of_another_city_alone() -> None:
    made = paid()
    assert use(made, 1, "100000") == []
    row = f"{made.number}/1,改,,芜湖市,2024-07-01,,,智能算力建设,1,Z-1"
    header = ",".join(get_register(LAW.name, "earmark_uses").columns.values())
    wuhu = of_city("340200", "芜湖市人民政府")
    for where in (row, row.replace(",,智能", f",{made.number},智能")):
        file = f"{header}\n{where}".encode()
        report = import_register(file, "u.csv", LAW.name, "earmark_uses", by=wuhu, now=ENDED, reason="更正")
        assert (report.new, report.changed, len(report.faults)) == (0, 0, 1)
    assert report.faults[0].rule == "已由另一单位登记"
    (entry,) = standing_versions(LAW.name, "earmark_uses")
    assert (entry.number, entry.region_id) == (1, "340100")
    assert DrawnAmount.objects.get(thing=entry.entry).amount == 10_000_000


def test_where_more_was_used_than_a_recovery_leaves_the_desk_says_by_how_much() -> None:
    made = paid()
    keeper = official("register of 8.2", "register", GROUP)
    assert use(made, 1, "100000") == []
    reverse_city_payment(CityPayment.objects.get(), "重复入账", Act("李会计", ENDED, ENDED.date()))
    act(made.number, "recover", keeper, ENDED, reason="凭证核减")
    (money,) = earmarked_money(LAW.name, ENDED.date())
    assert (money.entry.values["amount"], money.paid_fen, money.beyond_fen) == (30_000_000, 0, 10_000_000)
    browser = Client()
    browser.force_login(of_city("340100", ""), backend="django.contrib.auth.backends.ModelBackend")
    assert "已用的专款比追回后应留的多 100,000.00 元" in browser.get(reverse("city-desk")).content.decode()


def test_a_recovery_of_money_not_used_yet_lowers_its_earmark_to_what_is_kept() -> None:
    made = paid()
    keeper = official("register of 8.2", "register", GROUP)
    reverse_city_payment(CityPayment.objects.get(), "重复入账", Act("李会计", ENDED, ENDED.date()))
    act(made.number, "recover", keeper, ENDED, reason="凭证核减")
    (money,) = earmarked_money(LAW.name, ENDED.date())
    assert (money.entry.values["amount"], money.paid_fen, money.beyond_fen) == (0, 0, 0)
    assert "合计超过" in use(made, 1, "0.01")[0]


def test_a_city_reads_its_own_desk_and_the_province_that_of_any() -> None:
    made = paid()
    for reader, address, sees in (
        (of_city("340100", ""), "", True), (of_city("340200", "芜湖市人民政府"), "", False),
        (person("elsewhere", "department"), "?city=340100", False), (person("province"), "?city=340100", True),
    ):  # fmt: skip
        browser = Client()
        browser.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
        page = browser.get(reverse("city-desk") + address).content.decode()
        assert ("V-1" in page) == (f"/applications/{made.number}" in page) == sees
    assert browser.get(reverse("city-desk"), {"city": "110000"}).status_code == 404


def test_what_was_paid_and_the_register_does_not_take_is_told_and_entered_by_the_same_file_once_it_can_be() -> None:
    made, keeper = ordered(), official("register of 8.2", "register", GROUP)
    typed = {"code": made.number, "name": "专款", "region": "340100", "from": "2024-07-01", "amount": "400000",
             "received_on": "2024-07-01"}  # fmt: skip
    assert enter_entry(LAW.name, "earmarks", typed, by=keeper, now=ENDED).faults == []
    assert use(made, 1, "350000") == []
    payer = official("pay of 8.2", "pay", TREASURY)
    content = paid_at_bank(payer)
    first = import_bank_returns(content, "r.csv", payer, ENDED)
    assert (first.new, first.completed, list(first.not_entered)) == (True, (made.number,), [made.number])
    assert "少于已动用的" in first.not_entered[made.number]
    browser = Client()
    cashier = person("cashier", "treasury")
    give_post(cashier, TREASURY, "pay", date(2024, 1, 1), person("giver"), NOON)
    browser.force_login(cashier, backend="django.contrib.auth.backends.ModelBackend")
    file = SimpleUploadedFile("again.csv", content)
    page = browser.post(reverse("returns"), {"file": file}, follow=True).content.decode()
    assert f"{made.number}：已支付，但专款名录没有记上" in page
    assert use(made, 1, "300000", reason="更正") == []
    again = import_bank_returns(content, "r.csv", payer, ENDED)
    assert (again.new, again.not_entered) == (False, {})
    (money,) = earmarked_money(LAW.name, ENDED.date())
    assert (money.entry.values["amount"], money.used_fen, money.left_fen) == (30_000_000, 30_000_000, 0)


def test_all_that_a_city_paid_is_paged_and_every_list_of_its_desk_is_exported_as_filtered() -> None:
    made = paid()
    one = CityPayment.objects.get()
    same = {"city": one.city, "payee": one.payee, "paid_day": one.paid_day, "known_from": one.known_from, "by": "x"}
    CityPayment.objects.bulk_create(
        CityPayment(voucher=f"W-{at}", project="项目乙", amount_fen=100, at=one.at, **same) for at in range(250)
    )
    browser = Client()
    browser.force_login(of_city("340100", ""), backend="django.contrib.auth.backends.ModelBackend")
    assert "第 1 / 6 页" in browser.get(reverse("city-desk")).content.decode()
    assert len(file_of(browser, "export=csv").splitlines()) == 1 + 251
    assert len(file_of(browser, "export=csv&q=项目乙").splitlines()) == 1 + 250
    for name, shows in (("owed", made.number), ("passing", made.number), ("debts", "通知于")):
        assert shows in file_of(browser, f"{name}-export=csv")


def file_of(browser: Client, asked: str) -> str:
    """A file of the desk, as text."""
    answer = browser.get(f"{reverse('city-desk')}?{asked}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode("utf-8-sig")

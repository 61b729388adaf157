"""Article 4: a city's award is what the frozen figures give; a late correction is booked, naming the figures."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.errors import Conflict
from huisuan.parties.models import PartyKind, Person, Region
from huisuan.programmes.applications.services import DraftTexts, begin_draft
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.calls.services import CallTerms, open_call
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.corrections.outdated import find_outdated
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Award
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.registers.city_award import award_cities
from huisuan.programmes.registers.services import get_register, import_register
from huisuan.programmes.registers.snapshots import freeze_register
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.check import prove
from huisuan.treasury.models import Entry
from support.jobs import party
from support.programmes import LAW, TREASURY, applicant, budget, city_account, official, paid_at_bank, person
from support.registers import OFFICE, POLICY

pytestmark = pytest.mark.django_db
KEY, BUDGET = "4.1.cities", 100_000_001
HEFEI, WUHU = "340100", "340200"


def at(month: int, day: int) -> datetime:
    """Noon of a day of 2025."""
    return datetime(2025, month, day, 4, tzinfo=UTC)


def of_city(code: str) -> Person:
    """Who enters and claims for a city."""
    made = person(f"city{code}", "city", city=Region.objects.get(code=code))
    names = {HEFEI: "合肥市人民政府", WUHU: "芜湖市人民政府"}
    official(made.username, "register", names[code])
    return made


def entered(code: str, key: str, row: str, month: int = 2) -> None:
    """A row of a city in one of the two registers."""
    content = "\n".join([",".join(get_register(POLICY, key).columns.values()), row]).encode()
    assert not import_register(content, "f.csv", POLICY, key, by=of_city(code), now=at(month, 1), reason="更正").faults


def sold(code: str, amount: str, month: int = 2) -> None:
    """What the vendor of a city sold in the year."""
    city, firm = Region.objects.get(code=code), applicant(int(code[3])).party
    assert firm is not None
    entered(
        code, "vendor_sales",
        f"S{code},标注,{firm.uscc},{city.name_zh},2024-03-01,,数据标注,2024-03-01,{amount},HT{code},FP{code}",
        month,
    )  # fmt: skip


def frozen(now: datetime, reason: str = "") -> None:
    """Both registers' figures of the year."""
    for key in ("vendor_sales", "vendor_subsidies"):
        freeze_register(POLICY, key, "2024", by=official("keeper", "register", OFFICE), now=now, reason=reason)


def who(duty: str) -> Person:
    """The official of a duty under 4.1."""
    return official(f"{duty} of 4.1", duty, TREASURY if duty in ("commit", "pay") else OFFICE)


def walked(code: str, *actions: str) -> Application:
    """A city's application for its part, as far as those actions."""
    made = begin_application(LAW, KEY, 2024, of_city(code), at(3, 3))
    city_account(made.number, of_city(code), f"130201010902210{code}", "工商银行", at(3, 3), name="市财政局")
    act(made.number, "submit", of_city(code), at(3, 3))
    for action, duty, now in (
        ("check", "check", at(3, 3)), ("publicise", "publish", at(3, 3)), ("decide", "decide", at(3, 20)),
        ("commit", "commit", at(3, 20)), ("pay", "pay", at(3, 20)),
    ):  # fmt: skip
        if action in actions:
            act(made.number, action, who(duty), now, reason="核对过")
    made.refresh_from_db()
    return made


def test_a_late_correction_makes_a_new_allotment_and_its_differences_are_booked_naming_the_figures() -> None:
    for code, amount in ((HEFEI, "600"), (WUHU, "400")):
        sold(code, amount)
        city, firm = Region.objects.get(code=code).name_zh, applicant(int(code[3])).party
        assert firm is not None
        entered(code, "vendor_subsidies", f"V{code},补贴,{firm.uscc},{city},2024-12-01,,2024-12-01,10,V{code}")
    frozen(at(2, 10))
    budget(KEY, BUDGET, 2025)
    hefei = walked(HEFEI, "check", "publicise", "decide", "commit", "pay")
    wuhu = walked(WUHU, "check", "publicise", "decide", "commit")
    granted = {one.application_id: one.amount_fen for one in Award.objects.all()}
    assert sum(granted.values()) == BUDGET  # to the fen
    import_bank_returns(paid_at_bank(who("pay")), "r.csv", who("pay"), at(4, 1))
    late = at(4, 2)
    sold(HEFEI, "300", month=4)  # 300 of them were counted in another city
    frozen(late, "合肥更正")
    (less, more) = find_outdated([Application.objects.get(pk=one.pk) for one in (hefei, wuhu)])
    moved = granted[hefei.pk] - less.basis.owed_fen
    assert moved == more.basis.owed_fen - granted[wuhu.pk] > 0  # of one budget: what one loses the other gets
    with pytest.raises(Conflict) as outdated:
        act(wuhu.number, "pay", who("pay"), late)
    assert outdated.value.code == "offer.outdated"
    act(hefei.number, "recover", official("keeper of 4.1", "register", OFFICE), late, reason="按新的数字")
    (debt,) = debts_of([hefei])[hefei.pk]
    assert (debt.amount_fen, debt.city_id) == (moved, HEFEI)
    assert debt.reason == "2024 年数字第 2 版；按新的数字"
    receive_repayment(debt, moved, "收 1 号", who("pay"), late)
    rebase(wuhu.number, "按新的数字", who("decide"), late)
    budget(KEY, BUDGET, 2026)  # what came back of the one is not free on the line of the year
    commit_again([wuhu.number], who("commit"), late, year=2026)
    released = Entry.objects.get(kind="release")
    assert "2024 年数字第 2 版" in released.reason
    assert sum(one.amount_fen for one in standing_awards([hefei, wuhu]).values()) == BUDGET
    assert prove().holds


def test_before_the_figures_are_frozen_or_without_any_budget_nothing_is_computed() -> None:
    made = walked(HEFEI, "check")
    assert find_outdated([made]) == []
    sold(HEFEI, "600")
    entered(HEFEI, "vendor_subsidies", f"V,补贴,{applicant(1).party.uscc},合肥市,2024-12-01,,2024-12-01,10,V1")  # type: ignore[union-attr]
    frozen(at(2, 10))
    assert find_outdated([made]) == []
    assert Entry.objects.count() == 0


def test_a_city_claims_its_part_under_a_call_from_the_draft_to_the_bank() -> None:
    for code, amount in ((HEFEI, "600"), (WUHU, "400")):
        sold(code, amount)
        city, firm = Region.objects.get(code=code).name_zh, applicant(int(code[3])).party
        assert firm is not None
        entered(code, "vendor_subsidies", f"V{code},补贴,{firm.uscc},{city},2024-12-01,,2024-12-01,10,V{code}")
    frozen(at(2, 10))
    terms = CallTerms(
        policy=POLICY, programme=KEY, year=2024, title="2024 年绩效奖补", first_day=date(2025, 3, 3),
        last_day=date(2025, 3, 20), line=budget(KEY, BUDGET, 2025).pk, shortage="pro_rata",
    )  # fmt: skip
    call, hefei = open_call(terms, who("publish"), at(3, 3)), of_city(HEFEI)
    draft = begin_draft(party(50, PartyKind.CITY), hefei, LAW, LAW.claim_rule(KEY), DraftTexts({}), at(3, 3))
    browser = Client()
    browser.force_login(hefei, backend="django.contrib.auth.backends.ModelBackend")
    assert "绩效奖补" in browser.get(reverse("draft", args=[draft.pk])).content.decode()
    assert list_missing(call.number, draft.pk, hefei, at(3, 3)) == []
    made = submit_draft(call.number, draft.pk, hefei, at(3, 3))
    city_account(made.number, hefei, "1302010109022100001", "工商银行", at(3, 3), name="合肥市财政局")
    assert all(answer.passed for answer in check_application(made.number, who("check"), at(3, 3)))
    owed = award_cities(POLICY, KEY, "2024", known=date(2025, 3, 3), budget_fen=BUDGET).amounts[HEFEI]
    for action, duty, now in (
        ("check", "check", at(3, 3)), ("publicise", "publish", at(3, 3)), ("decide", "decide", at(3, 20)),
        ("commit", "commit", at(3, 20)), ("pay", "pay", at(3, 20)),
    ):  # fmt: skip
        act(made.number, action, who(duty), now)
    import_bank_returns(paid_at_bank(who("pay")), "r.csv", who("pay"), at(4, 1))
    made.refresh_from_db()
    assert (made.state, made.amount_fen) == ("closed", owed)
    assert browser.get(reverse("application", args=[made.number])).status_code == 200
    assert prove().holds

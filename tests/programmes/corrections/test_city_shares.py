"""The province's share follows the city's vouchers: lowered while unpaid it shrinks, once paid it is taken back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.cli.main import assemble
from huisuan.parties.models import PartyKind, Person, Region
from huisuan.programmes.amounts.sources import computed_amounts
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.calls.services import open_call
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Award, Call, CityShare, Draft
from huisuan.programmes.payments.city_shares import share_of
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act, act_on_many, begin_application
from huisuan.treasury.check import prove
from huisuan.treasury.city_payments import (
    PaymentClaim,
    lower_city_payment,
    record_city_payment,
    reverse_city_payment,
)
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import AppropriationLine, CityPayment, Entry
from support.awards import GROUP
from support.calls import OPENED, line, terms
from support.jobs import party
from support.programmes import (
    ENDED,
    LAW,
    NOON,
    TREASURY,
    applicant,
    budget,
    city_account,
    official,
    paid_at_bank,
    person,
)
from support.treasury import balances

pytestmark = pytest.mark.django_db
FACTS = {"key_technology": "是", "city": "合肥市", "county": "其他县（市、区）", "city_granted": "9000000"}
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


def city_call(year: int = 2024) -> Call:
    """A call of 8.2 for a year, on the line of 2024 where there is one."""
    official("publisher of 8.2", "publish", GROUP)
    held = AppropriationLine.objects.filter(sentence="8.2").first() or line("8.2")
    return open_call(
        terms(programme="8.2", title=f"{year} 年引进奖补", line=held.pk, evidence=(), year=year),
        official("publisher of 8.2", "publish", GROUP), OPENED,
    )  # fmt: skip


def drafted(*projects: str, paid_by: str = "V-1") -> Draft:
    """The city's draft, which names its projects and one voucher."""
    named = [{"kind": "project", "code": code} for code in projects] + [{"kind": "voucher", "code": paid_by}]
    return Draft.objects.create(
        party=party(50, PartyKind.CITY), owner=hefei(), policy=LAW.name, digest=LAW.digest, rule="8.2", facts=FACTS,
        named=named, created_at=OPENED, updated_at=OPENED, updated_by=hefei(),
    )  # fmt: skip


def handed_in(year: int = 2024, paid_by: str = "V-1") -> Application:
    """A share of the project, claimed as a city does: its draft handed in under an open call."""
    made = submit_draft(city_call(year).number, drafted(" 项目甲", paid_by=paid_by).pk, hefei(), NOON)
    city_account(made.number, hefei(), "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    return made


def walked(made: Application, *actions: str) -> Application:
    """Each action by an official of its own, the decision once it has stood in public."""
    for action in actions:
        if action == "check" and made.call_id is not None:
            check_application(made.number, by("check"), NOON)
        act(made.number, action, by(action), NOON if action in ("check", "publicise") else ENDED)
    made.refresh_from_db()
    return made


def claimed(until: str) -> Application:
    """A share of the project, walked to an action."""
    actions = [action for action, *_ in WAY]
    return walked(handed_in(), *actions[: actions.index(until) + 1])


def without_call() -> Application:
    """A share of the same project of an application that no call asked for, and so holds no object."""
    made = begin_application(LAW, "8.2", 2024, hefei(), NOON)
    CityShare.objects.create(
        application=made, number=1, project="项目甲", declared=DECLARED, by=hefei(), at=NOON
    )  # fmt: skip
    city_account(made.number, hefei(), "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    act(made.number, "submit", hefei(), NOON)
    return made


def test_a_voucher_lowered_before_payment_shrinks_the_share_and_the_entry_names_it() -> None:
    money = budget("8.2", 100_000_000)
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
    assert balances(money) == {"appropriated": -100_000_000, "available": 61_000_000, "committed": 39_000_000}
    act(made.number, "pay", by("pay"), LATER)
    import_bank_returns(paid_at_bank(by("pay")), "r.csv", by("pay"), LATER)
    assert balances(money)["paid"] == 39_000_000
    assert prove().holds


def test_a_voucher_reversed_after_payment_is_taken_back_from_the_city_and_the_entry_names_it() -> None:
    money = budget("8.2", 100_000_000)
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
    assert balances(money)["claimed_back"] == -30_000_000
    assert prove().holds
    assert made.claim_objects.filter(living=True).count() == 2
    receive_repayment(debt, 30_000_000, "收 1 号", by("pay"), LATER)
    assert made.claim_objects.filter(living=True).count() == 0  # all of it came back: it may be claimed again
    assert handed_in().claim_objects.filter(living=True).count() == 2


def test_what_the_city_pays_later_is_another_application_and_the_project_is_shared_once() -> None:
    budget("8.2", 100_000_000)
    first_voucher = voucher("V-1", 100_000_000)
    first = claimed("decide")
    voucher("V-2", 10_000_000)
    act(first.number, "commit", by("commit"), ENDED)  # more is no reason to change what was granted
    second = walked(without_call(), "check", "publicise", "decide")
    assert [award.amount_fen for award in Award.objects.order_by("pk")] == [30_000_000, 3_000_000]
    lowered(first_voucher, 5_000_000)
    with pytest.raises(Conflict):
        act(second.number, "commit", by("commit"), LATER)
    rebase(second.number, "随市级凭证", by("decide"), LATER)
    assert Award.objects.get(application=second, superseded_by__isnull=True).amount_fen == 1_500_000


def test_vouchers_recorded_after_the_approval_are_a_further_claim_of_the_same_year() -> None:
    budget("8.2", 100_000_000)
    voucher("V-1", 100_000_000)
    first = handed_in()
    voucher("V-2", 10_000_000)
    with pytest.raises(Conflict) as early:  # nothing is granted yet: what is recorded now counts there
        handed_in(paid_by="V-2")
    assert early.value.code == "claim_object.held"
    walked(first, "check", "publicise", "decide")
    voucher("V-3", 20_000_000)
    call = city_call()
    assert list_missing(call.number, drafted("项目甲", paid_by="V-3").pk, hefei(), NOON) == []
    further = walked(handed_in(paid_by="V-3"), "check", "publicise", "decide", "commit")
    assert further.claim_objects.get(kind="project").part == 1
    assert [award.amount_fen for award in Award.objects.order_by("pk")] == [33_000_000, 6_000_000]
    with pytest.raises(Conflict) as spent:
        handed_in(paid_by="V-1")
    assert "V-1" in str(spent.value)
    one = first.claim_objects.get(kind="project")
    one.pk, one.part, one.code = None, 2, "项目丙"
    with pytest.raises(DatabaseError, match="a further part is claimed"), transaction.atomic():
        one.save(force_insert=True)


def test_whichever_application_is_granted_first_the_other_gets_only_what_is_left() -> None:
    budget("8.2", 100_000_000)
    voucher("V-1", 100_000_000)
    older, newer = walked(handed_in(), "check", "publicise"), without_call()
    walked(newer, "check", "publicise", "decide", "commit", "pay")
    with pytest.raises(InvalidRequest) as nothing:
        act(older.number, "decide", by("decide"), ENDED)
    assert nothing.value.code == "award.nothing_owed"
    voucher("V-2", 10_000_000)
    act(older.number, "decide", by("decide"), ENDED)
    assert [award.amount_fen for award in Award.objects.order_by("pk")] == [30_000_000, 3_000_000]


def test_two_decided_at_once_are_not_both_paid() -> None:
    budget("8.2", 100_000_000)
    voucher("V-1", 100_000_000)
    both = [walked(made, "check", "publicise").number for made in (handed_in(), without_call())]
    refused = act_on_many(both, "decide", by("decide"), ENDED).refused
    assert {number: refusal.code for number, refusal in refused.items()} == {both[1]: "award.amount_missing"}


def test_two_years_of_a_project_decided_at_once_share_one_cap_in_the_order_in_which_they_were_claimed() -> None:
    budget("8.2", 10_000_000_000)
    voucher("V-0", 3_000_000_000, date(2023, 11, 1))
    voucher("V-1", 1_000_000_000)
    both = [walked(handed_in(year, of), "check", "publicise").number for year, of in ((2023, "V-0"), (2024, "V-1"))]
    assert act_on_many(both[::-1], "decide", by("decide"), ENDED).refused == {}
    granted = dict(Award.objects.values_list("application__number", "amount_fen"))
    assert granted == {both[0]: 900_000_000, both[1]: 100_000_000}


def test_a_project_is_claimed_once_under_calls_and_an_application_is_of_one() -> None:
    voucher("V-1", 100_000_000)
    call = city_call()
    mine = submit_draft(call.number, drafted("项目甲").pk, hefei(), NOON)
    with pytest.raises(Conflict) as held:
        submit_draft(call.number, drafted("项目甲").pk, hefei(), NOON)
    assert held.value.code == "claim_object.held"
    again = list_missing(call.number, drafted("项目甲", paid_by="V-3").pk, hefei(), NOON)
    assert [(item.code, item.text.partition("；")[2].endswith("2025-01-01 起申报的是全年")) for item in again] == [
        ("object_held", True)
    ]  # fmt: skip
    page = Client()
    page.cookies["django_language"] = "en"
    page.force_login(hefei(), backend="django.contrib.auth.backends.ModelBackend")
    assert (
        "a claim from 2025-01-01 on is of the whole year" in page.get(f"/calls/{call.number}/submit").content.decode()
    )
    act(mine.number, "withdraw", hefei(), NOON)
    two = drafted("项目甲", "项目乙")
    missing = list_missing(call.number, two.pk, hefei(), NOON)
    assert [(item.field, item.code) for item in missing] == [("objects", "more_than_one_project")]
    with pytest.raises(InvalidRequest, match="只写一个项目"):
        submit_draft(call.number, two.pk, hefei(), NOON)


def test_a_project_is_claimed_again_for_another_year_and_its_cap_is_that_of_all_years() -> None:
    budget("8.2", 10_000_000_000)
    earlier = voucher("V-0", 3_000_000_000, date(2023, 11, 1))
    voucher("V-1", 1_000_000_000)
    before = walked(handed_in(2023, "V-0"), "check", "publicise", "decide")
    made = handed_in()
    assert share_of(made.number, hefei()).owed_fen == 100_000_000  # the cap leaves a third of the year's
    lowered(earlier, 2_000_000_000)  # what was granted too much for it is taken back there, and not kept off here
    assert share_of(made.number, hefei()).owed_fen == 300_000_000
    walked(made, "check", "publicise", "decide")
    assert [award.amount_fen for award in Award.objects.order_by("pk")] == [900_000_000, 300_000_000]
    assert before.claim_objects.filter(living=True).count() == 2
    paid = PaymentClaim("340100", "V-9", "项目乙", 20_000_000, date(2024, 4, 1))
    record_city_payment(paid, Act("李会计", NOON, NOON.date()))
    with pytest.raises(Conflict) as spent:  # a voucher is spent once, whatever the year
        submit_draft(city_call().number, drafted("项目乙", paid_by="V-0").pk, hefei(), NOON)
    assert (spent.value.code, "V-0" in str(spent.value)) == ("claim_object.held", True)


@pytest.mark.parametrize(
    ("scope", "same_project", "other_project"),
    [("project", 100_000_000, 300_000_000), ("project_year", 300_000_000, 300_000_000), ("city", 100_000_000, 0)],
)
def test_the_cap_is_that_of_a_project_of_its_year_or_of_the_city_as_adopted(
    scope: str, same_project: int, other_project: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / LAW.name
    folder.mkdir()
    about = 'authority = "省专班"\ndocument = "皖专班〔2024〕1 号"\nvalid_from = 2023-10-12\nknown_from = 2023-10-13\n'
    (folder / "cap.toml").write_text(f'{about}[interpretations]\n"8.2.cap" = "{scope}"\n', encoding="utf-8")
    monkeypatch.setenv("HUISUAN_SETTINGS", str(tmp_path))
    budget("8.2", 10_000_000_000)
    voucher("V-0", 3_000_000_000, date(2023, 11, 1))
    voucher("V-1", 1_000_000_000)
    paid = PaymentClaim("340100", "V-9", "项目乙", 1_000_000_000, date(2024, 4, 1))
    record_city_payment(paid, Act("李会计", NOON, NOON.date()))
    walked(handed_in(2023, "V-0"), "check", "publicise", "decide")
    same = walked(handed_in(), "check", "publicise", "decide")
    other = submit_draft(city_call().number, drafted("项目乙", paid_by="V-9").pk, hefei(), NOON)
    assert Award.objects.get(application=same).amount_fen == same_project
    assert share_of(other.number, hefei()).owed_fen == other_project


def test_what_is_typed_of_a_project_without_vouchers_is_not_shared() -> None:
    mine = drafted("项目甲")
    Draft.objects.update(facts=FACTS | {"city_paid": "5000000"})
    made = submit_draft(city_call().number, mine.pk, hefei(), NOON)
    assert share_of(made.number, hefei()).owed_fen == 0
    assert computed_amounts([made]) == {}


def test_a_correction_claims_the_project_that_it_names_then() -> None:
    voucher("V-1", 100_000_000)
    made = handed_in()
    act(made.number, "return", by("check"), NOON, reason="请更正", payload={"fields": ["objects"]})
    record_city_payment(
        PaymentClaim("340100", "V-9", "项目乙", 20_000_000, date(2024, 4, 1)), Act("李会计", NOON, NOON.date())
    )
    named = [{"kind": "project", "code": "项目乙"}, {"kind": "voucher", "code": "V-9"}]
    Draft.objects.update(named=named)
    act(made.number, "submit", hefei(), NOON)
    assert [(share.number, share.project) for share in made.shares.all()] == [(1, "项目甲"), (2, "项目乙")]
    assert share_of(made.number, hefei()).owed_fen == 6_000_000


def test_a_city_sees_what_its_vouchers_give_and_nobody_writes_another_amount() -> None:
    payment = voucher("V-1", 100_000_000)
    made = handed_in()
    lowered(payment, 50_000_000)
    words = ["award", "share", made.number, "--by", "hefei", "--json"]
    shown = CliRunner().invoke(assemble(), words)
    assert json.loads(shown.stdout) == {
        "number": made.number, "project": "项目甲", "registered": {"city_paid": 50_000_000}, "amount_fen": 15_000_000,
    }, shown.output  # fmt: skip
    firm = begin_application(LAW, "14.1", 2024, applicant(1), NOON)
    for number, asking in (
        (made.number, applicant(1)), (firm.number, applicant(1)),
        (made.number, person("wuhu", "city", city=Region.objects.get(code="340200"))),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            share_of(number, asking)
    walked(made, "check", "publicise")
    with pytest.raises(InvalidRequest) as computed:
        act(made.number, "decide", by("decide"), ENDED, amount_fen=1)
    assert computed.value.code == "award.amount_is_computed"

"""What the platform knows of a claim is filled in and locked, with source and day; a city claims by its vouchers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.models import PartyKind, Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.models import Application, Call, Draft
from huisuan.programmes.submissions.owed import law_answers
from huisuan.programmes.workflow import act
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment, reverse_city_payment
from huisuan.treasury.models import CityPayment
from support.awards import GROUP
from support.calls import DURING, OPENED, draft, line, opened
from support.jobs import party
from support.programmes import LAW, applicant, official, person
from support.registers import listed_as_agi

pytestmark = pytest.mark.django_db
FACTS = {"key_technology": "是", "county": "其他县（市、区）", "city_granted": "9000000"}
NAMED = [{"kind": "project", "code": "大模型引进项目"}, {"kind": "voucher", "code": "PZ-1"}]


def city_call() -> Call:
    """The call of 8.2."""
    official("publisher", "publish", GROUP)
    return opened(programme="8.2", title="2024 年引进奖补", line=line("8.2").pk, evidence=())


def clerk() -> Person:
    """Who claims for the city of Hefei."""
    return person("hefei", "city", city_id="340100")


def claim(named: list[dict[str, str]] | None = None, **facts: str) -> Draft:
    """The city's draft."""
    return Draft.objects.create(
        party=party(50, PartyKind.CITY), owner=clerk(), policy=LAW.name, digest=LAW.digest, rule="8.2",
        facts=FACTS | facts, named=NAMED if named is None else named, created_at=OPENED, updated_at=OPENED,
        updated_by=clerk(),
    )  # fmt: skip


def paid(voucher: str = "PZ-1", fen: int = 500_000_000, project: str = "大模型引进项目") -> CityPayment:
    """The city's payment for a project."""
    by = treasury_act(person("treasurer"), DURING)
    return record_city_payment(PaymentClaim("340100", voucher, project, fen, date(2024, 6, 1)), by)[0]


def handed_in(**facts: str) -> Application:
    """The city's claim."""
    return submit_draft(city_call().number, claim(**facts).pk, clerk(), DURING)


def test_what_the_city_paid_comes_from_the_register_whatever_was_typed() -> None:
    paid()
    paid("PZ-2", 100_000_000)
    said = handed_in(city_paid="99999999").submissions.get()
    assert "city_paid" not in said.facts
    assert said.known.pop("city")["value"] == "340100"
    assert said.known == {
        "city_paid": {
            "value": 600_000_000, "source": "treasury", "words": "财政拨付账", "day": "2024-09-10",
            "record": "项目 大模型引进项目",
        }
    }  # fmt: skip
    answers = {answer.kind: answer for answer in check_application(
        said.application.number, official("checker", "check", GROUP), DURING
    )}  # fmt: skip
    assert answers["law"].saw["facts"]["city_paid"] == 600_000_000
    assert all(answer.passed for answer in answers.values())


def test_a_project_that_nobody_paid_for_is_not_known_and_what_is_typed_counts() -> None:
    mine = claim()
    assert [item.field for item in list_missing(city_call().number, mine.pk, clerk(), DURING)] == ["city_paid"]
    said = handed_in(city_paid="5000000").submissions.get()
    assert (set(said.known), said.facts["city_paid"]) == ({"city"}, "5000000")


def test_the_city_of_a_supported_project_is_the_one_that_claims_whatever_it_names() -> None:
    paid()
    said = handed_in(city="阜阳市").submissions.get()
    assert "city" not in said.facts
    assert (said.known["city"]["value"], said.known["city"]["words"]) == ("340100", "主体登记库")


def test_who_is_recognised_is_read_from_the_register_on_the_day_and_ticked_by_nobody() -> None:
    call, day = opened(), DURING.date().isoformat()
    ticked = submit_draft(call.number, draft(1, listed=False, agi_enterprise="是").pk, applicant(1), DURING)
    listed_as_agi(applicant(2), DURING.date() + timedelta(days=1))  # from tomorrow on
    early = submit_draft(call.number, draft(2, listed=False).pk, applicant(2), DURING)
    listed = submit_draft(call.number, draft(3).pk, applicant(3), DURING)
    said = [one.submissions.get() for one in (ticked, early, listed)]
    assert ["agi_enterprise" in one.facts for one in said] == [False] * 3
    known = [one.known["agi_enterprise"] for one in said]
    assert [(one["value"], one["source"], one["day"]) for one in known] == [
        (False, "things", day), (False, "things", day), (True, "things", day),
    ]  # fmt: skip
    assert [known[0]["record"], known[2]["record"][:18]] == [
        "不在名录“在皖通用人工智能企业名录”上", "名录“在皖通用人工智能企业名录”AG",
    ]  # fmt: skip
    assert {pk: answer.amount_fen for pk, answer in law_answers([ticked, early, listed]).items()} == {
        ticked.pk: 0, early.pk: 0, listed.pk: 100_000_000,
    }  # fmt: skip


def test_a_voucher_that_is_not_on_the_register_or_was_reversed_fails_the_check() -> None:
    payment = paid()
    made = handed_in()
    reverse_city_payment(payment, "重复入账", treasury_act(person("treasurer"), DURING))
    answers = check_application(made.number, official("checker", "check", GROUP), DURING)
    assert ["凭证 PZ-1" in answer.reason for answer in answers if answer.kind == "objects"] == [True]
    with pytest.raises(InvalidRequest):
        act(made.number, "check", official("checker", "check", GROUP), DURING)


def test_vouchers_are_a_citys_own_series() -> None:
    paid()
    made = handed_in()
    assert [(one.kind, one.series) for one in made.claim_objects.all()] == [
        ("project", "340100"), ("voucher", "340100"),
    ]  # fmt: skip
    call, again = city_call(), claim([*NAMED[1:], {"kind": "project", "code": "x"}], city_paid="1")
    with pytest.raises(Conflict, match=f"PZ-1 已由申报 {made.number}"):
        submit_draft(call.number, again.pk, clerk(), DURING)


def test_handing_in_a_correction_by_the_bare_act_reads_the_draft_again() -> None:
    paid()
    made = handed_in()
    checker = official("checker", "check", GROUP)
    act(made.number, "return", checker, DURING, reason="请更正", payload={"fields": ["objects"]})
    Draft.objects.update(named=NAMED[:1])
    with pytest.raises(InvalidRequest, match="市级拨付凭证"):
        act(made.number, "submit", clerk(), DURING)
    Draft.objects.update(named=NAMED)
    paid("PZ-2", 100_000_000)  # what the platform knows may change meanwhile
    act(made.number, "submit", clerk(), DURING)
    assert [said.known["city_paid"]["value"] for said in made.submissions.all()] == [500_000_000, 600_000_000]

"""An issuer that lost its standing: every application that rests on its reports is found, in whatever state."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.parties.models import Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, EvidenceIssuer, StrikeLift, StruckIssuer
from huisuan.programmes.struck.issuers import record_issuer
from huisuan.programmes.struck.lifting import lift_strike
from huisuan.programmes.struck.striking import list_struck, strike_issuer
from huisuan.programmes.workflow import act, begin_application
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.treasury.bank_returns import import_returns
from support.calls import CLOSES, DURING, draft, opened
from support.programmes import (
    ENDED,
    INDUSTRY,
    LAW,
    NOON,
    TREASURY,
    applicant,
    application,
    budget,
    checked,
    official,
    paid_at_bank,
    person,
    with_account,
)

pytestmark = pytest.mark.django_db
AUDITOR, OTHER = "91340100MA2W8XJY0R", "91340100MA2W8XJW8G"
SINCE = date(2024, 6, 1)


def checker() -> Person:
    """Who checks under 14.1."""
    return official("issuer checker", "check")


def handed_in(number: int, issued_on: date | None, issuer: str = AUDITOR) -> Application:
    """An application of a firm under the call, one of whose files an issuer made."""
    made = submit_draft(CALL[0].number, draft(number).pk, applicant(number), DURING)
    said = made.submissions.last()
    assert said is not None
    record_issuer(made.number, said.evidence[0]["sha256"][:12], issuer, issued_on, checker(), DURING)
    return Application.objects.get(pk=made.pk)


CALL: list = []  # type: ignore[type-arg]


def struck(since: date = SINCE) -> StruckIssuer:
    return strike_issuer(
        AUDITOR, "某会计师事务所", since, "财监〔2024〕5 号", "出具虚假报告", official("checker", "check"), ENDED
    )


def test_what_rests_on_a_struck_issuer_is_found_in_every_state_with_what_follows() -> None:
    CALL[:] = [opened()]
    budget()
    early, waiting, decided, paid, other = (
        handed_in(1, date(2024, 5, 31)), handed_in(2, date(2024, 6, 1)), handed_in(3, None),
        handed_in(4, date(2024, 8, 1)), handed_in(5, date(2024, 8, 1), OTHER),
    )  # fmt: skip
    checker = official("checker", "check")
    for one in (decided, paid):
        checked(one, checker, CLOSES)
        act(one.number, "publicise", official("publisher", "publish"), CLOSES)
    late = CLOSES + (ENDED - NOON) * 3
    for one in (decided, paid):
        act(one.number, "decide", official("decider", "decide"), late)
    with_account(paid, 4)
    act(paid.number, "commit", official("committer", "commit", TREASURY), late)
    act(paid.number, "pay", official("payer", "pay", TREASURY), late)
    import_returns(paid_at_bank(person("payer")), "r.csv", treasury_act(person("payer"), late))
    struck()
    found = {row["number"]: (row["proposal"], row["answered"]) for row in
             (one.to_dict() for one in list_struck(Viewer.for_person(checker)))}  # fmt: skip
    assert found == {
        waiting.number: ("answer", False), decided.number: ("revoke", False), paid.number: ("recover", False),
    }  # fmt: skip
    assert not {early.number, other.number} & set(found)
    with pytest.raises(Conflict, match="佐证材料的出具机构已失去资格"):
        act(decided.number, "commit", official("committer", "commit", TREASURY), late)
    with pytest.raises(NotAllowed, match="由办理单位和审计查看"):
        list_struck(Viewer.for_person(applicant(2)))
    client = Client()
    client.force_login(checker, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/struck/").content.decode()
    for said in (waiting.number, decided.number, paid.number, "多付的追回", "某会计师事务所"):
        assert said in page
    form = {"uscc": OTHER, "name": "某检测所", "since": "2024-08-01", "source": "通报", "reason": "吊销"}
    assert client.post("/struck/", form | {"since": "昨天"}).status_code == 422
    assert client.post("/struck/", form).headers["Location"] == "/struck/"
    assert {row.application.number for row in list_struck(Viewer.for_person(checker))} >= {other.number}


def test_evidence_named_after_the_strike_is_flagged_at_once_and_wrong_entries_are_refused() -> None:
    CALL[:] = [opened()]
    struck()
    late = handed_in(1, date(2024, 7, 1))
    assert late.flags.get().saw["issuer"] == AUDITOR
    file = late.submissions.get().evidence[1]["sha256"]
    with pytest.raises(Conflict, match="已登记"):
        record_issuer(late.number, late.submissions.get().evidence[0]["sha256"], OTHER, None, checker(), DURING)
    with pytest.raises(NotFound, match="没有哈希"):
        record_issuer(late.number, "0" * 64, OTHER, None, checker(), DURING)
    with pytest.raises(InvalidRequest, match="不是统一社会信用代码"):
        record_issuer(late.number, file, "123", None, checker(), DURING)
    with pytest.raises(NotFound):
        record_issuer(late.number, file, OTHER, None, applicant(2), DURING)
    with pytest.raises(NotAllowed):  # no firm says of its own paper that somebody else issued it
        record_issuer(late.number, file, OTHER, None, applicant(1), DURING)
    with pytest.raises(NotAllowed):
        strike_issuer(AUDITOR, "x", SINCE, "y", "z", person("nobody", "province"), ENDED)
    with pytest.raises(Conflict, match="已登记自 2024-06-01"):
        struck()
    with pytest.raises(DatabaseError), transaction.atomic():
        StruckIssuer.objects.update(reason="x")
    assert official("checker", "check", INDUSTRY)


def test_who_checks_says_on_the_applications_page_who_issued_a_file_and_what_rests_on_it_is_listed() -> None:
    made = submit_draft(opened().number, draft(1).pk, applicant(1), DURING)
    client, other = Client(), Client()
    client.force_login(official("checker", "check"), backend="django.contrib.auth.backends.ModelBackend")
    other.force_login(official("decider", "decide"), backend="django.contrib.auth.backends.ModelBackend")
    page, where = f"/applications/{made.number}", f"/applications/{made.number}/issuers"
    assert "登记一份材料由谁" in client.get(page).content.decode()
    assert "登记一份材料由谁" not in other.get(page).content.decode()
    form = {"file": made.submissions.get().evidence[0]["sha256"], "issuer": AUDITOR, "issued_on": "2024-08-01"}
    assert other.post(where, form).status_code == 403
    assert client.post(where, form | {"issued_on": "昨天"}).status_code == 422
    assert client.post(where, form).headers["Location"] == f"{page}#issuers"
    assert f"/struck/?issuer-q={AUDITOR}" in client.get(page).content.decode()
    assert made.number in client.get("/struck/", {"issuer-q": AUDITOR}).content.decode()
    assert made.number not in client.get("/struck/", {"issuer-q": OTHER}).content.decode()


def test_a_strike_that_was_wrong_is_lifted_by_another_on_record_and_stops_nothing_any_more() -> None:
    CALL[:] = [opened()]
    made = handed_in(1, date(2024, 7, 1))
    struck()
    striker, other = official("checker", "check"), official("decider", "decide")
    assert made.flags.get().answered_at is None
    for who, reason, code in ((striker, "错", "lifted_by_another"), (other, " ", "lift_reason_missing")):
        with pytest.raises(Refused) as refused:
            lift_strike(AUDITOR, SINCE, reason, who, ENDED)
        assert refused.value.code == f"struck.{code}"
    with pytest.raises(NotFound):
        lift_strike(OTHER, SINCE, "错", other, ENDED)
    client = Client()
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/struck/").content.decode()
    assert made.number in page
    assert f"{AUDITOR} 2024-06-01" in page
    form = {"strike": f"{AUDITOR} 2024-06-01", "reason": "财监〔2024〕9 号更正"}
    assert client.post("/struck/lift", form | {"strike": AUDITOR}).status_code == 422
    assert client.post("/struck/lift", form).headers["Location"] == "/struck/"
    assert "财监〔2024〕9 号更正" in client.get("/struck/").content.decode()
    assert list_struck(Viewer.for_person(striker)) == []
    assert made.flags.get().reason == "登记已撤销：财监〔2024〕9 号更正"
    with pytest.raises(Conflict, match="已撤销"):
        lift_strike(AUDITOR, SINCE, "错", other, ENDED)
    assert not handed_in(2, date(2024, 7, 1)).flags.exists()
    again = struck()  # what was lifted is entered again from the same day, where it was right after all
    assert {row.struck for row in list_struck(Viewer.for_person(striker))} == {again}
    assert made.flags.count() == 2
    with pytest.raises(Conflict, match="已登记自 2024-06-01"):
        struck()
    with pytest.raises(IntegrityError, match="struck once"), transaction.atomic():  # the database says so, too
        StruckIssuer.objects.create(
            uscc=AUDITOR, name="x", since=SINCE, source="y", reason="z", by=striker, at=ENDED
        )  # fmt: skip
    lift_strike(AUDITOR, SINCE, "再次更正", other, ENDED)
    assert list_struck(Viewer.for_person(striker)) == []
    with pytest.raises(DatabaseError), transaction.atomic():  # the database says that it is another person, too
        StrikeLift.objects.create(struck=struck(date(2024, 6, 2)), reason="错", by=striker, at=ENDED)


def test_a_city_that_applies_does_not_read_what_rests_on_the_issuer_of_its_own_evidence() -> None:
    hefei = person("hefei", "city", city=Region.objects.get(code="340100"))
    mine, firms = begin_application(LAW, "8.2", 2024, hefei, NOON), application(1)
    for one in (mine, firms):
        EvidenceIssuer.objects.create(application=one, sha256="a" * 64, uscc=AUDITOR, by=checker(), at=NOON)
    struck()
    assert {row.application for row in list_struck(Viewer.for_person(checker()))} >= {mine}
    seen = {row.application for row in list_struck(Viewer.for_person(hefei))}
    assert seen == set(visible_applications(Viewer.for_person(hefei))) & {firms}
    client = Client()
    client.force_login(hefei, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/struck/").content.decode()
    assert mine.number not in page
    assert 'name="uscc"' not in page  # no post of a city strikes an issuer: it counts in every city

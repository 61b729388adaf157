"""Flags between two applicants of a call: found, stored once, answered by nobody who checks, before it moves on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.flag_answers import give_flag_answer, list_flags
from huisuan.programmes.flags.found_between import look_for_flags
from huisuan.programmes.models import Application, ApplicationFlag, Call, FlagReason
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.workflow import act
from support.calls import DURING, attach, draft, opened
from support.jobs import party
from support.programmes import LAW, TREASURY, applicant, checked, official, person
from support.relations import relate

pytestmark = pytest.mark.django_db


def handed_in(call: Call, number: int, same: bytes = b"") -> Application:
    """The application of a firm under a call; with some bytes beside a fact."""
    mine = draft(number)
    if same:
        attach(mine, "international", same)
    return submit_draft(call.number, mine.pk, applicant(number), DURING)


def kinds() -> list[str]:
    """Of all flags that there are."""
    return list(ApplicationFlag.objects.values_list("kind", flat=True))


def test_two_applicants_with_the_same_file_are_flagged_and_it_says_which() -> None:
    call = opened()
    first, second = handed_in(call, 1, b"the same"), handed_in(call, 2, b"the same")
    flag = ApplicationFlag.objects.get()
    assert (flag.kind, flag.application, flag.other) == (FlagReason.SAME_EVIDENCE, second, first)
    file = {"fact": "international", "filename": "international.pdf"}
    assert flag.saw == {"files": {first.number: file, second.number: file}}
    for application in (first, second):
        assert look_for_flags(application, DURING) == []  # looked at again it is the same flag


def test_what_applicants_do_not_share_raises_nothing() -> None:
    call = opened()
    handed_in(call, 1, b"mine")
    handed_in(call, 2, b"yours")
    handed_in(opened(), 3, b"mine")  # of another call
    assert kinds() == []


def test_a_withdrawn_application_is_no_rival() -> None:
    call = opened()
    first = handed_in(call, 1, b"the same")
    act(first.number, "withdraw", applicant(1), DURING)
    handed_in(call, 2, b"the same")
    assert kinds() == []


def test_the_same_account_is_flagged_when_it_is_given() -> None:
    call = opened()
    for number in (1, 2):
        made = handed_in(call, number)
        give_payee(made.number, applicant(number), "1302010109022100001", "工商银行合肥分行", DURING)
    assert kinds() == ["same_account"]
    assert "1302010109022100001" not in str(ApplicationFlag.objects.get().saw)


def test_the_same_contact_is_flagged_whatever_its_case() -> None:
    call = opened()
    for number, mail in ((1, "Li@agency.example"), (2, "li@AGENCY.example")):
        Person.objects.filter(pk=applicant(number).pk).update(email=mail)
        handed_in(call, number)
    assert kinds() == ["same_contact"]


def test_two_under_one_control_are_flagged_with_who_controls_them() -> None:
    relate(party(9), party(1))
    relate(party(9), party(2))
    call = opened()
    handed_in(call, 1)
    handed_in(call, 2)
    flag = ApplicationFlag.objects.get()
    assert (flag.kind, flag.saw["controlled_by"]) == ("control_path", party(9).uscc)


def test_control_that_is_over_or_a_small_share_is_none() -> None:
    relate(party(9), party(1), valid_to=date(2024, 9, 1))
    relate(party(9), party(2))
    relate(party(3), party(1), control=False, share_permille=500)
    call = opened()
    for number in (1, 2, 3):
        handed_in(call, number)
    assert kinds() == []


def flagged() -> tuple[Application, Application, ApplicationFlag]:
    """Two applications with a flag between them."""
    call = opened()
    first, second = handed_in(call, 1, b"the same"), handed_in(call, 2, b"the same")
    return first, second, ApplicationFlag.objects.get()


def test_neither_moves_on_before_somebody_else_has_answered() -> None:
    first, second, flag = flagged()
    for made in (first, second):
        checked(made, official("checker", "check"), DURING)
        with pytest.raises(Conflict, match="佐证材料相同") as refused:
            act(made.number, "publicise", official("publisher", "publish"), DURING)
        assert refused.value.code == "flag.not_answered"
    with pytest.raises(NotAllowed) as barred:
        give_flag_answer(first.number, flag.pk, official("checker", "decide"), "同一公告", DURING)
    assert barred.value.code == "flag.answered_by_checker"
    give_flag_answer(first.number, flag.pk, official("decider", "decide"), "都是标准的发布公告", DURING)
    for made in (first, second):
        act(made.number, "publicise", official("publisher", "publish"), DURING)
    with pytest.raises(Conflict) as again:
        give_flag_answer(second.number, flag.pk, official("decider", "decide"), "再答", DURING)
    assert again.value.code == "flag.answered"


def test_whoever_answered_does_not_check() -> None:
    first, second, flag = flagged()
    give_flag_answer(first.number, flag.pk, official("checker", "check"), "同一公告", DURING)
    for made in (first, second):
        with pytest.raises(NotAllowed) as refused:
            act(made.number, "check", official("checker", "check"), DURING)
        assert refused.value.code == "flag.answered_by_checker"


def test_a_flag_is_answered_by_a_post_of_the_programme_with_a_reason() -> None:
    first, _, flag = flagged()
    decider = official("decider", "decide")
    for who, kind in (
        (person("nobody"), NotAllowed), (applicant(1), NotAllowed), (applicant(3), NotFound),
        (official("later", "decide", from_day=date(2024, 9, 11)), NotAllowed),
    ):  # fmt: skip
        with pytest.raises(kind):
            give_flag_answer(first.number, flag.pk, who, "x", DURING)
    with pytest.raises(InvalidRequest):
        give_flag_answer(first.number, flag.pk, decider, "  ", DURING)
    with pytest.raises(InvalidRequest):
        give_flag_answer(first.number, flag.pk, decider, "字" * 1001, DURING)
    with pytest.raises(NotFound):
        give_flag_answer(first.number, flag.pk + 1, decider, "x", DURING)
    flag.refresh_from_db()
    assert flag.answered_at is None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_applicationflag SET saw = '{}'",
        "DELETE FROM programmes_applicationflag",
        "UPDATE programmes_applicationflag SET answered_at = now()",
        "UPDATE programmes_applicationflag SET answered_at = now(), reason = 'x', answered_by_id ="
        " (SELECT person_id FROM programmes_dutyheld WHERE duty = 'check' LIMIT 1)",
        "INSERT INTO programmes_applicationflag (application_id, other_id, kind, about, saw, raised_at, reason)"
        " SELECT application_id, other_id, kind, about, saw, raised_at, '' FROM programmes_applicationflag",
    ],
)
def test_raw_sql_rewrites_no_flag_and_answers_none_for_the_checker(sql: str) -> None:
    first, _, _ = flagged()
    checked(first, official("checker", "check"), DURING)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_applicants_do_not_read_flags_and_officials_do() -> None:
    first, second, flag = flagged()
    with pytest.raises(NotAllowed):
        list_flags(Viewer.for_person(applicant(1)), first.number)
    with pytest.raises(NotFound):
        list_flags(Viewer.for_person(applicant(2)), first.number)
    give_flag_answer(first.number, flag.pk, official("decider", "decide"), "同一公告", DURING + timedelta(days=1))
    shown = list_flags(Viewer.for_person(official("checker", "check")), second.number)
    assert [(one["other"], one["what"], one["answered_by"], one["reason"]) for one in shown] == [
        (first.number, "佐证材料相同", "decider", "同一公告")
    ]


def test_an_object_claimed_on_another_ground_is_a_flag_and_no_refusal() -> None:
    first = handed_in(opened(), 1)
    held = first.claim_objects.first()
    assert held is not None
    held.pk, held.ground, held.application = None, "elsewhere", handed_in(opened(), 2)
    held.save(force_insert=True)
    assert [flag.kind for flag in look_for_flags(first, DURING)] == ["same_object"]
    assert LAW.name in str(ApplicationFlag.objects.get().saw)


def test_the_treasury_answers_too_as_an_office_of_the_programme() -> None:
    first, _, flag = flagged()
    answered = give_flag_answer(first.number, flag.pk, official("committer", "commit", TREASURY), "同一公告", DURING)
    assert answered.answered_by == person("committer")

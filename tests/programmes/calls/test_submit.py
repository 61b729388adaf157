"""Handing in: once, in time, whole; returned for named fields; what was handed in stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.services import withdraw_evidence
from huisuan.programmes.calls.queries import list_submissions, submission_to_dict
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.models import Application, ApplicationStep, ApplicationSubmission, Call, Draft
from huisuan.programmes.submissions.record import submission_hash
from huisuan.programmes.workflow import act, begin_application, find_breaks
from huisuan.programmes.workflow.act import ActRequest, _take
from huisuan.programmes.workflow.permission import Permissions, PermittedStep
from support.calls import CLOSES, DURING, FACTS, OPENED, attach, draft, opened
from support.programmes import LAW, applicant, application, official, person

pytestmark = pytest.mark.django_db
MILLISECOND = timedelta(milliseconds=1)


def returned(call: Call, mine: Draft, *fields: str) -> Application:
    """An application that came back for some fields."""
    made = submit_draft(call.number, mine.pk, applicant(), DURING)
    act(made.number, "return", official("checker", "check"), DURING, reason="请更正", payload={"fields": list(fields)})
    return made


def test_a_draft_becomes_an_application_and_is_copied_as_it_is() -> None:
    call, mine = opened(), draft()
    made = submit_draft(call.number, mine.pk, applicant(), DURING)
    assert (made.state, made.call, made.year, made.draft, made.edition) == ("submitted", call, 2024, mine, call.edition)
    said = made.submissions.get()
    assert (said.facts, said.version, said.draft_version, said.step.action) == (FACTS, 1, 1, "submit")
    assert sorted(file["fact"] for file in said.evidence) == ["agi_enterprise", "national"]
    assert said.hash == submission_hash(ApplicationSubmission.objects.get())
    assert find_breaks(made.steps.all()) == []


def test_the_last_millisecond_counts_and_the_next_does_not() -> None:
    call, mine, late = opened(), draft(1), draft(2)
    assert submit_draft(call.number, mine.pk, applicant(1), CLOSES - MILLISECOND).state == "submitted"
    for at, code in ((CLOSES, "call.closed"), (OPENED, "call.not_open_yet")):
        with pytest.raises(Conflict) as refused:
            submit_draft(call.number, late.pk, applicant(2), at)
        assert refused.value.code == code
    assert Application.objects.count() == 1


def test_submitting_twice_is_one_application_also_after_the_window() -> None:
    call, mine = opened(), draft()
    first = submit_draft(call.number, mine.pk, applicant(), DURING)
    assert submit_draft(call.number, mine.pk, applicant(), CLOSES) == first
    assert (ApplicationSubmission.objects.count(), first.steps.count()) == (1, 1)
    with pytest.raises(Conflict, match=first.number):
        submit_draft(opened().number, mine.pk, applicant(), DURING)


def test_what_is_missing_is_one_list_and_nothing_is_begun() -> None:
    call = opened(tasks={"T1": "通用大模型"})
    mine = draft(files=(), national="两个")
    missing = list_missing(call.number, mine.pk, applicant(), DURING)
    assert [(item.field, item.code) for item in missing] == [
        ("national", "fact_unreadable"), ("task", "task_missing"),
    ]  # fmt: skip
    with pytest.raises(InvalidRequest, match="还缺 2 项") as refused:
        submit_draft(call.number, mine.pk, applicant(), DURING)
    assert refused.value.code == "submission.incomplete"
    assert not Application.objects.exists()
    whole = draft()
    assert [item.code for item in list_missing(call.number, whole.pk, applicant(), DURING, task="T2")] == [
        "task_missing"
    ]
    made = submit_draft(call.number, whole.pk, applicant(), DURING, task="T1")
    assert made.submissions.get().task == "T1"


def test_evidence_is_asked_for_what_is_claimed_only() -> None:
    call, mine = opened(), draft(files=())
    assert [(item.field, item.code) for item in list_missing(call.number, mine.pk, applicant(), DURING)] == [
        ("national", "evidence_missing"),  # no international standard is claimed
    ]


def test_evidence_withdrawn_after_submission_stays_in_it() -> None:
    call, mine = opened(), draft()
    made = submit_draft(call.number, mine.pk, applicant(), DURING)
    withdraw_evidence(mine, mine.evidence.get(fact="national").pk, applicant(), DURING)
    assert "national.pdf" in [file["filename"] for file in made.submissions.get().evidence]


def test_a_correction_is_a_new_version_of_the_returned_fields_alone() -> None:
    call, mine = opened(), draft()
    made = returned(call, mine, "national")
    Draft.objects.filter(pk=mine.pk).update(facts=FACTS | {"national": "1", "agi_revenue": "0%"}, version=2)
    with pytest.raises(Conflict, match="只可改退回补正的栏目") as refused:
        submit_draft(call.number, mine.pk, applicant(), CLOSES)
    assert refused.value.code == "submission.field_not_returned"
    Draft.objects.filter(pk=mine.pk).update(facts=FACTS | {"national": "1"}, version=3)
    attach(mine, "national", b"another")
    again = submit_draft(call.number, mine.pk, applicant(), CLOSES)  # a correction may come after the window
    said = [submission_to_dict(one) for one in list_submissions(Viewer.for_person(applicant()), again.number)]
    assert [(one["version"], one["facts"]["national"], len(one["evidence"])) for one in said] == [
        (1, "2", 2), (2, "1", 3),
    ]  # fmt: skip
    assert (again.pk, again.state) == (made.pk, "submitted")


def test_another_file_beside_a_field_that_was_not_returned_is_a_change_of_it() -> None:
    call, mine = opened(), draft()
    returned(call, mine, "agi_revenue")
    attach(mine, "national", b"another")
    with pytest.raises(Conflict, match="国家"):
        submit_draft(call.number, mine.pk, applicant(), DURING)


def test_only_fields_that_there_are_can_be_returned() -> None:
    call, mine = opened(), draft()
    with pytest.raises(InvalidRequest, match="没有栏目 colour") as refused:
        returned(call, mine, "national", "colour")
    assert refused.value.code == "submission.field_unknown"
    assert Application.objects.get().state == "submitted"


def test_after_a_withdrawal_the_draft_can_be_handed_in_again() -> None:
    call, mine = opened(), draft()
    first = submit_draft(call.number, mine.pk, applicant(), DURING)
    act(first.number, "withdraw", applicant(), DURING)
    second = submit_draft(call.number, mine.pk, applicant(), DURING)
    assert second != first
    assert first.submissions.count() == 1


def test_nobody_hands_in_the_draft_of_another() -> None:
    call, mine = opened(), draft()
    for who, kind in ((applicant(2), NotFound), (official("checker", "check"), NotFound)):
        with pytest.raises(kind):
            submit_draft(call.number, mine.pk, who, DURING)
    reader = person("reader", "user", party=applicant().party, member_role="viewer")
    with pytest.raises(NotAllowed):
        submit_draft(call.number, mine.pk, reader, DURING)
    with pytest.raises(NotFound):
        submit_draft("C2024-9999", mine.pk, applicant(), DURING)


def test_a_draft_of_another_rule_is_not_for_this_call() -> None:
    call = opened()
    with pytest.raises(InvalidRequest) as refused:
        submit_draft(call.number, draft(rule="5.1").pk, applicant(), DURING)
    assert refused.value.code == "submission.draft_of_another_rule"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_applicationsubmission SET facts = '{}'",
        "DELETE FROM programmes_applicationsubmission",
        "UPDATE programmes_application SET call_id = NULL",
        "UPDATE programmes_application SET draft_id = NULL",
    ],
)
def test_what_was_handed_in_stays(sql: str) -> None:
    submit_draft(opened().number, draft().pk, applicant(), DURING)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(("version", "at"), [(1, CLOSES), (1, OPENED), (3, DURING)])
def test_a_submission_out_of_time_or_order_is_refused_by_the_database(version: int, at: datetime) -> None:
    call = opened()
    said = submit_draft(call.number, draft().pk, applicant(), DURING).submissions.get()
    other = begin_application(LAW, "14.1", 2024, applicant(2), DURING, draft=draft(2), call=call)
    said.pk, said.application, said.version, said.step, said.at = None, other, version, _bare_step(other), at
    with pytest.raises(DatabaseError, match=r"a submission comes|a correction follows"), transaction.atomic():
        said.save(force_insert=True)


def _bare_step(application: Application) -> ApplicationStep:
    """A step to submit, without what it sets off."""
    held = Permissions.load(applicant(2), "submit", "", [application], DURING).ask(application)
    assert isinstance(held, PermittedStep)
    return _take([held], ActRequest("submit"), applicant(2), DURING)[0]


def test_the_steps_of_an_application_without_a_call_leave_no_submission() -> None:
    made = application()
    act(made.number, "submit", applicant(), DURING)
    assert not made.submissions.exists()

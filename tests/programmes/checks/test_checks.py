"""Checks: the law, stacking, objects, relations, credit and debts; stored with what they saw, asked by the act."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.standing import commitments_of, treasury_act
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application, check_where_nobody_has, list_checks
from huisuan.programmes.credit.register import import_credit_list
from huisuan.programmes.models import Application, ApplicationCheck, ApplicationFlag, Call, CreditEntry, FinalEvaluation
from huisuan.programmes.workflow import act
from huisuan.treasury.recoveries import claim_back
from support.calls import DURING, draft, opened
from support.jobs import party
from support.programmes import applicant, application, official, person, walked
from support.relations import relate

pytestmark = pytest.mark.django_db
KINDS = ["law", "stacking", "objects", "relations", "credit", "debts", "performance", "beside"]


def handed_in(call: Call | None = None, number: int = 1, listed: bool = True, **facts: str) -> Application:
    """The application of a firm under a call."""
    return submit_draft((call or opened()).number, draft(number, listed=listed, **facts).pk, applicant(number), DURING)


def checked(made: Application) -> dict[str, ApplicationCheck]:
    """The answers of a round, by kind."""
    return {answer.kind: answer for answer in check_application(made.number, official("checker", "check"), DURING)}


def failing(made: Application) -> list[str]:
    """What of a round does not pass."""
    return [kind for kind, answer in checked(made).items() if answer.passed is False]


def test_an_application_without_fault_passes_all_and_each_says_what_it_saw() -> None:
    made = handed_in()
    answers = checked(made)
    assert list(answers) == KINDS
    assert all(answer.passed and answer.reason for answer in answers.values())
    law = answers["law"]
    assert (law.saw["status"], law.saw["amount_fen"], law.saw["as_known"]) == ("eligible", 100_000_000, "2024-09-10")
    assert (law.saw["digest"], law.submission, law.at) == (made.submissions.get().law, made.submissions.get(), DURING)
    act(made.number, "check", official("checker", "check"), DURING)


def test_many_are_checked_with_the_relations_read_once() -> None:
    call = opened()
    made = [handed_in(call, number) for number in (1, 2, 3)]
    for one in made:
        relate(one.party, party(91))
    checker = official("checker", "check")
    checked(made[0])
    with CaptureQueriesContext(connection) as asked:
        check_where_nobody_has([one.number for one in made], checker, DURING)
    assert sum('"share_permille"' in query["sql"] for query in asked.captured_queries) == 1
    assert {one.number: one.check_answers.count() for one in made} == {one.number: len(KINDS) for one in made}


def test_the_act_needs_a_round_of_the_present_version() -> None:
    call, mine = opened(), draft()
    made = submit_draft(call.number, mine.pk, applicant(), DURING)
    checker = official("checker", "check")
    with pytest.raises(Conflict) as refused:
        act(made.number, "check", checker, DURING, reason="看过了")
    assert refused.value.code == "check.not_stored"
    checked(made)
    act(made.number, "return", checker, DURING, reason="请更正", payload={"fields": ["national"]})
    submit_draft(call.number, mine.pk, applicant(), DURING + timedelta(days=1))
    with pytest.raises(Conflict) as outdated:
        act(made.number, "check", checker, DURING + timedelta(days=1))
    assert outdated.value.code == "check.not_stored"
    assert [answer.submission for answer in checked(made).values()] == [made.submissions.get(version=2)] * len(KINDS)
    act(made.number, "check", checker, DURING + timedelta(days=1))


def test_what_fails_is_passed_only_with_a_reason() -> None:
    made = handed_in(listed=False)
    assert failing(made) == ["law"]
    with pytest.raises(InvalidRequest, match="政策条件没有通过") as refused:
        act(made.number, "check", official("checker", "check"), DURING, reason=" ")
    assert refused.value.code == "check.reason_missing"
    step = act(made.number, "check", official("checker", "check"), DURING, reason="名录正在更新，已附文件")
    assert step.to_state == "checked"


def test_as_many_standards_are_named_as_are_claimed_for() -> None:
    made = handed_in(national="3")
    answers = checked(made)
    assert not answers["objects"].passed
    assert "填报 3 个，写明编号的标准 2 个" in answers["objects"].reason


def test_a_rival_under_the_same_control_is_found_and_flagged_though_entered_later() -> None:
    call = opened()
    made, rival = handed_in(call, 1), handed_in(call, 2)
    relate(party(9), party(1))
    relate(party(9), party(2))
    answer = checked(made)["relations"]
    assert answer.passed is None  # no text bars it
    assert answer.saw["paths"] == [
        {"other": rival.number, "party": party(2).uscc, "controlled_by": party(9).uscc}
    ]  # fmt: skip
    assert ApplicationFlag.objects.get().kind == "control_path"


@pytest.mark.parametrize(
    ("effect", "first", "after", "passed"),
    [
        ("bars", "2024-03-01", "", False), ("note", "2024-03-01", "", None), ("bars", "2024-09-11", "", True),
        ("bars", "2024-03-01", "2024-09-10", True), ("bars", "2024-03-01", "2024-09-11", False),
    ],
)  # fmt: skip
def test_the_credit_list_bars_by_day_and_a_note_is_found(
    effect: str, first: str, after: str, passed: bool | None
) -> None:
    head = "uscc,effect,source,reason,valid_from,valid_to,basis\n"
    line = f"{party(1).uscc},{effect},省信用办,拖欠工资,{first},{after},《保障农民工工资支付条例》第四十八条\n"
    assert not import_credit_list((head + line).encode(), "名单.csv", now=DURING).faults
    answer = checked(handed_in())["credit"]
    assert answer.passed is passed
    if passed is not True:
        assert "依据 《保障农民工工资支付条例》第四十八条" in answer.reason
        assert answer.saw["entries"][0]["basis"] == "《保障农民工工资支付条例》第四十八条"


def test_an_entry_of_before_that_names_no_basis_is_found_and_bars_nobody() -> None:
    CreditEntry.objects.create(
        party=party(1), source="省信用办", effect="bars", reason="拖欠工资", valid_from=date(2024, 3, 1),
        known_from=date(2024, 3, 1), source_file="旧.csv", by="李处", at=DURING,
    )  # fmt: skip
    made = handed_in()
    answer = checked(made)["credit"]
    assert (answer.passed, "未写依据" in answer.reason) == (None, True)
    with pytest.raises(InvalidRequest, match="信用名单有情况") as unanswered:
        act(made.number, "check", official("checker", "check"), DURING)
    assert unanswered.value.code == "check.answer_missing"
    assert act(made.number, "check", official("checker", "check"), DURING, reason="已核实，工资已付清")


def owing() -> None:
    """Firm 1 was paid once and is to pay something back."""
    paid = application()
    walked(paid)
    (commitment,) = commitments_of([paid])[paid.pk]
    claim_back("Z1", commitment, 1_000, "多付", treasury_act(person("payer"), DURING))


def test_a_debt_shows_at_every_later_check_of_the_party() -> None:
    owing()
    answer = checked(handed_in())["debts"]
    assert answer.passed is None
    assert "Z1 尚欠 10.00 元" in answer.reason
    assert failing(handed_in(number=2)) == []


def test_a_project_evaluated_below_the_mark_is_a_finding_in_the_next_check_of_its_party_alone() -> None:
    before, call = application(1), opened()
    FinalEvaluation.objects.create(
        application=before, score=5_500, mark=60, reason="推广不足", by=official("signer", "register"), at=DURING
    )
    answer = checked(handed_in(call))["performance"]
    assert (answer.passed, answer.reason) == (None, f"以前的项目评价不合格：{before.number} 得 55 分（合格 60 分）")
    assert answer.saw["evaluations"][0]["reason"] == "推广不足"
    assert checked(handed_in(call, 2))["performance"].passed


def test_what_no_call_asked_for_is_asked_for_debts_and_credit_by_the_act_itself() -> None:
    owing()
    made = application()
    act(made.number, "submit", applicant(1), DURING)
    with pytest.raises(InvalidRequest, match="未还款项有情况"):
        act(made.number, "check", official("second", "check"), DURING)
    assert act(made.number, "check", official("second", "check"), DURING, reason="已约定分期").to_state == "checked"


def test_only_whoever_may_check_asks_and_only_what_waits_for_it() -> None:
    made = handed_in()
    for who, kind in (
        (applicant(1), NotAllowed), (applicant(2), NotFound), (official("decider", "decide"), NotAllowed),
        (person("nobody"), NotAllowed),
    ):  # fmt: skip
        with pytest.raises(kind):
            check_application(made.number, who, DURING)
    checked(made)
    act(made.number, "check", official("checker", "check"), DURING)
    with pytest.raises(Conflict):
        checked(made)
    assert ApplicationCheck.objects.count() == len(KINDS)


def test_applicants_do_not_read_checks_and_auditors_do() -> None:
    made = handed_in()
    assert list_checks(Viewer.for_person(person("auditor", "auditor")), made.number) == []
    checked(made)
    with pytest.raises(NotAllowed):
        list_checks(Viewer.for_person(applicant(1)), made.number)
    shown = list_checks(Viewer.for_person(person("auditor", "auditor")), made.number)
    assert [(one["kind"], one["round"], one["version"], one["by"]) for one in shown] == [
        (kind, 1, 1, "checker") for kind in KINDS
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_applicationcheck SET passed = true",
        "DELETE FROM programmes_applicationcheck",
        "INSERT INTO programmes_applicationcheck (application_id, round, kind, passed, reason, saw, by_id, at)"
        " SELECT application_id, round, kind, true, reason, saw, by_id, at FROM programmes_applicationcheck LIMIT 1",
    ],
)
def test_what_was_answered_stays(sql: str) -> None:
    checked(handed_in(listed=False))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)

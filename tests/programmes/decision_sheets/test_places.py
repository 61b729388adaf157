"""A contest chooses by rank: nobody says beforehand that he won, and no more are chosen than the text has places."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.models import Person
from huisuan.programmes.awards.owed import Owed, owed_now
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.models import Application, Call, FrozenLine
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.submissions.owed import law_answers
from huisuan.programmes.workflow import act
from support.calls import CLOSES, DURING, draft, opened
from support.programmes import applicant, budget, official
from support.reviews import REVIEWED, pool, seated

pytestmark = pytest.mark.django_db
OFFICE = "省人工智能产业推进组工作专班"
LATER = REVIEWED + timedelta(days=14)
YUAN = 100
CASE = {"investment": "2000000", "city": "合肥市", "county": "其他县（市、区）"}


def contest(**other: object) -> Call:
    """The call of a contest of ten best cases, published by the working group."""
    official("publisher", "publish", OFFICE)
    line = other.pop("line", None) or budget("6.2", 10**10).pk
    said = {"programme": "6.2", "title": "“十大”评比", "evidence": (), "shortage": "rank", "line": line, **other}
    return opened(**said)


def entered(call: Call, number: int) -> Application:
    """A case that is handed in and checked, its draft saying nothing of whether it is chosen."""
    made = submit_draft(
        call.number, draft(number, rule="6.2", files=(), **CASE).pk, applicant(number), DURING
    )  # fmt: skip
    checker = official("checker", "check", OFFICE)
    check_application(made.number, checker, CLOSES)
    act(made.number, "check", checker, CLOSES, reason="核对过")
    return Application.objects.get(pk=made.pk)


def organises() -> Person:
    """Who organises the reviews of the working group."""
    return official("reviewer", "review", OFFICE)


def reviewed(call: Call, count: int) -> list[Application]:
    """So many cases, the first scored best, all reviewed."""
    pool(9)
    made = [entered(call, number) for number in range(1, count + 1)]
    draw_call(call.number, "2024-10-12", organises(), REVIEWED)
    for place, one in enumerate(made):
        for expert in seated(one):
            marks = {"effect": 38 - place, "novelty": 28, "reach": 28}
            send_sheet(one.number, marks, dict.fromkeys(marks, "因为"), expert, REVIEWED)
        act(one.number, "review", organises(), REVIEWED)
    return made


def test_an_honest_entrant_says_nothing_of_the_result_and_is_owed_what_it_would_get() -> None:
    call = contest()
    made = draft(1, rule="6.2", files=(), **CASE)
    assert "among_ten" not in made.facts
    assert list_missing(call.number, made.pk, applicant(1), DURING) == []
    one = submit_draft(call.number, made.pk, applicant(1), DURING)
    assert law_answers([one])[one.pk].amount_fen == 400_000 * YUAN
    found = check_application(one.number, official("checker", "check", OFFICE), CLOSES)[0]
    assert found.passed
    assert "按入选计算，是否入选由评审排序确定" in found.reason
    claims_it = draft(2, rule="6.2", files=(), among_ten="是", **CASE)
    other = submit_draft(call.number, claims_it.pk, applicant(2), DURING)
    assert other.submissions.get().facts.keys() == CASE.keys()  # what it says of the result is not handed in


def test_the_eleventh_waits_although_there_is_money_and_moves_up_when_one_of_the_ten_withdraws() -> None:
    call = contest()
    made = reviewed(call, 11)
    ranker = official("ranker", "recommend", OFFICE)
    freeze_sheet(call.number, ranker, REVIEWED)
    last = made[10]
    assert dict(FrozenLine.objects.values_list("application__number", "status")) == {
        **{one.number: "funded" for one in made[:10]}, last.number: "waiting",
    }  # fmt: skip
    assert law_answers([last])[last.pk].status == "not_eligible"
    for one in (made[0], last):
        act(one.number, "rank", ranker, REVIEWED)
        act(one.number, "publicise", official("publisher", "publish", OFFICE), REVIEWED)
    decider = official("decider", "decide", OFFICE)
    with pytest.raises(Conflict) as waits:
        act(last.number, "decide", decider, LATER)
    assert waits.value.code == "sheet.not_funded"
    act(made[0].number, "withdraw", applicant(1), LATER)
    assert act(last.number, "decide", decider, LATER).amount_fen == 400_000 * YUAN


def test_two_cases_of_one_applicant_are_told_apart_by_their_project() -> None:
    call = contest()
    first, second = (draft(1, rule="6.2", files=(), **CASE) for _ in range(2))
    numbers = {submit_draft(call.number, each.pk, applicant(1), DURING).number for each in (first, second)}
    assert len(numbers) == 2
    nameless = draft(2, rule="6.2", files=(), **CASE)
    nameless.named = []
    nameless.save()
    with pytest.raises(InvalidRequest, match="没有写明项目的编号"):
        submit_draft(call.number, nameless.pk, applicant(2), DURING)


def test_who_is_chosen_is_not_who_applies_first() -> None:
    with pytest.raises(InvalidRequest) as refused:
        contest(shortage="first_come")
    assert refused.value.code == "call.selection_by_rank"


def test_the_places_of_a_year_are_given_out_by_one_call() -> None:
    first = contest()
    with pytest.raises(Conflict, match=first.number) as again:
        contest(line=first.line_id, title="再评一次")
    assert again.value.code == "call.places_given_out"


def test_what_a_chosen_case_is_owed_on_corrected_facts_is_computed_and_who_was_chosen_is_not_corrected() -> None:
    call = contest()
    (one,) = reviewed(call, 1)
    ranker = official("ranker", "recommend", OFFICE)
    freeze_sheet(call.number, ranker, REVIEWED)
    act(one.number, "rank", ranker, REVIEWED)
    act(one.number, "publicise", official("publisher", "publish", OFFICE), REVIEWED)
    act(one.number, "decide", official("decider", "decide", OFFICE), LATER)
    one.refresh_from_db()

    def owed(**facts: str) -> object:
        keeper = official("keeper", "register", OFFICE)
        return owed_now([one], AskedStep("recover", keeper, LATER, None, {"facts": facts}))[one.pk]

    assert owed(investment="800000") == Owed(160_000 * YUAN)
    refused = owed(among_ten="是")
    assert isinstance(refused, InvalidRequest)
    assert refused.code == "award.corrected_selection"

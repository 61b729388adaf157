"""What a selection decides is declared beside the procedure: nobody states it, and the text has so many places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huisuan.law.authoring.declarations import Facts, boolean
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import SELECTION, Duty, SelectionSpec, programme_sentences, selection
from huisuan.law.procedure.checks import check_selection
from huisuan.law.procedure.selection import count_zh

LAW = load_policy("anhui-agi-2023")
CONTEST = LAW.programme("6.2")


class Entry(Facts):
    """Two facts: one that the platform's ranking decides, and one that an applicant states."""

    chosen = boolean("入选", "Chosen", asked_by="6.2", known_by=SELECTION)
    stated = boolean("自报", "Stated", asked_by="6.2")


def test_the_ten_best_are_ten_and_no_applicant_says_who_they_are() -> None:
    assert CONTEST.selection == SelectionSpec(("among_ten",), 10, "省级“十大”")
    assert "名额 10 个" in programme_sentences(CONTEST, {})[-1]
    assert "at most 10 are chosen" in programme_sentences(CONTEST, {}, english=True)[-1]
    assert replace(CONTEST, selection=None).digest != CONTEST.digest


def test_the_number_of_places_stands_in_the_text() -> None:
    assert selection(Entry.chosen, places=12, phrase="评选12个").places == 12
    for places, phrase in ((9, "“十大”"), (1, "“十大”"), (10, "“二十佳”"), (10, "")):
        with pytest.raises(LawError) as refused:
            selection(Entry.chosen, places=places, phrase=phrase)
        assert refused.value.code == "law.figure_not_quoted"
    assert [count_zh(count) for count in (1, 10, 12, 20, 99, 100)] == ["一", "十", "十二", "二十", "九十九", "100"]


@pytest.mark.parametrize("facts", [(), (Entry.stated,), (True,)])
def test_only_what_the_platform_decides_is_selected(facts: tuple[object, ...]) -> None:
    with pytest.raises(LawError) as refused:
        selection(*facts)
    assert refused.value.code == "law.selection_fact_wrong"


def test_a_selection_is_of_a_fact_of_the_rule_and_somebody_ranks() -> None:
    check_selection(CONTEST, ["among_ten"])
    with pytest.raises(LawError) as unknown:
        check_selection(CONTEST, ["investment"])
    with pytest.raises(LawError) as unranked:
        check_selection(replace(CONTEST, steps=LAW.programme("14.1").steps), ["among_ten"])
    assert (unknown.value.code, unranked.value.code) == ("law.selection_fact_wrong", "law.selection_unranked")


def test_what_procurement_law_decides_is_entered_and_approved_by_nobody() -> None:
    for key in ("15.1", "7.1.first_purchase", "10.1.support"):
        actions = {taken.action for taken in LAW.programme(key).steps}
        assert actions == {"submit", "return", "record", "refuse", "withdraw"}, key
        refuse = next(taken for taken in LAW.programme(key).steps if taken.action == "refuse")
        assert refuse.duty is Duty.REGISTER, key  # who keeps the register says what does not belong in it


def test_claims_that_one_applicant_may_make_for_several_projects_name_the_project() -> None:
    for key in ("1.3", "5.1", "5.2", "6.2", "10.1"):
        assert ("project", True) in [(each.kind.value, each.required) for each in LAW.programme(key).objects], key

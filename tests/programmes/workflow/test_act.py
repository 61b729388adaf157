"""An application moves by steps alone, each by somebody who may take it on that day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.parties.models import Person, Relation
from huisuan.programmes.models import Application, DutyHeld, Post
from huisuan.programmes.offices import end_post, give_post
from huisuan.programmes.workflow import act, act_on_many, find_breaks, replay_state
from huisuan.programmes.workflow.act import ActRequest
from support.jobs import party
from support.programmes import ENDED, INDUSTRY, NOON, applicant, application, official, person, walked

pytestmark = pytest.mark.django_db


def code(wrong: pytest.ExceptionInfo[Refused]) -> str:
    """The code of a refusal."""
    return wrong.value.code


def test_an_application_goes_from_draft_to_paid_and_its_steps_replay_to_its_state() -> None:
    made = application()
    walked(made)
    made.refresh_from_db()
    assert (made.number, made.state, made.amount_fen, made.steps_taken) == ("A2024-000001", "closed", 5_000_000, 7)
    steps = list(made.steps.all())
    assert [step.to_state for step in steps] == [
        "submitted", "checked", "in_publicity", "decided", "committed", "paying", "closed",
    ]  # fmt: skip
    assert (replay_state(steps), find_breaks(steps)) == ("closed", [])


def test_numbers_of_a_year_have_no_gap_even_after_one_that_was_rolled_back() -> None:
    application()
    with transaction.atomic():
        application()
        transaction.set_rollback(True)
    assert application(2).number == "A2024-000002"


def test_nobody_has_two_duties_in_one_application_but_may_have_in_two() -> None:
    made, other = application(), application(2)
    both = official("both", "check")
    official("both", "publish")
    act(made.number, "submit", applicant(), NOON)
    act(made.number, "check", both, NOON)
    with pytest.raises(NotAllowed, match="已承担核验，不能再公示") as wrong:
        act(made.number, "publicise", both, NOON)
    assert code(wrong) == "application.second_duty"
    act(other.number, "submit", applicant(2), NOON)
    act(other.number, "check", official("another", "check"), NOON)
    assert act(other.number, "publicise", both, NOON).to_state == "in_publicity"


@pytest.mark.parametrize(("days", "may"), [(-2, False), (-1, False), (0, True)])
def test_a_post_counts_until_its_last_day_and_not_after(days: int, may: bool) -> None:
    made, checker = application(), official("checker", "check")
    act(made.number, "submit", applicant(), NOON)
    today = date(2024, 9, 2)
    Post.objects.get(person=checker)
    last = today + timedelta(days=days)
    if days < -1:
        with pytest.raises(InvalidRequest, match="至早是昨天"):
            end_post(checker.posts.get(), last, person("giver"), NOON)
        return
    end_post(checker.posts.get(), last, person("giver"), NOON)
    if may:
        assert act(made.number, "check", checker, NOON).to_state == "checked"
        return
    with pytest.raises(NotFound):  # no post at all: it is not for them to know
        act(made.number, "check", person("nobody", "operator"), NOON)
    with pytest.raises(NotAllowed, match="当天在任的核验岗位") as wrong:
        act(made.number, "check", checker, NOON)
    assert code(wrong) == "application.no_post_in_force"


def test_a_stand_in_acts_within_its_dates_only() -> None:
    made, checker = application(), official("checker", "check")
    act(made.number, "submit", applicant(), NOON)
    stand_in, today = person("standin"), date(2024, 9, 2)
    with pytest.raises(InvalidRequest, match="代理须写明止于哪天"):
        give_post(stand_in, INDUSTRY, "check", today, checker, NOON, stands_in_for=checker.posts.get())
    give_post(
        stand_in, INDUSTRY, "check", today, person("giver"), NOON, until_day=today, stands_in_for=checker.posts.get()
    )
    with pytest.raises(NotAllowed):
        act(made.number, "check", stand_in, NOON + timedelta(days=1))
    assert act(made.number, "check", stand_in, NOON).person == stand_in


def test_nobody_gives_a_post_to_oneself_or_in_an_office_that_no_text_names() -> None:
    checker = official("checker", "check")
    with pytest.raises(NotAllowed, match="另一人给予"):
        give_post(checker, INDUSTRY, "check", date(2024, 1, 1), checker, NOON)
    with pytest.raises(NotFound, match="没有单位“省统计局”"):
        give_post(checker, "省统计局", "check", date(2024, 1, 1), person("giver"), NOON)
    with pytest.raises(InvalidRequest, match="没有职责 apply"):
        give_post(checker, INDUSTRY, "apply", date(2024, 1, 1), person("giver"), NOON)


def test_nobody_employed_by_or_related_to_the_applicant_acts_on_its_application() -> None:
    made = application()
    act(made.number, "submit", applicant(), NOON)
    for number, tie in ((1, "就职于申报单位"), (7, "股权或控制关系")):
        employed = person(f"employed{number}", "user", party=party(number), member_role="viewer")
        give_post(
            employed, official("x", "check").posts.get().office.name, "check", date(2024, 1, 1), person("giver"), NOON
        )
        Relation.objects.get_or_create(
            owner=party(7), owned=party(1), share_permille=600, valid_from=date(2020, 1, 1), valid_to=date(2024, 9, 3),
            defaults={"known_from": date(2020, 1, 1), "by": "登记员", "at": NOON},
        )  # fmt: skip
        with pytest.raises(NotAllowed, match=tie) as wrong:
            act(made.number, "check", employed, NOON)
        assert code(wrong) == "application.tied_to_applicant"
    later = act(made.number, "check", Person.objects.get(username="employed7"), NOON + timedelta(days=1))
    assert later.to_state == "checked"  # the relation ended on the day before


def test_strangers_do_not_learn_that_an_application_is_there() -> None:
    made = application()
    for name in (made.number, "A2024-999999"):
        with pytest.raises(NotFound, match=f"没有申报 {name}"):
            act(name, "withdraw", applicant(2), NOON)


def test_who_only_reads_in_the_firm_and_programs_do_not_act() -> None:
    made = application()
    reader = person("reader", "user", party=party(1), member_role="viewer")
    with pytest.raises(NotAllowed) as wrong:
        act(made.number, "submit", reader, NOON)
    assert code(wrong) == "application.applicant_only"
    program = person("program", "user", party=party(1), machine=True)
    with pytest.raises(NotAllowed) as wrong:
        act(made.number, "submit", program, NOON)
    assert code(wrong) == "application.needs_a_person"


def test_an_act_lacks_nothing_that_its_action_needs() -> None:
    made, checker = application(), official("checker", "check")
    act(made.number, "submit", applicant(), NOON)
    wrong_acts = [
        ("return", {"payload": {"fields": ["14.1.national"]}}, "须写理由"),
        ("return", {"reason": "发布文本缺页"}, "须写明要补正的栏目"),
        ("return", {"reason": "缺页", "payload": {"fields": ["", 3]}}, "须写明要补正的栏目"),
        ("check", {"amount_fen": 1}, "金额只在批准时写"),
        ("approve", {}, "没有动作 approve"),
        ("check", {"reason": "长" * 1001}, "理由至多 1000 字"),
    ]
    for action, more, match in wrong_acts:
        with pytest.raises(InvalidRequest, match=match):
            act(made.number, action, checker, NOON, **more)  # type: ignore[arg-type]
    back = act(made.number, "return", checker, NOON, reason="缺页", payload={"fields": ["national"]})
    assert (back.to_state, back.payload) == ("returned", {"fields": ["national"]})


def test_an_application_is_withdrawn_until_it_is_decided() -> None:
    made, other = application(), application()
    walked(made, "publicise")
    assert act(made.number, "withdraw", applicant(), NOON).to_state == "withdrawn"
    walked(other, "decide")
    with pytest.raises(Conflict, match="现为已决定，不能撤回") as wrong:
        act(other.number, "withdraw", applicant(), NOON)
    assert code(wrong) == "application.not_in_this_state"


def test_the_same_key_acts_once_and_not_for_another_act() -> None:
    made, checker = application(), official("checker", "check")
    first = act(made.number, "submit", applicant(), NOON, key="k1")
    assert act(made.number, "submit", applicant(), NOON, key="k1") == first
    with pytest.raises(Conflict, match="幂等键 k1 已用于另一动作"):
        act(made.number, "check", checker, NOON, key="k1")
    for other in ({"payload": {"task": "T2"}}, {"reason": "x"}):
        with pytest.raises(Conflict) as wrong:
            act(made.number, "submit", applicant(), NOON, key="k1", **other)  # type: ignore[arg-type]
        assert code(wrong) == "application.key_of_other_content"
    assert made.steps.count() == 1


def test_a_key_of_before_its_digest_was_kept_is_known_by_what_its_step_says() -> None:
    made = application()
    walked(made, "publicise")
    decider = official("decider", "decide")
    decided = act(made.number, "decide", decider, ENDED, amount_fen=100, reason="同意", key="k2")
    assert len(decided.asked) == 64
    assert act(made.number, "decide", decider, ENDED, amount_fen=100, reason="同意", key="k2") == decided
    with pytest.raises(Conflict) as without:  # named no amount: something else was asked
        act(made.number, "decide", decider, ENDED, reason="同意", key="k2")
    assert code(without) == "application.key_of_other_content"
    of_before = ActRequest("decide", "同意", 100, key="k2")
    decided.asked = ""
    assert of_before.is_what_was_asked(decided)
    assert replace(of_before, amount_fen=None).is_what_was_asked(decided), "what it granted was not kept apart"
    assert not replace(of_before, amount_fen=200).is_what_was_asked(decided)
    assert not replace(of_before, reason="另").is_what_was_asked(decided)


def test_an_act_on_many_does_what_may_be_done_and_says_why_not_the_rest() -> None:
    made = [application(number) for number in (1, 2, 3, 4)]
    for number in (1, 2, 3):
        act(made[number - 1].number, "submit", applicant(number), NOON)
    checker = official("checker", "check")
    official("checker", "publish")
    tied = person("tied", "user", party=party(2), member_role="viewer")
    give_post(tied, INDUSTRY, "check", date(2024, 1, 1), person("giver"), NOON)
    outcome = act_on_many([*(one.number for one in made), "A2024-000099"], "check", tied, NOON, reason="材料齐全")
    assert [step.application_id for step in outcome.done] == [made[0].pk, made[2].pk]
    assert {number: wrong.code for number, wrong in outcome.refused.items()} == {
        made[1].number: "application.tied_to_applicant",
        made[3].number: "application.not_in_this_state",
        "A2024-000099": "application.unknown",
    }
    assert list(Application.objects.order_by("pk").values_list("state", flat=True)) == [
        "checked", "submitted", "checked", "draft",
    ]  # fmt: skip
    assert act_on_many([made[0].number], "publicise", checker, NOON).refused == {}
    assert DutyHeld.objects.filter(duty="check").count() == 2


def test_a_reason_has_no_sign_that_a_letter_cannot_bear_and_keeps_its_lines() -> None:
    made = application()
    act(made.number, "submit", applicant(), NOON)
    decider = official("decider", "decide")
    for sign in ("\x0b", "\t", "\0", "\x7f", "\uffff"):
        with pytest.raises(InvalidRequest, match="“不是国家标准”之后有看不见的控制字符") as wrong:
            act(made.number, "refuse", decider, NOON, reason=f"不是国家标准{sign}。")
        assert code(wrong) == "application.reason_malformed"
    assert act(made.number, "refuse", decider, NOON, reason="一\r\n二\n三").reason == "一\n二\n三"

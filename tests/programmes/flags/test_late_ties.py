"""Ties entered after somebody acted: what would have been refused raises a flag that somebody else answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from huisuan.base.errors import Conflict, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Relation
from huisuan.parties.relation_import import import_relations
from huisuan.parties.viewer import Viewer
from huisuan.programmes.check_desk.flag_answers import give_flag_answer, list_flags
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.site_checks import confirm_site_check, record_site_check
from huisuan.programmes.flags.late_ties import look_back
from huisuan.programmes.models import Application, ApplicationFlag, FlagReason
from huisuan.programmes.offices import give_post
from huisuan.programmes.payments.returns import order_again
from huisuan.programmes.review.pool_import import import_experts
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.programmes.workflow import act
from support.contracts import LATER as SIGNED
from support.contracts import committed, open_challenge, reported, signer
from support.jobs import party
from support.programmes import INDUSTRY, TREASURY, applicant, application, checked, official, person
from support.reviews import MARKS, REVIEWED, SCIENCE, challenge, organiser, panels, pool, recommended, seated, tie

pytestmark = pytest.mark.django_db
LATER = REVIEWED + timedelta(days=30)


@pytest.fixture
def made() -> Application:
    pool(9)
    found = recommended(challenge(), 1)
    panels(found)
    return found


def test_a_tie_entered_after_a_sheet_was_sent_raises_a_flag_once_and_stops_the_application(made: Application) -> None:
    sender = seated(made)[0]
    for expert in seated(made):
        send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    assert look_back(LATER) == []
    tie(sender.username, made, starts="2024-09-01", now=LATER)
    (flag,) = look_back(LATER)
    assert (flag.kind, flag.saw["person"], flag.saw["why"]) == (
        FlagReason.LATE_RELATION, sender.username, "与申报单位有利害关系"
    )  # fmt: skip
    assert look_back(LATER + timedelta(days=1)) == []
    with pytest.raises(Conflict, match="事后登记的关系"):
        act(made.number, "review", organiser(), LATER)
    (row,) = list_flags(Viewer.for_person(organiser()), made.number)
    assert (row["kind"], row["answered_by"]) == ("late_relation", None)
    give_flag_answer(made.number, flag.pk, official("inspector", "decide", SCIENCE), "顾问合同未履行，评分有效", LATER)
    act(made.number, "review", organiser(), LATER)


def test_a_tie_that_began_after_the_sheet_or_was_over_long_before_raises_nothing(made: Application) -> None:
    expert = seated(made)[0]
    send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    tie(expert.username, made, starts="2024-10-20", now=LATER)
    assert look_back(LATER) == []


def test_a_relation_of_the_employer_entered_later_raises_a_flag_on_the_sheet() -> None:
    pool(5)
    found = recommended(challenge(), 1)
    line = f"e0,{party(7).uscc},通用大模型,2020-01-01\n"
    assert not import_experts(
        f"username,employer_uscc,fields,active_from\n{line}".encode(), "专家.csv", by="李处", now=REVIEWED
    ).faults
    panels(found)
    for expert in seated(found):
        send_sheet(found.number, MARKS, {}, expert, REVIEWED)
    Relation.objects.create(
        owner=party(7), owned=party(1), share_permille=510, valid_from=date(2023, 1, 1), known_from=date(2024, 11, 1),
        source="登记", by="李处", at=LATER,
    )  # fmt: skip
    assert [(flag.saw["person"], flag.saw["tie"]) for flag in look_back(LATER)] == [("e0", "control")]


def test_a_file_of_relations_raises_flags_as_it_is_entered_on_the_sheet_and_on_the_step(made: Application) -> None:
    expert = seated(made)[0]
    line = f"{expert.username},{party(7).uscc},通用大模型,2020-01-01\n"
    import_experts(f"username,employer_uscc,fields,active_from\n{line}".encode(), "专家.csv", by="李处", now=REVIEWED)
    send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    other, seconded = application(2), person("seconded", "user", party=party(8), member_role="viewer")
    give_post(seconded, INDUSTRY, "check", date(2024, 1, 1), person("giver"), REVIEWED)
    act(other.number, "submit", applicant(2), REVIEWED)
    checked(other, seconded, REVIEWED)
    head, holding = "owner,owned,share,valid_from\n", f"{party(9).uscc},{party(1).uscc},60%,2023-01-01\n"
    import_relations(f"{head}{holding}".encode(), "别人的.csv", now=LATER)
    assert not ApplicationFlag.objects.exists(), "it concerns nobody who acted"
    file = (
        f"{head}{party(7).uscc},{party(9).uscc},60%,2023-01-01\n"  # by way of 9
        f"{party(8).uscc},{party(2).uscc},1%,2023-01-01\nbad,line,1%,2023-01-01\n"
    ).encode()
    with transaction.atomic():  # as one is tried before it is entered
        import_relations(file, "股权.csv", now=LATER)
        transaction.set_rollback(True)
    assert not ApplicationFlag.objects.exists()
    assert len(import_relations(file, "股权.csv", now=LATER).faults) == 1
    raised = {(flag.saw["person"], flag.saw["act"], flag.saw["tie"]) for flag in ApplicationFlag.objects.all()}
    assert raised == {(expert.username, "score", "control"), ("seconded", "check", "relation")}
    import_relations(file, "股权.csv", now=LATER)
    assert ApplicationFlag.objects.count() == 2
    assert look_back(LATER) == [], "nothing is left for the night"


def test_an_official_of_the_pool_with_a_tie_entered_later_is_flagged_and_does_not_answer_it(made: Application) -> None:
    checker = official("checker", "check", SCIENCE)
    line = "checker,某大学,芯片,2020-01-01\n"
    import_experts(f"username,employer,fields,active_from\n{line}".encode(), "专家.csv", by="李处", now=REVIEWED)
    tie("checker", made, starts="2024-01-01", now=LATER)
    (flag,) = look_back(LATER)
    assert (flag.saw["person"], flag.saw["act"], flag.saw["tie"]) == ("checker", "check", "advice")
    official("recommender", "recommend", INDUSTRY)
    other = ApplicationFlag.objects.create(
        application=made, kind=FlagReason.LATE_RELATION, about="x", saw={"person": "recommender"}, raised_at=LATER
    )
    with pytest.raises(NotAllowed, match="关系到您本人"):
        give_flag_answer(made.number, other.pk, official("recommender", "recommend", INDUSTRY), "没有问题", LATER)
    with pytest.raises(DatabaseError, match="not about"), transaction.atomic():
        ApplicationFlag.objects.filter(pk=other.pk).update(
            answered_by=official("recommender", "recommend", INDUSTRY), answered_at=LATER, reason="没有问题"
        )
    with pytest.raises(NotAllowed):
        give_flag_answer(made.number, flag.pk, checker, "没有问题", LATER)


def test_whoever_the_pool_says_is_tied_that_day_does_not_act() -> None:
    made, now = application(1), datetime.now(UTC)
    act(made.number, "submit", applicant(1), now)
    official("checker", "check")
    import_experts(
        "username,employer,fields,active_from\nchecker,某大学,芯片,2020-01-01\n".encode(), "专家.csv", by="李处",
        now=REVIEWED,
    )  # fmt: skip
    tie("checker", made, starts="2024-01-01")
    with pytest.raises(NotAllowed, match="有利害关系（顾问咨询），须回避"):
        act(made.number, "check", official("checker", "check"), now)


def test_a_relation_of_an_officials_own_party_entered_later_flags_the_step_and_stops_the_money() -> None:
    made, on_day = application(1), datetime(2024, 9, 2, 4, tzinfo=UTC)
    official("x", "check")
    seconded = person("seconded", "user", party=party(7), member_role="viewer")
    give_post(seconded, INDUSTRY, "check", date(2024, 1, 1), person("giver"), on_day)
    act(made.number, "submit", applicant(1), on_day)
    checked(made, seconded, on_day)
    act(made.number, "publicise", official("publisher", "publish"), on_day)
    held = {"owner": party(7), "owned": party(1), "share_permille": 600, "by": "登记员", "at": LATER}
    over = Relation.objects.create(
        **held, valid_from=date(2020, 1, 1), valid_to=date(2024, 9, 2), known_from=LATER.date(), source="登记"
    )
    assert look_back(LATER) == [], "it was over when the step was taken"
    register = Client()
    register.force_login(person("registrar"), backend="django.contrib.auth.backends.ModelBackend")
    typed = {"owner": party(7).uscc, "owned": party(1).uscc, "share": "60%", "valid_from": str(over.valid_to)}
    assert register.post(reverse("relation-form", args=[party(7).uscc]), typed).status_code == 302
    (flag,) = ApplicationFlag.objects.filter(application=made)  # raised when it was entered
    assert look_back(LATER) == []
    assert (flag.kind, flag.saw["person"], flag.saw["act"], flag.saw["tie"]) == (
        FlagReason.LATE_RELATION, "seconded", "check", "relation",
    )  # fmt: skip
    with pytest.raises(Conflict, match="事后登记的关系"):
        act(made.number, "decide", official("decider", "decide"), LATER, amount_fen=100)
    with pytest.raises(NotFound):
        give_flag_answer(made.number, flag.pk, seconded, "没有问题", LATER)
    give_flag_answer(made.number, flag.pk, official("inspector", "publish"), "核验结论已由另一人复核", LATER)
    act(made.number, "decide", official("decider", "decide"), LATER, amount_fen=100)


def test_a_tie_entered_after_acts_beside_the_steps_flags_each_of_them_and_stops_the_next_instalment() -> None:
    made, names = open_challenge(), ("signer", "committer", "payer", "second")
    line = "".join(f"{name},某大学,芯片,2020-01-01\n" for name in names)
    for name in names:
        official(name, "check")
    head = "username,employer,fields,active_from\n"
    assert not import_experts(f"{head}{line}".encode(), "专家.csv", by="李处", now=REVIEWED).faults
    committed(made)
    signed = SIGNED + timedelta(minutes=1)
    check = record_site_check(
        made.number, 1, SIGNED.astimezone(SHANGHAI).date(), ("second", "signer"), "在场", signer(), signed, holds=True
    )
    confirm_site_check(made.number, check.pk, official("second", "check"), signed)
    reported(made, 1)
    decide_milestone(made.number, 1, "达到", signer(), signed + timedelta(minutes=1), accepted=True, score=80)
    payer = official("payer", "pay", TREASURY)
    act(made.number, "pay", payer, SIGNED)
    assert look_back(SIGNED) == []
    for name in names:
        tie(name, made, starts="2024-01-01", now=SIGNED + timedelta(days=1))
    found = {(flag.saw["person"], flag.saw["act"]) for flag in look_back(SIGNED + timedelta(days=1))}
    assert found >= {
        ("signer", "contract"), ("signer", "accept"), ("signer", "site_check"), ("second", "site_check"),
        ("committer", "commit"), ("payer", "pay"),
    }  # fmt: skip
    assert look_back(SIGNED + timedelta(days=2)) == []
    with pytest.raises(Conflict, match="事后登记的关系"):
        order_again([made.number], official("payer2", "pay", TREASURY), SIGNED + timedelta(days=2))

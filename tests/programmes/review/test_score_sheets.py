"""Score sheets on record: sent once, from a seat without a conflict; what they come to, the review rests on."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from django.db import DatabaseError, transaction
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application, DutyHeld, PanelMeeting, PanelSeat, ScoreSheet, SeatEnd
from huisuan.programmes.review.panels import sitting
from huisuan.programmes.review_desk.commands import app
from huisuan.programmes.review_desk.queries import describe_review, seats_of
from huisuan.programmes.review_desk.services import record_meeting, release_expert
from huisuan.programmes.scoring.results import review_results
from huisuan.programmes.scoring.seats import open_seat, recuse
from huisuan.programmes.scoring.sheets import send_sheet, sheet_hash
from huisuan.programmes.workflow import act
from support.programmes import applicant, official, person
from support.reviews import (
    MARKS,
    REVIEWED,
    SCIENCE,
    challenge,
    marks_of,
    organiser,
    panels,
    pool,
    reasons_of,
    recommended,
    scored,
    seated,
    tie,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> Application:
    pool(9)
    found = recommended(challenge(), 1)
    panels(found)
    return found


def test_a_sheet_is_kept_weighed_and_hashed_sent_twice_it_is_one_and_it_never_changes(made: Application) -> None:
    expert = seated(made)[0]
    sheet = send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    assert (sheet.score, sheet.hash) == ("80", sheet_hash(sheet))
    assert [each["most"] for each in sheet.criteria["criteria"]] == [30, 25, 25, 20]
    assert send_sheet(made.number, MARKS, {}, expert, REVIEWED) == sheet
    with pytest.raises(Conflict, match="已提交，不能再改"):
        send_sheet(made.number, MARKS | {"budget": 15}, {}, expert, REVIEWED)
    assert DutyHeld.objects.get(application=made, person=expert).duty == "review"
    for change in (lambda: ScoreSheet.objects.update(score="1"), lambda: ScoreSheet.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_marks_that_are_very_low_or_very_high_need_their_reason_and_all_that_is_wrong_is_told(
    made: Application,
) -> None:
    expert = seated(made)[0]
    with pytest.raises(InvalidRequest) as refused:
        send_sheet(made.number, {"novelty": 30, "feasibility": 9, "industry": 26, "x": 1}, {}, expert, REVIEWED)
    assert str(refused.value).split("\n")[1:] == [
        "x：不是评审指标", "创新性：30 分低于或高于须说明的分数线（满分的 40%、95%），请写理由",
        "技术路线可行性：9 分低于或高于须说明的分数线（满分的 40%、95%），请写理由",
        '产业带动："26" 须是 0 至 25 的整数', "经费合理性：没有打分",
    ]  # fmt: skip
    assert send_sheet(made.number, MARKS | {"novelty": 30}, {"novelty": "首创"}, expert, REVIEWED).score == "86"


def test_only_who_sits_in_the_panel_scores_and_only_while_it_is_reviewed(made: Application) -> None:
    waiting = PanelSeat.objects.filter(application=made, alternate=True).first()
    assert waiting is not None
    for stranger in (waiting.expert.person, applicant(1), person("somebody"), organiser()):
        with pytest.raises(NotFound):
            send_sheet(made.number, MARKS, {}, stranger, REVIEWED)
    with pytest.raises(NotFound):
        send_sheet("A2024-999999", MARKS, {}, seated(made)[0], REVIEWED)
    with pytest.raises(DatabaseError), transaction.atomic():
        ScoreSheet.objects.create(
            seat=waiting, marks={"novelty": 1}, criteria={}, score="1", hash="0" * 64, at=REVIEWED
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        ScoreSheet.objects.create(
            seat=made.seats.first(), marks={"novelty": 1.5}, criteria={}, score="1", hash="0" * 64, at=REVIEWED
        )
    act(made.number, "refuse", official("decider", "decide", SCIENCE), REVIEWED, reason="撤项")
    with pytest.raises(Conflict, match="不在评审中"):
        send_sheet(made.number, MARKS, {}, seated(made)[0], REVIEWED)


@pytest.mark.parametrize("at", ["opening", "sending"])
def test_a_tie_entered_after_the_draw_takes_the_expert_out_and_calls_the_next_alternate(
    made: Application, at: str
) -> None:
    expert = seated(made)[1]
    open_seat(made.number, expert, REVIEWED)
    tie(expert.username, made)
    again = {
        "opening": lambda: open_seat(made.number, expert, REVIEWED),
        "sending": lambda: send_sheet(made.number, MARKS, {}, expert, REVIEWED),
    }
    with pytest.raises(NotAllowed, match="与申报单位有利害关系，须回避；已由候补专家递补"):
        again[at]()
    end = SeatEnd.objects.get()
    assert (end.seat.expert.person, end.by) == (expert, expert.username)
    assert end.successor is not None
    assert send_sheet(made.number, MARKS, {}, end.successor.expert.person, REVIEWED).score == "80"
    with pytest.raises(NotFound):
        open_seat(made.number, expert, REVIEWED)


def test_who_has_another_duty_in_the_application_leaves_the_panel(made: Application) -> None:
    expert = seated(made)[0]
    DutyHeld.objects.create(application=made, person=expert, duty="check")
    with pytest.raises(NotAllowed, match="已承担核验"):
        send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    assert sitting(made).count() == 5


def test_an_expert_gives_up_the_seat_and_an_office_releases_one_each_with_a_reason(made: Application) -> None:
    one, two = seated(made)[:2]
    recuse(made.number, one, "与负责人是师生", REVIEWED)
    with pytest.raises(NotFound):
        release_expert(made.number, one.username, "再次", organiser(), REVIEWED)
    with pytest.raises(NotAllowed):
        release_expert(made.number, two.username, "失联", official("checker", "check", SCIENCE), REVIEWED)
    release_expert(made.number, two.username, "失联", organiser(), REVIEWED)
    assert [end.reason for end in SeatEnd.objects.all()] == ["与负责人是师生", "失联"]
    assert not {one, two} & {seat.expert.person for seat in sitting(made)}


def test_a_review_is_complete_once_every_sheet_is_there(made: Application) -> None:
    scored(made, 60, 70, 80, 85)
    with pytest.raises(Conflict, match="5 份评分表只收到 4 份"):
        act(made.number, "review", organiser(), REVIEWED)
    scored(made, 60, 70, 80, 85, 90)
    result = review_results([made])[made.pk]
    assert (result.score, result.panel and result.panel.spread) == (Fraction(235, 3), 30)
    assert act(made.number, "review", organiser(), REVIEWED).to_state == "reviewed"


def test_sheets_too_far_apart_send_the_application_to_its_panel_whose_score_counts(made: Application) -> None:
    scored(made, 50, 70, 80, 85, 90)
    with pytest.raises(Conflict, match=r"评分相差 40\.0 分，超过上限"):
        act(made.number, "review", organiser(), REVIEWED)
    with pytest.raises(NotAllowed):
        record_meeting(made.number, marks_of(75), "合议", official("checker", "check", SCIENCE), REVIEWED)
    with pytest.raises(InvalidRequest, match="须写记录"):
        record_meeting(made.number, marks_of(75), " ", organiser(), REVIEWED)
    record_meeting(made.number, marks_of(75), "五人讨论，一致同意", organiser(), REVIEWED)
    with pytest.raises(Conflict, match="已登记"):
        record_meeting(made.number, marks_of(76), "再议", organiser(), REVIEWED)
    assert review_results([made])[made.pk].score == 75
    act(made.number, "review", organiser(), REVIEWED)
    with pytest.raises(DatabaseError), transaction.atomic():
        PanelMeeting.objects.update(score="99")


def test_a_panel_that_agrees_need_not_meet(made: Application) -> None:
    with pytest.raises(Conflict, match="只收到 0 份"):
        record_meeting(made.number, marks_of(75), "合议", organiser(), REVIEWED)
    scored(made, 60, 70, 80, 85, 90)
    with pytest.raises(Conflict, match="没有超过"):
        record_meeting(made.number, marks_of(75), "合议", organiser(), REVIEWED)


def test_an_expert_sees_the_own_seats_an_office_all_sheets_and_an_applicant_none(made: Application) -> None:
    expert = seated(made)[0]
    send_sheet(made.number, MARKS, {}, expert, REVIEWED)
    (row,) = seats_of(Viewer.for_person(expert))
    assert (row["number"], row["programme"], bool(row["sent_at"])) == (made.number, "5.1", True)
    assert seats_of(Viewer.for_person(applicant(1))) == []
    found = describe_review(Viewer.for_person(organiser()), made.number)
    assert [seat["sheet"]["score"] for seat in found["seats"] if seat["sheet"]] == ["80"]
    for who, kind in ((applicant(1), NotAllowed), (expert, NotFound), (applicant(2), NotFound)):
        with pytest.raises(kind):
            describe_review(Viewer.for_person(who), made.number)


def test_the_commands_show_score_and_meet(made: Application) -> None:
    def run(*words: str) -> dict:
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    expert = seated(made)[0].username
    assert run("sheet", made.number, "--by", expert)["sheet"] is None
    marks = [word for key, mark in MARKS.items() for word in ("--mark", f"{key}={mark}")]
    assert run("score", made.number, *marks, "--by", expert)["sheet"]["score"] == "80"
    assert [row["number"] for row in run("seats", "--by", expert)] == [made.number]
    organiser()
    for other, total in zip(seated(made)[1:], (10, 60, 60, 60), strict=True):
        send_sheet(made.number, marks_of(total), reasons_of("因为"), other, REVIEWED)
    assert run("review", made.number, "--by", "reviewer")["must_meet"]
    assert run("meeting", made.number, *marks, "--minutes", "议定", "--by", "reviewer")["score"] == "80"
    refused = CliRunner().invoke(app, ["score", made.number, "--mark", "novelty=高", "--by", expert])
    assert "分数须是整数" in str(refused.exception)

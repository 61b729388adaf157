"""From checked to decided: recommended, reviewed by drawn panels, ranked, standing in public, objected to, decided."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.errors import Refused
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.decision_sheets.compute import claimed_fen, left_on_line
from huisuan.programmes.decision_sheets.records import sheet_lines_of
from huisuan.programmes.generated_year.contracting import sign_contracts
from huisuan.programmes.generated_year.walking import Walk, settle_left
from huisuan.programmes.models import Application, NoticeLine, PanelSeat
from huisuan.programmes.notices.answering import answer_objection
from huisuan.programmes.notices.objecting import ObjectionText, object_to_line
from huisuan.programmes.review.plan import plan_of_call
from huisuan.programmes.review.ranking import SheetStatus
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.review_desk.services import record_meeting
from huisuan.programmes.scoring.sheets import send_sheet

#: of a hundred lines in public so many are objected to; one objection in three is upheld
_OBJECTED, _UPHELD = 3, 3
_FUNDED = (SheetStatus.FUNDED.value, SheetStatus.PARTLY_FUNDED.value)


def take_to_decision(walk: Walk) -> None:
    """Take what was checked as far as a decision."""
    if walk.edge("rank", State.REVIEWED) or claimed_fen(walk.made.call) > left_on_line(walk.made.call):
        settle_left(walk)
    if by := walk.who("recommend", State.CHECKED):
        walk.take(walk.numbers(State.CHECKED), "recommend", by, walk.pass_days(4))
    for state in (State.CHECKED, State.RECOMMENDED):
        if walk.edge("review", state):
            _review(walk, state)
    for state in (State.CHECKED, State.RANKED):
        if walk.edge("publicise", state):
            _publicise(walk, state)
    if by := walk.who("decide", State.IN_PUBLICITY):
        walk.take(walk.numbers(State.IN_PUBLICITY), "decide", by, walk.pass_days(3))
    sign_contracts(walk)
    if by := walk.who("close", State.DECIDED):
        walk.take(walk.numbers(State.DECIDED), "close", by, walk.pass_days(2))


def _review(walk: Walk, state: State) -> None:
    """Panels are drawn for all, every seat sends its sheet, panels too far apart meet; then the sheet is frozen."""
    numbers, organiser = walk.numbers(state), walk.who("review", state)
    if not numbers or organiser is None:
        return
    draw_call(walk.made.call.number, f"示例 {walk.seed}", organiser, walk.pass_days(3))
    now = walk.pass_days(10)
    for number in numbers:
        _score(walk, number, now)
    done = walk.take(numbers, "review", organiser, walk.pass_days(2))
    for number in sorted(set(numbers) - set(done)):
        _meet(walk, number, organiser)
    ranker = walk.who("rank", State.REVIEWED)
    if ranker is not None and walk.numbers(State.REVIEWED):
        freeze_sheet(walk.made.call.number, ranker, walk.pass_days(1))
        walk.take(walk.numbers(State.REVIEWED), "rank", ranker, walk.pass_days(1))


def _score(walk: Walk, number: str, now: datetime) -> None:
    criteria = plan_of_call(walk.made.call).criteria.criteria
    seats = PanelSeat.objects.filter(application__number=number, alternate=False, end__isnull=True)
    quality = walk.chance.randrange(45, 95)
    for seat in seats.select_related("expert__person").order_by("position"):
        percent = max(0, min(100, quality + walk.chance.randrange(-8, 9)))
        marks = {each.key: each.most * percent // 100 for each in criteria}
        try:
            send_sheet(number, marks, dict.fromkeys(marks, "示例理由"), seat.expert.person, now)
        except Refused as refusal:
            walk.made.count_refusal(refusal.code)


def _meet(walk: Walk, number: str, organiser: Person) -> None:
    criteria = plan_of_call(walk.made.call).criteria.criteria
    marks, now = {each.key: each.most * 7 // 10 for each in criteria}, walk.pass_days(1)
    try:
        record_meeting(number, marks, "示例：合议后一致", organiser, now)
    except Refused as refusal:
        walk.made.count_refusal(refusal.code)
        return
    walk.take([number], "review", organiser, now)


def _publicise(walk: Walk, state: State) -> None:
    """All that can stand in public does, on one notice; some lines are objected to and answered before it ends."""
    publisher, decider = walk.who("publicise", state), walk.who("decide", State.IN_PUBLICITY)
    numbers = walk.numbers(state)
    if publisher is None or decider is None or not numbers:
        return
    if state is State.CHECKED:
        _freeze_where_short(walk, decider)
    held = sheet_lines_of(list(Application.objects.filter(number__in=numbers).select_related("call")))
    unfunded = {line.application.number for line in held.values() if line.status not in _FUNDED}
    public = walk.take([one for one in numbers if one not in unfunded], "publicise", publisher, walk.pass_days(3))
    _object(walk, public)
    walk.take(sorted(unfunded), "refuse", decider, walk.pass_days(8), "示例：未入选")


def _freeze_where_short(walk: Walk, decider: Person) -> None:
    """Where the budget does not do for all, the sheet says before the notice who gets how much."""
    call = walk.made.call
    if claimed_fen(call) > left_on_line(call):
        freeze_sheet(call.number, decider, walk.pass_days(1))


def _object(walk: Walk, numbers: list[str]) -> None:
    answers = walk.who("suspend", State.IN_PUBLICITY, 1)
    lines = NoticeLine.objects.filter(application__number__in=numbers).select_related("notice").order_by("pk")
    objected = [line for line in lines if walk.chance.randrange(100) < _OBJECTED]
    now = walk.pass_days(2)
    for line in objected:
        said = ObjectionText("示例群众", "13800000000", "示例：与实际不符", [])
        made = object_to_line(line.notice.number, line.position, said, now)
        if answers is not None:
            upheld = walk.chance.randrange(_UPHELD) == 0
            answer_objection(made.pk, "示例：已核实", answers, now, upheld=upheld)

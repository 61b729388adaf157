"""The way of a call's claims to their check: some in time, some late or left lying, some sent back, some refused."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from huisuan.base.errors import Refused
from huisuan.calendar.official import load_calendar
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.flag_answers import give_flag_answer
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.generated_year.handing_in import YearCall, at_hour
from huisuan.programmes.generated_year.people import YearPeople
from huisuan.programmes.models import Application, ApplicationCheck, CheckKind, ProcedureEdge
from huisuan.programmes.workflow import act, act_on_many

#: of a hundred claims so many are sent back once, taken back by their firm, left lying, answered late
_RETURNED, _WITHDRAWN, _LEFT, _LATE = 6, 2, 3, 12
IN_ORDER = "示例：已核对"


@dataclass
class Walk:
    """The walk of one call. `day` moves forward with every step."""

    made: YearCall
    people: YearPeople
    chance: random.Random
    seed: int
    day: date

    def numbers(self, *states: State) -> list[str]:
        """The claims of the call in those states, the first one first."""
        held = Application.objects.filter(call=self.made.call, state__in=[state.value for state in states])
        return list(held.order_by("pk").values_list("number", flat=True))

    def pass_days(self, working: int) -> datetime:
        """Go on by so many working days; ten o'clock of that day."""
        is_working = load_calendar()
        while working > 0:
            self.day += timedelta(days=1)
            working -= is_working(self.day) is not False
        return at_hour(self.day)

    def edge(self, action: str, state: State) -> ProcedureEdge | None:
        """The edge of an action from a state, if the procedure has one."""
        edges = ProcedureEdge.objects.filter(edition=self.made.call.edition_id, action=action, from_state=state.value)
        return edges.first()

    def who(self, action: str, state: State, at: int = 0) -> Person | None:
        """Who takes an action from a state; None: the procedure has no such action there."""
        edge = self.edge(action, state)
        return self.people.official(edge.duty, edge.office, at) if edge and edge.office else None

    def take(self, numbers: Sequence[str], action: str, by: Person, now: datetime, reason: str = IN_ORDER) -> list[str]:
        """Take a step on many; what is refused is counted by its code. Returns those that moved."""
        if not numbers:
            return []
        self.answer_flags(numbers, now)
        outcome = act_on_many(numbers, action, by, now, reason=reason)
        for refusal in outcome.refused.values():
            self.made.count_refusal(refusal.code)
        return [number for number in numbers if number not in outcome.refused]

    def answer_flags(self, numbers: Sequence[str], now: datetime) -> None:
        """Another official of the same office says why a flag may stand."""
        held = list(Application.objects.filter(number__in=numbers))
        by = self.who("check", State.SUBMITTED, 1) or self.who("record", State.SUBMITTED, 1)
        for flag in flags_of(held).filter(answered_at=None) if by else ():
            assert by is not None
            try:
                give_flag_answer(flag.application.number, flag.pk, by, "示例：已核实，互不影响", now)
            except Refused as refusal:
                self.made.count_refusal(refusal.code)


def check_claims(walk: Walk) -> None:
    """Check what was handed in: in time, late, or not at all; sent back, corrected, checked again; refused."""
    numbers = walk.numbers(State.SUBMITTED)
    left = [number for number in numbers if walk.chance.randrange(100) < _LEFT]
    late = [number for number in numbers if number not in left and walk.chance.randrange(100) < _LATE]
    in_time = [number for number in numbers if number not in left and number not in late]
    _withdraw_some(walk, in_time)
    now = walk.pass_days(6)
    back = _send_back(walk, [number for number in in_time if walk.chance.randrange(100) < _RETURNED], now)
    _check(walk, [number for number in in_time if number not in back], now)
    now = walk.pass_days(5)
    corrected = list(_correct(walk, back, now))
    _check(walk, corrected, walk.pass_days(3))
    _check(walk, late, walk.pass_days(8))


def settle_left(walk: Walk) -> None:
    """Nothing may wait any more where a sheet is to be frozen: check what was left, refuse what never came back."""
    _check(walk, walk.numbers(State.SUBMITTED), walk.pass_days(2))
    if decider := walk.who("refuse", State.RETURNED):
        walk.take(walk.numbers(State.RETURNED), "refuse", decider, walk.pass_days(1), "示例：逾期未补正")


def _withdraw_some(walk: Walk, numbers: list[str]) -> None:
    for number in [one for one in numbers if walk.chance.randrange(100) < _WITHDRAWN]:
        act(number, "withdraw", walk.made.owners[number], walk.pass_days(0), reason="示例：申报有误")
        numbers.remove(number)


def _send_back(walk: Walk, numbers: Sequence[str], now: datetime) -> set[str]:
    checker = walk.who("return", State.SUBMITTED)
    if checker is None or not numbers:
        return set()
    each = {number: {"fields": [walk.made.fields[number]]} for number in numbers}
    outcome = act_on_many(
        numbers, "return", checker, now, reason="示例：请补充说明", payload={"fields": ["facts"]}, each=each
    )
    return {step.application.number for step in outcome.done}


def _correct(walk: Walk, numbers: set[str], now: datetime) -> Iterator[str]:
    """Handed in again by their owners; one in ten never comes back."""
    for number in sorted(numbers):
        if walk.chance.randrange(10):
            submit_draft(walk.made.call.number, walk.made.drafts[number], walk.made.owners[number], now)
            yield number


def _check(walk: Walk, numbers: Sequence[str], now: datetime) -> None:
    """Ask everything of each, answer its flags by another, then check or refuse all at once."""
    checker = walk.who("check", State.SUBMITTED)
    if checker is None:
        _record(walk, numbers, now)
        return
    holdings = HoldingsOn(now.date())
    good: list[str] = []
    bad: list[str] = []
    for number in numbers:
        try:
            answers = check_application(number, checker, now, holdings)
        except Refused as refusal:
            walk.made.count_refusal(refusal.code)
            continue
        (good if _holds_by_law(answers) else bad).append(number)
    walk.take(good, "check", checker, now)
    _refuse(walk, bad, now)


def _record(walk: Walk, numbers: Sequence[str], now: datetime) -> None:
    """What is entered without a decision."""
    keeper = walk.who("record", State.SUBMITTED)
    if keeper is not None:
        walk.take(numbers, "record", keeper, now)


def _holds_by_law(answers: Sequence[ApplicationCheck]) -> bool:
    return all(one.passed is not False for one in answers if one.kind == CheckKind.LAW.value)


def _refuse(walk: Walk, numbers: Sequence[str], now: datetime) -> None:
    decider = walk.who("refuse", State.SUBMITTED)
    if decider is not None:
        walk.take(numbers, "refuse", decider, now, "示例：不符合条件")

"""What a frozen sheet has to say of the steps that follow: who is ranked, who is granted what, who moves up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.money import yuan
from huisuan.law.procedure import State
from huisuan.programmes.checks.payable import payable_answers
from huisuan.programmes.decision_sheets.compute import claimed_fen, left_on_line, lines_with_money
from huisuan.programmes.decision_sheets.records import last_lines, last_sheet, sheet_lines_of, store_sheet
from huisuan.programmes.models import Application, ApplicationStep, Call
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review.ranking import SheetStatus, move_up, read_sheet
from huisuan.programmes.step_conditions import AskedStep

_NOT_GRANTED = {
    SheetStatus.WAITING: "为候补，还没有资金或名额；有申报退出时依次递补",
    SheetStatus.NOT_RECOMMENDED: "未达推荐的最低分，请作出不予支持的决定",
}
#: granted already: what they have does not change when others fall out
_SETTLED = (State.DECIDED, State.CONTRACTED, State.COMMITTED, State.PAYING, State.MONITORED, State.CLOSED)


def stand_on_the_sheet(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What is ranked stands on the frozen decision sheet of its call."""
    lines = sheet_lines_of(applications)
    return {
        one.pk: Conflict(f"{one.number}：决策表还没有冻结，或其中没有此件", code="sheet.not_frozen")
        for one in applications
        if one.call_id is not None and declared_review(one.edition) is not None and one.pk not in lines
    }


def fit_the_line(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Where a call's line does not do for all that is claimed under it, the sheet says first who gets how much.

    A line that was given no money yet says nothing; nothing is committed from it either.
    """
    lines = sheet_lines_of(applications)
    calls = {one.call_id for one in applications if one.call_id is not None and one.pk not in lines}
    short: dict[int, Conflict] = {}
    for call in Call.objects.filter(pk__in=calls, line__in=lines_with_money()).order_by("pk"):
        claimed, left = claimed_fen(call), left_on_line(call)
        if claimed > left:
            short[call.pk] = Conflict(
                f"{call.number} 下的申报共应得 {yuan(claimed)} 元，预算只有 {yuan(left)} 元："
                "先在申报通知的页面冻结决策表",
                code="sheet.line_too_small",
            )
    return {one.pk: short[one.call_id] for one in applications if one.pk not in lines and one.call_id in short}


def sheet_grants(applications: Sequence[Application]) -> dict[int, int]:
    """By application what its sheet funds, in fen: no more than is payable for what was last handed in."""
    lines = sheet_lines_of(applications)
    answers = payable_answers([one for one in applications if one.pk in lines])
    found = {}
    for pk, line in lines.items():
        owed = answers[pk].fen if pk in answers else None
        found[pk] = line.funded_fen if owed is None else min(line.funded_fen, owed)
    return found


def are_granted_by_the_sheet(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """A decision under a sheet grants what the sheet funds, named or not; who waits is not granted yet."""
    refused: dict[int, Refused] = {}
    grants = sheet_grants(applications)
    for pk, line in sheet_lines_of(applications).items():
        number = next(one.number for one in applications if one.pk == pk)
        if SheetStatus(line.status) in _NOT_GRANTED:
            refused[pk] = Conflict(f"{number}：{_NOT_GRANTED[SheetStatus(line.status)]}", code="sheet.not_funded")
        elif asked.amount_fen not in (None, grants[pk]):
            refused[pk] = InvalidRequest(
                f"{number}：金额以决策表为准，为 {grants[pk]} 分，批准时不写或照写", code="sheet.amount_is_on_it"
            )
    return refused


def move_up_waiting(steps: Sequence[ApplicationStep]) -> None:
    """Where funded ones fall out, the next sheet of their call says who moves up, and with what."""
    fallen: dict[int, list[ApplicationStep]] = defaultdict(list)
    on_sheet = set(
        last_lines()
        .filter(application__in=[step.application_id for step in steps])
        .values_list("application_id", flat=True)
    )
    for step in steps:
        if step.application_id in on_sheet and step.application.call_id is not None:
            fallen[step.application.call_id].append(step)
    for call in Call.objects.filter(pk__in=fallen).order_by("pk").select_for_update(of=("self",), no_key=True):
        before, gone = last_sheet(call), fallen[call.pk]
        assert before is not None
        numbers = [step.application.number for step in gone]
        settled = last_lines().filter(sheet__call=call, application__state__in=_SETTLED)
        sheet = move_up(
            read_sheet(before.content), numbers, settled.values_list("application__number", flat=True)
        )  # fmt: skip
        reason = f"退出：{'、'.join(numbers)}"
        store_sheet(call, sheet, before.number + 1, reason, gone[0].person, gone[0].at)

"""Judging what was found: mask, blur, drop, or a false alarm; one finding, a column, or a kind. Append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.opendata.gate.scan_work import open_findings
from huisuan.opendata.gate.steps import lock_file, take_duty, take_step
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateFinding, GateJudgement, GateScan, JudgeAction
from huisuan.opendata.scanning.finding_kinds import FindingKind
from huisuan.parties.models import Person

_JUDGED_IN = (GateState.TO_JUDGE, GateState.CLEAN, GateState.READY)


@dataclass(frozen=True)
class GivenJudgement:
    """What is done: about the finding of a `number`, or with `column` about all of its kind in its column, or with
    `everywhere` about all of its kind in the file."""

    number: int
    action: str
    reason: str = ""
    column: bool = False
    everywhere: bool = False


@transaction.atomic
def judge_findings(number: int, given: GivenJudgement, person: Person, now: datetime) -> GateFile:
    """Judge findings of a file; once none is left open it goes on.

    Raises:
        NotFound: no such file or finding.
        NotAllowed: whoever judges has another duty at the file.
        Conflict: the file is not to be judged now.
        InvalidRequest: no such action; a false alarm without a reason; a blur of what has no value.
    """
    file = lock_file(number, person)
    if file.state not in _JUDGED_IN:
        state = GateState(file.state).label
        raise Conflict(f"第 {number} 号文件现在{state}，没有可判断的", code="gate.not_to_judge")
    scan = latest_scan(file)
    finding = GateFinding.objects.filter(scan=scan, number=given.number).first()
    if finding is None:
        raise NotFound(f"第 {number} 号文件没有第 {given.number} 处发现", code="gate.finding_unknown")
    _check(given, finding)
    take_duty(file, person, GateDuty.JUDGE)
    GateJudgement.objects.create(
        file=file, scan=scan, action=given.action, reason=given.reason, by=person, at=now, **_about(given, finding)
    )
    left = open_findings(scan)
    take_step(file, "judge" if left else "settle", now, person, GateDuty.JUDGE, reason=given.reason)
    return file


def latest_scan(file: GateFile) -> GateScan:
    """The last scan of the file as it came in; there is one in every state in which it is judged."""
    return GateScan.objects.filter(file=file, product=None).latest("id")


def _check(given: GivenJudgement, finding: GateFinding) -> None:
    if given.action not in JudgeAction.values:
        raise InvalidRequest(
            f'"{given.action[:20]}" 不是办法：{"、".join(JudgeAction.values)}', code="gate.action_unknown"
        )
    if given.action == JudgeAction.FALSE_ALARM and not given.reason.strip():
        raise InvalidRequest("判为误报须写理由：--reason", code="gate.false_alarm_has_a_reason")
    if len(given.reason) > 300:
        raise InvalidRequest("理由至多 300 字", code="gate.reason_too_long")
    if finding.kind == FindingKind.UNREAD and given.action != JudgeAction.DROP:
        raise InvalidRequest("没有读到的部分只能删去（drop）：不知道里面有什么", code="gate.unread_is_dropped")
    if finding.kind == FindingKind.UNREAD_NAMES and given.action not in (JudgeAction.DROP, JudgeAction.FALSE_ALARM):
        raise InvalidRequest(
            "姓名未查的正文，由人逐行读过、没有要遮盖的姓名的判为误报（false_alarm，写明谁读过），否则删去（drop）",
            code="gate.unread_names_are_read",
        )


def _about(given: GivenJudgement, finding: GateFinding) -> dict[str, object]:
    if given.everywhere:
        return {"kind": finding.kind}
    if given.column:
        return {"kind": finding.kind, "part": finding.part, "column": finding.column}
    return {"number": finding.number}

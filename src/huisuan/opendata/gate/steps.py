"""A step of a file: along an arrow, under the one duty of who takes it, in the transaction of what it does."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.opendata.gate_arrows import GateDuty, GateState, arrow
from huisuan.opendata.models import GateDutyHeld, GateFile, GateStep
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Person, Role

STEWARDS = (Role.CITY, Role.PROVINCE)
_LONGEST_REASON = 300


def lock_file(number: int, person: Person | None = None) -> GateFile:
    """A file, held until the transaction ends; for a person only where it is of their city, or they of the province.

    Raises:
        NotFound: none of that number, or not theirs.
    """
    found = GateFile.objects.select_for_update(of=("self",)).filter(pk=number)
    if person is not None and person.role != Role.PROVINCE:
        own = person.city_id if person.role == Role.CITY else None
        found = found.filter(entry__latest__region_id=own)
    file = found.select_related("entry").first()
    if file is None:
        raise NotFound(f"没有第 {number} 号文件", code="gate.file_unknown")
    return file


def is_open(file: GateFile) -> bool:
    """Whether the list says now that its entry may be had."""
    latest = file.entry.latest
    return latest is not None and latest.access != Access.CLOSED


def take_duty(file: GateFile, person: Person, duty: GateDuty) -> None:
    """Give somebody their one duty at a file.

    Raises:
        NotAllowed: they have another one at it, are not of a city or the province, are no longer active, or are the
            account of a program.
    """
    if person.machine or not person.is_active:
        raise NotAllowed("程序账号和已停用的人不能送交、判断、放行", code="gate.not_a_person")
    if person.role not in STEWARDS:
        raise NotAllowed("开放数据文件由市和省专班的人员送交、判断、放行", code="gate.not_a_steward")
    held, _ = GateDutyHeld.objects.get_or_create(file=file, person=person, defaults={"duty": duty})
    if held.duty != duty:
        has, asked = GateDuty(held.duty).label, duty.label
        raise NotAllowed(
            f"第 {file.pk} 号文件由你{has}，不能再由你{asked}：送交、判断、放行须是三个人", code="gate.another_duty"
        )


def take_step(
    file: GateFile, action: str, now: datetime, person: Person | None = None, duty: str = "", reason: str = ""
) -> GateStep:
    """Take a step; the file is locked. Without a person it is the machine's.

    Raises:
        Conflict: no such arrow from where the file stands.
        InvalidRequest: the reason is too long.
    """
    duty = duty if person is not None else GateDuty.MACHINE
    along = arrow(action, file.state, duty)
    if along is None:
        stands = GateState(file.state).label if file.state else "新的"
        raise Conflict(f"第 {file.pk} 号文件现在{stands}，不能这样办理", code="gate.no_such_step")
    if len(reason) > _LONGEST_REASON:
        raise InvalidRequest(f"理由至多 {_LONGEST_REASON} 字", code="gate.reason_too_long")
    step = GateStep.objects.create(
        file=file, number=file.steps_taken + 1, previous=file.steps_taken or None, action=action,
        from_state=along.start, to_state=along.end, duty=duty, person=person, reason=reason,
        at=max(now, file.state_since),
    )  # fmt: skip
    file.refresh_from_db(fields=["state", "state_since", "steps_taken"])
    return step

"""Asking again for the scan of a file that stands still: its scan failed, or the rules have changed since."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery

from huisuan.base.errors import Conflict, NotAllowed
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.scan_work import ask_for_scan, open_findings
from huisuan.opendata.gate.steps import lock_file, take_duty, take_step
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateRelease, GateRules, GateScan, ScanWork
from huisuan.opendata.names.lac_model import model_name
from huisuan.opendata.names.stage import current_rules
from huisuan.parties.models import Person

_OUT = (GateState.RELEASED, GateState.SUSPENDED)
_TO_SCAN = (GateState.RECEIVED, GateState.READING, GateState.REMADE)


@transaction.atomic
def rescan_file(number: int, person: Person, now: datetime) -> GateFile:
    """Ask for the scan that a file waits for; one that is ready by older rules is scanned again.

    A file in which nothing is left to judge, for it was found in the product alone, may be judged and made anew.

    Raises:
        NotFound: see `lock_file`.
        NotAllowed: a program asks.
        Conflict: its scan is under way, or it waits for none.
    """
    file = lock_file(number, person)
    if person.machine or not person.is_active:
        raise NotAllowed("程序账号和已停用的人不能请求再检查", code="gate.not_a_person")
    asked = f"由 {person.username} 请求"
    if file.state == GateState.TO_JUDGE and open_findings(latest_scan(file)) == 0:
        take_step(file, "pass", now, reason=asked)
        return file
    if file.state == GateState.READY and _is_outdated(file):
        take_step(file, "again", now, reason=asked)
    elif (file.state not in _TO_SCAN and not (file.state in _OUT and _is_outdated(file))) or _is_under_way(file):
        raise Conflict(
            f"第 {number} 号文件现在{GateState(file.state).label}：没有要再检查的，或检查还在进行",
            code="gate.nothing_to_rescan",
        )
    ask_for_scan(file, person.username, now)
    return file


def scan_what_is_out(now: datetime) -> int:
    """Ask for a scan of every product that is out, or suspended, and was last scanned by older rules; how many files.

    A hit suspends the file: every way out answers that it is gone.
    """
    rules = current_rules()
    known = [rules]
    if not model_name():  # the same rules with a model say more
        known += GateRules.objects.filter(version__startswith=f"{rules}+").values_list("version", flat=True)
    last = GateScan.objects.filter(product=OuterRef("product")).order_by("-id").values("rules_id")[:1]
    old = GateRelease.objects.of_last_remake().filter(file__state__in=_OUT)
    old = old.annotate(last_rules=Subquery(last)).exclude(last_rules__in=known)
    asked = 0
    for number in old.order_by("file_id").values_list("file_id", flat=True).distinct():
        with transaction.atomic():
            file = lock_file(number)
            if file.state in _OUT and not _is_under_way(file):
                ask_for_scan(file, "rules", now)
                asked += 1
    return asked


@transaction.atomic
def reopen_file(number: int, person: Person, now: datetime, reason: str = "") -> GateFile:
    """Have what came in read again by the rules that suspended its product: it is judged, made and released anew.

    By whoever judges it; the way out leads through the same three duties. What was out before never comes back.

    Raises:
        NotFound, NotAllowed: see `lock_file` and `take_duty`.
        Conflict: it is not suspended, or its scan is under way.
        InvalidRequest: the reason is too long.
    """
    file = lock_file(number, person)
    if file.state != GateState.SUSPENDED or _is_under_way(file):
        raise Conflict(
            f"第 {number} 号文件现在{GateState(file.state).label}：中止提供、又不在检查的，才能重新判断",
            code="gate.not_suspended",
        )
    take_duty(file, person, GateDuty.JUDGE)
    take_step(file, "reopen", now, person, GateDuty.JUDGE, reason=reason)
    ask_for_scan(file, person.username, now)
    return file


def _is_outdated(file: GateFile) -> bool:
    scans = GateScan.objects.filter(product__remake=file.remakes.latest("id"))
    return scans.order_by("id").last().rules_id != current_rules()  # type: ignore[union-attr]


def _is_under_way(file: GateFile) -> bool:
    return ScanWork.objects.filter(file=file, ended_at=None).exists()

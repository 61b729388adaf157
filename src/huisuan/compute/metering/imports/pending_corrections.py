"""Corrections that wait for a person: kept with their flag, applied when it is answered with a yes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from huisuan.base.errors import Conflict
from huisuan.compute.duck.workbench import workbench
from huisuan.compute.metering.checks.anomaly import FlagKind
from huisuan.compute.metering.checks.flags import (
    BY_THE_PLATFORM,
    answer_flag,
    answered_for_good,
    open_flags,
    raise_flags,
)
from huisuan.compute.metering.checks.overuse import find_overuse
from huisuan.compute.metering.imports.append_records import append_records
from huisuan.compute.metering.imports.mappings import load_mappings
from huisuan.compute.metering.intake.corrections import COLUMNS
from huisuan.compute.metering.intake.parsed_file import FileAnomaly
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Centre, MeterFlag, PendingCorrection, SourceFile, UsageRecord

HeldCorrections = Sequence[tuple[FileAnomaly, dict[str, Any]]]
_OVERTAKEN = "账户此后改了对应，这一更正不再适用；仍需要的会按新的对应重新提出"


def open_corrections(centre: Centre) -> QuerySet[PendingCorrection]:
    """The corrections of a centre that wait for a person."""
    return PendingCorrection.objects.filter(centre=centre, flag__answered_at__isnull=True)


def drop_answered_corrections(centre: Centre, corrections: HeldCorrections) -> list[tuple[FileAnomaly, dict[str, Any]]]:
    """Those that no person has answered yet; a file that is imported again asks nothing twice."""
    keys = [anomaly.key for anomaly, _ in corrections]
    flags = answered_for_good(centre).filter(kind=FlagKind.CORRECTION, key__in=keys)
    answered = set(flags.values_list("key", flat=True))
    return [(anomaly, record) for anomaly, record in corrections if anomaly.key not in answered]


def keep_corrections(centre: Centre, corrections: HeldCorrections, file: SourceFile) -> None:
    """Keep what each correction would make of its record, beside the flag that was raised for it; once."""
    records = {anomaly.key: record for anomaly, record in corrections}
    flags = open_flags(centre).filter(kind=FlagKind.CORRECTION, key__in=records, correction__isnull=True)
    PendingCorrection.objects.bulk_create(
        PendingCorrection(
            flag=flag, centre=centre, source_file=file, supersedes=records[flag.key]["supersedes"],
            record=records[flag.key],
        )
        for flag in flags
    )  # fmt: skip


def close_overtaken_corrections(centre: Centre, now: datetime) -> list[SourceFile]:
    """Answer those that would give a record to a party to which its account is not mapped any more; their files.

    The centre's row must be locked: a correction must not be accepted while its account is mapped anew.
    """
    waiting = list(open_corrections(centre).select_related("source_file"))
    passed = _overtaken(centre, waiting)
    overtaken = [each for each in waiting if each.pk in passed]
    numbers = [each.flag_id for each in overtaken]
    open_flags(centre).filter(pk__in=numbers).update(  # one that a person answers just now stays as they answered it
        answered_at=now, answered_by=BY_THE_PLATFORM, answer=_OVERTAKEN
    )
    return list({each.source_file_id: each.source_file for each in overtaken}.values())


def _overtaken(centre: Centre, waiting: Sequence[PendingCorrection]) -> set[int]:
    """Of these, whose party is neither the one that the account is mapped to nor, where it is not mapped, as before."""
    mappings = load_mappings(centre)
    records = UsageRecord.objects.filter(centre=centre, sequence__in=[each.supersedes for each in waiting])
    before = dict(records.values_list("sequence", "party_id"))
    found = set()
    for each in waiting:
        mapped = mappings.party_of(each.record["user"], each.record["account"])
        allowed = (None, before.get(each.supersedes)) if mapped is None else (mapped,)
        if each.record["party_id"] not in allowed:
            found.add(each.pk)
    return found


@transaction.atomic
def resolve_flag(number: int, text: str, by: str, now: datetime, *, accept: bool = False) -> MeterFlag:
    """Answer a flag; `accept` the correction that waits with it.

    Raises:
        NotFound: there is no such flag.
        InvalidRequest: the answer is empty.
        Conflict: it is answered, or nothing waits that could be accepted.
    """
    if not accept:
        return answer_flag(number, text, by, now)
    pending = PendingCorrection.objects.filter(flag=number).select_related("source_file", "flag").first()
    if pending is None:
        raise Conflict(
            f"疑点 {number} 没有等待确认的更正，不能 --accept；只写答复即可", code="flag.no_correction_pending"
        )
    centre = Centre.objects.select_for_update().get(pk=pending.centre_id)
    flag = answer_flag(number, text, by, now)
    if UsageRecord.objects.filter(centre=centre, supersedes=pending.supersedes).exists():
        raise Conflict(
            f"第 {pending.supersedes} 条记录此后已被更正，这一更正不再适用；请只写答复，不加 --accept",
            code="correction.record_already_corrected",
        )
    if _overtaken(centre, [pending]):
        raise Conflict(
            "这一更正所归的主体，已不是账户现在对应的主体；请只写答复，不加 --accept，需要时再导入文件",
            code="correction.mapping_changed",
        )
    _refuse_overlap(centre, pending)
    pending.applied = _append(centre, pending, now)
    pending.save(update_fields=["applied"])
    raise_flags(centre, find_overuse(centre, pending.applied), now)
    return flag


def _refuse_overlap(centre: Centre, pending: PendingCorrection) -> None:
    """A correction may have waited while another run of its job was metered in what it would take.

    Raises:
        Conflict: names the record; both would be counted.
    """
    record = pending.record
    started, ended = (datetime.fromtimestamp(record[edge], UTC) for edge in ("started", "ended"))
    others = current_usage().filter(
        centre=centre, job_id=record["job_id"], started_at__lt=ended, ended_at__gt=started,
    ).exclude(ended_at=F("started_at")).exclude(sequence=pending.supersedes).exclude(started_at=started)  # fmt: skip
    if record["cluster"]:
        others = others.filter(cluster__in=("", record["cluster"]))
    other = others.order_by("sequence").first()
    if other is not None and ended > started:
        raise Conflict(
            f"这一更正与此后计量的第 {other.sequence} 条记录（同一作业）重叠，接受会重复计量；"
            "请只写答复，不加 --accept",
            code="correction.overlaps_record",
        )


def _append(centre: Centre, pending: PendingCorrection, now: datetime) -> int:
    """Append the record that the correction makes; its sequence."""
    with workbench() as con:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        con.execute(f"CREATE TABLE record ({columns})")
        con.execute(
            f"INSERT INTO record VALUES ({', '.join('?' for _ in COLUMNS)})",  # noqa: S608 (as many as there are)
            [pending.record[name] for name in COLUMNS],
        )
        append_records(con, centre, pending.source_file, now)
    return centre.last_sequence + 1

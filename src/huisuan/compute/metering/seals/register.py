"""The register, made and given out: every month what the platform says of all centres, which it cannot take back.

It names keys, heads and roots only: no use, no money, nothing that a centre keeps to itself. So it is for everybody.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.folder import canonical, is_signed
from huisuan.compute.metering.audit.register import REGISTER_KIND, RegisterFile
from huisuan.compute.metering.ledger.append import append_batches
from huisuan.compute.metering.ledger.chain import START
from huisuan.compute.models import AgentKey, Centre, MeterBatch, RegisterEntry, RegisterSignature, Seal, UsageRecord
from huisuan.protocol.batch_chain import register_digest, statement_sha256

SETTLING_DAYS = 5  # after a month's end: by then its seals can have been made


def publish_register(through: Month, now: datetime) -> list[RegisterEntry]:
    """Make the entries that are due, up to a month that is over; the first one there is may be of any month.

    Raises:
        InvalidRequest: the month is not over.
        Conflict: its entry was made long ago.
    """
    if int(now.timestamp()) < through.ends:
        raise InvalidRequest(
            f"{through} 还没有过完，不能登记（现在是 {now.astimezone(SHANGHAI):%Y-%m-%d}）", code="month.not_over"
        )
    with transaction.atomic():
        last = RegisterEntry.objects.order_by("-month").first()
        due = Month.containing(last.month).following if last else through
        made: list[RegisterEntry] = []
        while due <= through:
            made.append(_create_entry(due, made[-1] if made else last, now))
            due = due.following
    if not made:
        raise Conflict(f"{through} 已经登记；登记册只增不改", code="register.month_published")
    return made


def due_month(now: datetime) -> Month | None:
    """The month up to which entries are to be made now; None: none."""
    settled = (now - timedelta(days=SETTLING_DAYS)).astimezone(SHANGHAI).date()
    over = Month.containing(settled.replace(day=1) - timedelta(days=1))
    last = RegisterEntry.objects.order_by("-month").values_list("month", flat=True).first()
    return over if last is None or Month.containing(last) < over else None


def _create_entry(month: Month, before: RegisterEntry | None, now: datetime) -> RegisterEntry:
    previous = before.sha256 if before else None
    fields = {
        "kind": REGISTER_KIND, "month": str(month), "previous": previous, "made_at": int(now.timestamp()),
        "centres": [_centre(listed_centre, month, now) for listed_centre in Centre.objects.order_by("code")],
    }  # fmt: skip
    statement = canonical(fields)
    return RegisterEntry.objects.create(
        month=month.first_day, statement=statement, sha256=statement_sha256(statement), previous=previous or "",
        signature=platform_key.sign(register_digest(statement)), made_at=now,
    )  # fmt: skip


def _centre(centre: Centre, month: Month, now: datetime) -> dict[str, Any]:
    centre = Centre.objects.select_for_update(no_key=True).get(pk=centre.pk)
    append_batches(centre, centre.last_sequence, [], now)  # whatever no batch covers yet
    head = MeterBatch.objects.filter(centre=centre).order_by("-number").values_list("number", "chain").first()
    number, chain = head or (0, START)
    return {
        "code": centre.code, "name": centre.name, "batches": number, "chain": chain,
        "agents": [
            {"name": agent_key.name, "key": agent_key.public_key, "valid_from": int(agent_key.enrolled_at.timestamp()),
             "valid_to": int(agent_key.revoked_at.timestamp()) if agent_key.revoked_at else None}
            for agent_key in AgentKey.objects.filter(centre=centre).order_by("enrolled_at", "id")
        ],
        "months": _months(centre, month),
    }  # fmt: skip


def _months(centre: Centre, through: Month) -> list[dict[str, Any]]:
    """Every month from the first with a seal or use to this one; one without use says so."""
    seals = {Month.containing(seal.month): seal for seal in Seal.objects.filter(centre=centre)}
    first = (
        UsageRecord.objects.filter(centre=centre).order_by("started_at").values_list("started_at", flat=True).first()
    )
    begins = [*seals, *([Month.containing(first.astimezone(SHANGHAI).date())] if first else []), through]
    last_seal = max(seals, default=None)
    until = last_seal if last_seal is not None and last_seal > through else through
    found, month = [], min(begins)
    while month <= until:
        found.append(_month(centre, month, seals.get(month)))
        month = month.following
    return found


def _month(centre: Centre, month: Month, seal: Seal | None) -> dict[str, Any]:
    named: dict[str, Any] = {"month": str(month), "state": "sealed", "root": None, "statement_sha256": None}
    if seal is not None:
        return named | {"root": seal.root, "statement_sha256": statement_sha256(seal.statement)}
    used = UsageRecord.objects.filter(_ends_before(month.ends) & ~_ends_before(month.starts), centre=centre).exists()
    return named | {"state": "open" if used else "empty"}


def _ends_before(end: int) -> Q:
    """`chain.falls_before` for the database."""
    moment = datetime.fromtimestamp(end, UTC)
    return Q(ended_at__lt=moment) | Q(ended_at=moment, started_at__lt=moment)


def register_file() -> dict[str, Any]:
    """The register as it is given out: every entry with its signatures.

    Raises:
        NotFound: nothing was published yet.
    """
    entries = [
        {
            "statement": entry.statement, "signature": entry.signature,
            "countersignatures": [
                {"by": signature.by, "key": signature.key, "signature": signature.signature}
                for signature in entry.countersignatures.all()
            ],
        }
        for entry in RegisterEntry.objects.prefetch_related("countersignatures")
    ]  # fmt: skip
    if not entries:
        raise NotFound(
            "登记册还没有一期：huisuan meter register --month 上个月，或等后台在每月 6 日公布", code="register.empty"
        )
    return {"kind": REGISTER_KIND, "platform_key": platform_key.public(), "entries": entries}


def record_countersignatures(file: RegisterFile, now: datetime) -> int:
    """Keep the countersignatures that a file brings for entries of ours; returns how many are new.

    Raises:
        InvalidRequest: an entry is not ours, or a signature is not its key's.
    """
    taken = 0
    with transaction.atomic():
        ours = {entry.statement: entry for entry in RegisterEntry.objects.all()}
        for given in file.entries:
            entry = ours.get(given.statement)
            if entry is None:
                raise InvalidRequest("文件里有一期不是本平台公布的，一个签名也没有收下", code="register.entry_foreign")
            for signature in given.countersignatures:
                if not is_signed(signature.key, signature.signature, register_digest(given.statement)):
                    raise InvalidRequest(
                        f"{entry} {signature.by} 的签名与登记册不符，一个签名也没有收下",
                        code="register.countersignature_wrong",
                    )
                _, new = RegisterSignature.objects.get_or_create(
                    entry=entry,
                    key=signature.key,
                    defaults={"by": signature.by, "signature": signature.signature, "taken_at": now},
                )
                taken += new
    return taken

"""Mapping an account of a centre to a party, on record, and metering its stored lines anew so that past use follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from django.db import transaction
from django.db.models import Q

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.text_length import check_length, shortened
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.imports.mappings import find_mapping, map_name, named_kinds
from huisuan.compute.metering.imports.pending_corrections import close_overtaken_corrections, open_corrections
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import AccountClaim, Centre, SourceFile, Tenant
from huisuan.parties.models import Party
from huisuan.parties.queries import get_party

_NAME_LENGTH = 120
_WHY_LENGTH = 200


@dataclass(frozen=True)
class ClaimReport:
    """What a claim did: records made anew in its files, files that it cannot read; and what waits now.

    `waiting` are the corrections of the account's records that wait for a person, asked now or before.
    A file that was imported as a trace is not metered anew: how its columns are read is not stored.
    """

    claim: AccountClaim
    files: int = 0
    records: int = 0
    waiting: int = 0
    not_read: tuple[str, ...] = ()


def claim_account(code: str, kind: str, name: str, uscc: str, by: str, now: datetime, why: str = "") -> ClaimReport:
    """Map an account (`kind` account) or a user (`kind` user) of a centre to a party, and its past use with it.

    Raises:
        InvalidRequest: no name, or not a kind.
        NotFound: no such centre or party.
        Conflict: it is that party's already.
    """
    if kind not in (Tenant.Kind.ACCOUNT, Tenant.Kind.USER) or not 0 < len(name) <= _NAME_LENGTH:
        raise InvalidRequest(
            f'请写明是哪个账户或用户，1 至 {_NAME_LENGTH} 个字符（现为 {shortened(kind, 20)} "{shortened(name, 40)}"）',
            code="claim.malformed",
        )
    check_length(why, _WHY_LENGTH, "理由")
    party = get_party(uscc)
    with transaction.atomic():
        centre = Centre.objects.select_for_update().get(pk=centre_by_code(code).pk)
        return _map(centre, kind, name, party, by, now, why)


def undo_claim(number: int, by: str, now: datetime, code: str | None = None) -> ClaimReport:
    """Map the account of a claim back to what it was before; `code`: only if it is this centre's.

    Future lines follow at once. What was metered for the party in between becomes corrections that wait for a person,
    as everything does that takes use away.

    Raises:
        NotFound: there is none of that number.
        Conflict: the account was mapped anew since.
    """
    with transaction.atomic():
        rows = AccountClaim.objects.select_related("centre", "previous")
        claim = rows.filter(pk=number, **({"centre__code": code} if code else {})).first()
        if claim is None:
            raise NotFound(f"没有 {number} 号认领；见无主用量的页", code="claim.unknown")
        centre = Centre.objects.select_for_update().get(pk=claim.centre_id)
        newest = AccountClaim.objects.filter(centre=centre, kind=claim.kind, name=claim.name).first()
        stands = find_mapping(centre, claim.kind, claim.name)
        if newest != claim or (stands.party_id if stands else None) != claim.party_id:  # a file can map it anew, too
            raise Conflict(f"{claim.name} 在 {number} 号认领之后又改过，只能撤回最后一次", code="claim.not_the_last")
        return _map(centre, claim.kind, claim.name, claim.previous, by, now, f"撤回 {number} 号认领")


def _map(centre: Centre, kind: str, name: str, party: Party | None, by: str, now: datetime, why: str) -> ClaimReport:
    stands = find_mapping(centre, kind, name)
    previous = stands.party if stands else None
    either = find_mapping(centre, "", name) if kind else None
    if party is None and either is not None:
        party = either.party  # without a mapping of its own kind, that one holds
    if previous == party:
        raise Conflict(f"{name} 已经对应到 {party or '无主'}，没有改动", code="claim.same")
    if party is None or (either is not None and either.party == party):
        Tenant.objects.filter(centre=centre, kind=kind, name=name).delete()
    else:
        map_name(centre, kind, name, party.pk)
    claim = AccountClaim.objects.create(
        centre=centre, kind=kind, name=name, party=party, previous=previous, why=why, by=by[:80], at=now
    )
    return _meter_anew(claim, close_overtaken_corrections(centre, now), now)


def _meter_anew(claim: AccountClaim, overtaken: Sequence[SourceFile], now: datetime) -> ClaimReport:
    """Import the stored files again in which the account has use of others, and those whose corrections were closed."""
    records = current_usage().filter(_to_be_moved(claim), centre=claim.centre).order_by()
    sources = SourceFile.objects.filter(
        Q(pk__in=records.values("source_file")) | Q(pk__in=[source.pk for source in overtaken])
    )
    files = made = 0
    not_read = []
    for source in sources.exclude(format="agent").order_by("imported_at", "pk"):
        if source.format != "sacct":
            not_read.append(source.name)
            continue
        unmapped = claim if claim.party is None else None
        file = UsageFile(_content(source), source.name, source.format, timezone=source.timezone, unmapped=unmapped)
        report = import_usage(claim.centre.code, file, now)
        files, made = files + 1, made + report.new
    waiting = open_corrections(claim.centre).filter(_named(claim, "record__")).count()
    return ClaimReport(claim, files, made, waiting, tuple(not_read))


def _to_be_moved(claim: AccountClaim) -> Q:
    """Records of the account that are not the party's; where it is nobody's now, those of whom it was before.

    A user's own mapping goes before that of the account: those records stay.
    """
    named = _named(claim)
    if claim.party is None:
        return named & Q(party=claim.previous)
    others = ~Q(party=claim.party)
    if claim.kind == Tenant.Kind.ACCOUNT:
        own = Tenant.objects.filter(centre=claim.centre, kind__in=(Tenant.Kind.USER, Tenant.Kind.EITHER))
        others &= ~Q(user__in=own.values("name"))
    return named & (Q(party__isnull=True) | others)


def _named(claim: AccountClaim, to: str = "") -> Q:
    """Filter for what carries the name of a claim; `to` is the path to the record."""
    found = Q()
    for kind in named_kinds(claim.kind):
        found |= Q(**{f"{to}{kind}": claim.name})
    return found


def _content(source: SourceFile) -> bytes:
    """A stored file, to the byte."""
    return b"".join(
        pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
        for chunk in source.chunks.order_by("first_line").iterator(chunk_size=20)
    )

"""Grants of conditional data: given by the provider's side, accepted by the firm, revoked at any time, at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.compute.keys.platform_key import sign
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.gate.statements import signed_message
from huisuan.opendata.models import DataGrant
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Party, Person, Role
from huisuan.parties.viewer import Viewer

GRANT_KIND = "huisuan-data-grant-1"
_LONGEST = {"purpose": ("用途", 500), "licence": ("许可", 120), "terms": ("条款", 5000), "ground": ("认定依据", 300)}


@dataclass(frozen=True)
class GivenGrant:
    """What a grant says; `ground` is by what the firm is accredited, `application` the number of what was decided."""

    entry: str
    uscc: str
    purpose: str
    licence: str
    terms: str
    ground: str
    starts_on: date
    ends_on: date
    application: str = ""


def give_grant(given: GivenGrant, person: Person, now: datetime) -> DataGrant:
    """Grant an entry to a firm; in force once the firm accepts its terms.

    Raises:
        NotFound: no such entry or firm.
        NotAllowed: not of the entry's city, nor of the province.
        InvalidRequest: the entry is not open on conditions; a word is missing or too long; the term runs backwards.
    """
    version = get_entry(given.entry)
    if person.role not in (Role.CITY, Role.PROVINCE) or (
        person.role == Role.CITY and person.city_id != version.region_id
    ):
        raise NotAllowed("只有该目录所在市和省专班的人员能授权", code="grant.not_a_provider")
    if version.access != Access.CONDITIONAL:
        raise InvalidRequest(
            f"{version.entry.code} 不是有条件开放的：不用授权，或不能授权", code="grant.not_conditional"
        )
    party = Party.objects.filter(uscc=given.uscc.strip().upper()).first()
    if party is None:
        raise NotFound("登记库里没有这个信用代码", code="grant.party_unknown")
    for name, (word, most) in _LONGEST.items():
        if not 0 < len(getattr(given, name).strip()) <= most:
            raise InvalidRequest(f"{word}：须为 1 至 {most} 个字", code="grant.text_length")
    if given.ends_on < given.starts_on:
        raise InvalidRequest("授权的最后一天在第一天之前", code="grant.term_backwards")
    return DataGrant.objects.create(
        entry=version.entry, party=party, purpose=given.purpose.strip(), licence=given.licence.strip(),
        terms=given.terms.strip(), ground=given.ground.strip(), application=given.application.strip()[:40],
        starts_on=given.starts_on, ends_on=given.ends_on, given_by=person, given_at=now,
    )  # fmt: skip


@transaction.atomic
def accept_grant(number: int, person: Person, now: datetime) -> DataGrant:
    """Accept the terms for the firm: what is accepted is signed by the platform.

    Raises:
        NotFound: no such grant of theirs.
        Conflict: it was accepted or revoked before.
    """
    grant = DataGrant.objects.select_for_update(of=("self",)).filter(pk=number, party=person.party).first()
    if grant is None or person.role != Role.USER:
        raise _unknown(number)
    if grant.accepted_at is not None or grant.revoked_at is not None:
        raise Conflict(f"第 {number} 号授权已经接受，或已收回", code="grant.not_to_accept")
    grant.statement = canonical(
        {
            "kind": GRANT_KIND, "grant": grant.pk, "entry": grant.entry.code, "party": grant.party.uscc,
            "purpose": grant.purpose, "licence": grant.licence, "terms_sha256": text_sha256(grant.terms),
            "starts_on": grant.starts_on.isoformat(), "ends_on": grant.ends_on.isoformat(),
            "given_by": grant.given_by.username, "accepted_by": person.username, "accepted_at": now.isoformat(),
        }
    )  # fmt: skip
    grant.signature = sign(signed_message(grant.statement))
    grant.accepted_by, grant.accepted_at = person, now
    grant.save(update_fields=["statement", "signature", "accepted_by", "accepted_at"])
    return grant


@transaction.atomic
def revoke_grant(number: int, reason: str, person: Person, now: datetime) -> DataGrant:
    """Revoke a grant: every way is closed from then on.

    Raises:
        NotFound: no such grant of their city.
        InvalidRequest: no reason.
        Conflict: it was revoked before.
    """
    found = visible_grants(Viewer.for_person(person)).filter(pk=number)
    grant = DataGrant.objects.select_for_update(of=("self",)).filter(pk__in=found).first()
    if grant is None or person.role not in (Role.CITY, Role.PROVINCE):
        raise _unknown(number)
    if not 0 < len(reason.strip()) <= 300:
        raise InvalidRequest("收回授权须写理由，至多 300 字", code="grant.revoked_with_a_reason")
    if grant.revoked_at is not None:
        raise Conflict(f"第 {number} 号授权已经收回", code="grant.revoked_before")
    grant.revoked_by, grant.revoked_at, grant.reason = person, now, reason.strip()
    grant.save(update_fields=["revoked_by", "revoked_at", "reason"])
    return grant


def grants_in_force(party: int, now: datetime) -> QuerySet[DataGrant]:
    """The grants of a firm that hold now."""
    today = now.astimezone(SHANGHAI).date()
    return DataGrant.objects.filter(
        party_id=party, accepted_at__isnull=False, revoked_at=None, starts_on__lte=today, ends_on__gte=today
    )


def visible_grants(viewer: Viewer) -> QuerySet[DataGrant]:
    """Grants of one's firm, of one's city's entries, or all."""
    mine = Q(pk__in=())
    if viewer.role in (Role.PROVINCE, Role.AUDITOR):
        mine = Q()
    elif viewer.role == Role.CITY:
        mine = Q(entry__latest__region_id=viewer.city)
    elif viewer.role == Role.USER:
        mine = Q(party_id=viewer.party_id)
    return DataGrant.objects.filter(mine).select_related("entry__latest", "party", "given_by", "accepted_by")


def grant_state(grant: DataGrant, now: datetime) -> str:
    """`revoked`, `offered` (not accepted yet), `ended`, `in_force`, or `to_come`."""
    today = now.astimezone(SHANGHAI).date()
    if grant.revoked_at is not None:
        return "revoked"
    if grant.accepted_at is None:
        return "offered"
    if today > grant.ends_on:
        return "ended"
    return "in_force" if today >= grant.starts_on else "to_come"


_STATES = {
    "revoked": "已收回", "offered": "等企业接受条款", "ended": "已到期", "in_force": "有效", "to_come": "还没有开始",
}  # fmt: skip


def grant_to_dict(grant: DataGrant, now: datetime) -> dict[str, Any]:
    """A grant as JSON carries it."""
    state = grant_state(grant, now)
    return {
        "number": grant.pk, "entry": grant.entry.code, "party": grant.party.name, "uscc": grant.party.uscc,
        "purpose": grant.purpose, "licence": grant.licence, "terms": grant.terms, "ground": grant.ground,
        "application": grant.application, "starts_on": grant.starts_on.isoformat(),
        "ends_on": grant.ends_on.isoformat(), "state": state, "state_zh": _STATES[state],
        "given_by": grant.given_by.username, "given_at": grant.given_at.isoformat(),
        "accepted_by": grant.accepted_by.username if grant.accepted_by else "",
        "accepted_at": grant.accepted_at.isoformat() if grant.accepted_at else None,
        "revoked_at": grant.revoked_at.isoformat() if grant.revoked_at else None, "reason": grant.reason,
        "accesses": grant.accesses.count(), "statement": grant.statement, "signature": grant.signature,
    }  # fmt: skip


def get_grant(viewer: Viewer, number: int) -> DataGrant:
    """One grant that the viewer may see.

    Raises:
        NotFound: none of that number, or not theirs.
    """
    found = visible_grants(viewer).filter(pk=number).first()
    if found is None:
        raise _unknown(number)
    return found


def _unknown(number: int) -> NotFound:
    return NotFound(f"没有第 {number} 号授权", code="grant.unknown")

"""Re-basing: the office takes over what the newest settlement owes, on record and with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.money import yuan
from huisuan.base.text_length import check_length
from huisuan.law.policy import load_policy
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.awards.basis import Basis, load_bases
from huisuan.programmes.awards.closing import PaidSoFar, paid_so_far
from huisuan.programmes.awards.recovering import order_under_way, with_vouchers
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.corrections.outdated import Correction, correction_of
from huisuan.programmes.models import Application, Award, DutyHeld, Offer
from huisuan.programmes.workflow.begin import begin_applications
from huisuan.programmes.workflow.permission import Permissions, unknown_application
from huisuan.settlement.models import Entitlement

_LONGEST_REASON = 1000
_PUBLISHED = (State.IN_PUBLICITY.value, State.SUSPENDED.value)


@dataclass(frozen=True)
class Rebased:
    """What was done: the application that has the amount now (a supplement is one of its own), before and after."""

    application: Application
    correction: Correction
    before_fen: int
    amount_fen: int


@transaction.atomic
def rebase(number: str, reason: str, person: Person, now: datetime) -> Rebased:
    """Take over what the newest settlement owes: as a new offer before the decision, as a new award after it.

    Before the decision it is for whoever checks, afterwards for whoever decides. A paid award of which more is owed is
    supplemented: the party gets an offer of what is missing. Of money set aside the treasury commits again.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post for it in force that day.
        InvalidRequest: no reason.
        Conflict: nothing differs; nothing is owed any more and nothing is decided; an order is at the bank; more was
            paid than is owed; it stands in public with less.
    """
    if not reason.strip():
        raise InvalidRequest("重定金额须写明理由", code="offer.reason_missing")
    reason = check_length(reason.strip(), _LONGEST_REASON, "理由")
    found = Application.objects.filter(number=number).select_related("party", "edition")
    application = found.select_for_update(of=("self",), no_key=True).first()
    if application is None:
        raise unknown_application(number)
    basis = load_bases([application]).get(application.pk)
    action = "decide" if basis and basis.award and application.state != State.CLOSED else "check"
    _hold_duty(application, action, person, now)
    paid = paid_so_far(commitments_of([application]).get(application.pk, []))
    correction = correction_of(application, basis, paid) if basis else None
    if basis is None or correction is None:
        raise Conflict(f"{number}：与最新一次结算一致，无须重定", code="offer.up_to_date")
    if refusal := _refusal(application, basis, paid, correction):
        raise refusal
    if correction is Correction.AWARD:
        _new_award(application, basis, reason, person, now)
    elif correction is Correction.OFFER:
        _new_offer(application, basis, reason, person, now)
    else:
        application = _supplement(application, basis, person, now)
    fen = basis.owed_fen - (basis.stands_fen if correction is Correction.SUPPLEMENT else 0)
    return Rebased(application, correction, basis.stands_fen, fen)


def _hold_duty(application: Application, action: str, person: Person, now: datetime) -> None:
    permissions = Permissions.load(person, action, "", [application], now)
    if refusal := permissions.ask_duty(application):
        raise refusal
    DutyHeld.objects.bulk_create([DutyHeld(application=application, person=person, duty=action)], ignore_conflicts=True)


def _refusal(application: Application, basis: Basis, paid: PaidSoFar, correction: Correction) -> Refused | None:
    number, owed = application.number, yuan(basis.owed_fen)
    if correction in (Correction.RECOVERY, Correction.LATER):
        return Conflict(
            f"{number}：已付 {yuan(paid.kept_fen)} 元，应得 {owed} 元：多付的走追回（huisuan award recover）",
            code="award.to_be_recovered",
        )
    if paid.ordered_fen:
        return order_under_way(number, paid.ordered_fen)
    if correction is Correction.OFFER and not basis.owed_fen:
        return Conflict(f"{number}：最新一次结算不再应得；请不予支持，或由单位撤回", code="offer.nothing_owed")
    if application.state in _PUBLISHED and basis.owed_fen > basis.stands_fen:
        return Conflict(
            f"{number}：公示的是 {yuan(basis.stands_fen)} 元，现应得 {owed} 元：公示之后不调高；"
            "请先暂停并退回核验，重定后再公示",
            code="offer.published_with_less",
        )
    return None


def _new_offer(application: Application, basis: Basis, reason: str, person: Person, now: datetime) -> None:
    assert basis.offer is not None  # what is not decided yet and differs was offered
    Offer.objects.create(
        application=application, entitlement=_unused(basis.newest), amount_fen=basis.owed_fen, replaces=basis.offer,
        supplements=basis.offer.supplements, reason=reason, by=person, at=now,
    )  # fmt: skip


def _new_award(application: Application, basis: Basis, reason: str, person: Person, now: datetime) -> None:
    assert basis.award is not None  # an award is re-based
    number = basis.award.number + 1
    Award.objects.create(
        application=application, number=number, key=f"{application.number}.{number}", amount_fen=basis.owed_fen,
        entitlement=basis.newest, supersedes=basis.award, by=person, granted_at=now,
        reason=with_vouchers(application, reason, basis.award.granted_at)[:_LONGEST_REASON],
    )  # fmt: skip


def _supplement(paid: Application, basis: Basis, person: Person, now: datetime) -> Application:
    """An application of its own for what is missing, offered to the party like the first."""
    owed = _unused(basis.newest)
    assert paid.party is not None  # offers are made to parties; of a share no more is ever owed than was granted
    edition = paid.edition
    (made,) = begin_applications(load_policy(edition.policy), edition.key, paid.year, [paid.party], person, now)
    Offer.objects.create(
        application=made, entitlement=owed, amount_fen=basis.owed_fen - basis.stands_fen, supplements=basis.award,
        by=person, at=now,
    )  # fmt: skip
    return made


def _unused(owed: Entitlement | None) -> Entitlement:
    """The entitlement, if no offer rests on it yet."""
    assert owed is not None  # something is owed by it
    used = Offer.objects.filter(entitlement=owed).select_related("application").first()
    if used is not None:
        raise Conflict(f"{owed} 已用于 {used.application.number}：下一次结算之后再办", code="offer.entitlement_used")
    return owed

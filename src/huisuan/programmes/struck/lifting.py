"""Lifting a strike that was wrong: by another person, with the reason, on record; its flags stop nothing any more."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.text_length import check_length
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import ApplicationFlag, DutyHeld, FlagReason, StrikeLift, StruckIssuer
from huisuan.programmes.struck.striking import check_post, lock_issuer

_LONGEST_REASON = 1000


@transaction.atomic
def lift_strike(uscc: str, since: date, reason: str, person: Person, now: datetime) -> StrikeLift:
    """Take a strike back: nothing rests on it any more from now on; what followed from it is undone by its own acts.

    Its flags that nobody has answered are answered with the reason, but those of applications that the person checks.

    Raises:
        NotFound: that issuer is not struck from that day.
        NotAllowed: no post of the province that strikes, or the person who struck.
        InvalidRequest: no reason.
        Conflict: it was lifted before.
    """
    check_post(person, now)
    lock_issuer(uscc)
    struck = StruckIssuer.objects.filter(uscc=uscc, since=since).first()
    if struck is None:
        raise NotFound(f"没有登记 {uscc} 自 {since} 起失去资格", code="struck.unknown")
    if struck.by_id == person.pk:
        raise NotAllowed("撤销登记由登记人以外的人办理", code="struck.lifted_by_another")
    said = check_length(reason.strip(), _LONGEST_REASON, "理由")
    if not said:
        raise InvalidRequest("撤销登记须写理由", code="struck.lift_reason_missing")
    if StrikeLift.objects.filter(struck=struck).exists():
        raise Conflict(f"{uscc} 自 {since} 起的登记已撤销", code="struck.lifted_before")
    made = StrikeLift.objects.create(struck=struck, reason=said, by=person, at=now)
    _answer_flags(made)
    return made


def _answer_flags(made: StrikeLift) -> None:
    """The flags of the strike that wait, as far as the person may answer them."""
    duties = (Duty.CHECK.value, Duty.APPLY.value)
    barred = DutyHeld.objects.filter(person=made.by, duty__in=duties).values("application")
    waiting = ApplicationFlag.objects.filter(
        kind=FlagReason.STRUCK_EVIDENCE, about__startswith=f"{made.struck_id} ", answered_at=None
    )  # fmt: skip
    mine = waiting.exclude(application__in=barred)
    mine.update(answered_by=made.by, answered_at=made.at, reason=f"登记已撤销：{made.reason}"[:_LONGEST_REASON])

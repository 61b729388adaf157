"""Erasing who objected, once that need not be known any longer; what was objected, and the answer, stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from huisuan.programmes.models import Objection, ObjectorErasure
from huisuan.programmes.publicity.objections import kept_days


@transaction.atomic
def erase_objectors(now: datetime) -> int:
    """Erase names and contacts of objections whose answer is older than the days set; returns of how many.

    Where no days are set they stay. That it was done, when and after how many days, is on record for each.
    """
    answered = Objection.objects.filter(answer__at__lt=now).exclude(name="").order_by("pk")
    asked = list(
        answered.select_related("line__notice", "line__step__edition", "answer").select_for_update(of=("self",))
    )
    days = kept_days(asked)
    due = [one for one in asked if days[one.pk] and one.answer.at + timedelta(days=days[one.pk] or 0) <= now]
    ObjectorErasure.objects.bulk_create(
        ObjectorErasure(objection=one, at=now, kept_days=days[one.pk] or 0) for one in due
    )
    Objection.objects.filter(pk__in=[one.pk for one in due]).update(name="", contact="", place="")
    return len(due)

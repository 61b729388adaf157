"""Adopting the free and working days of a year, with the document that says them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.calendar.day_file import parse_days
from huisuan.calendar.models import AdoptedDay, CalendarDocument
from huisuan.calendar.official import is_published

_FEWEST_FREE = 5  # a year has more free days than that by law: a file with fewer is a correction, not a year


@transaction.atomic
def adopt_days(content: bytes, document: str, by: str, now: datetime) -> CalendarDocument:
    """Adopt a file of days under the number of its document. The first of a year must name all of its free days.

    Raises:
        InvalidRequest: what is wrong, line by line; or a first file that cannot be a whole year's.
        Conflict: the document was adopted before.
    """
    number = document.strip()
    if not number or len(number) > 80 or not number.isprintable():
        raise InvalidRequest("须写明国务院办公厅通知的文号（至多 80 字）", code="calendar.document_missing")
    days = parse_days(content)
    year = days[0].day.year
    if CalendarDocument.objects.filter(number=number, year=year).exists():
        raise Conflict(f"{number} 的 {year} 年已采用：更正须另有文号", code="calendar.document_adopted_before")
    first = not is_published(year) and not CalendarDocument.objects.filter(year=year).exists()
    free = sum(not named.working for named in days)
    if first and free < _FEWEST_FREE:
        raise InvalidRequest(
            f"{year} 年还没有公布的日历，第一份须写全年的放假和调休；文件里只有 {free} 天放假",
            code="calendar.year_incomplete",
        )
    made = CalendarDocument.objects.create(
        number=number, year=year, sha256=hashlib.sha256(content).hexdigest(), adopted_by=by, adopted_at=now
    )
    AdoptedDay.objects.bulk_create(
        AdoptedDay(document=made, day=named.day, working=named.working, name=named.name) for named in days
    )
    return made

"""Notices and the instant at which they have ended, whatever year the test runs in."""

from __future__ import annotations

from datetime import UTC, datetime

from huisuan.calendar.services import adopt_days
from huisuan.programmes.models import Application, PublicNotice
from huisuan.programmes.publicity.ends import notice_ends


def ended(notice: PublicNotice) -> datetime:
    """The instant at which a notice ends; the year after it is adopted where nobody published it."""
    if notice_ends()(notice).ends_at is None:
        year = notice.certain_until.year + 1
        days = "\n".join(f"{year}-05-0{day},放假,劳动节" for day in range(1, 6))
        adopt_days(f"日期,类型,名称\n{days}\n".encode(), f"国办发明电〔{year}〕1号", "专班", datetime.now(UTC))
    end = notice_ends()(notice).ends_at
    assert end is not None
    return end


def notice_of(application: Application | str) -> PublicNotice:
    """The newest notice that an application stands on."""
    number = getattr(application, "number", application)
    return PublicNotice.objects.filter(lines__application__number=number).latest("pk")

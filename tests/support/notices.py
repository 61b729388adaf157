"""Notices and the instant at which they have ended, whatever year the test runs in."""

from __future__ import annotations

from datetime import UTC, datetime

from huisuan.calendar.services import adopt_days
from huisuan.programmes.models import Application, PublicNotice
from huisuan.programmes.notices.objecting import ObjectionText
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.publicity.ends import notice_ends
from huisuan.programmes.workflow import act
from support.programmes import NOON, applicant, application, official

SAID = ObjectionText("王五", "13800000000", "该标准不是其牵头制定")


def checked(*numbers: int, now: datetime = NOON) -> list[Application]:
    """Applications of firms that wait to be published."""
    made = [application(number) for number in numbers]
    for number, one in zip(numbers, made, strict=True):
        act(one.number, "submit", applicant(number), now)
        act(one.number, "check", official("checker", "check"), now)
    return made


def published(*numbers: int, now: datetime = NOON) -> list[Application]:
    """Applications of firms on one notice."""
    made = checked(*numbers, now=now)
    listed = [ListedApplication(one.number, 500_000, f"牵头制定国家标准 {at}") for at, one in enumerate(made, 1)]
    publish_notice(listed, "2024 年标准奖励拟支持名单", official("publisher", "publish"), now)
    return made


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

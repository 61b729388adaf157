"""Moments as people write them: without a zone they are Shanghai's. Pure."""

from __future__ import annotations

from datetime import datetime, time

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI


def parse_timestamp(text: str) -> datetime:
    """A moment such as 2024-06-30, 2024-06-30 18:00 or 2024-06-30T18:00:00+08:00; a day alone means its end.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(
            f"时间 {text}：应形如 2024-06-30 18:00（北京时间）或 2024-06-30T18:00:00+08:00", code="job.time_malformed"
        ) from None
    if len(text.strip()) <= len("2024-06-30"):
        found = datetime.combine(found.date(), time(23, 59, 59))
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)

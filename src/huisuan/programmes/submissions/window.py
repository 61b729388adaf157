"""When a call is open: an instant, not a day. Pure.

It opens at 00:00 of its first day and closes at 24:00 of its last, Asia/Shanghai. What counts is the platform's clock
when the whole request has come: at the closing instant itself it is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from huisuan.base.errors import Conflict
from huisuan.base.months import SHANGHAI


class WindowState(StrEnum):
    """Whether something may be handed in."""

    ANNOUNCED = "announced"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class CallWindow:
    """The days of a call, both counted whole."""

    first_day: date
    last_day: date

    @property
    def opens_at(self) -> datetime:
        """00:00 of the first day."""
        return datetime.combine(self.first_day, time(), SHANGHAI)

    @property
    def closes_at(self) -> datetime:
        """24:00 of the last day: the first instant at which nothing more is taken."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), SHANGHAI)

    def state(self, at: datetime) -> WindowState:
        """Where an instant lies."""
        if at < self.opens_at:
            return WindowState.ANNOUNCED
        return WindowState.OPEN if at < self.closes_at else WindowState.CLOSED

    def require_open(self, at: datetime) -> None:
        """Refuse what comes before or after, with both instants.

        Raises:
            Conflict: the call is not open at that instant.
        """
        state, came = self.state(at), show_instant(at)
        if state is WindowState.ANNOUNCED:
            raise Conflict(
                f"申报未开始：平台收到全部内容的时间是 {came}，受理自 {self.first_day} 00:00 起（北京时间）",
                code="call.not_open_yet",
            )
        if state is WindowState.CLOSED:
            raise Conflict(
                f"申报已截止：平台收到全部内容的时间是 {came}，截止时间是 {self.last_day} 24:00（北京时间）；"
                "草稿仍保留，如延期会在申报通知下公布",
                code="call.closed",
            )


def show_instant(at: datetime) -> str:
    """An instant at Asia/Shanghai, to the millisecond and never rounded up."""
    return at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="milliseconds").removesuffix("+08:00")

"""An agent's clock against the platform's: one that is out by more than the limit is not served, and is told so.

What an agent sends under a wrong clock says nothing about when something ran, so nothing of it is taken: as for a
centre that is cut off, what runs there goes on, what was signed waits there, and is taken when the clock is right.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models.functions import Coalesce

from huisuan.base.months import SHANGHAI
from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.clock import skew_ms
from huisuan.compute.metering.checks.flags import BY_THE_PLATFORM, open_flags, raise_flags
from huisuan.compute.models import AgentKey, SiteAgent
from huisuan.protocol.agent import SyncRequest


def record_wrong_clock(key: AgentKey, seen: SyncRequest, why: str, now: datetime) -> None:
    """Note that an agent's clock is wrong, and flag it once for as long as it stays so. Must run in a transaction.

    Raises:
        EnrolmentRefused: the request is no later than the key's last: a replay shows an old clock, not a wrong one.
    """
    noted = AgentKey.objects.filter(pk=key.pk, last_request__lt=seen.number, revoked_at=None).update(
        last_request=seen.number, skew_ms=skew_ms(seen.sent_at, now), clock_wrong_at=Coalesce("clock_wrong_at", now)
    )
    if not noted:
        raise EnrolmentRefused(
            403, f"请求 {seen.number} 不是最新的：平台已收到更晚的请求，重放的不予理会", code="agent.request_replayed"
        )
    SiteAgent.objects.filter(key=key).update(skew_ms=skew_ms(seen.sent_at, now))
    if key.clock_wrong_at is None:
        text = f"{seen.host} 的站点代理自 {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} 起时钟不对，它被告知：{why}"
        raise_flags(key.centre, [Anomaly(FlagKind.CLOCK, f"{_about(key)} {now.isoformat()}", text)], now)


def record_right_clock(key: AgentKey, now: datetime) -> None:
    """An agent whose clock was wrong is served again: its flag is answered, for nothing was lost meanwhile."""
    AgentKey.objects.filter(pk=key.pk).update(clock_wrong_at=None, skew_ms=None)
    since = key.clock_wrong_at.astimezone(SHANGHAI) if key.clock_wrong_at else now
    text = f"时钟已校准；自 {since:%Y-%m-%d %H:%M:%S} 起没有收过用量，批次由站点代理接着上报"
    open_flags(key.centre).filter(kind=FlagKind.CLOCK, key__startswith=f"{_about(key)} ").update(
        answered_at=now, answered_by=BY_THE_PLATFORM, answer=text
    )


def _about(key: AgentKey) -> str:
    return f"clock {key.name}"

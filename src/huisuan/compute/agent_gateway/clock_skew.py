"""An agent's clock against the platform's: one that is out by more than the limit is not served, and is told at once.

What an agent sends under a wrong clock says nothing about when something ran, so nothing of it is taken: as for a
centre that is cut off, what runs there goes on, what was signed waits there, and is taken when the clock is right.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Coalesce

from huisuan.base.months import SHANGHAI
from huisuan.compute.agent_gateway.enrolment import Unwelcome
from huisuan.compute.metering.checks.flags import BY_THE_PLATFORM, Doubt, Kind, open_flags, raise_flags
from huisuan.compute.models import AgentKey, SiteAgent
from huisuan.protocol.agent import SyncRequest

MILLISECOND = timedelta(milliseconds=1)


def limit_seconds() -> int:
    """By how many seconds an agent's clock may differ from the platform's, either way (`HUISUAN_CLOCK_SECONDS`)."""
    return int(settings.HUISUAN_CLOCK_SECONDS)


def skew_ms(sent_at: datetime, now: datetime) -> int:
    """The agent's clock minus the platform's, in milliseconds."""
    return (sent_at - now) // MILLISECOND


def wrong(sent_at: datetime, now: datetime) -> str:
    """What to tell an agent whose clock is out by more than the limit; "" where it is right."""
    off = skew_ms(sent_at, now)
    if abs(off) <= limit_seconds() * 1000:
        return ""
    return (
        f"本机时钟比平台{'快' if off > 0 else '慢'} {abs(off) // 1000:,} 秒，超过允许的 {limit_seconds()} 秒："
        "校准之前平台不收用量、不派作业；运行中的作业继续，已签的批次留在本机，校准后接着上报。"
        "请启用 chrony 或 systemd-timesyncd"
    )


def refuse(key: AgentKey, seen: SyncRequest, why: str, now: datetime) -> None:
    """Note that an agent's clock is wrong, and flag it once for as long as it stays so. Must run in a transaction.

    Raises:
        Unwelcome: the request is no later than the key's last: a replay shows an old clock, not a wrong one.
    """
    noted = AgentKey.objects.filter(pk=key.pk, last_request__lt=seen.number, revoked_at=None).update(
        last_request=seen.number, skew_ms=skew_ms(seen.sent_at, now), clock_wrong_at=Coalesce("clock_wrong_at", now)
    )
    if not noted:
        raise Unwelcome(403, f"请求 {seen.number} 不是最新的：平台已收到更晚的请求，重放的不予理会")
    SiteAgent.objects.filter(key=key).update(skew_ms=skew_ms(seen.sent_at, now))
    if key.clock_wrong_at is None:
        text = f"{seen.host} 的站点代理自 {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} 起时钟不对，它被告知：{why}"
        raise_flags(key.centre, [Doubt(Kind.CLOCK, f"{_about(key)} {now.isoformat()}", text)], now)


def right_again(key: AgentKey, now: datetime) -> None:
    """An agent whose clock was wrong is served again: its flag is answered, for nothing was lost meanwhile."""
    AgentKey.objects.filter(pk=key.pk).update(clock_wrong_at=None, skew_ms=None)
    since = key.clock_wrong_at.astimezone(SHANGHAI) if key.clock_wrong_at else now
    text = f"时钟已校准；自 {since:%Y-%m-%d %H:%M:%S} 起没有收过用量，批次由站点代理接着上报"
    open_flags(key.centre).filter(kind=Kind.CLOCK, key__startswith=f"{_about(key)} ").update(
        answered_at=now, answered_by=BY_THE_PLATFORM, answer=text
    )


def _about(key: AgentKey) -> str:
    return f"clock {key.name}"

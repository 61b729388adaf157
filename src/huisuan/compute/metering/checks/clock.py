"""How far an agent's clock may differ from the platform's, and what to say where it differs more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

_MILLISECOND = timedelta(milliseconds=1)


def limit_seconds() -> int:
    """By how many seconds an agent's clock may differ from the platform's, either way (`HUISUAN_CLOCK_SECONDS`)."""
    return int(settings.HUISUAN_CLOCK_SECONDS)


def skew_ms(sent_at: datetime, now: datetime) -> int:
    """The agent's clock minus the platform's, in milliseconds."""
    return (sent_at - now) // _MILLISECOND


def clock_refusal(sent_at: datetime, now: datetime) -> str:
    """The message for an agent whose clock is out by more than the limit; "" where it is right."""
    off = skew_ms(sent_at, now)
    if abs(off) <= limit_seconds() * 1000:
        return ""
    return (
        f"本机时钟比平台{'快' if off > 0 else '慢'} {abs(off) // 1000:,} 秒，超过允许的 {limit_seconds()} 秒："
        "校准之前平台不收用量、不派作业；运行中的作业继续，已签的批次留在本机，校准后接着上报。"
        "请启用 chrony 或 systemd-timesyncd"
    )

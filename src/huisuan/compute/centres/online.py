"""Whether a centre's agent was heard of lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from huisuan.compute.models import Centre

AGENT_SILENT = timedelta(seconds=30)  # an agent calls every second or so: this one is gone


def is_online(centre: Centre, now: datetime) -> bool:
    """Whether the centre's agent called lately."""
    agent = getattr(centre, "agent", None)
    return agent is not None and agent.last_seen_at > now - AGENT_SILENT

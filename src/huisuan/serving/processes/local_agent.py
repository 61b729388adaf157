"""The site agent that `huisuan up` runs on this machine: it joins by itself for the first centre with jobs for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from huisuan.base.paths import home
from huisuan.compute.site_agent.config import STATE_FILE
from huisuan.compute.site_agent.state import AgentState

_INVITED_BY = "huisuan up"


@dataclass(frozen=True)
class AgentStart:
    """What the agent on this machine starts with; `word` is "" once it has joined."""

    centre: str
    slots: int
    word: str


def folder() -> Path:
    """Where the agent of this machine keeps its things."""
    return home() / "agent"


def plan_agent_start(now: datetime) -> AgentStart | None:
    """What to start the agent with; None while no centre runs jobs on this machine."""
    from django.db.models import F, Sum

    from huisuan.compute.accelerators import PROCESSOR_SLOT
    from huisuan.compute.agent_gateway.enrolment import invite_agent
    from huisuan.compute.models import AgentKey, Centre, Partition

    known = AgentKey.objects.filter(name=_name(), revoked_at__isnull=True, centre__engine="local").first()
    centre = known.centre if known else Centre.objects.filter(engine="local").order_by("code").first()
    if centre is None:
        return None
    slots = Partition.objects.filter(centre=centre, accelerator__model=PROCESSOR_SLOT).aggregate(
        slots=Sum(F("nodes") * F("cards_per_node"))
    )["slots"]
    word = "" if known else invite_agent(centre.code, _INVITED_BY, now, days=1)[1]
    return AgentStart(centre.code, slots or 1, word)


def _name() -> str:
    """The name under which the agent of this machine joined; "" if it never did."""
    path = folder() / STATE_FILE
    if not path.exists():
        return ""
    state = AgentState(path)
    try:
        return state.name
    finally:
        state.close()

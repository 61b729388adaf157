"""Which agent serves a centre: one at a time, distinguished by its key and by the start of its process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused
from huisuan.compute.centres.online import AGENT_SILENT
from huisuan.compute.models import AgentKey, Centre, SiteAgent
from huisuan.protocol.agent import Serving, SyncRequest

ALIVE = timedelta(seconds=10)  # heard so lately, another copy is surely running
_MILLISECOND = timedelta(milliseconds=1)
#: A quiet request changes only when it was heard: its commit need not wait for the disk. A crash of the machine may
#: forget the last moment of it, which costs nothing but that moment.
NOTE_REQUEST = """
    WITH fresh AS (
        UPDATE compute_agentkey SET last_request = %(number)s
        WHERE id = %(key)s AND last_request < %(number)s AND revoked_at IS NULL RETURNING id
    ), held AS (
        UPDATE compute_siteagent a SET skew_ms = %(skew)s, last_seen_at = %(now)s
        FROM fresh WHERE a.key_id = fresh.id AND a.boot = %(boot)s AND %(plain)s
          AND ARRAY[a.host, a.version, a.engine, a.engine] = %(same)s::varchar[] RETURNING a.id
    )
    SELECT EXISTS (SELECT 1 FROM fresh), EXISTS (SELECT 1 FROM held),
        CASE WHEN %(quiet)s THEN set_config('synchronous_commit', 'off', true) END
"""


@dataclass(frozen=True)
class ServingClaim:
    """Whether an agent serves its centre; if not, why, and whether it has to stop."""

    serves: bool
    message: str = ""
    stop: bool = False


def claim_serving(key: AgentKey, seen: SyncRequest, now: datetime) -> ServingClaim:
    """Let the agent serve its centre if it does already, if none does, or if the one that did is over or long silent.

    Must run inside a transaction; the key stays locked to its end. Nothing that runs depends on this being right: a run
    begins only after the agent that submitted it was heard. It keeps two agents from undoing each other's work.

    Raises:
        EnrolmentRefused: the request is no later than the key's last, a replay.
    """
    fresh, serves = _noted(key, seen, now)
    if not fresh:
        raise EnrolmentRefused(
            403, f"请求 {seen.number} 不是最新的：平台已收到更晚的请求，重放的不予理会", code="agent.request_replayed"
        )
    if serves:
        return ServingClaim(True)
    if seen.engine != key.centre.engine:
        return ServingClaim(
            False, f"智算中心 {key.centre.code} 登记的执行引擎是 {key.centre.engine}，代理用的是 {seen.engine}"
        )
    held = SiteAgent.objects.select_for_update(of=("self",)).select_related("key").filter(centre=key.centre).first()
    if held is None:
        held = SiteAgent(centre=key.centre)
    elif refusal := _refusal(held, key, seen, now):
        return refusal
    if held.key_id != key.pk or held.boot != seen.boot:
        held.health, held.health_at = [], None  # of another agent, or of before its start
    held.key, held.boot, held.host, held.version, held.engine = key, seen.boot, seen.host, seen.version, seen.engine
    held.capabilities = {
        name: [ability.able, ability.why] for name, ability in seen.capabilities.items()
    } or held.capabilities
    held.skew_ms, held.last_seen_at = (seen.sent_at - now) // _MILLISECOND, now
    held.save()
    return ServingClaim(True)


def _noted(key: AgentKey, seen: SyncRequest, now: datetime) -> tuple[bool, bool]:
    """Note the request: whether it is a new one, and whether its agent serves already, as it did at its last."""
    values: dict[str, Any] = {
        "key": key.pk, "number": seen.number, "boot": seen.boot, "now": now,
        "skew": (seen.sent_at - now) // _MILLISECOND, "quiet": seen.is_quiet,
        "same": [seen.host, seen.version, seen.engine, key.centre.engine], "plain": not seen.capabilities,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(NOTE_REQUEST, values)
        fresh, serves, _ = cursor.fetchone()
    return bool(fresh), bool(serves)


def _refusal(held: SiteAgent, key: AgentKey, seen: SyncRequest, now: datetime) -> ServingClaim | None:
    """Why the agent may not take over from the one that serves; None where it may, or where it is that one."""
    silence = now - held.last_seen_at
    if held.key_id == key.pk and _is_later_start(seen.boot, held.boot):
        return None
    if silence > AGENT_SILENT or held.key.revoked_at is not None:
        return None
    since = held.last_seen_at.astimezone(SHANGHAI)
    who = f"{held.host} 上的{'同一' if held.key_id == key.pk else ''}站点代理正在服务 {key.centre.code}"
    if held.key_id != key.pk:
        return ServingClaim(False, f"{who}（{since:%H:%M:%S} 还在）；它停下 {AGENT_SILENT.seconds} 秒后由本代理接替")
    if silence < ALIVE:
        return ServingClaim(
            False, f"{who}（{since:%H:%M:%S} 还在）：这一份是多余的，请停掉；代理目录不要复制到别处使用", stop=True
        )
    return ServingClaim(False, f"{who}，{since:%H:%M:%S} 后没有回音；等它 {AGENT_SILENT.seconds} 秒")


def _is_later_start(boot: str, held: str) -> bool:
    """Whether it is the same start of the agent, or a later one from the same place, where the one before is over."""
    place, _, start = boot.partition(".")
    held_place, _, held_start = held.partition(".")
    return place == held_place and int(start) >= int(held_start)


def find_serving_agent(centre: Centre) -> Serving | None:
    """The agent that serves a centre, if one ever did."""
    held = SiteAgent.objects.select_related("key").filter(centre=centre).first()
    if held is None:
        return None
    return Serving(
        agent=held.key.name, host=held.host, boot=held.boot, last_seen_at=held.last_seen_at, skew_ms=held.skew_ms
    )


def ask_for_health(centre: Centre, now: datetime) -> bool:
    """Ask the centre's agent to check itself; it answers within seconds. Whether there is one that was heard lately."""
    agents = SiteAgent.objects.filter(centre=centre, last_seen_at__gt=now - AGENT_SILENT)
    return bool(agents.update(health_asked_at=now))


def list_agents(centre: Centre) -> list[dict[str, Any]]:
    """The agents that ever joined for a centre, the newest first, and which of them serves it."""
    present = SiteAgent.objects.filter(centre=centre).first()
    rows = []
    for key in AgentKey.objects.filter(centre=centre).order_by("-enrolled_at"):
        held = present if present and present.key_id == key.pk else None
        skew = key.skew_ms if key.clock_wrong_at else held.skew_ms if held else None
        rows.append(
            {
                "agent": key.name, "host": held.host if held else key.host, "serving": held is not None,
                "version": held.version if held else None, "skew_ms": skew,
                "clock_wrong_at": key.clock_wrong_at,
                "capabilities": held.capabilities if held else None, "enrolled_at": key.enrolled_at,
                "last_seen_at": held.last_seen_at if held else None, "last_batch": key.last_batch,
                "revoked_at": key.revoked_at, "revoked_by": key.revoked_by,
                "health": held.health if held else None, "health_at": held.health_at if held else None,
            }
        )  # fmt: skip
    return rows

"""Who is let into a session, and which agent may tunnel to it: the relay's questions to the database.

Every function is one short transaction, called in a thread of the relay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, transaction
from django.db.models import F

from huisuan.base.hashing import text_sha256
from huisuan.compute.models import AgentKey, InteractiveSession, Job, JobState, SessionAdmission
from huisuan.protocol.session_tunnel import TUNNEL_PROTOCOL, TunnelHello
from huisuan.protocol.signatures import tunnel_is_signed_by

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Admitted:
    """Somebody who was let into a session, and whether its job runs now."""

    uid: str
    person: int
    state: str

    @property
    def runs(self) -> bool:
        """Whether there is something to reach."""
        return self.state == JobState.RUNNING


def _in_a_thread(question: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
    """Django closes a connection that died at the end of a request; the relay has none."""

    @wraps(question)
    def ask(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        close_old_connections()
        try:
            return question(*args, **kwargs)
        finally:
            close_old_connections()

    return ask


@_in_a_thread
@transaction.atomic
def redeem_ticket(uid: str, ticket: str, cookie: str, now: datetime) -> Admitted | None:
    """Exchange a ticket for a cookie, once; None: there is no such ticket for that session, or not any more."""
    fresh = SessionAdmission.objects.filter(
        ticket_sha256=text_sha256(ticket), session=uid, used_at__isnull=True, ticket_expires_at__gte=now
    )
    if not fresh.filter(_still_the_same_person()).update(used_at=now, cookie_sha256=text_sha256(cookie)):
        return None
    return _admitted(uid, cookie)


@_in_a_thread
def find_admitted(uid: str, cookie: str) -> Admitted | None:
    """Who holds that cookie of that session; None: nobody, or what they may do has changed since."""
    return _admitted(uid, cookie)


def _still_the_same_person() -> object:
    from django.db.models import Q

    return Q(person__is_active=True, person__session_epoch=F("epoch"))


def _admitted(uid: str, cookie: str) -> Admitted | None:
    held = SessionAdmission.objects.filter(_still_the_same_person(), cookie_sha256=text_sha256(cookie), session=uid)
    found = held.values_list("person", "session__job__state").first()
    return Admitted(uid, *found) if found else None


@_in_a_thread
def agent_refusal(hello: TunnelHello, challenge: str, signature: str) -> str:
    """Why an agent may not tunnel to a run; "" where it may: its centre runs that very session, and it serves there."""
    if hello.protocol > TUNNEL_PROTOCOL:
        return f"代理的会话隧道是第 {hello.protocol} 版，平台只懂第 {TUNNEL_PROTOCOL} 版：请先升级平台"
    key = AgentKey.objects.filter(name=hello.agent, revoked_at__isnull=True).first()
    if key is None or not tunnel_is_signed_by(key.public_key, signature, challenge, hello.uid, hello.lease):
        return "签名不是任何在用的站点代理的"
    here = Job.objects.filter(pk=hello.uid, centre=key.centre, lease=hello.lease, state=JobState.RUNNING)
    if not here.exclude(session_kind="").filter(centre__agent__key=key).exists():
        return f"会话 {hello.uid} 没有在这个代理服务的中心运行"
    return ""


@_in_a_thread
def note_ready(uid: str, now: datetime) -> None:
    """Note that the session's program answers."""
    InteractiveSession.objects.filter(pk=uid, ready_at__isnull=True).update(ready_at=now)


@_in_a_thread
def standing(tunnels: Collection[tuple[str, int, str]]) -> Mapping[str, bool]:
    """By uid, of tunnels (uid, lease, agent), whether they may go on: the run runs, its agent is not revoked."""
    jobs = dict(
        Job.objects.filter(pk__in=[uid for uid, _, _ in tunnels], state=JobState.RUNNING).values_list("pk", "lease")
    )
    agents = {agent for _, _, agent in tunnels}
    good = set(AgentKey.objects.filter(name__in=agents, revoked_at__isnull=True).values_list("name", flat=True))
    return {uid: jobs.get(uid) == lease and agent in good for uid, lease, agent in tunnels}

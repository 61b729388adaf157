"""Starting, opening and ending sessions. Each is one transaction."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from huisuan.base.errors import Conflict, NotAllowed, NotFound, Unavailable
from huisuan.base.hashing import text_sha256
from huisuan.compute.jobs.queries import visible
from huisuan.compute.jobs.relay_address import browsers_reach_sessions, relay_for_agents, session_origin
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.models import (
    FINAL_STATES,
    InteractiveSession,
    Job,
    JobState,
    SessionAdmission,
    SessionKind,
)
from huisuan.compute.sessions.node_script import session_script
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from huisuan.protocol.sessions import SessionRequest, SessionTicket

ENTER_PATH = "/_huisuan/enter"
TICKET_SECONDS = 60
#: the job may last longer than the session: a session ends by itself, in order; Slurm and the runner end it by force
MARGIN_SECONDS = 60


@transaction.atomic
def start_session(
    asked: SessionRequest, viewer: Viewer, now: datetime, randomness: bytes, key: str = ""
) -> InteractiveSession:
    """Submit the job that the session is; placed, priced and metered as any other. The same key is the same session.

    Raises:
        Unavailable: this platform has no relay.
        HuisuanError: as of submitting any job.
    """
    if not relay_for_agents():
        raise Unavailable("平台没有运行会话中继：请管理员用 huisuan up（不带 --no-relay）启动", code="session.no_relay")
    job = submit_job(_job_request(asked), viewer, now, randomness, key, session_kind=asked.kind)
    session, _ = InteractiveSession.objects.get_or_create(
        job=job,
        defaults={
            "owner": Person.objects.get(username=viewer.name),
            "kind": asked.kind,
            "seconds": asked.seconds,
            "idle_seconds": asked.idle_seconds,
        },
    )
    return session


def session_of(viewer: Viewer, uid: str) -> InteractiveSession:
    """A session whose job the viewer may see.

    Raises:
        NotFound: there is none.
    """
    found = InteractiveSession.objects.select_related("owner").filter(job__in=visible(viewer).filter(pk=uid))
    session = found.first() if uid.isalnum() else None
    if session is None:
        raise NotFound(f"没有会话 {uid}：用 huisuan session list 查看", code="session.unknown")
    session.job = visible(viewer).get(pk=uid)
    return session


@transaction.atomic
def open_session(uid: str, viewer: Viewer, now: datetime, platform_host: str) -> SessionTicket:
    """A ticket into a running session, for its owner alone, who called the platform by that host.

    Raises:
        NotFound: there is none that the viewer may see.
        NotAllowed: it is another person's.
        Conflict: it does not run.
        Unavailable: it is for a browser, which has no address to go to.
    """
    session = session_of(viewer, uid)
    if session.kind != SessionKind.SHELL and not browsers_reach_sessions(platform_host):
        raise Unavailable(
            "平台没有给会话配置浏览器能到的网址：请管理员设置 HUISUAN_SESSIONS_URL", code="session.no_address"
        )
    if session.owner.username != viewer.name:
        raise NotAllowed(
            f"会话 {uid} 是 {session.owner.name} 的：里面能以他的身份运行程序，只有本人能进", code="session.not_yours"
        )
    job = session.job
    if job.state in FINAL_STATES:
        raise Conflict(f"会话 {uid} 已经结束（{job.get_state_display()}）：请另开一个", code="session.over")
    if job.state != JobState.RUNNING:
        raise Conflict(
            f"会话 {uid} 还没有开始（{job.get_state_display()}）：请等它运行起来", code="session.not_running"
        )
    ticket, expires_at = secrets.token_urlsafe(32), now + timedelta(seconds=TICKET_SECONDS)
    SessionAdmission.objects.create(
        session=session, person=session.owner, epoch=session.owner.session_epoch, ticket_sha256=text_sha256(ticket),
        issued_at=now, ticket_expires_at=expires_at,
    )  # fmt: skip
    url = f"{session_origin(uid)}{ENTER_PATH}?ticket={ticket}"
    return SessionTicket(url=url, ticket=ticket, relay=relay_for_agents(), expires_at=expires_at)


@transaction.atomic
def end_session(uid: str, viewer: Viewer, now: datetime) -> InteractiveSession:
    """Ask for the session's job to end.

    Raises:
        NotFound: there is none that the viewer may see.
        Conflict: it is over.
    """
    session = session_of(viewer, uid)
    session.job = cancel_job(uid, viewer, now)
    return session


def _job_request(asked: SessionRequest) -> JobRequest:
    settings = {
        "kind": asked.kind, "seconds": asked.seconds, "idle_seconds": asked.idle_seconds, "prepare": asked.prepare,
    }  # fmt: skip
    return JobRequest(
        script=session_script(settings),
        name=asked.name or SessionKind(asked.kind).label,
        cards=asked.cards,
        models=asked.models,
        centre=asked.centre,
        city=asked.city,
        price_ceiling_fen=asked.price_ceiling_fen,
        workdir=asked.workdir,
        environment=asked.environment,
        party=asked.party,
        project=asked.project,
        time_limit_seconds=asked.seconds + MARGIN_SECONDS,
    )


def list_sessions(viewer: Viewer, *, all_states: bool = False, limit: int = 100) -> list[InteractiveSession]:
    """The sessions that the viewer may see, the newest first; without `all_states` only those that are not over."""
    jobs = visible(viewer).exclude(session_kind="")
    if not all_states:
        jobs = jobs.exclude(state__in=FINAL_STATES)
    found = {job.pk: job for job in jobs.order_by("-uid")[:limit]}
    sessions = {row.pk: row for row in InteractiveSession.objects.filter(pk__in=found).select_related("owner")}
    for uid, session in sessions.items():
        session.job = found[uid]
    return [sessions[uid] for uid in found if uid in sessions]


def is_ready(session: InteractiveSession, job: Job) -> bool:
    """Whether its program answers."""
    return session.ready_at is not None and job.state == JobState.RUNNING

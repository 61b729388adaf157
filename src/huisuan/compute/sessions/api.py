"""Sessions over HTTP."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Header, Query, Router, Status

from huisuan.base.errors import NotAllowed, NotFound
from huisuan.compute.models import InteractiveSession
from huisuan.compute.sessions import services
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.protocol import sessions as wire
from huisuan.protocol.job_uid import RANDOM_BYTES
from huisuan.protocol.resources import IDEMPOTENCY_KEY

router = Router(tags=["交互会话"])


@router.post(
    "/sessions",
    response={201: wire.Session},
    auth=Allow("user", "province", scope="submit"),
    summary="开始一个交互会话",
)
def start(
    request: HttpRequest,
    asked: wire.SessionRequest,
    key: Annotated[
        str, Header(alias=IDEMPOTENCY_KEY, max_length=200, description="同一请求带同一个值重发，只开一个")
    ] = "",
) -> Status[wire.Session]:
    """Start JupyterLab, VS Code or a shell as a job."""
    now = datetime.now(UTC)
    session = services.start_session(asked, viewer_of(request), now, secrets.token_bytes(RANDOM_BYTES), key)
    return Status(201, session_to_wire(session))


@router.get("/sessions", response=list[wire.Session], auth=Allow(scope="read"), summary="交互会话，最新的在前")
def list_sessions(
    request: HttpRequest,
    ended: Annotated[bool, Query(description="也列出已经结束的")] = False,
) -> list[wire.Session]:
    """The sessions that are not over, a hundred at most; with `ended` also those that are."""
    return [session_to_wire(one) for one in services.list_sessions(viewer_of(request), all_states=ended)]


@router.get("/sessions/{uid}", response=wire.Session, auth=Allow(scope="read"), summary="一个交互会话")
def show(request: HttpRequest, uid: str) -> wire.Session:
    """One session."""
    return session_to_wire(_session(viewer_of(request), uid))


@router.post(
    "/sessions/{uid}/open",
    response=wire.SessionTicket,
    auth=Allow("user", "province", scope="submit"),
    summary="进入会话：一次有效的网址",
)
def open_(request: HttpRequest, uid: str) -> wire.SessionTicket:
    """A way into a running session, good once and for a minute; only for whoever started it."""
    viewer = viewer_of(request)
    _session(viewer, uid)
    try:
        return services.open_session(uid, viewer, datetime.now(UTC), request.get_host())
    except NotAllowed as refusal:
        raise ApiRefusal(403, str(refusal), code=refusal.code) from None


@router.post(
    "/sessions/{uid}/end",
    response=wire.Session,
    auth=Allow("user", "province", scope="submit"),
    summary="结束会话",
)
def end(request: HttpRequest, uid: str) -> wire.Session:
    """Ask for a session to end; asking twice is once."""
    viewer = viewer_of(request)
    _session(viewer, uid)
    return session_to_wire(services.end_session(uid, viewer, datetime.now(UTC)))


def _session(viewer: Viewer, uid: str) -> InteractiveSession:
    try:
        return services.session_of(viewer, uid)
    except NotFound as missing:
        raise ApiRefusal(404, str(missing), code=missing.code) from None


def session_to_wire(session: InteractiveSession) -> wire.Session:
    """A session as its readers see it."""
    job = session.job
    return wire.Session(
        uid=job.uid,
        kind=session.kind,
        name=job.name,
        owner=session.owner.username,
        state=job.state,
        ready=services.is_ready(session, job),
        centre=job.centre.code if job.centre else None,
        model=job.accelerator.model if job.accelerator else None,
        cards=job.cards,
        fen_per_card_hour=job.fen_per_card_hour,
        seconds=session.seconds,
        idle_seconds=session.idle_seconds,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        reasons=job.reasons,
    )

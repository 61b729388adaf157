"""Enrolment of agents for a centre: invited by a token, identified by a key, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.models import AgentKey, Centre, Invitation

_PREFIX = "hsj_"  # so that a leaked token is recognised
DAYS = 7
TOKEN_BYTES = 24


class EnrolmentRefused(Exception):
    """An agent is refused; `status` is the HTTP status: 401 unknown, 403 known and refused, 409 another protocol."""

    def __init__(self, status: int, text: str, *, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def token_digest(token: str) -> str:
    """The digest of an invitation's token, which alone is stored."""
    return text_sha256(token)


def invite_agent(code: str, by: str, now: datetime, days: int = DAYS) -> tuple[Invitation, str]:
    """An invitation for one agent of that centre, and its token, which is stored nowhere.

    Raises:
        Refused: no such centre, or not a sane number of days.
    """
    if not 1 <= days <= 365:
        raise InvalidRequest(f"有效天数 {days}：应在 1 至 365 之间", code="invitation.days_out_of_bounds")
    token = _PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation.objects.create(
        centre=centre_by_code(code), digest=token_digest(token), invited_by=by[:80], created_at=now,
        expires_at=now + timedelta(days=days),
    )  # fmt: skip
    return invitation, token


@transaction.atomic
def enrol(token: str, name: str, public_key: str, host: str, engine: str, now: datetime) -> AgentKey:
    """Make the key known for the invitation's centre; the token is used up. The same agent may repeat it.

    Raises:
        EnrolmentRefused: the token is unknown, used or expired, the key is another's, or the centre has another engine.
    """
    invitation = Invitation.objects.select_for_update().filter(digest=token_digest(token)).first()
    if invitation is None:
        raise EnrolmentRefused(
            401, "邀请码不对：请核对，或在平台用 huisuan centre invite 再开一个", code="invitation.unknown"
        )
    known = AgentKey.objects.filter(Q(name=name) | Q(public_key=public_key)).first()
    if known and (known.name, known.public_key, known.centre_id) == (name, public_key, invitation.centre_id):
        return known
    if invitation.used_at or invitation.expires_at <= now:
        when = (invitation.used_at or invitation.expires_at).astimezone(SHANGHAI)
        how = "用过" if invitation.used_at else "过期"
        raise EnrolmentRefused(
            401,
            f"邀请码已于 {when:%Y-%m-%d %H:%M} {how}：请在平台用 huisuan centre invite 再开一个",
            code="invitation.over",
        )
    if known:
        raise EnrolmentRefused(
            403, "这把密钥（或代理名）已经登记：请在中心重新 huisuan agent enrol，会另造一把", code="agent.key_known"
        )
    centre = Centre.objects.select_for_update().get(pk=invitation.centre_id)
    _has_engine(centre, engine)
    Invitation.objects.filter(pk=invitation.pk).update(used_at=now)
    return AgentKey.objects.create(centre=centre, name=name, public_key=public_key, host=host, enrolled_at=now)


def _has_engine(centre: Centre, engine: str) -> None:
    """The first agent that joins settles what runs the platform's jobs at a centre that has no engine registered.

    Raises:
        EnrolmentRefused: the centre is registered with another engine.
    """
    if not centre.engine:
        Centre.objects.filter(pk=centre.pk).update(engine=engine)
    elif centre.engine != engine:
        raise EnrolmentRefused(
            403,
            f"智算中心 {centre.code} 登记的执行引擎是 {centre.engine}，代理用的是 {engine}："
            f"请改 --engine，或在平台运行 huisuan centre add {centre.code} --engine {engine}",
            code="agent.engine_differs",
        )


@transaction.atomic
def revoke_agents(code: str, by: str, now: datetime, agent: str | None = None) -> list[AgentKey]:
    """Revoke a centre's agents (or the one of that name) and unused invitations; returns the revoked keys.

    What runs at the centre goes on, and is taken over by the next agent that joins.

    Raises:
        Refused: no such centre, or no such agent there.
    """
    centre = centre_by_code(code)
    keys = AgentKey.objects.select_for_update().filter(centre=centre, revoked_at__isnull=True)
    if agent is not None:
        keys = keys.filter(name=agent)
        if not keys:
            raise NotFound(
                f"智算中心 {code} 没有名为 {agent} 的有效代理：用 huisuan centre agents {code} 查看",
                code="agent.unknown",
            )
    else:
        Invitation.objects.filter(centre=centre, used_at__isnull=True).delete()
    revoked = list(keys)
    for key in revoked:
        key.revoked_at, key.revoked_by = now, by[:80]
    AgentKey.objects.bulk_update(revoked, ["revoked_at", "revoked_by"])
    return revoked

"""Tokens that programs carry: of a person, for a scope, until a day; shown once, listed, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.parties.identity.audit_trail import Actor, record
from huisuan.parties.models import Person, Role, Scope, Step, Token

PREFIX = "hs_"  # so that a leaked one is recognised for what it is
UP = "huisuan-up"
LONGEST_LABEL = 80
DAYS, MOST_DAYS = 90, 365
USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """What is kept of a token."""
    return text_sha256(secret)


@transaction.atomic
def issue(
    person: Person, label: str, actor: Actor, now: datetime, *, scope: str = Scope.SUBMIT, days: int = DAYS
) -> tuple[Token, str]:
    """A token and its secret, which is kept nowhere.

    Raises:
        Refused: a name, a scope or an end that there is not; or the person changed since they were asked.
    """
    label = label.strip()
    if not label or len(label) > LONGEST_LABEL or "\0" in label:
        raise InvalidRequest(f"名称须有 1 至 {LONGEST_LABEL} 个字", code="token.label_malformed")
    if scope not in Scope.values:
        raise InvalidRequest(f"权限 {scope}：只能是 {'、'.join(Scope.values)}", code="token.scope_unknown")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidRequest(f"有效期 {days} 天：须在 1 至 {MOST_DAYS} 天之间", code="token.days_out_of_bounds")
    same = Person.objects.select_for_update().filter(pk=person.pk, session_epoch=person.session_epoch, is_active=True)
    if not same.exists():
        raise NotAllowed(
            f"{person.username} 已停用，或刚刚改过口令、角色：请重新登录后再试", code="token.person_changed"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        digest=digest_of(secret), label=label, person=person, scope=scope, created_at=now,
        expires_at=now + timedelta(days=days),
    )  # fmt: skip
    record(person, Step.TOKEN_MADE, actor, now, f"{token.pk} {label}（{scope}，{days} 天）")
    return token, secret


@transaction.atomic
def operator_token(now: datetime) -> str:
    """The secret of the token that the commands on this machine use; the ones made before are revoked.

    Raises:
        Refused: the machine's own account is disabled.
    """
    defaults = {"role": Role.PROVINCE, "name": "本机操作员（huisuan up）", "machine": True, "password": "!"}
    person, _ = Person.objects.get_or_create(username=UP, defaults=defaults)
    if not person.machine or person.role != Role.PROVINCE:
        raise Conflict(f"账号 {UP} 是本机操作员专用的：请把同名的人员改名", code="token.account_reserved")
    person.tokens.filter(revoked_at__isnull=True).update(revoked_at=now)
    return issue(person, UP, Actor(UP), now, scope=Scope.MANAGE, days=MOST_DAYS)[1]


def standing_for(secret: str, now: datetime) -> Token | None:
    """The token with that secret, if it holds and its person may come in; its use is noted, to the minute."""
    tokens = Token.objects.select_related("person").filter(digest=digest_of(secret), person__is_active=True)
    found = tokens.filter(revoked_at__isnull=True, expires_at__gt=now).first()
    if found and (found.last_used_at is None or found.last_used_at <= now - USE_NOTED_EVERY):
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        Token.objects.filter(unnoted, pk=found.pk).update(last_used_at=now)
    return found


@transaction.atomic
def revoke(number: int, actor: Actor, now: datetime, *, of: Person | None = None) -> Token:
    """Revoke the token of that number, `of` that person only; one that is revoked stays as it is.

    Raises:
        Refused: there is none.
    """
    mine = Token.objects.select_related("person").filter(**({"person": of} if of else {}))
    found = mine.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(f"没有编号 {number} 的令牌：用 huisuan token list 查看", code="token.unknown")
    if Token.objects.filter(pk=number, revoked_at__isnull=True).update(revoked_at=max(now, found.created_at)):
        record(found.person, Step.TOKEN_REVOKED, actor, now, f"{found.pk} {found.label}")
        found.refresh_from_db()
    return found


def revoke_secret(secret: str, now: datetime) -> None:
    """Revoke the token with that secret: its bearer signs out."""
    found = Token.objects.select_related("person").filter(digest=digest_of(secret)).first()
    if found is not None:
        revoke(found.pk, Actor(found.person.username, found.person_id), now)


def tokens(person: Person | None = None) -> QuerySet[Token]:
    """All tokens, or a person's, newest first."""
    found = Token.objects.select_related("person__party").order_by("-id")
    return found.filter(person=person) if person else found

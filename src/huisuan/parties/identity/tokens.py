"""Tokens that programs carry: of a person, for a scope, until a day; shown once, listed, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.models import Person, PersonAction, Project, Role, Scope, Token

TOKEN_PREFIX = "hs_"  # noqa: S105  # so that a leaked one is recognised for what it is
_LOCAL_OPERATOR = "huisuan-up"
_MAX_LABEL_LENGTH = 80
_DEFAULT_DAYS, _MAX_DAYS = 90, 365
_USE_RECORDED_EVERY = timedelta(minutes=1)


def access_token_digest(secret: str) -> str:
    """What is kept of a token."""
    return text_sha256(secret)


@transaction.atomic
def issue_token(
    person: Person, label: str, actor: Actor, now: datetime, *, scope: str = Scope.SUBMIT, days: int = _DEFAULT_DAYS,
    project: Project | None = None,
) -> tuple[Token, str]:  # fmt: skip
    """A token and its secret, which is kept nowhere. `project`: it is for jobs of this project of the firm only.

    Raises:
        Refused: a name, a scope or an end that there is not, or a scope beyond the person's role in the firm; a
            project of another firm; or the person changed since they were asked.
    """
    label = label.strip()
    if not label or len(label) > _MAX_LABEL_LENGTH or "\0" in label:
        raise InvalidRequest(f"名称须有 1 至 {_MAX_LABEL_LENGTH} 个字", code="token.label_malformed")
    if scope not in Scope.values:
        raise InvalidRequest(f"权限 {scope}：只能是 {'、'.join(Scope.values)}", code="token.scope_unknown")
    if not 1 <= days <= _MAX_DAYS:
        raise InvalidRequest(f"有效期 {days} 天：须在 1 至 {_MAX_DAYS} 天之间", code="token.days_out_of_bounds")
    same = Person.objects.select_for_update().filter(pk=person.pk, session_epoch=person.session_epoch, is_active=True)
    person_now = same.first()
    if person_now is None:
        raise NotAllowed(
            f"{person.username} 已停用，或刚刚改过口令、角色：请重新登录后再试", code="token.person_changed"
        )
    _check_reach(person_now, scope, project)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        digest=access_token_digest(secret), label=label, person=person, scope=scope, project=project, created_at=now,
        expires_at=now + timedelta(days=days),
    )  # fmt: skip
    made = f"{token.pk} {label}（{scope}，{days} 天）"
    if project is not None:
        made = f"{token.pk} {label}（{scope}，{days} 天，项目 {project.code}）"
    record_event(person, PersonAction.TOKEN_MADE, actor, now, made)
    return token, secret


def _check_reach(person: Person, scope: str, project: Project | None) -> None:
    widest = person.widest_scope
    order = list(Scope.values)
    if order.index(scope) > order.index(widest):
        raise NotAllowed(
            f"{person.username} 在本单位的角色是 {person.member_role}，令牌的权限至多是 {widest}，不能是 {scope}",
            code="token.scope_beyond_member",
        )
    if project is None:
        return
    if project.party_id != person.party_id:
        raise NotAllowed(f"项目 {project.code} 不是 {person.username} 所在单位的", code="token.project_not_own")
    if scope == Scope.MANAGE:
        raise InvalidRequest("项目的令牌只管作业：权限只能是 read 或 submit", code="token.project_scope")


@transaction.atomic
def issue_operator_token(now: datetime) -> str:
    """The secret of the token that the commands on this machine use; the ones made before are revoked.

    Raises:
        Refused: the machine's own account is disabled.
    """
    defaults = {"role": Role.PROVINCE, "name": "本机操作员（huisuan up）", "machine": True, "password": "!"}
    person, _ = Person.objects.get_or_create(username=_LOCAL_OPERATOR, defaults=defaults)
    if not person.machine or person.role != Role.PROVINCE:
        raise Conflict(f"账号 {_LOCAL_OPERATOR} 是本机操作员专用的：请把同名的人员改名", code="token.account_reserved")
    person.tokens.filter(revoked_at__isnull=True).update(revoked_at=now)
    return issue_token(person, _LOCAL_OPERATOR, Actor(_LOCAL_OPERATOR), now, scope=Scope.MANAGE, days=_MAX_DAYS)[1]


def find_valid_token(secret: str, now: datetime) -> Token | None:
    """The token with that secret, if it holds and its person may come in; its use is noted, to the minute."""
    tokens = Token.objects.select_related("person").filter(digest=access_token_digest(secret), person__is_active=True)
    found = tokens.filter(revoked_at__isnull=True, expires_at__gt=now).first()
    if found and (found.last_used_at is None or found.last_used_at <= now - _USE_RECORDED_EVERY):
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_RECORDED_EVERY)
        Token.objects.filter(unnoted, pk=found.pk).update(last_used_at=now)
    return found


@transaction.atomic
def revoke_token_by_id(number: int, actor: Actor, now: datetime, *, of: Person | None = None) -> Token:
    """Revoke the token of that number, `of` that person only; one that is revoked stays as it is.

    Raises:
        Refused: there is none.
    """
    mine = Token.objects.select_related("person").filter(**({"person": of} if of else {}))
    found = mine.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(f"没有编号 {number} 的令牌：用 huisuan token list 查看", code="token.unknown")
    if Token.objects.filter(pk=number, revoked_at__isnull=True).update(revoked_at=max(now, found.created_at)):
        record_event(found.person, PersonAction.TOKEN_REVOKED, actor, now, f"{found.pk} {found.label}")
        found.refresh_from_db()
    return found


def revoke_token_by_secret(secret: str, now: datetime) -> None:
    """Revoke the token with that secret: its bearer signs out."""
    found = Token.objects.select_related("person").filter(digest=access_token_digest(secret)).first()
    if found is not None:
        revoke_token_by_id(found.pk, Actor(found.person.username, found.person_id), now)


def list_tokens(person: Person | None = None) -> QuerySet[Token]:
    """All tokens, or a person's, newest first."""
    found = Token.objects.select_related("person__party", "project").order_by("-id")
    return found.filter(person=person) if person else found

"""Tokens that programs carry: made (the secret is shown once), listed, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from huisuan.console import Refused
from huisuan.parties.gate import digest_of
from huisuan.parties.models import Party, Person, Region, Role, Token

PREFIX = "hs_"  # so that a leaked one is recognised for what it is
OPERATOR = "本机操作员（huisuan up）"
LONGEST_LABEL = 80


def make_token(role: str, label: str, *, party: str | None = None, city: str | None = None) -> tuple[Token, str]:
    """A token and its secret, which is kept nowhere; `party` by USCC, `city` by region code.

    Raises:
        Refused: the role is unknown, lacks its party or city, or has one that it may not have.
    """
    if role not in Role.values:
        raise Refused(f"角色 {role}：只能是 {'、'.join(Role.values)}")
    label = label.strip()
    if not label or len(label) > LONGEST_LABEL:
        raise Refused(f"名称须有 1 至 {LONGEST_LABEL} 个字")
    token = Token(label=label, role=role, party=_party(role, party), city=_city(role, city))
    return token, _issue(token)


def token_for(person: Person, label: str) -> str:
    """The secret of a new token that stands for a person."""
    shown = f"{person.username}（{label}）"[:LONGEST_LABEL]
    return _issue(Token(label=shown, role=person.role, party=person.party, city=person.city))


@transaction.atomic
def operator_token(now: datetime) -> str:
    """The secret of the token that the commands on this machine use; the ones made before are revoked."""
    Token.objects.filter(label=OPERATOR, revoked_at__isnull=True).update(revoked_at=now)
    return _issue(Token(label=OPERATOR, role=Role.PROVINCE))


def revoke(number: int, now: datetime) -> Token:
    """Revoke the token of that number; one that is revoked stays as it is.

    Raises:
        Refused: there is none.
    """
    Token.objects.filter(pk=number, revoked_at__isnull=True).update(revoked_at=now)
    found = Token.objects.filter(pk=number).first()
    if found is None:
        raise Refused(f"没有编号 {number} 的令牌：用 huisuan token list 查看")
    return found


def revoke_secret(secret: str, now: datetime) -> None:
    """Revoke the token with that secret."""
    Token.objects.filter(digest=digest_of(secret), revoked_at__isnull=True).update(revoked_at=now)


def tokens() -> QuerySet[Token]:
    """All tokens, newest first."""
    return Token.objects.select_related("party").order_by("-id")


def _issue(token: Token) -> str:
    secret = PREFIX + secrets.token_urlsafe(32)
    token.digest = digest_of(secret)
    token.save()
    return secret


def _party(role: str, uscc: str | None) -> Party | None:
    if role not in (Role.USER, Role.CENTRE):
        if uscc:
            raise Refused(f"角色 {role} 不属于某个主体：请去掉 --party")
        return None
    if not uscc:
        raise Refused(f"角色 {role} 须用 --party 写明主体的统一社会信用代码")
    found = Party.objects.filter(uscc=uscc).first()
    if found is None:
        raise Refused(f"主体 {uscc} 不存在：请先用 huisuan party import 导入")
    return found


def _city(role: str, code: str | None) -> Region | None:
    if role != Role.CITY:
        if code:
            raise Refused(f"角色 {role} 不属于某个市：请去掉 --city")
        return None
    if not code:
        raise Refused("角色 city 须用 --city 写明市的行政区划代码，例如 340100")
    found = Region.objects.filter(code=code).first()
    if found is None or not found.in_anhui:
        raise Refused(f"行政区划代码 {code}：不是安徽省的市")
    return found

"""Signing in over HTTP: a name and a password become a token."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth import authenticate
from django.http import HttpRequest
from ninja import Router, Status
from ninja.errors import HttpError

from huisuan.client.wire import Credentials, Granted, Identity
from huisuan.parties.access import Viewer
from huisuan.parties.gate import Allow, viewer_of
from huisuan.parties.models import Party, Person
from huisuan.parties.tokens import revoke_secret, token_for

router = Router(tags=["登录"])


@router.post("/login", response=Granted, auth=None, summary="用户名和口令换令牌")
def login(request: HttpRequest, asked: Credentials) -> Granted:
    """A new token for a person; too many wrong passwords lock the name and the address out for a while."""
    person = authenticate(request, username=asked.username, password=asked.password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # or its middleware answers with a page
        raise HttpError(429, "口令错误次数过多，已暂时锁定：请 15 分钟后再试")
    if not isinstance(person, Person):
        raise HttpError(401, "用户名或口令不对")
    who = _identity(Viewer.of(person))
    return Granted(token=token_for(person, asked.label), **who.model_dump())


@router.post("/logout", response={204: None}, auth=Allow(), summary="吊销所用的令牌")
def logout(request: HttpRequest) -> Status[None]:
    """Revoke the token that was shown; a browser's session signs out on its own page."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HttpError(422, "没有令牌可吊销：浏览器请在页面上退出")
    revoke_secret(secret, datetime.now(UTC))
    return Status(204, None)


@router.get("/me", response=Identity, auth=Allow(), summary="令牌代表谁")
def me(request: HttpRequest) -> Identity:
    """Whom the token, or the session, stands for."""
    return _identity(viewer_of(request))


def _identity(viewer: Viewer) -> Identity:
    party = Party.objects.filter(pk=viewer.party_id).values_list("uscc", flat=True).first() if viewer.party_id else None
    return Identity(role=viewer.role, name=viewer.name, party=party, city=viewer.city)

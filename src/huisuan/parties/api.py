"""Signing in over HTTP: a name, a password and a code become a token."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router, Status

from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.identity import second_factor, sign_in
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.client_address import client_address, client_place
from huisuan.parties.identity.throttle import TooManyAttempts
from huisuan.parties.identity.tokens import issue_token, revoke_token_by_secret
from huisuan.parties.models import Party, Person, Project
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import CODE_WANTED, Credentials, Granted, Identity

router = Router(tags=["登录"])


@router.post("/login", response=Granted, auth=None, summary="用户名、口令（和验证码）换令牌")
def login(request: HttpRequest, asked: Credentials) -> Granted:
    """A new token for a person; 428 where a code is wanted besides, 429 after too many wrong tries."""
    now = datetime.now(UTC)
    person = _proved(request, asked, now)
    if person.must_change_password:
        raise ApiRefusal(403, "请先在网页上登录，换掉别人知道的口令", code="person.password_must_change")
    actor = Actor(person.username, person.pk, client_address(request))
    token, secret = issue_token(person, asked.label, actor, now, scope=asked.scope, days=asked.days)
    sign_in.record_sign_in(person, client_place(request), actor, now, f"API：{asked.label}")
    who = _identity(Viewer.for_person(person, scope=asked.scope))
    return Granted(token=secret, expires_at=token.expires_at, **who.model_dump())


def _proved(request: HttpRequest, asked: Credentials, now: datetime) -> Person:
    """Whoever showed everything that their account asks for.

    Raises:
        ApiRefusal: 401, 403, 428, 429.
    """
    try:
        person = sign_in.authenticate_by_password(asked.username, asked.password, client_place(request), now)
        if person is None:
            raise ApiRefusal(401, "用户名或口令不对", code="person.password_wrong")
        if second_factor.has_factor(person):
            if not asked.code:
                raise ApiRefusal(
                    CODE_WANTED, "这个账号要两步验证：请附上手机上的验证码", code="second_factor.code_wanted"
                )
            if not sign_in.verify_second_factor(person, asked.code, client_place(request), now):
                raise ApiRefusal(401, "验证码不对，或已经用过：请等下一个", code="second_factor.code_wrong")
        elif person.needs_second_factor:
            raise ApiRefusal(403, "这个角色要两步验证：请先在网页上登录并登记", code="second_factor.not_enrolled")
    except TooManyAttempts as many:
        raise ApiRefusal(429, str(many), code="person.too_many_attempts") from None
    return person


@router.post("/logout", response={204: None}, auth=Allow(scope="read", project=True), summary="吊销所用的令牌")
def logout(request: HttpRequest) -> Status[None]:
    """Revoke the token that was shown; a browser's session signs out on its own page."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ApiRefusal(422, "没有令牌可吊销：浏览器请在页面上退出", code="token.none_shown")
    revoke_token_by_secret(secret, datetime.now(UTC))
    return Status(204, None)


@router.get("/me", response=Identity, auth=Allow(scope="read", project=True), summary="令牌代表谁")
def me(request: HttpRequest) -> Identity:
    """Whom the token, or the session, stands for."""
    return _identity(viewer_of(request))


def _identity(viewer: Viewer) -> Identity:
    party = Party.objects.filter(pk=viewer.party_id).values_list("uscc", flat=True).first() if viewer.party_id else None
    project = Project.objects.get(pk=viewer.project_id).code if viewer.project_id else None
    return Identity(
        role=viewer.role, name=viewer.name, party=party, city=viewer.city, scope=viewer.scope,
        member_role=viewer.member_role, project=project,
    )  # fmt: skip

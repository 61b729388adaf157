"""The gate before every route: each page states the roles that may call it, each API operation the scope besides.

A test walks all routes with every role and scope, and fails on a route that states nothing. Pages open to sessions
only; a session has the widest scope that its person may have: in a firm, that of the member's role. A token that is
bound to a project opens only the operations that say so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.identity import throttle
from huisuan.parties.identity.client_address import client_place
from huisuan.parties.identity.tokens import find_valid_token
from huisuan.parties.models import MEMBER_SCOPE, CredentialKind, Person, Role, Scope
from huisuan.parties.viewer import Viewer

ALL_ROLES = tuple(Role.values)
_SCOPE_RANK = {scope: rank for rank, scope in enumerate(Scope.values)}  # each includes the ones before it
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_CHANGE_PASSWORD_PAGE = "change-password"  # noqa: S105  # the name of the page
_Params = ParamSpec("_Params")
Page = Callable[Concatenate[HttpRequest, _Params], HttpResponseBase]


def viewer_of(request: HttpRequest) -> Viewer:
    """Who is asking, on a route that let them in."""
    return cast(Viewer, request.viewer)  # type: ignore[attr-defined]


class Allow(HttpBearer):
    """`auth=Allow("user", "province", scope="submit")` on an API operation: these roles (none: all), that scope.

    By bearer token, or by a signed-in session. `project`: a token of a project may call it, too; what it answers must
    then keep to that project (`Viewer.project_id`).
    """

    def __init__(self, *roles: str, scope: str, project: bool = False) -> None:
        self.roles = frozenset(roles or ALL_ROLES)
        self.scope = Scope(scope)
        self.project = project
        super().__init__()

    def __call__(self, request: HttpRequest) -> Viewer | None:
        """The viewer, kept on the request; None (401) if nobody; 403 if the role or the scope may not.

        Raises:
            ApiRefusal: 403; 429 after too many tokens that are none.
        """
        viewer = cast("Viewer | None", super().__call__(request)) or self._by_session(request)
        if viewer is None:
            return None
        if viewer.role not in self.roles:
            raise ApiRefusal(403, f"此接口只供 {'、'.join(sorted(self.roles))} 使用", code="access.role_not_allowed")
        if _SCOPE_RANK[viewer.scope] < _SCOPE_RANK[self.scope]:
            raise ApiRefusal(403, _scope_too_small(viewer, self.scope), code="access.scope_too_small")
        if viewer.project_id is not None and not self.project:
            raise ApiRefusal(
                403, "此令牌只用于一个项目的作业，不能用于此接口：请换一个不限项目的令牌", code="access.project_token"
            )
        request.viewer = viewer  # type: ignore[attr-defined]
        return viewer

    def authenticate(self, request: HttpRequest, token: str) -> Viewer | None:
        """Whom the bearer token stands for. A good token always counts; only guesses are held up.

        Raises:
            ApiRefusal: 429.
        """
        now = datetime.now(UTC)
        found = find_valid_token(token, now)
        if found:
            return Viewer.for_person(found.person, scope=found.scope, project_id=found.project_id)
        try:
            throttle.begin_attempt(CredentialKind.TOKEN, "", client_place(request), now)
        except throttle.TooManyAttempts as many:
            raise ApiRefusal(429, str(many), code="person.too_many_attempts") from None
        return None

    def _by_session(self, request: HttpRequest) -> Viewer | None:
        person = request.user
        if "Authorization" in request.headers or not isinstance(person, Person):
            return None
        if check_csrf(request):  # a browser's session may only change things from our own pages
            raise ApiRefusal(403, "CSRF", code="access.csrf")
        if person.must_change_password:
            raise ApiRefusal(403, "请先在网页上换掉别人知道的口令", code="person.password_must_change")
        return Viewer.for_person(person)


def viewer_if_any(request: HttpRequest) -> Viewer | None:
    """Who asks a route that is open to anyone, by token or session; None: nobody that signed in.

    Raises:
        ApiRefusal: a token is none, or is bound to a project.
    """
    found = Allow(scope=Scope.READ)(request)
    if found is None and "Authorization" in request.headers:
        raise ApiRefusal(401, "令牌无效、过期或已吊销", code="access.token_invalid")
    return found


def _scope_too_small(viewer: Viewer, wanted: Scope) -> str:
    if viewer.role == Role.USER and viewer.scope == MEMBER_SCOPE.get(viewer.member_role):
        return (
            f"您在本单位的角色是 {viewer.member_role}，权限至多是 {viewer.scope}，此接口要 {wanted.value}："
            "请本单位的所有者调整角色"
        )
    return f"此令牌的权限是 {viewer.scope}，此接口要 {wanted.value}：请新建一个令牌"


def allow(*roles: str, scope: str = "") -> Callable[[Page[_Params]], Page[_Params]]:
    """`@allow("user", "auditor")` on a page: these roles, signed in; `@allow()` is every role.

    `scope`: what a member's role in the firm must allow (a `Scope`). Without one, everybody looks, and whoever only
    reads changes nothing: `scope="read"` is for what is everybody's own, such as the account.
    """
    permitted = frozenset(roles or ALL_ROLES)

    def decorate(page: Page[_Params]) -> Page[_Params]:
        @wraps(page)
        def guarded(request: HttpRequest, *args: _Params.args, **kwargs: _Params.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, Person):
                return redirect_to_login(request.get_full_path())
            if request.user.role not in permitted:
                raise PermissionDenied
            if request.user.must_change_password and _page_name(request) != _CHANGE_PASSWORD_PAGE:
                return redirect(_CHANGE_PASSWORD_PAGE)
            viewer = Viewer.for_person(request.user)
            wanted = scope or (Scope.READ if request.method in _SAFE_METHODS else Scope.SUBMIT)
            if _SCOPE_RANK[viewer.scope] < _SCOPE_RANK[wanted]:
                raise PermissionDenied
            request.viewer = viewer  # type: ignore[attr-defined]
            return page(request, *args, **kwargs)

        guarded.allowed, guarded.scope = permitted, scope  # type: ignore[attr-defined]
        return cast("Page[_Params]", guarded)

    return decorate


def _page_name(request: HttpRequest) -> str | None:
    return request.resolver_match.url_name if request.resolver_match else None


def public_page(page: Page[_Params]) -> Page[_Params]:
    """Mark a page that anyone may read, signed in or not."""
    page.allowed = None  # type: ignore[attr-defined]
    return page

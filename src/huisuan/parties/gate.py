"""The gate before every route: each page and each API operation states the roles that may call it.

A test walks all routes with every role, and fails on a route that states nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from ninja.errors import HttpError
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from huisuan.parties.access import Viewer
from huisuan.parties.models import Person, Role, Token

EVERYONE = tuple(Role.values)
P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def digest_of(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def viewer_of(request: HttpRequest) -> Viewer:
    """Who is asking, on a route that let them in."""
    return cast(Viewer, request.viewer)  # type: ignore[attr-defined]


class Allow(HttpBearer):
    """`auth=Allow("user", "province")` on an API operation: these roles, by bearer token or signed-in session."""

    def __init__(self, *roles: str) -> None:
        self.roles = frozenset(roles or EVERYONE)
        super().__init__()

    def __call__(self, request: HttpRequest) -> Viewer | None:
        """The viewer, kept on the request; None (401) if nobody; 403 if the role may not.

        Raises:
            HttpError: 403.
        """
        viewer = cast("Viewer | None", super().__call__(request)) or self._by_session(request)
        if viewer is None:
            return None
        if viewer.role not in self.roles:
            raise HttpError(403, f"此接口只供 {'、'.join(sorted(self.roles))} 使用")
        request.viewer = viewer  # type: ignore[attr-defined]
        return viewer

    def authenticate(self, request: HttpRequest, token: str) -> Viewer | None:
        """Whom the bearer token stands for."""
        found = Token.objects.filter(digest=digest_of(token), revoked_at__isnull=True).first()
        return Viewer.of(found) if found else None

    def _by_session(self, request: HttpRequest) -> Viewer | None:
        if "Authorization" in request.headers or not isinstance(request.user, Person):
            return None
        if check_csrf(request):  # a browser's session may only change things from our own pages
            raise HttpError(403, "CSRF")
        return Viewer.of(request.user)


def allow(*roles: str) -> Callable[[Page[P]], Page[P]]:
    """`@allow("user", "auditor")` on a page: these roles, signed in; `@allow()` is every role."""
    permitted = frozenset(roles or EVERYONE)

    def decorate(page: Page[P]) -> Page[P]:
        @wraps(page)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, Person):
                return redirect_to_login(request.get_full_path())
            if request.user.role not in permitted:
                raise PermissionDenied
            request.viewer = Viewer.of(request.user)  # type: ignore[attr-defined]
            return page(request, *args, **kwargs)

        guarded.allowed = permitted  # type: ignore[attr-defined]
        return cast("Page[P]", guarded)

    return decorate


def public(page: Page[P]) -> Page[P]:
    """Mark a page that anyone may read, signed in or not."""
    page.allowed = None  # type: ignore[attr-defined]
    return page

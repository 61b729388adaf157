"""When a session ends: after a while of quiet, and after its day in any case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

STARTED_KEY, SEEN_KEY = "began", "seen"  # seconds since 1970, in the session itself
_REFRESH_SECONDS = 60  # seconds: not every request writes the session anew


def note_session_start(request: HttpRequest, **_: Any) -> None:
    """A session begins with the sign-in, whichever way that came."""
    request.session[STARTED_KEY] = request.session[SEEN_KEY] = datetime.now(UTC).timestamp()


def is_expired(began: float, seen: float, now: float) -> bool:
    """Whether a session that began and was last seen then has ended (seconds since 1970)."""
    return now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_SECONDS


class SessionExpiry:
    """Signs out whose session is over; it cannot be kept alive beyond its day by using it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, as nobody where the session is over."""
        session, now = request.session, datetime.now(UTC).timestamp()
        if request.COOKIES.get(settings.SESSION_COOKIE_NAME) and request.user.is_authenticated:
            if is_expired(session.get(STARTED_KEY, 0), session.get(SEEN_KEY, 0), now):
                logout(request)
            elif now - session[SEEN_KEY] > _REFRESH_SECONDS:
                session[SEEN_KEY] = now
        return self.get_response(request)

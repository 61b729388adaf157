"""What every page says to the browser about what it may load, and which language it is in."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from huisuan.law.model import LawError
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui.refusals import refusal_html

#: nothing from another host, nothing inline, nothing evaluated
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

log = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponse]


class ContentSecurity:
    """Nothing from another host: the browser itself refuses it."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header to the answer."""
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        return response


class BrokenLaw:
    """A policy that does not stand up says so on the page, instead of taking the page down; the log names the file."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as ever."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page that says which file is wrong, to whoever oversees; to others, that it is being mended."""
        if not isinstance(exception, LawError):
            return None
        log.error("%s: %s", request.path, exception)
        oversees = isinstance(request.user, Person) and Viewer.for_person(request.user).sees_everything
        return render(
            request, "portal/broken_law.html", {"wrong": refusal_html(exception) if oversees else ""}, status=503
        )


class LanguageSwitch:
    """Chinese first: English only for whoever chose it with the switch, whatever the browser prefers."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the language of the cookie, else in Chinese."""
        asked = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self.get_response(request)
        response.setdefault("Content-Language", language)
        return response

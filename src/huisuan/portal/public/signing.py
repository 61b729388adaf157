"""Sign-in, sign-out, the language switch."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from huisuan.parties.gate import public
from huisuan.parties.models import Person
from huisuan.portal import words

A_YEAR = 365 * 86400


class SignIn(LoginView):
    """The sign-in page; it names the demo accounts where, and only where, the demo has made some."""

    template_name = "portal/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and the demo accounts."""
        people = Person.objects.filter(demo=True, is_active=True).select_related("party", "city").order_by("id")
        demo = [(person, words.ROLE[person.role], person.party or person.city) for person in people]
        return super().get_context_data(demo=demo, **kwargs)


sign_in = public(SignIn.as_view())
sign_out = public(LogoutView.as_view())


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language and lead back to where the reader was, if that is one of our pages."""
    there = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(there if ours else "/")
    asked = request.POST.get("language", "")
    if asked in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            asked,
            max_age=A_YEAR,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response

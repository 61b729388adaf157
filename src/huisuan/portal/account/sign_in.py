"""Sign-in (password, then the second factor), sign-out, the language switch."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.identity import second_factor
from huisuan.parties.identity import sign_in as signing_in
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.client_address import DEVICE_COOKIE, DEVICE_SECONDS, client_address, client_place
from huisuan.parties.identity.throttle import TooManyAttempts
from huisuan.parties.models import Person
from huisuan.parties.route_access import public_page
from huisuan.portal.account.qr import as_image
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.refusals import refusal_html

A_YEAR = 365 * 86400
HALFWAY = "halfway"  # in the session: who has shown a password, and not yet a code
HALFWAY_SECONDS = 600
BACKEND = "django.contrib.auth.backends.ModelBackend"


@public_page
@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; it names the demo accounts where, and only where, the demo has made some."""
    if isinstance(request.user, Person):
        return redirect(settings.LOGIN_REDIRECT_URL)
    there = request.POST.get("next", request.GET.get("next", ""))
    if request.method != "POST":
        return sign_in_page(request, there)
    username = request.POST.get("username", "")
    try:
        person = signing_in.authenticate_by_password(
            username, request.POST.get("password", ""), client_place(request), timezone.now()
        )
    except TooManyAttempts as many:
        return too_many_tries_page(request, many)
    if person is None:
        return sign_in_page(request, there, _("账号或密码不对：请核对大小写与输入法。"))
    return go_on(request, person, there, "口令")


def sign_in_page(request: HttpRequest, there: str, wrong: str = "", status: int = 200) -> HttpResponse:
    """The form, with what was wrong."""
    people = Person.objects.filter(demo=True, is_active=True).select_related("party", "city").order_by("id")
    # nobody signs in as who has no password: those of a generated year
    people = people.exclude(password="").exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    context = {
        "demo": [(person, state_labels.ROLE[person.role], person.party or person.city) for person in people],
        "next": there,
        "wrong": wrong,
        "username": request.POST.get("username", ""),
        "elsewhere": settings.HUISUAN_OIDC_NAME if settings.HUISUAN_OIDC_ISSUER else "",
    }
    return render(request, "portal/account/sign_in.html", context, status=status)


def go_on(request: HttpRequest, person: Person, there: str, how: str) -> HttpResponse:
    """After the first proof: to the second where there is one, else in."""
    if not (person.needs_second_factor or second_factor.has_factor(person)):
        return complete_sign_in(request, person, there, how)
    request.session.cycle_key()
    request.session[HALFWAY] = {
        "person": person.pk, "epoch": person.session_epoch, "since": timezone.now().timestamp(), "next": there,
        "how": how,
    }  # fmt: skip
    return redirect("second-step")


@public_page
@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """The code of the telephone; for whoever has none yet, its enrolment."""
    half, person = request.session.get(HALFWAY), halfway(request)
    if half is None or person is None:
        request.session.pop(HALFWAY, None)
        return redirect("sign-in")
    if not second_factor.has_factor(person):
        return _enrol(request, person, half)
    wrong = ""
    if request.method == "POST":
        try:
            if signing_in.verify_second_factor(
                person, request.POST.get("code", ""), client_place(request), timezone.now()
            ):
                return complete_sign_in(request, person, half["next"], half["how"])
        except TooManyAttempts as many:
            return too_many_tries_page(request, many)
        except Refused as refusal:
            wrong = refusal_html(refusal)
        wrong = wrong or _("验证码不对，或已经用过：请等下一个。")
    return render(request, "portal/account/second_step.html", {"who": person, "wrong": wrong})


def halfway(request: HttpRequest) -> Person | None:
    """Whoever has shown the first proof in this session, lately, and is still the same."""
    half: dict[str, Any] = request.session.get(HALFWAY) or {}
    if not half or timezone.now().timestamp() - half["since"] > HALFWAY_SECONDS:
        return None
    return Person.objects.filter(pk=half["person"], session_epoch=half["epoch"], is_active=True).first()


def _enrol(request: HttpRequest, person: Person, half: dict[str, Any]) -> HttpResponse:
    if "secret" not in half:
        half["secret"] = second_factor.new_totp_secret()
        request.session.modified = True
    secret, wrong = half["secret"], ""
    if request.method == "POST":
        actor = Actor(person.username, person.pk, client_address(request))
        try:
            codes = second_factor.enrol_factor(person, secret, request.POST.get("code", ""), actor, timezone.now())
        except Refused as refusal:
            wrong = refusal_html(refusal)
        else:
            answer = complete_sign_in(request, person, half["next"], half["how"])
            return recovery_codes_page(request, codes, answer["Location"], answer)
    context = {
        "who": person,
        "wrong": wrong,
        "secret": secret,
        "image": as_image(second_factor.provisioning_uri(person, secret)),
    }
    return render(request, "portal/account/enrol_factor.html", context)


def recovery_codes_page(
    request: HttpRequest, codes: list[str], there: str, with_cookies: HttpResponse | None = None
) -> HttpResponse:
    """The recovery codes, this once."""
    page = render(request, "portal/account/recovery_codes.html", {"codes": codes, "there": there})
    if with_cookies is not None:
        page.cookies.update(with_cookies.cookies)
    page["Cache-Control"] = "no-store"
    return page


def complete_sign_in(request: HttpRequest, person: Person, there: str, how: str) -> HttpResponse:
    """Everything was shown: a new session, and on to where they wanted to go."""
    login(request, person, backend=BACKEND)
    request.session.pop(HALFWAY, None)
    place, now = client_place(request), timezone.now()
    device = signing_in.record_sign_in(
        person, place, Actor(person.username, person.pk, client_address(request)), now, how
    )
    ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    answer = HttpResponseRedirect(there if there and ours else reverse(settings.LOGIN_REDIRECT_URL))
    answer.set_cookie(
        DEVICE_COOKIE, device, max_age=DEVICE_SECONDS, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return answer


def too_many_tries_page(request: HttpRequest, many: TooManyAttempts) -> HttpResponse:
    """The page of too many tries."""
    answer = render(request, "portal/account/locked.html", {"minutes": -(-many.wait // 60)}, status=429)
    answer["Retry-After"] = str(many.wait)
    return answer


sign_out = public_page(LogoutView.as_view())


@public_page
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

"""One's own account: the password, the second factor, the tokens, the sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.identity import people, second_factor, tokens
from huisuan.parties.identity import sign_in as signing_in
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.client_address import client_address, client_place
from huisuan.parties.identity.throttle import TooManyAttempts
from huisuan.parties.models import Person, Scope
from huisuan.parties.route_access import allow
from huisuan.portal.account.qr import as_image
from huisuan.portal.account.sign_in import BACKEND, recovery_codes_page, too_many_tries_page
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.list_filters import first_rows
from huisuan.portal.ui.refusals import refusal_html

ENROLLING = "enrolling"  # in the session: the secret that the page shows
_EVENTS_SHOWN = 20


def person_of(request: HttpRequest) -> Person:
    """Whoever is signed in, on a page that let them in."""
    assert isinstance(request.user, Person)
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    """The same, as the record names them."""
    person = person_of(request)
    return Actor(person.username, person.pk, client_address(request))


def account_page(request: HttpRequest, **more: Any) -> HttpResponse:
    """The account as it is, with what just happened; a secret that it shows is not kept by the browser."""
    person, now = person_of(request), timezone.now()
    mine = tokens.list_tokens(person)
    events, more_events = first_rows(person.events.all(), _EVENTS_SHOWN)
    context = {
        "here": "account",
        "account": person,
        "has_factor": second_factor.has_factor(person),
        "tokens": [token for token in mine if token.revoked_at is None and token.expires_at > now],
        "scopes": [(scope.value, state_labels.SCOPE[scope.value]) for scope in Scope],
        "days": tokens._DEFAULT_DAYS,
        "most_days": tokens._MAX_DAYS,
        "events": [(one, state_labels.STEP[one.what]) for one in events],
        "more_events": more_events,
        **more,
    }
    answer = render(request, "portal/account/account.html", context, status=422 if more.get("refused") else 200)
    answer["Cache-Control"] = "no-store"
    return answer


@allow(scope="read")
def account(request: HttpRequest) -> HttpResponseBase:
    """The account."""
    return account_page(request)


@allow(scope="read")
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponseBase:
    """A new password, for who knows the old one; everywhere else one is signed out, and tokens end."""
    person, refused = person_of(request), ""
    if request.method == "POST":
        old, new = request.POST.get("old", ""), request.POST.get("new", "")
        try:
            if signing_in.authenticate_by_password(person.username, old, client_place(request), timezone.now()) is None:
                refused = _("现在的密码不对。")
            elif not new or new != request.POST.get("again", ""):
                refused = _("两次输入的新密码不同。")
            else:
                people.set_password(person, new, actor_of(request), timezone.now())
        except TooManyAttempts as many:
            return too_many_tries_page(request, many)
        except Refused as refusal:
            refused = refusal_html(refusal)
        if not refused:
            person.refresh_from_db()
            update_session_auth_hash(request, person)
            messages.success(request, _("密码已改。别处的登录和所有令牌都已失效。"))
            return redirect("account")
    context = {"here": "account", "refused": refused, "must": person.must_change_password}
    return render(request, "portal/account/password.html", context, status=422 if refused else 200)


@allow(scope="read")
@require_POST
def new_token(request: HttpRequest) -> HttpResponseBase:
    """A token of one's own; its secret stands on this answer and nowhere else."""
    days = request.POST.get("days", "")
    try:
        token, secret = tokens.issue_token(
            person_of(request), request.POST.get("label", ""), actor_of(request), timezone.now(),
            scope=request.POST.get("scope", ""), days=int(days) if days.isascii() and days.isdigit() else 0,
        )  # fmt: skip
    except Refused as refusal:
        return account_page(request, refused=refusal_html(refusal))
    return account_page(request, made=token, secret=secret)


@allow(scope="read")
@require_POST
def revoke_token(request: HttpRequest, number: int) -> HttpResponseBase:
    """End one of one's own tokens."""
    try:
        tokens.revoke_token_by_id(number, actor_of(request), timezone.now(), of=person_of(request))
    except Refused as refusal:
        return account_page(request, refused=refusal_html(refusal))
    messages.success(request, _("令牌已吊销。"))
    return redirect("account")


@allow(scope="read")
def enrol_factor(request: HttpRequest) -> HttpResponseBase:
    """A second factor for whoever wants one."""
    person, wrong = person_of(request), ""
    if second_factor.has_factor(person):
        return redirect("account")
    secret = request.session.setdefault(ENROLLING, second_factor.new_totp_secret())
    if request.method == "POST":
        try:
            code = request.POST.get("code", "")
            codes = second_factor.enrol_factor(person, secret, code, actor_of(request), timezone.now())
        except Refused as refusal:
            wrong = refusal_html(refusal)
        else:
            del request.session[ENROLLING]
            return recovery_codes_page(request, codes, reverse("account"))
    context = {
        "here": "account", "who": person, "wrong": wrong, "secret": secret,
        "image": as_image(second_factor.provisioning_uri(person, secret)),
    }  # fmt: skip
    return render(request, "portal/account/enrol_factor.html", context)


@allow(scope="read")
@require_POST
def change_factor(request: HttpRequest) -> HttpResponseBase:
    """New recovery codes, or no second factor any more; both for who shows a code."""
    person, now = person_of(request), timezone.now()
    try:
        if not signing_in.verify_second_factor(person, request.POST.get("code", ""), client_place(request), now):
            return account_page(request, refused=_("验证码不对，或已经用过：请等下一个。"))
        if request.POST.get("do") != "remove":
            return recovery_codes_page(
                request, second_factor.renew_recovery_codes(person, actor_of(request), now), reverse("account")
            )
        second_factor.reset_factor(person, actor_of(request), now)
    except TooManyAttempts as many:
        return too_many_tries_page(request, many)
    except Refused as refusal:
        return account_page(request, refused=refusal_html(refusal))
    if person.needs_second_factor:
        return redirect("sign-in")  # every session ended: a new telephone is enrolled at the next sign-in
    _stay(request)
    messages.success(request, _("两步验证已去掉。"))
    return redirect("account")


@allow(scope="read")
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponseBase:
    """End every session but this one."""
    people.end_sessions(person_of(request), actor_of(request), timezone.now())
    _stay(request)
    messages.success(request, _("别处的登录都已退出。令牌照旧有效，可逐个吊销。"))
    return redirect("account")


def _stay(request: HttpRequest) -> None:
    """This session goes on under the person's new epoch, and under a new key."""
    person = person_of(request)
    person.refresh_from_db()
    login(request, person, backend=BACKEND)

"""Signing in through an OpenID provider, where the settings name one."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from huisuan.base.errors import Refused
from huisuan.parties.identity import oidc
from huisuan.parties.identity.client_address import client_address
from huisuan.parties.route_access import public_page
from huisuan.portal.account.sign_in import go_on, sign_in_page

BEGUN = "oidc"  # in the session
log = logging.getLogger(__name__)


@public_page
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    _only_where_set()
    try:
        url, kept = oidc.start_authorization(_return_address(request), request.GET.get("next", ""), timezone.now())
    except oidc.IdentityNotProven as reason:
        return _refused(request, reason)
    request.session[BEGUN] = kept
    return redirect(url)


@public_page
@never_cache
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from the provider; what was kept is used up, whatever comes of it."""
    _only_where_set()
    kept, now = request.session.pop(BEGUN, None), timezone.now()
    try:
        claims = oidc.complete_authorization(request.GET.dict(), kept, _return_address(request), now)
        person = oidc.get_person_for_claims(claims, client_address(request), now)
    except oidc.IdentityNotProven as reason:
        return _refused(request, reason)
    except Refused:
        return sign_in_page(request, "", _("这个统一身份没有对应的人员：请平台管理员新增并登记。"), status=403)
    return go_on(request, person, kept["there"] if kept else "", "统一身份")


def _refused(request: HttpRequest, reason: oidc.IdentityNotProven) -> HttpResponse:
    log.warning("OpenID sign-in refused: %s", reason)
    return sign_in_page(request, "", _("统一身份认证没有成功：请重试；仍不成功请找平台管理员。"), status=403)


def _only_where_set() -> None:
    if not settings.HUISUAN_OIDC_ISSUER:
        raise Http404


def _return_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("oidc-return"))

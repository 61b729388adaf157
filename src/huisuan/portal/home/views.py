"""The first page after sign-in: each role its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.centres.views import centre_table
from huisuan.portal.home.oversight import oversight_home
from huisuan.portal.home.user import user_home
from huisuan.portal.ui.table import render_tables
from huisuan.portal.visible import centres

#: whose first page is one that they have anyway
_ELSEWHERE = {"operator": "people", "department": "inbox", "treasury": "inbox", "expert": "reviews"}


@allow()
def home(request: HttpRequest) -> HttpResponseBase:
    """A user's work, a centre's centre, an overseer's year; offices begin with their inbox, experts with reviews."""
    viewer = viewer_of(request)
    if viewer.role == "user":
        return user_home(request, viewer)
    if viewer.role in _ELSEWHERE:
        return redirect(_ELSEWHERE[viewer.role])
    if viewer.role == "centre":
        own = list(centres.centres(viewer)[:2])
        if len(own) == 1:
            return redirect("centre", code=own[0].code)
        return render_tables(request, "portal/centres/centres.html", {}, [centre_table(request, viewer)])
    return oversight_home(request, viewer)

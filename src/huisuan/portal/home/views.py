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


@allow()
def home(request: HttpRequest) -> HttpResponseBase:
    """A compute user's work, a centre's centre, an overseer's year; offices and experts find their documents."""
    viewer = viewer_of(request)
    if viewer.role == "user":
        return user_home(request, viewer)
    if viewer.role == "operator":
        return redirect("people")
    if viewer.role in ("department", "treasury", "expert"):
        return redirect("documents")
    if viewer.role == "centre":
        own = list(centres.centres(viewer)[:2])
        if len(own) == 1:
            return redirect("centre", code=own[0].code)
        return render_tables(request, "portal/centres/centres.html", {}, [centre_table(request, viewer)])
    return oversight_home(request, viewer)

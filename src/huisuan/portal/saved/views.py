"""Keeping what a list is filtered by, and forgetting it."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.parties.saved.filters import forget_filter, save_filter
from huisuan.portal.ui.refusals import refusal_html

#: parameters that are a place in a list, or ask for a file
_PLACE = ("page", "after", "before", "at", "export")


@allow(scope="read")
@require_POST
def keep_filter(request: HttpRequest) -> HttpResponse:
    """Keep the filter of the list that the form stands on, and go on there."""
    asked = request.POST
    page = _list_page(asked.get("page", ""))
    if page is None:
        return redirect("search")
    query = QueryDict(asked.get("query", "").removeprefix("?"), mutable=True)
    for key in _PLACE:
        query.pop(key, None)
    try:
        kept = save_filter(
            cast(Person, request.user), asked.get("name", ""), page, query.urlencode(), timezone.now(),
            shared=asked.get("shared") == "on",
        )  # fmt: skip
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect(f"{page}?{query.urlencode()}" if query else page)
    messages.success(request, _t("已存为常用筛选“{name}”。").format(name=kept.name))
    return redirect(kept.address)


@allow(scope="read")
@require_POST
def forget(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a filter of one's own."""
    try:
        gone = forget_filter(cast(Person, request.user), number)
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("search")
    messages.success(request, _t("已删去常用筛选“{name}”。").format(name=gone.name))
    return redirect(_list_page(gone.page) or "search")


def _list_page(path: str) -> str | None:
    """The path, where it is one of a page of ours; None: it leads nowhere, or elsewhere."""
    if urlsplit(path)._replace(path="").geturl() or "//" in path or "\\" in path:
        return None
    try:
        resolve(path)
    except Resolver404:
        return None
    return path

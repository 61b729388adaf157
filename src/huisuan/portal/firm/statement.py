"""A firm's monthly statement as files."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.statements.api import statement_file
from huisuan.settlement.statements.lines import load_statement


@allow("user")
def statement(request: HttpRequest, month: str, form: str) -> HttpResponseBase:
    """The month as a file: xlsx, pdf or focus."""
    try:
        return statement_file(load_statement(viewer_of(request), Month.parse(month)), form, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("firm")

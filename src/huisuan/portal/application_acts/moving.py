"""Moving an application to the present procedure on its page, by who decides on it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.application_page import ACTORS, application_or_404, show_refused
from huisuan.programmes.workflow.moving import move_to_present


@allow(*(role for role in ACTORS if role != "user"))
@require_POST
def move_application_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Move it, with a reason; then the page again."""
    application = application_or_404(request, number)
    assert isinstance(request.user, Person)
    try:
        move_to_present(number, request.POST.get("move_reason", ""), request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：以后的步骤按现行程序办理。").format(number=number))
    return redirect(f"/applications/{number}#moves")

"""The page of the list of jobs: the list, what can be chosen of it, and the cancels that can still be undone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.jobs.cancels import held_context, selects
from huisuan.portal.jobs.list import job_table
from huisuan.portal.jobs.views import CANCELS
from huisuan.portal.ui.columns import Selection
from huisuan.portal.ui.table import render_tables


@allow()
def job_list(request: HttpRequest) -> HttpResponseBase:
    """All jobs that the viewer reads."""
    viewer = viewer_of(request)
    selection, context = None, dict[str, Any]()
    if viewer.role in CANCELS:
        all_label = _("取消筛选出的全部…") if any(key != "sort" for key in request.GET) else ""
        selection = Selection(reverse("cancel-jobs"), "uid", _("取消选中的…"), selects, all_label)
        context = held_context(request)
    table = job_table(request, viewer, selection)
    return render_tables(request, "portal/jobs/jobs.html", {"here": "jobs", **context}, [table])

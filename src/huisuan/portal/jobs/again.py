"""Submitting a job again from its page, and keeping it, or what stands in the form, as a template of the firm."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotFound, Refused
from huisuan.compute.jobs.again import request_of, resubmit, save_template, template_named
from huisuan.compute.jobs.queries import one
from huisuan.compute.models import Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.refusals import refusal_html
from huisuan.protocol.job_uid import RANDOM_BYTES


@allow("user", scope="submit")
@require_POST
def submit_again(request: HttpRequest, uid: str) -> HttpResponse:
    """Submit a job as it was; pressing twice is once."""
    key = request.POST.get("key", "")
    try:
        job = resubmit(uid, viewer_of(request), timezone.now(), secrets.token_bytes(RANDOM_BYTES), key)
    except Job.DoesNotExist:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("job", uid=uid)
    messages.success(request, _t("已照原样再提交一次：这是新的作业。"))
    return redirect("job", uid=job.uid)


@allow("user", scope="submit")
@require_POST
def keep_template(request: HttpRequest, uid: str) -> HttpResponse:
    """Keep a job as a template of the firm."""
    viewer, now = viewer_of(request), timezone.now()
    try:
        kept = save_template(request.POST.get("name", ""), request_of(one(viewer, uid), now), viewer, now)
    except Job.DoesNotExist:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        messages.success(request, _t("已存为模板“{name}”，在提交页选用。").format(name=kept.name))
    return redirect("job", uid=uid)


@allow("user", scope="submit")
@require_POST
def delete_template(request: HttpRequest) -> HttpResponse:
    """Forget a template."""
    try:
        template_named(request.POST.get("name", ""), viewer_of(request)).delete()
    except NotFound:
        raise Http404 from None
    messages.success(request, _t("模板已删除；照它提交过的作业不受影响。"))
    return redirect("submit-job")

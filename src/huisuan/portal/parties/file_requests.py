"""What was handed in for the register: how far the worker is, what it would change in past results, accepting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.models import Party
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.progress_page import WorkPage, render_work
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import ENTITLEMENT, local_name, state_word
from huisuan.settlement.impact.register_preview import ChangedResult
from huisuan.settlement.impact.register_requests import (
    accept_register_file,
    cancel_register_file,
    report_of_request,
)
from huisuan.settlement.models import RegisterFileRequest

FAULTS_SHOWN = 200
CHANGED_SHOWN = 200
REGISTER_FILE_LABELS: dict[str, str | Promise] = {
    "parties": _("主体"), "relations": _("关联关系"), "successions": _("承继"),
}  # fmt: skip


@allow("province")
def register_file_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far a file is; once it is done, what became of its lines, or what it would change and the question."""
    work = get_object_or_404(RegisterFileRequest, pk=number)
    label = REGISTER_FILE_LABELS[work.kind]
    result = reverse("party", args=[work.party]) if work.party else reverse("import-parties")
    page = WorkPage(
        title=_t("登记 {name}").format(name=label if work.party else work.name),
        step=_t("逐行登记") if work.step == "enter" else _t("对照以往的结果：{run}").format(run=work.step),
        back=reverse("parties"),
        back_label=_("登记库"),
        result=result if not work.is_under_way else "",
        result_label=_("看这个主体") if work.party else _("再导入一份"),
        cancel=reverse("cancel-register-file", args=[number]) if work.is_under_way and not work.cancelled_by else "",
        report="portal/parties/file_report.html",
        facts=[(_("文件里是"), str(label))],
    )
    return render_work(request, work, page, "parties", _outcome(work, viewer_of(request).name))


@allow("province")
@require_POST
def accept_register_lines(request: HttpRequest, number: int) -> HttpResponse:
    """Hand a file in anew whose changes of past results its uploader has seen."""
    try:
        made = accept_register_file(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("import-parties")
    return redirect("register-file", number=made.pk)


@allow("province")
@require_POST
def cancel_register_lines(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel: nothing of the file is written."""
    try:
        cancel_register_file(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("import-parties")
    return redirect("register-file", number=number)


def _outcome(work: RegisterFileRequest, by: str) -> dict[str, Any]:
    """What the page shows of a file that is done."""
    if work.report is None:
        return {}
    report = report_of_request(work)
    changed = [ChangedResult(**each) for each in work.changed]
    return {
        "report": report, "faults": report.faults[:FAULTS_SHOWN], "more": max(len(report.faults) - FAULTS_SHOWN, 0),
        "entered": work.entered, "anew": bool(work.seen) and bool(changed), "may_accept": work.requested_by == by[:80],
        **(_changed_context(changed) if changed else {}),
    }  # fmt: skip


def _changed_context(changed: Sequence[ChangedResult]) -> dict[str, Any]:
    parties = Party.objects.in_bulk([each.party for each in changed[:CHANGED_SHOWN]], field_name="uscc")
    return {
        "changed": [
            (each, _name(parties.get(each.party), each.party), _status(each.status_before), _status(each.status_after))
            for each in changed[:CHANGED_SHOWN]
        ],
        "changed_count": len(changed),
        "changed_left_out": max(len(changed) - CHANGED_SHOWN, 0),
        "before_sum": sum(each.before_fen or 0 for each in changed),
        "after_sum": sum(each.after_fen or 0 for each in changed),
    }


def _name(party: Party | None, uscc: str) -> str | Promise:
    return local_name(party) if party else uscc


def _status(status: str | None) -> Any:
    return state_word(ENTITLEMENT, status) if status else None

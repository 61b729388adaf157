"""What is posted from the page of an application beside its acts: its account, and answers to changes and flags."""

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
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.flag_answers import give_flag_answer
from huisuan.programmes.payments.payees import answer_payee_change, give_payee


@allow(*(role for role in ACTORS if role != "user"))
@require_POST
def check_application_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ask everything of what was handed in and keep the answers; they stand on the page before anybody acts."""
    application = application_or_404(request, number)
    assert isinstance(request.user, Person)
    try:
        answers = check_application(application.number, request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    open_answers = sum(not answer.passed for answer in answers)
    said = _t("已核对：{n} 项须说明。") if open_answers else _t("已核对：都通过。")
    messages.success(request, said.format(n=open_answers))
    return redirect(f"/applications/{number}#checks")


@allow("user", "city")
@require_POST
def payee_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Give or change the account with what was typed."""
    application, asked = application_or_404(request, number), request.POST
    assert isinstance(request.user, Person)
    try:
        given = give_payee(
            application.number, request.user, asked.get("account", ""), asked.get("bank", ""), timezone.now(),
            name=asked.get("holder", ""), reason=asked.get("change_reason", ""),
        )  # fmt: skip
    except Refused as refusal:
        return show_refused(request, application, refusal)
    waits = given.number > 1 and given.accepted is None
    messages.success(request, _t("已提出变更：等财政部门的另一人确认。") if waits else _t("收款账户已填写。"))
    return redirect("application", number=number)


@allow("province", "department", "treasury")
@require_POST
def payee_answer_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Accept or turn down the change of the account that waits."""
    application, accept = application_or_404(request, number), request.POST.get("accept") == "yes"
    assert isinstance(request.user, Person)
    try:
        answer_payee_change(application.number, accept, request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("已确认账户变更。") if accept else _t("已驳回账户变更：原账户不变。"))
    return redirect("application", number=number)


@allow(*(role for role in ACTORS if role != "user"))
@require_POST
def application_flag_page(request: HttpRequest, number: str, flag: int) -> HttpResponseBase:
    """Answer a flag with its reason."""
    application = application_or_404(request, number)
    assert isinstance(request.user, Person)
    try:
        give_flag_answer(application.number, flag, request.user, request.POST.get("flag_reason", ""), timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("已答复疑点。"))
    return redirect("application", number=number)

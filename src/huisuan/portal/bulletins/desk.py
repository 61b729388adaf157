"""The province's desk of bulletins: drafting one, reviewing another person's, issuing, correcting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.desk.freezing import FreezeWish, freeze_again, freeze_wish
from huisuan.bulletins.desk.queries import BulletinState, bulletin_state, list_bulletins
from huisuan.bulletins.desk.services import (
    DraftedWords,
    correct_bulletin,
    draft_bulletin,
    issue_bulletin,
    review_bulletin,
)
from huisuan.bulletins.issuing.openness_letter import DEMANDS, FIGURES_DEMANDS
from huisuan.bulletins.models import Bulletin, BulletinKind
from huisuan.law.policy import list_policies
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.bulletins.archive import BULLETIN_KIND_LABELS, said_of
from huisuan.portal.registers.field_words import register_title
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.registers.progress import PROGRESS
from huisuan.programmes.registers.queries import list_registers

_STATES: Mapping[BulletinState, Word] = {
    BulletinState.DRAFT: Word(_("待审核"), "wait"), BulletinState.RETURNED: Word(_("已退回"), "bad"),
    BulletinState.PASSED: Word(_("审核通过"), "wait"), BulletinState.ISSUED: Word(_("已签发"), "good"),
    BulletinState.CORRECTED: Word(_("已更正"), "plain"),
}  # fmt: skip


def _address(row: Bulletin) -> str:
    return reverse("bulletin-draft", args=[row.pk])


_COLUMNS = [
    Column("number", _("流水号"), "pk", Kind.CODE, sort="pk", link=_address),
    Column("period", _("哪一期"), "period", sort="period", link=_address),
    Column("kind", _("内容"), lambda row: str(BULLETIN_KIND_LABELS[row.kind]), sort="kind"),
    Column("state", _("状态"), lambda row: _STATES[bulletin_state(row)], Kind.STATE),
    Column("by", _("起草"), "by.name", sort="by__name"),
    Column("at", _("起草时间"), "at", Kind.MOMENT, sort="at"),
]


@allow("province")
def desk_page(request: HttpRequest) -> HttpResponseBase:
    """All drafts and issues; another is drafted here."""
    refused, given = "", request.POST
    if request.method == "POST":
        now = timezone.now()
        try:
            frozen = freeze_wish(_wish(request), now)
            kind, said = _wish(request).kind, given.get("demands", "").split()
            usual = kind != BulletinKind.OPENNESS and said == list(DEMANDS)  # nobody wrote others
            words = DraftedWords(
                given.get("office", ""), frozen.period,
                FIGURES_DEMANDS if usual else given.get("demands", "").splitlines(),
            )  # fmt: skip
            made = draft_bulletin(kind, frozen.content, words, _person(request), now, kept=frozen.kept)
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            messages.success(request, _t("已起草，等另一个人审核。"))
            return redirect("bulletin-draft", number=made.pk)
    table = Table(
        request, list_bulletins(), _COLUMNS, file="bulletin-drafts", order="-number", search=("period", "office"),
        empty=Empty(_("还没有通报。")),
    )  # fmt: skip
    context = {
        "here": "bulletins", "refused": refused, "given": given,
        "demands": given.get("demands", "\n".join(DEMANDS)), "kinds": BULLETIN_KIND_LABELS.items(),
        "policies": list_policies(),
        "registers": [(f"{policy.name} {spec.key}", register_title(spec)) for policy, spec in list_registers()
                      if spec.field_of(PROGRESS)],
    }  # fmt: skip
    answer = render_tables(request, "portal/bulletins/desk.html", context, [table])
    answer.status_code = 422 if refused else answer.status_code
    return answer


@allow("province")
def draft_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One draft as it will read; what can be done with it by whoever looks."""
    draft = list_bulletins().filter(pk=number).first()
    if draft is None:
        raise Http404
    if request.method != "POST":
        return _page(request, draft)
    try:
        number = _act(request, number)
    except Refused as refusal:
        return _page(request, draft, refused=refusal_html(refusal), status=422)
    return redirect("bulletin-draft", number=number)


def _act(request: HttpRequest, number: int) -> int:
    """Do what was asked; the number of the bulletin to show next."""
    person, now, given = _person(request), timezone.now(), request.POST
    what = given.get("do", "")
    if what in ("pass", "return"):
        review_bulletin(number, what == "pass", given.get("note", ""), person, now)
    elif what == "issue":
        issue_bulletin(number, given.get("number", ""), _day(given.get("day", "")), person, now)
        messages.success(request, _t("已签发。"))
    elif what == "correct":
        frozen = freeze_again(number, now)
        return correct_bulletin(number, frozen.content, given.get("reason", ""), person, now, kept=frozen.kept).pk
    return number


def _wish(request: HttpRequest) -> FreezeWish:
    """What is to be drafted. A register is chosen with its policy."""
    given = request.POST
    kind = given.get("kind", BulletinKind.OPENNESS)
    if kind not in BulletinKind.values:
        raise InvalidRequest("通报的内容：请从列出的里选一种", code="bulletin.kind_unknown")
    policy, _sign, register = given.get("register", "").partition(" ")
    if kind != BulletinKind.SCENARIOS:
        policy, register = (given.get("policy", "") if kind == BulletinKind.MONEY else ""), ""
    return FreezeWish(BulletinKind(kind), given.get("period", "").strip(), policy, register)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("成文日期写法不对；请写成 2026-10-15", code="bulletin.day_malformed") from None


def _page(request: HttpRequest, draft: Bulletin, *, refused: str = "", status: int = 200) -> HttpResponse:
    state = bulletin_state(draft)
    context: dict[str, Any] = {
        "here": "bulletins", "draft": draft, **said_of(draft), "state": _STATES[state], "refused": refused,
        "given": request.POST, "review": getattr(draft, "review", None), "issue": getattr(draft, "issue", None),
        "may_review": state == BulletinState.DRAFT and draft.by.username != viewer_of(request).name,
        "waits": state == BulletinState.DRAFT and draft.by.username == viewer_of(request).name,
        "may_issue": state == BulletinState.PASSED, "may_correct": state == BulletinState.ISSUED,
        "today": timezone.now().astimezone(SHANGHAI).date().isoformat(),
    }  # fmt: skip
    return render(request, "portal/bulletins/draft.html", context, status=status)


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)

"""Entering on a register from a page: one entry by a form, a match of what is offered with what is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.csv_lines import LineFault
from huisuan.base.errors import NotFound, Refused
from huisuan.base.money import yuan
from huisuan.law.policy import load_policy
from huisuan.law.procedure import FieldKind, RegisterSpec
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import allow
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.registers.field_words import choice_word, field_title, register_title
from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.offices import is_city
from huisuan.programmes.registers.entry_line import normalise_entry_code
from huisuan.programmes.registers.keepers import Keeper, keeper_of, reserved_fields
from huisuan.programmes.registers.matching import give_matches
from huisuan.programmes.registers.queries import get_version
from huisuan.programmes.registers.services import enter_entry, get_register

ENTERING = ("user", "city", "province", "department", "treasury")
_COMMON = ("code", "name", "holder", "region", "from", "until", "reason")


@allow(*ENTERING)
@require_http_methods(["GET", "POST"])
def enter_page(request: HttpRequest, policy: str, key: str) -> HttpResponseBase:
    """A form for one entry, a new one or the next version of one (`?code=`)."""
    spec = _spec(policy, key)
    assert isinstance(request.user, Person)
    now = timezone.now()
    try:
        keeper = keeper_of(spec, request.user, now)
    except Refused as refusal:
        return _form(request, policy, spec, {}, "", refusal_html(refusal), 403)
    own = keeper.holder
    if request.method != "POST":
        return _form(request, policy, spec, _said(policy, spec, keeper, request.GET.get("code", "")), own)
    names = (*_COMMON, *(one.key for one in spec.fields))
    typed = {name: request.POST.get(name, "").strip() for name in names}
    try:
        report = enter_entry(
            policy, key, {name: text for name, text in typed.items() if name != "reason"}, by=request.user, now=now,
            reason=typed["reason"],
        )  # fmt: skip
    except Refused as refusal:
        return _form(request, policy, spec, typed, own, refusal_html(refusal), refusal_status(refusal))
    if report.faults:
        return _form(request, policy, spec, typed, own, _fault_html(spec, report.faults), 422)
    messages.success(request, _t("已登记。") if report.new or report.changed else _t("与名录上的相同，没有改动。"))
    return redirect("register-entry", policy=policy, key=key, code=normalise_entry_code(typed["code"]))


@allow("province", "department", "city")
@require_POST
def match_entries(request: HttpRequest, policy: str, key: str) -> HttpResponseBase:
    """Match what waits with what is there, and show the matches."""
    spec = _spec(policy, key)
    assert isinstance(request.user, Person)
    if spec.matching is None:
        raise Http404
    try:
        report = give_matches(policy, key, by=request.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("register-of", policy=policy, key=key)
    messages.success(request, _t("新的对接：{count} 件。").format(count=report.new))
    return redirect("register-of", policy=policy, key=spec.matching.matches)


def _spec(policy: str, key: str) -> RegisterSpec:
    try:
        return get_register(policy, key)
    except NotFound as wrong:
        raise Http404 from wrong


def _fault_html(spec: RegisterSpec, faults: list[LineFault]) -> Any:
    """What is wrong with which cell, one a line; columns by the names that the reader's form has."""
    lines = []
    for fault in faults:
        said = "：".join(filter(None, (f"{fault.rule}；{fault.remedy}", fault.value)))
        for title, shown in _shown_titles(spec):
            said = said.replace(f"“{title}”", f"“{shown}”")
        columns = dict(_shown_titles(spec))
        lines.append(format_html("{}: {}", columns.get(fault.column, fault.column), sentence_html(said)))
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))


def _shown_titles(spec: RegisterSpec) -> list[tuple[str, str]]:
    own = {"name": spec.name_is_en if reads_english() else spec.name_is,
           "holder": spec.holder_is_en if reads_english() else spec.holder_is}  # fmt: skip
    own |= {"code": _t("编号"), "region": _t("市"), "from": _t("自"), "until": _t("至")}
    own |= {one.key: field_title(one) for one in spec.fields}
    return [(title, own.get(key, title)) for key, title in spec.columns.items()]


def _cities() -> list[tuple[str, Any]]:
    return [(place.code, local_name(place)) for place in Region.objects.all() if is_city(place)]


def _said(policy: str, spec: RegisterSpec, keeper: Keeper, code: str) -> dict[str, str]:
    """What an entry of the reader's own says now, as its form writes it: what is not public stands there, too."""
    if not code:
        return {}
    try:
        version = get_version(policy, spec.key, code)
    except NotFound as wrong:
        raise Http404 from wrong
    if keeper.check_standing(0, version.entry.code, version):
        raise Http404
    common = {
        "code": version.entry.code, "name": version.name, "holder": version.holder.uscc if version.holder else "",
        "region": version.region_id or "", "from": version.from_day.isoformat(),
        "until": version.until_day.isoformat() if version.until_day else "",
    }  # fmt: skip
    shown = (one for one in spec.fields if one.key not in spec.filled_in)
    return common | {one.key: _typed(one.kind, version, one.key) for one in shown}


def _typed(kind: FieldKind, version: RegisterVersion, key: str) -> str:
    value = version.values.get(key)
    if value is None:
        return ""
    return yuan(value).replace(",", "") if kind is FieldKind.YUAN else str(value)


def _form(
    request: HttpRequest, policy: str, spec: RegisterSpec, typed: dict[str, str], own: str, refused: Any = "",
    status: int = 200,
) -> HttpResponseBase:  # fmt: skip
    fields = [
        (one, field_title(one), typed.get(one.key, ""), [(key, choice_word(one, key)) for key in one.options])
        for one in spec.fields
        if one.key not in spec.filled_in and (not own or one.key not in reserved_fields(load_policy(policy), spec))
    ]
    context = {
        "here": "registers", "policy": policy, "spec": spec, "title": register_title(spec), "typed": typed,
        "fields": fields, "own": own, "refused": refused, "cities": _cities(),
        "first_day": typed.get("from") or timezone.localdate().isoformat(), "may": status != 403,
        "name_is": spec.name_is_en if reads_english() else spec.name_is,
        "holder_is": spec.holder_is_en if reads_english() else spec.holder_is,
    }  # fmt: skip
    return render(request, "portal/registers/enter.html", context, status=status)

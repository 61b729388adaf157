"""An operator's pages: everybody who may sign in, and what was done to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotAllowed, Refused
from huisuan.parties.identity import people, second_factor, tokens
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import Person, Region, Role
from huisuan.parties.route_access import allow
from huisuan.portal.account.views import actor_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.list_filters import first_rows
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables

_EVENTS_SHOWN = 100
ACTIVE, DISABLED = state_labels.Word(_("可登录"), "good"), state_labels.Word(_("已停用"), "bad")

_COLUMNS = (
    Column("username", _("账号"), "username", Kind.CODE, "username", link=lambda who: reverse("person", args=[who.pk])),
    Column("name", _("姓名"), "name", sort="name"),
    Column("role", _("角色"), lambda who: str(state_labels.ROLE[who.role]), sort="role"),
    Column("place", _("单位"), lambda who: local_name(who.party or who.city) if who.party or who.city else ""),
    Column("state", _("状态"), lambda who: ACTIVE if who.is_active else DISABLED, Kind.STATE, "is_active"),
    Column("factor", _("两步验证"), lambda who: _t("已登记") if hasattr(who, "second_factor") else ""),
    Column("last", _("最近登录"), "last_login", Kind.MOMENT, "last_login"),
)


def _roles(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    return [(role, str(state_labels.ROLE[role])) for role in Role.values]


def person_table(request: HttpRequest) -> Table:
    """Everybody."""
    return Table(
        request,
        people.list_people(),
        _COLUMNS,
        file="people",
        order="username",
        search=("username", "name", "party__name", "party__uscc"),
        choices=[
            Choice("role", _("角色"), _roles, lambda rows, role: rows.filter(role=role)),
        ],
        empty=Empty(_("还没有人员。"), command="huisuan person add"),
    )


@allow("operator")
def person_list(request: HttpRequest) -> HttpResponseBase:
    """The people."""
    return render_tables(request, "portal/people/people.html", {"here": "people"}, [person_table(request)])


@allow("operator")
def new_person(request: HttpRequest) -> HttpResponseBase:
    """Add somebody; the password that is made for them stands on the answer and nowhere else."""
    if request.method != "POST":
        return _form(request)
    asked = request.POST
    try:
        person, secret = people.add_person(
            asked.get("username", ""), _place(request), actor_of(request), timezone.now(),
            name=asked.get("name", ""), email=asked.get("email", ""), machine=asked.get("machine") == "on",
        )  # fmt: skip
    except Refused as refusal:
        return _form(request, refusal_html(refusal))
    return _person_page(request, person, secret=secret)


@allow("operator")
def person_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One person, their tokens, and what was done to them."""
    return _person_page(request, _found(number))


def _disable(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    people.disable_person(person, actor, now)
    return ""


def _enable(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    people.enable_person(person, actor, now)
    return ""


def _password(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    if actor.person_id == person.pk:
        raise NotAllowed("自己的密码请在“我的账号”里改", code="person.own_password")
    return people.set_password(person, None, actor, now)


def _reset(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    second_factor.reset_factor(person, actor, now)
    return ""


def _move(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    people.change_position(person, _place(request), actor, now)
    return ""


def _bind(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    people.link_identity(person, people.oidc_issuer(), request.POST.get("subject", ""), actor, now)
    return ""


def _unbind(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    people.unlink_identities(person, actor, now)
    return ""


def _revoke(person: Person, actor: Actor, now: datetime, request: HttpRequest) -> str:
    number = request.POST.get("token", "")
    tokens.revoke_token_by_id(int(number) if number.isascii() and number.isdigit() else 0, actor, now, of=person)
    return ""


#: what an operator may do to somebody; each returns the password that it made, or ""
ACTIONS: dict[str, Callable[[Person, Actor, datetime, HttpRequest], str]] = {
    "disable": _disable,
    "enable": _enable,
    "password": _password,
    "reset-factor": _reset,
    "move": _move,
    "bind": _bind,
    "unbind": _unbind,
    "revoke": _revoke,
}


@allow("operator")
@require_POST
def act(request: HttpRequest, number: int, action: str) -> HttpResponseBase:
    """Do one of them."""
    person = _found(number)
    if action not in ACTIONS:
        raise Http404
    try:
        secret = ACTIONS[action](person, actor_of(request), timezone.now(), request)
    except Refused as refusal:
        return _person_page(request, person, refused=refusal_html(refusal))
    if secret:
        return _person_page(request, _found(number), secret=secret)
    messages.success(request, _t("已办，已记录。"))
    return redirect("person", number=number)


def _person_page(request: HttpRequest, person: Person, **more: Any) -> HttpResponse:
    events, more_events = first_rows(person.events.all(), _EVENTS_SHOWN)
    context = {
        "here": "people",
        "who": person,
        "who_place": person.party or person.city,
        "who_role": state_labels.ROLE[person.role],
        "state": ACTIVE if person.is_active else DISABLED,
        "has_factor": second_factor.has_factor(person),
        "identity": person.identities.first(),
        "oidc": bool(settings.HUISUAN_OIDC_ISSUER),
        "tokens": tokens.list_tokens(person).filter(revoked_at__isnull=True, expires_at__gt=timezone.now()),
        "events": [(one, state_labels.STEP[one.what]) for one in events],
        "more_events": more_events,
        **_places(),
        **more,
    }
    page = render(request, "portal/people/person.html", context, status=422 if more.get("refused") else 200)
    page["Cache-Control"] = "no-store"
    return page


def _form(request: HttpRequest, refused: str = "") -> HttpResponse:
    context = {"here": "people", "refused": refused, "asked": request.POST, **_places()}
    return render(request, "portal/people/new_person.html", context, status=422 if refused else 200)


def _places() -> dict[str, Any]:
    cities = Region.objects.filter(code__startswith="34").exclude(code="340000")
    return {"roles": [(role, state_labels.ROLE[role]) for role in Role.values], "cities": cities}


def _place(request: HttpRequest) -> Position:
    asked = request.POST
    return Position(asked.get("role", ""), asked.get("party", "").strip() or None, asked.get("city") or None)


def _found(number: int) -> Person:
    return get_object_or_404(people.list_people(), pk=number)

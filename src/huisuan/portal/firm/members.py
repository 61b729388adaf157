"""The members of a firm: invited with a one-time link, given roles, removed; and the page where a colleague joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.compute.jobs.leaving import remove_with_jobs
from huisuan.compute.models import FINAL_STATES, Job
from huisuan.parties import members
from huisuan.parties.identity import throttle
from huisuan.parties.identity.client_address import client_address, client_place
from huisuan.parties.models import CredentialKind, MemberRole, Person
from huisuan.parties.route_access import allow, public_page, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.account.sign_in import complete_sign_in, too_many_tries_page
from huisuan.portal.account.views import actor_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.refusals import refusal_html

_ACTIVE, _REMOVED = state_labels.Word(_("可登录"), "good"), state_labels.Word(_("已移除"), "bad")


@allow("user")
def member_list(request: HttpRequest) -> HttpResponseBase:
    """Everybody of the firm; an owner invites, gives roles and removes here."""
    return _page(request)


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    viewer, now = viewer_of(request), timezone.now()
    people = list(members.list_members(viewer))
    running = _open_jobs(viewer)
    context = {
        "here": "firm",
        "is_owner": viewer.scope == "manage",
        "own": viewer.name,
        "members": [
            (who, state_labels.MEMBER_ROLE[who.member_role], _ACTIVE if who.is_active else _REMOVED,
             running.get(who.username, 0))
            for who in people
        ],
        "roles": [(role, state_labels.MEMBER_ROLE[role]) for role in MemberRole.values],
        "invitations": [
            (each, state_labels.MEMBER_ROLE[each.member_role]) for each in members.open_invitations(viewer, now)
        ],
        "days": members.DEFAULT_DAYS,
        **more,
    }  # fmt: skip
    page = render(request, "portal/firm/members.html", context, status=422 if more.get("refused") else 200)
    page["Cache-Control"] = "no-store"  # a link that joins may stand on it
    return page


def _open_jobs(viewer: Viewer) -> dict[str, int]:
    """By username the jobs that are not over."""
    jobs = Job.objects.filter(party=viewer.party_id).exclude(state__in=FINAL_STATES).order_by()
    return dict(jobs.values_list("submitted_by").annotate(count=Count("pk")))


@allow("user", scope="manage")
@require_POST
def invite(request: HttpRequest) -> HttpResponseBase:
    """Make a link; it stands on this answer and nowhere else."""
    days = request.POST.get("days", "")
    try:
        made = members.invite_member(
            viewer_of(request), actor_of(request), timezone.now(), member_role=request.POST.get("member_role", ""),
            note=request.POST.get("note", ""), days=int(days) if days.isascii() and days.isdigit() else 0,
        )  # fmt: skip
    except Refused as refusal:
        return _page(request, refused=refusal_html(refusal))
    return _page(request, link=request.build_absolute_uri(reverse("join", args=[made.secret])), made=made.invitation)


@allow("user", scope="manage")
@require_POST
def revoke_invitation(request: HttpRequest, number: int) -> HttpResponseBase:
    """End an invitation."""
    try:
        members.revoke_invitation(viewer_of(request), number, actor_of(request), timezone.now())
    except Refused as refusal:
        return _page(request, refused=refusal_html(refusal))
    messages.success(request, _t("邀请已撤回，链接失效。"))
    return redirect("members")


def _change_role(request: HttpRequest, username: str) -> str:
    asked = request.POST.get("member_role", "")
    members.change_member_role(viewer_of(request), username, asked, actor_of(request), timezone.now())
    return _t("角色已改；此前的登录与令牌已失效。")


def _remove(request: HttpRequest, username: str) -> str:
    asked = request.POST.get("jobs", "")
    done = remove_with_jobs(viewer_of(request), username, asked, actor_of(request), timezone.now())
    if asked == "cancel":
        return _t("已移除，令牌已失效；{count} 个作业已请求取消。").format(count=len(done.uids))
    return _t("已移除，令牌已失效；{count} 个作业继续运行。").format(count=len(done.uids))


def _restore(request: HttpRequest, username: str) -> str:
    members.restore_member(viewer_of(request), username, actor_of(request), timezone.now())
    return _t("可以重新登录；此前的令牌不恢复。")


#: what an owner may do to a colleague; each returns what to say
_ACTIONS: dict[str, Callable[[HttpRequest, str], str]] = {
    "role": _change_role, "remove": _remove, "restore": _restore,
}  # fmt: skip


@allow("user", scope="manage")
@require_POST
def act(request: HttpRequest, username: str, action: str) -> HttpResponseBase:
    """Do one of them."""
    if action not in _ACTIONS:
        raise Http404
    try:
        done = _ACTIONS[action](request, username)
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        return _page(request, refused=refusal_html(refusal))
    messages.success(request, done)
    return redirect("members" if username != viewer_of(request).name else "home")


@public_page
@never_cache
@sensitive_post_parameters("password", "again")
def join(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Where an invitation's link leads: a name and a password, and one is in; the link is used up."""
    now = timezone.now()
    try:
        found = members.find_invitation(secret, now)
        if found is None:  # a guess; a good link is never held up
            throttle.begin_attempt(CredentialKind.TOKEN, "", client_place(request), now)
    except throttle.TooManyAttempts as many:
        return too_many_tries_page(request, many)
    context: dict[str, Any] = {"invitation": found, "asked": request.POST}
    if found is None or isinstance(request.user, Person):
        context["signed_in"] = request.user.is_authenticated
        return render(request, "portal/firm/join.html", context, status=409 if found else 404)
    context["role"] = state_labels.MEMBER_ROLE[found.member_role]
    if request.method != "POST":
        return render(request, "portal/firm/join.html", context)
    password = request.POST.get("password", "")
    try:
        if password != request.POST.get("again", ""):
            raise InvalidRequest(_t("两次输入的新密码不同。"), code="person.passwords_differ")
        person = members.accept_invitation(
            secret, request.POST.get("username", ""), password, now, name=request.POST.get("name", ""),
            address=client_address(request),
        )  # fmt: skip
    except Refused as refusal:
        return render(request, "portal/firm/join.html", {**context, "refused": refusal_html(refusal)}, status=422)
    return complete_sign_in(request, person, "", "邀请")

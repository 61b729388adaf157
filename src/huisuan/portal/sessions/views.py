"""Interactive sessions on a page: those that are not over, a form for another, the way in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.base.text_length import check_length, shortened
from huisuan.compute.jobs.relay_address import relay_for_agents
from huisuan.compute.models import Accelerator, Centre, InteractiveSession, SessionKind
from huisuan.compute.sessions import services
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.forms import FormField, Widget, choices
from huisuan.portal.ui.refusals import refusal_html, refusal_lines
from huisuan.protocol.job_uid import RANDOM_BYTES
from huisuan.protocol.sessions import SessionRequest

_HOURS = ("1", "2", "4", "8", "24")
_IDLE_MINUTES = ("30", "60", "120", "480")
_KIND_NAMES = {"jupyter": "JupyterLab", "vscode": "VS Code", "shell": _("终端")}
_STARTING = state_labels.Word(_("正在启动"), "wait")
_MOST_CARDS = 100_000


@dataclass(frozen=True)
class SessionRow:
    """A session as the list shows it; `mine`: the viewer may enter it."""

    session: InteractiveSession
    word: state_labels.Word
    title: str
    mine: bool
    ready: bool


@allow("user")
@require_http_methods(["GET", "POST"])
def session_list(request: HttpRequest) -> HttpResponseBase:
    """The sessions that are not over, and the form; POST starts one."""
    viewer, now = viewer_of(request), timezone.now()
    typed = {name: text for name, text in request.POST.items() if isinstance(text, str)}
    wrong: list[Any] = []
    if request.method == "POST":
        try:
            asked = _asked(typed)
            key = typed.get("key", "")
            session = services.start_session(asked, viewer, now, secrets.token_bytes(RANDOM_BYTES), key)
        except Refused as refusal:
            wrong = refusal_lines(refusal)
        else:
            messages.success(request, _t("会话 {uid} 已提交").format(uid=session.pk))
            return redirect("sessions")
    context = {
        "here": "jobs", "rows": [_row(session, viewer) for session in services.list_sessions(viewer)],
        "fields": _first_fields(typed), "more_fields": _more_fields(typed),
        "more_is_open": any(typed.get(name) for name in ("models", "centre", "project", "prepare")),
        "wrong": wrong, "key": secrets.token_hex(16), "has_relay": bool(relay_for_agents()),
        "may_change": viewer.scope != "read",
        "models": list(Accelerator.objects.exclude(tflops_fp16=0).values_list("model", flat=True)),
    }  # fmt: skip
    if request.htmx.target == "sessions":  # type: ignore[attr-defined]
        return render(request, "portal/sessions/session_rows.html", context)
    return render(request, "portal/sessions/sessions.html", context)


@allow("user")
@require_POST
def open_session(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A page that goes on into the session, by an address that is good once."""
    try:
        ticket = services.open_session(uid, viewer_of(request), timezone.now(), request.get_host())
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("sessions")
    answer = render(request, "portal/sessions/session_open.html", {"here": "jobs", "url": ticket.url})
    answer["Cache-Control"] = "no-store"
    return answer


@allow("user")
@require_POST
def end_session(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Ask for the session to end."""
    try:
        services.end_session(uid, viewer_of(request), timezone.now())
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        messages.success(request, _t("会话 {uid} 正在结束").format(uid=uid))
    return redirect("sessions")


def _row(session: InteractiveSession, viewer: Viewer) -> SessionRow:
    ready = services.is_ready(session, session.job)
    word = state_labels.state_word(state_labels.JOB, session.job.state)
    starting = session.job.state == "running" and not ready
    mine = session.owner.username == viewer.name
    kind, name = str(_KIND_NAMES[session.kind]), session.job.name
    title = kind if name == session.get_kind_display() else f"{kind} · {name}"
    return SessionRow(session, _STARTING if starting else word, title, mine, ready)


def _asked(typed: dict[str, str]) -> SessionRequest:
    """The form as a request.

    Raises:
        InvalidRequest: a field holds what cannot be.
    """
    kind = typed.get("kind", "")
    if kind not in SessionKind.values:
        raise InvalidRequest("请选择会话的种类", code="session.kind_unknown")
    return SessionRequest(
        kind=kind,
        seconds=3600 * _number("时长", typed.get("hours", "2"), 168),
        idle_seconds=60 * _number("空闲多少分钟后结束", typed.get("idle", "30"), 10_080),
        cards=_number("卡数", typed["cards"], _MOST_CARDS) if typed.get("cards", "").strip() else None,
        models=[name.strip() for name in typed.get("models", "").replace("，", ",").split(",") if name.strip()],
        centre=typed.get("centre") or None,
        project=check_length(typed.get("project", "").strip(), 60, "项目").replace("\0", "") or None,
        prepare=check_length(typed.get("prepare", "").replace("\r\n", "\n"), 4000, "启动前执行").replace("\0", ""),
    )


def _number(what: str, text: str, most: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise InvalidRequest(
            f"{what} {shortened(text, 20)!r}：应是 1 至 {most} 的整数", code="session.number_out_of_bounds"
        )
    return int(text)


def _first_fields(typed: dict[str, str]) -> list[FormField]:
    """What everybody chooses, with what was typed."""
    kinds = [(value, str(label)) for value, label in _KIND_NAMES.items()]
    hours = [(each, _t("{n} 小时").format(n=each)) for each in _HOURS]
    return [
        FormField(name="kind", id="f-kind", label=_("种类"), widget=Widget.SELECT,
                  choices=choices(kinds, typed.get("kind", "jupyter"))),
        FormField(name="cards", id="f-cards", label=_("卡数"), hint=_("不写则处理器槽也可以"), described_by="h-cards",
                  text=typed.get("cards", ""), inputmode="numeric", max_length=6),
        FormField(name="hours", id="f-hours", label=_("至多多久"), widget=Widget.SELECT,
                  choices=choices(hours, typed.get("hours", "2"))),
    ]  # fmt: skip


def _more_fields(typed: dict[str, str]) -> list[FormField]:
    """What few need, with what was typed."""
    able = Centre.objects.filter(agent__capabilities__sessions__0=True).order_by("code")
    centres = [(centre.code, state_labels.local_name(centre)) for centre in able]
    idle = [(each, _t("{n} 分钟").format(n=each)) for each in _IDLE_MINUTES]
    return [
        FormField(name="models", id="f-models", label=_("可接受的型号"), hint=_("用逗号隔开；不写则任何型号"),
                  described_by="h-models", text=typed.get("models", ""), suggestions="of-models"),
        FormField(name="centre", id="f-centre", label=_("智算中心"), widget=Widget.SELECT, blank=_("由平台调度"),
                  choices=choices(centres, typed.get("centre", ""))),
        FormField(name="project", id="f-project", label=_("项目"), hint=_("项目代码；不写则归默认项目"),
                  described_by="h-project", text=typed.get("project", "")),
        FormField(name="idle", id="f-idle", label=_("空闲多久后结束"), widget=Widget.SELECT,
                  choices=choices(idle, typed.get("idle", "30"))),
        FormField(name="prepare", id="f-prepare", label=_("启动前执行"), widget=Widget.LINES,
                  hint=_("在节点上由 bash 执行，例如 module load jupyter"), described_by="h-prepare",
                  text=typed.get("prepare", "")),
    ]  # fmt: skip

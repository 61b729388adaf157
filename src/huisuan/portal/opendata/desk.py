"""The desk of the gate: files that were handed in, what waits for me, and handing in another one."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.opendata.gate.queries import visible_files
from huisuan.opendata.gate.uploading import LARGEST_UPLOAD, upload_pieces
from huisuan.opendata.gate.worklist import Waiting, waiting_files, waits_for
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models import GateFile
from huisuan.opendata.names.lac_model import model_name
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Person, Role
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables

GATE_ROLES = ("city", "province")
GATE_STATE_WORDS: Mapping[str, Word] = {
    GateState.RECEIVED: Word(_("已收到"), "wait"), GateState.READING: Word(_("检查中"), "wait"),
    GateState.REFUSED: Word(_("拒收"), "bad"), GateState.SEALED: Word(_("已封存"), "bad"),
    GateState.TO_JUDGE: Word(_("待判断"), "wait"), GateState.CLEAN: Word(_("已无未判断的发现"), "good"),
    GateState.REMADE: Word(_("已重制"), "wait"), GateState.SCANNED_AGAIN: Word(_("已复查"), "wait"),
    GateState.READY: Word(_("可放行"), "good"), GateState.RELEASED: Word(_("已放行"), "good"),
    GateState.SUSPENDED: Word(_("已中止提供"), "bad"),
    GateState.SUPERSEDED: Word(_("已被取代"), "plain"), GateState.WITHDRAWN: Word(_("已撤回"), "plain"),
}  # fmt: skip
WAITING_WORDS: Mapping[Waiting, Word] = {
    Waiting.JUDGE: Word(_("等我判断"), "wait"), Waiting.REMAKE: Word(_("等我重制"), "wait"),
    Waiting.RELEASE: Word(_("等我放行"), "wait"),
}  # fmt: skip
_MOST_ENTRIES = 500


def signed_in_steward(request: HttpRequest) -> Person:
    """Who is asking."""
    return Person.objects.get(username=viewer_of(request).name)


def _title(row: GateFile) -> str:
    return row.entry.latest.title if row.entry.latest else row.entry.code


def _columns(person: Person) -> list[Column]:
    def waits(row: GateFile) -> Word | None:
        waiting = waits_for(row, person)
        return WAITING_WORDS[waiting] if waiting else None

    return [
        Column("number", _("编号"), "pk", Kind.CODE, sort="pk", link=lambda row: reverse("gate-file", args=[row.pk])),
        Column("title", _("目录"), _title, link=lambda row: reverse("gate-file", args=[row.pk])),
        Column("state", _("状态"), lambda row: GATE_STATE_WORDS[row.state], Kind.STATE, sort="state"),
        Column("waits", _("等我"), waits, Kind.STATE),
        Column("ending", _("格式"), "ending", sort="ending", minor=True),
        Column("size", _("字节"), "size", Kind.INTEGER, sort="size", minor=True),
        Column("by", _("送交"), "uploaded_by.name", sort="uploaded_by__name"),
        Column("since", _("自"), "state_since", Kind.MOMENT, sort="state_since"),
    ]


def _yes(_rows: QuerySet[GateFile]) -> list[tuple[str, Text]]:
    return [("yes", _("等我办的"))]


def _states(rows: QuerySet[GateFile]) -> list[tuple[str, str]]:
    found = set(rows.order_by().values_list("state", flat=True).distinct())
    return [(state, str(word.label)) for state, word in GATE_STATE_WORDS.items() if state in found]


@allow(*GATE_ROLES)
def desk_page(request: HttpRequest) -> HttpResponseBase:
    """Files of one's city, or all of the province's; what waits for me; a form to hand in another."""
    person, refused = signed_in_steward(request), ""
    if request.method == "POST":
        try:
            made = _upload(request, person)
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            messages.success(request, _t("已送交并封存，正在检查。"))
            return redirect("gate-file", number=made.pk)
    files = visible_files(viewer_of(request))
    table = Table(
        request, files, _columns(person), file="gate-files", order="-number",
        search=("entry__code", "entry__latest__title"),
        choices=[
            Choice("state", _("状态"), _states, lambda rows, state: rows.filter(state=state)),
            Choice("mine", _("等我"), _yes, lambda rows, _word: waiting_files(rows, person)),
        ],
        empty=Empty(_("还没有送交的文件。")),
    )  # fmt: skip
    context = {
        "here": "opendata", "refused": refused, "given": request.POST, "entries": _entries(person),
        "names_model": model_name(),
        "most": LARGEST_UPLOAD // 1024 // 1024, "waiting": waiting_files(files, person).count(),
    }  # fmt: skip
    answer = render_tables(request, "portal/opendata/desk.html", context, [table])
    answer.status_code = 422 if refused else answer.status_code
    return answer


def _entries(person: Person) -> list[tuple[str, str]]:
    """What the person may hand in files for."""
    rows = standing_entries().exclude(access=Access.CLOSED).order_by("entry__code")
    rows = rows if person.role == Role.PROVINCE else rows.filter(region_id=person.city_id)
    return list(rows.values_list("entry__code", "title")[:_MOST_ENTRIES])


def _upload(request: HttpRequest, person: Person) -> GateFile:
    file = request.FILES.get("file")
    if file is None:
        raise InvalidRequest("没有选文件", code="gate.no_file")
    code, group = request.POST.get("entry", "").strip(), request.POST.get("group", "").strip()
    return upload_pieces(code, file.name or "file", file.chunks(), file.size or 0, person, timezone.now(), group)

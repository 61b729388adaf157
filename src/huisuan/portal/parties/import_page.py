"""A file of the register on a page: handed to the worker, which looks ahead and enters it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise

from huisuan.base.csv_lines import LARGEST_CSV
from huisuan.base.errors import InvalidRequest, Refused
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.parties.file_requests import REGISTER_FILE_LABELS
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.impact.register_requests import RegisterLines, request_register_file


@dataclass(frozen=True)
class RegisterFileKind:
    """A kind of file that the register takes: its label and the columns of its first line."""

    label: str | Promise
    columns: str
    optional_columns: str


REGISTER_FILES: Mapping[str, RegisterFileKind] = {
    "parties": RegisterFileKind(
        REGISTER_FILE_LABELS["parties"], "uscc,name,kind,region",
        "name_en,registered_on,status,valid_from,valid_to",
    ),
    "relations": RegisterFileKind(
        REGISTER_FILE_LABELS["relations"], "owner,owned,valid_from", "share_permille,share,control,valid_to,withdrawn",
    ),
    "successions": RegisterFileKind(REGISTER_FILE_LABELS["successions"], "old,new,kind,valid_from", "carries"),
}  # fmt: skip


@allow("province")
def import_register(request: HttpRequest) -> HttpResponse:
    """A file of parties, relations or successions: good lines are kept, each bad one is named with what to do.

    Where it would change results of the past nothing is written yet: the page of the work shows them and asks.
    """
    asked = request.POST if request.method == "POST" else request.GET
    kind = asked.get("kind", "parties")
    kind = kind if kind in REGISTER_FILES else "parties"
    context: dict[str, Any] = {
        "here": "parties", "largest": LARGEST_CSV // (1024 * 1024), "files": REGISTER_FILES,
        "kinds": choices([(key, str(file.label)) for key, file in REGISTER_FILES.items()], kind),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "portal/parties/import.html", context)
    try:
        made = request_register_file(_given(request, kind), viewer_of(request).name, timezone.now())
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
        return render(request, "portal/parties/import.html", context, status=422)
    return redirect("register-file", number=made.pk)


def _given(request: HttpRequest, kind: str) -> RegisterLines:
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise InvalidRequest("没有选文件，或文件是空的：请选一个 CSV", code="file.missing")
    if file.size > LARGEST_CSV:
        raise InvalidRequest("文件太大：请分成几个再导入", code="file.too_large")
    return RegisterLines(kind, file.read(), file.name or "CSV")

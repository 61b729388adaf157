"""A file of the register on a page: what would change past results is shown first, and imported once it is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.base.csv_lines import LARGEST_CSV, FileReport
from huisuan.base.errors import InvalidRequest, Refused
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party
from huisuan.parties.relation_import import import_relations, import_successions
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.parties.held_files import held_file, hold_file
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import ENTITLEMENT, local_name, state_word
from huisuan.settlement.impact.register_preview import ChangedResult, import_as_seen, results_digest

FAULTS_SHOWN = 200
CHANGED_SHOWN = 200


@dataclass(frozen=True)
class RegisterFileKind:
    """A kind of file that the register takes: its label, the columns of its first line, and how it is entered."""

    label: str | Promise
    columns: str
    optional_columns: str
    enter: Callable[..., FileReport]


REGISTER_FILES: Mapping[str, RegisterFileKind] = {
    "parties": RegisterFileKind(
        _("主体"), "uscc,name,kind,region", "name_en,registered_on,status,valid_from,valid_to", import_parties
    ),
    "relations": RegisterFileKind(
        _("关联关系"), "owner,owned,valid_from", "share_permille,share,control,valid_to,withdrawn", import_relations
    ),
    "successions": RegisterFileKind(_("承继"), "old,new,kind,valid_from", "carries", import_successions),
}


def import_into_register(
    request: HttpRequest, content: bytes, name: str, seen: str = "", kind: str = "parties"
) -> tuple[FileReport, list[ChangedResult]]:
    """A file as `import_as_seen` takes it; in a demonstration, where all are invented, new parties are too.

    Raises:
        Refused: the file is not a CSV of that kind.
    """
    now = timezone.now()
    enter = partial(REGISTER_FILES[kind].enter, content, name, by=viewer_of(request).name, now=now)
    if kind == "parties":
        enter = partial(enter, demo=Party.objects.exists() and not Party.objects.filter(demo=False).exists())
    return import_as_seen(enter, now, seen)


def preview_context(changed: Sequence[ChangedResult]) -> dict[str, Any]:
    """What a page shows of results that would change, and the digest by which it is known that they were seen."""
    if not changed:
        return {}
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
        "seen": results_digest(changed),
    }


def _name(party: Party | None, uscc: str) -> str | Promise:
    return local_name(party) if party else uscc


def _status(status: str | None) -> Any:
    return state_word(ENTITLEMENT, status) if status else None


@allow("province")
def import_register(request: HttpRequest) -> HttpResponse:
    """A file of parties, relations or successions: good lines are kept, each bad one is named with what to do.

    Where it would change results of the past nothing is written yet: the page shows them and asks.
    """
    asked = request.POST if request.method == "POST" else request.GET
    kind = asked.get("kind", "parties")
    kind = kind if kind in REGISTER_FILES else "parties"
    context: dict[str, Any] = {
        "here": "parties", "largest": LARGEST_CSV // (1024 * 1024), "kind": kind, "files": REGISTER_FILES,
        "kinds": choices([(key, str(file.label)) for key, file in REGISTER_FILES.items()], kind),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "portal/parties/import.html", context)
    by = viewer_of(request).name
    try:
        content, name = _given(request, by)
        report, changed = import_into_register(request, content, name, request.POST.get("seen", ""), kind)
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
        return render(request, "portal/parties/import.html", context, status=422)
    context |= {
        "report": report, "faults": report.faults[:FAULTS_SHOWN], "more": max(len(report.faults) - FAULTS_SHOWN, 0),
        **preview_context(changed),
    }  # fmt: skip
    if changed:
        context |= {"slip": hold_file(content, name, by), "name": name, "anew": "slip" in request.POST}
    return render(request, "portal/parties/import.html", context, status=422 if report.faults else 200)


def _given(request: HttpRequest, by: str) -> tuple[bytes, str]:
    """The content and name of the file: one that was previewed and is accepted, or a new one."""
    if slip := request.POST.get("slip", ""):
        return held_file(slip, by)
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise InvalidRequest("没有选文件，或文件是空的：请选一个 CSV", code="file.missing")
    if file.size > LARGEST_CSV:
        raise InvalidRequest("文件太大：请分成几个再导入", code="file.too_large")
    return file.read(), file.name or "CSV"

"""Parties from a file on a page: what would change past results is shown first, and imported once it is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise

from huisuan.base.csv_lines import LARGEST_CSV, FileReport
from huisuan.base.errors import InvalidRequest, Refused
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.parties.held_files import held_file, hold_file
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import ENTITLEMENT, local_name, state_word
from huisuan.settlement.impact.register_preview import ChangedResult, import_as_seen, results_digest

FAULTS_SHOWN = 200
CHANGED_SHOWN = 200


def import_into_register(
    request: HttpRequest, content: bytes, name: str, seen: str = ""
) -> tuple[FileReport, list[ChangedResult]]:
    """Parties from a file as `import_as_seen` takes them; in a demonstration, where all are invented, new ones are too.

    Raises:
        Refused: the file is not a CSV of parties.
    """
    demo = Party.objects.exists() and not Party.objects.filter(demo=False).exists()
    now = timezone.now()
    enter = partial(import_parties, content, name, demo=demo, by=viewer_of(request).name, now=now)
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
    """A file of parties: the good lines are kept, each bad one is named with place, value, rule and remedy.

    Where it would change results of the past nothing is written yet: the page shows them and asks.
    """
    context: dict[str, Any] = {"here": "parties", "largest": LARGEST_CSV // (1024 * 1024)}
    if request.method != "POST":
        return render(request, "portal/parties/import.html", context)
    by = viewer_of(request).name
    try:
        content, name = _given(request, by)
        report, changed = import_into_register(request, content, name, request.POST.get("seen", ""))
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

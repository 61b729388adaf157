"""Drawing a sample: seed, size and division in the address, so that a colleague draws the same by the same link."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import Refused
from huisuan.compute.metering.audit.sample import AMOUNT_EDGES_FEN, MOST_SAMPLED
from huisuan.compute.metering.exports.audit_sample import SampleRequest, draw_sample
from huisuan.compute.models import Centre, Seal
from huisuan.parties.models import Party
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import number_format
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.export import BOM, harmless
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name

LINES_SHOWN = 200
#: what is read of the address; `lot` is the seed
_ASKED = ("lot", "size", "by", "year", "centre", "export")
_SIZE = 50
DIVISIONS: dict[str, str | Promise] = {"centre": _("中心"), "party": _("使用方"), "amount": _("金额")}
#: column of the list as a file -> where it stands in a line of the sample
_LIST = (
    "stratum", "rank", "centre", "sequence", "job_id", "run", "user", "account", "party", "model", "cards", "started",
    "ended", "card_seconds", "amount_fen", "file", "line", "text", "superseded_by",
)  # fmt: skip

_OF_LINE = ("stratum", "rank", "amount_fen", "superseded_by")


@allow("province", "auditor")
def sample_page(request: HttpRequest) -> HttpResponseBase:
    """The form; with a seed in the address what it draws, and the sample as a file."""
    viewer = viewer_of(request)
    asked = {key: request.GET.get(key, "").replace("\0", "").strip() for key in _ASKED}
    context: dict[str, Any] = {"here": "seals", "asked": asked, **_form(asked)}
    if wrong := _unknown(asked, context):
        context["not_used"] = refused(request, *wrong)
        return render(request, "portal/audit/sample.html", context, status=422)
    if not asked["lot"]:
        return render(request, "portal/audit/sample.html", context)
    try:
        found = draw_sample(_wanted(asked), timezone.now(), viewer.centres("centre"))
    except Refused as refusal:
        return render(request, "portal/audit/sample.html", {**context, "refused": refusal_html(refusal)}, status=422)
    if asked["export"]:
        return _FILES[asked["export"]](found)
    context |= _drawn(found, asked["by"] or "centre", viewer)
    context["files"] = [(name.upper(), _address(request, name)) for name in _FILES]
    return render(request, "portal/audit/sample.html", context)


def _form(asked: Mapping[str, str]) -> dict[str, Any]:
    years = [(str(day.year), str(day.year)) for day in Seal.objects.order_by().dates("month", "year", order="DESC")]
    centres = [(each.code, local_name(each)) for each in Centre.objects.filter(seals__isnull=False).distinct()]
    return {
        "years": choices(years, asked["year"]), "centres": choices(centres, asked["centre"]),
        "divisions": choices(((key, str(label)) for key, label in DIVISIONS.items()), asked["by"] or "centre"),
        "size": asked["size"] or str(_SIZE), "most": MOST_SAMPLED,
    }  # fmt: skip


def _unknown(asked: Mapping[str, str], form: Mapping[str, Any]) -> list[str]:
    """What the address asks and the form does not offer."""
    offered = {"by": form["divisions"], "year": form["years"], "centre": form["centres"]}
    wrong = [key for key, options in offered.items() if asked[key] and asked[key] not in {o.value for o in options}]
    return [*wrong, *(["export"] if asked["export"] and asked["export"] not in _FILES else [])]


def _wanted(asked: Mapping[str, str]) -> SampleRequest:
    """What the address asks; a number that is none is refused where the sample is drawn, by its bounds."""

    def number(text: str, otherwise: int) -> int:
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else (0 if text else otherwise)

    return SampleRequest(
        asked["lot"], number(asked["size"], _SIZE), asked["by"] or "centre",
        number(asked["year"], 0) if asked["year"] else None, None, asked["centre"] or None,
    )  # fmt: skip


def _drawn(found: Mapping[str, Any], by: str, viewer: Viewer) -> dict[str, Any]:
    """What was drawn, as the page shows it."""
    codes = {each["record"]["party"] for each in found["lines"]}
    parties = {party.uscc: local_name(party) for party in Party.objects.filter(viewer.parties(), uscc__in=codes)}
    centres = {centre.code: local_name(centre) for centre in Centre.objects.all()}
    return {
        "found": found,
        "strata": [(_stratum(name, by, centres), stratum) for name, stratum in found["strata"].items()],
        "lines": [
            {
                **line,
                "name": parties.get(line["record"]["party"], ""),
                "stratum": _stratum(line["stratum"], by, centres),
                "started": datetime.fromtimestamp(line["record"]["started"], UTC),
            }
            for line in found["lines"][:LINES_SHOWN]
        ],
        "more": max(len(found["lines"]) - LINES_SHOWN, 0),
    }  # fmt: skip


def _stratum(name: str, by: str, centres: Mapping[str, str]) -> str:
    """A stratum in words."""
    if name == "none":
        return _t("没有价目") if by == "amount" else _t("无主体")
    if by != "amount":
        return centres.get(name, name) if by == "centre" else name
    at = int(name)
    edges = [number_format.format_integer(edge // 100) for edge in AMOUNT_EDGES_FEN]
    if at == 0:
        return _t("不到 {edge} 元").format(edge=edges[0])
    if at == len(edges):
        return _t("{edge} 元及以上").format(edge=edges[-1])
    return _t("{low} 至 {high} 元").format(low=edges[at - 1], high=edges[at])


def _address(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query["export"] = name
    return f"?{query.urlencode()}"


def _as_json(found: Mapping[str, Any]) -> HttpResponseBase:
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return _file(text, "application/json", "json")


def _as_csv(found: Mapping[str, Any]) -> HttpResponseBase:
    buffer = io.StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer)
    writer.writerow(_LIST)
    writer.writerows(_rows(found))
    return _file(buffer.getvalue(), "text/csv; charset=utf-8", "csv")


def _rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    for line in found["lines"]:
        every = {**line["record"], **line["source"], **{key: line[key] for key in _OF_LINE}}
        yield [harmless("" if every[key] is None else str(every[key])) for key in _LIST]


def _file(text: str, kind: str, ending: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="audit-sample.{ending}"'
    return answer


_FILES = {"json": _as_json, "csv": _as_csv}

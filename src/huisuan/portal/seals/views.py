"""Sealed months: the list, one with its statement and both signatures, and its export for who trusts nobody."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Sequence
from typing import IO, Any, cast

from django.db.models import Exists, OuterRef, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.base.paths import spool_folder
from huisuan.base.temporary import temporary_folder
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.exports.evidence_bundle import export_ledger
from huisuan.compute.metering.seals.queries import prove_record, sealed_parquet
from huisuan.compute.models import Centre, MeterFlag, PartyUseMonth, RegisterEntry, Seal
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.seals.calendar import due, state_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.list_filters import Firms, firm_choice
from huisuan.portal.ui.number_format import month as month_text
from huisuan.portal.ui.refusals import refusal_html, refusal_plain_text
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import centres as queries
from huisuan.protocol.batch_chain import seal_digest
from huisuan.protocol.signatures import is_signed_by

REGISTER_SHOWN = 12
_READERS = ("centre", "city", "province", "auditor")


def _address(seal: Seal) -> str:
    return reverse("seal", args=[seal.centre.code, month_text(seal.month)])


def visible_seals(viewer: Viewer) -> QuerySet[Seal]:
    """The seals of the centres whose inside the viewer reads."""
    return Seal.objects.filter(viewer.centres("centre")).select_related("centre", "countersigned__key")


def _centres(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(each.code, local_name(each)) for each in Centre.objects.filter(seals__in=rows).distinct()]


def _years(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(str(each.year), str(each.year)) for each in rows.order_by().dates("month", "year", order="DESC")]


def _sealed_months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    months = rows.order_by("-month").values_list("month", flat=True).distinct()
    return [(text, text) for text in map(month_text, months)]


def _with_use_of(rows: QuerySet[Any], firms: Firms) -> QuerySet[Any]:
    """The sealed months in which these firms used something at the centre."""
    used = PartyUseMonth.objects.filter(
        centre=OuterRef("centre"), month=OuterRef("month"), party__in=firms, card_seconds__gt=0
    )
    return rows.filter(Exists(used))


def seal_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The sealed months that the viewer reads."""
    open_flags = MeterFlag.objects.filter(viewer.centres("centre"), kind=MeterFlag.Kind.SCHEDULER, answered_at=None)
    refused = set(open_flags.values_list("centre", "key"))

    def state(seal: Seal) -> state_labels.Word:
        return state_labels.SEAL[state_of(seal, {key for centre, key in refused if centre == seal.centre_id})]

    columns = [
        Column("month", _("月份"), "month", Kind.MONTH, "month", link=_address),
        Column("centre", _("中心"), lambda seal: local_name(seal.centre), sort="centre__name"),
        Column("state", _("状态"), state, Kind.STATE, sort="countersigned__signed_at"),
        Column("records", _("用量记录"), "records", Kind.INTEGER, "records", total="records"),
        Column("late", _("其中迟到"), "late", Kind.INTEGER, "late", total="late"),
        Column("used", _("用量"), "card_seconds", Kind.CARD_SECONDS, "card_seconds", total="card_seconds"),
        Column("root", _("默克尔根"), "root", Kind.LONG_CODE, minor=True),
        Column("sealed", _("封账"), "sealed_at", Kind.MOMENT, "sealed_at"),
        Column("by", _("封账人"), "sealed_by", sort="sealed_by", minor=True),
    ]
    return Table(
        request,
        visible_seals(viewer),
        columns,
        file="seals",
        order="-month",
        search=("centre__name", "centre__code", "root", "sealed_by"),
        choices=[
            Choice("centre", _("中心"), _centres, lambda rows, code: rows.filter(centre__code=code)),
            Choice("year", _("年度"), _years, lambda rows, year: rows.filter(month__year=int(year))),
            Choice("month", _("月份"), _sealed_months, lambda rows, month: rows.filter(month=f"{month}-01")),
            Choice(
                "state",
                _("状态"),
                lambda _rows: [("signed", state_labels.SEAL["countersigned"].label), ("unsigned", _("中心没有签"))],
                lambda rows, state: rows.filter(countersigned__isnull=state == "unsigned"),
            ),
            firm_choice(within=_with_use_of),
        ],
        empty=Empty(
            _("还没有封账的月份。一个月过完、疑点都已答复后封账："),
            command="huisuan meter seal CENTRE MONTH",
            link=f"{reverse('flags')}?state=open",
            link_text=_("看未答复的疑点"),
        ),
    )


@allow(*_READERS)
def seal_list(request: HttpRequest) -> HttpResponseBase:
    """The sealed months, and the months that wait for it."""
    viewer, today = viewer_of(request), timezone.localdate()
    waiting = [(centre, *span, months_to_offer(*span)) for centre, *span in due(queries.centres(viewer), today)]
    open_flags = MeterFlag.objects.filter(answered_at__isnull=True, centre__in=[each[0] for each in waiting])
    context = {
        "here": "seals",
        "due": waiting,
        "register": _register(),
        "may_seal": viewer.role == "province",
        "flagged": set(open_flags.order_by().values_list("centre", flat=True)),
    }
    return render_tables(request, "portal/seals/seals.html", context, [seal_table(request, viewer)])


def months_to_offer(first: Month, last: Month) -> list[str]:
    """The months from one through another, the last first: what is offered first is to seal them all."""
    found = []
    while first <= last:
        found.append(str(first))
        first = first.following
    return found[::-1]


def _register() -> list[dict[str, Any]]:
    """The last year of the register, the newest first."""
    return [
        {
            "entry": entry, "centres": len(json.loads(entry.statement)["centres"]),
            "signers": [each.by for each in entry.countersignatures.all()],
        }
        for entry in RegisterEntry.objects.order_by("-month").prefetch_related("countersignatures")[:REGISTER_SHOWN]
    ]  # fmt: skip


def _seal(request: HttpRequest, code: str, month: str) -> Seal:
    try:
        first = Month.parse(month).first_day
    except Refused:
        raise Http404 from None
    return get_object_or_404(visible_seals(viewer_of(request)), centre__code=code, month=first)


@allow(*_READERS)
def seal_page(request: HttpRequest, code: str, month: str) -> HttpResponseBase:
    """One sealed month: what was stated, who signed it, whether it still holds, how to check it without us."""
    seal = _seal(request, code, month)
    said = json.loads(seal.statement)
    before = (
        visible_seals(viewer_of(request)).filter(centre=seal.centre, month__lt=seal.month).order_by("-month").first()
    )
    refused = MeterFlag.objects.filter(centre=seal.centre, kind=MeterFlag.Kind.SCHEDULER, key=f"seal {month}")
    context = {
        "here": "seals",
        "seal": seal,
        "month": month,
        "said": said,
        "word": state_labels.SEAL[state_of(seal, set(refused.filter(answered_at=None).values_list("key", flat=True)))],
        "refused": list(refused),
        "countersigned": getattr(seal, "countersigned", None),
        "before": before,
        "before_address": _address(before) if before else "",
        "platform_key": platform_key.public(),
        "checks": _checks(seal),
        "same": {"seals": _address(seal), "usage": f"{reverse('centre', args=[code])}?records-month={month}#records"},
    }
    return render(request, "portal/seals/seal.html", context)


def _checks(seal: Seal) -> list[tuple[Text, bool, str]]:
    """What this platform itself finds now: both signatures, and the file. Whoever doubts it checks the export."""
    found: list[tuple[Text, bool, str]] = [(_("平台的签名"), _signed(platform_key.public(), seal.signature, seal), "")]
    if countersigned := getattr(seal, "countersigned", None):
        key = countersigned.key.public_key
        found.append((_("中心的签名"), _signed(key, countersigned.signature, seal), ""))
    try:
        sealed_parquet(seal)
        found.append((_("封账文件"), True, ""))
    except Refused as refusal:
        found.append((_("封账文件"), False, refusal_html(refusal)))
    return found


def _signed(key: str, signature: str, seal: Seal) -> bool:
    return is_signed_by(key, signature, seal_digest(seal.statement))


@allow(*_READERS)
@require_POST
def export_seal(request: HttpRequest, code: str, month: str) -> HttpResponseBase:
    """The month's export as one file, for `huisuan meter verify`."""
    _seal(request, code, month)
    place = cast(IO[bytes], tempfile.TemporaryFile(dir=spool_folder()))  # noqa: SIM115 - the answer reads it, and closes it when sent
    with temporary_folder() as draft:
        folder = draft / f"{code}-{month}"
        try:
            export_ledger(code, folder, Month.parse(month), timezone.now())
        except Refused as refusal:
            return HttpResponse(refusal_plain_text(refusal), status=422, content_type="text/plain; charset=utf-8")
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as packed:  # the files are compressed already
            for each in sorted(folder.iterdir()):
                packed.write(each, f"{folder.name}/{each.name}")
    place.seek(0)
    return FileResponse(place, as_attachment=True, filename=f"{code}-{month}.zip", content_type="application/zip")


@allow(*_READERS)
def record_proof(request: HttpRequest, code: str, sequence: int) -> HttpResponseBase:
    """That a record is in a sealed month, as `huisuan meter verify` reads it."""
    centre = get_object_or_404(queries.centres(viewer_of(request)), code=code)
    try:
        found = prove_record(centre, sequence)
    except Refused as refusal:
        return HttpResponse(refusal_plain_text(refusal), status=404, content_type="text/plain; charset=utf-8")
    text = json.dumps(found, ensure_ascii=False, indent=1, default=str)
    answered = HttpResponse(text, content_type="application/json")
    answered["Content-Disposition"] = f'attachment; filename="{code}-{sequence}-proof.json"'
    return answered

"""The prices of a centre: which hold, what was done to them, and new ones, entered with a preview of who pays what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.base.text_length import shortened
from huisuan.compute.centre_desk.tariff_preview import TariffPreview, confirm_tariffs, preview_tariffs
from huisuan.compute.centres.tariffs import TariffPlan
from huisuan.compute.models import Accelerator, Centre, TariffChange
from huisuan.parties.csv_import import BY_COMMAND
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui import number_format, state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import centres as queries

_READERS = ("centre", "city", "province", "auditor")
_MANAGERS = ("centre", "province")
_MONTHS = ("1", "3", "6", "12")
_USUAL_MONTHS = "3"
PAYERS_SHOWN = 100
TARIFF_STEPS = {
    "set": Word(_("设定"), "good"),
    "corrected": Word(_("更正"), "wait"),
    "ended": Word(_("截止"), "plain"),
}
_HISTORY = [
    Column("at", _("何时"), "at", Kind.MOMENT, sort="at"),
    Column("step", _("做了什么"), lambda change: TARIFF_STEPS[change.step], Kind.STATE, sort="step"),
    Column("model", _("型号"), "accelerator.model", sort="accelerator__model"),
    Column("price", _("每卡时"), "fen_per_card_hour", Kind.FEN, sort="fen_per_card_hour"),
    Column("before", _("更正前"), "before_fen", Kind.FEN, minor=True),
    Column("from", _("自"), "valid_from", Kind.DAY, sort="valid_from"),
    Column("to", _("至"), lambda change: change.valid_to and change.valid_to - timedelta(days=1), Kind.DAY),
    Column("by", _("谁办的"), lambda change: _t("本机命令行") if change.by == BY_COMMAND else change.by, sort="by"),
]


@allow(*_READERS)
def tariff_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """The prices of a centre; a POST by who manages it previews new ones, or sets what was previewed."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    if request.method != "POST":
        return _page(request, centre)
    if viewer.role not in _MANAGERS:
        return _page(request, centre, refused=_t("只有中心自己的人和省专班能定价。"), status=403)
    now = timezone.now()
    try:
        plan = _plan(request, centre)
        if "confirm" in request.POST:
            confirm_tariffs(code, plan, request.POST.get("seen", ""), viewer.name, now)
            messages.success(request, _t("新价目已定：从起始日起采用，谁在何时定的留有记录。"))
            return redirect("centre-tariffs", code=code)
        found = preview_tariffs(code, plan, _months(request), now)
    except Refused as refusal:
        return _page(request, centre, refused=refusal_html(refusal), status=422)
    return _page(request, centre, tried=found)


def _plan(request: HttpRequest, centre: Centre) -> TariffPlan:
    given = request.POST
    prices = {}
    for model in _models(centre):
        if text := given.get(f"price-{model.pk}", "").replace("\0", "").strip():
            prices[model.model] = fen_of_yuan(model.model, text)
    last = _day(given.get("last", "")) if given.get("last", "").strip() else None
    return TariffPlan(
        prices, _day(given.get("first", "")), last + timedelta(days=1) if last else None, "replace" in given
    )


def fen_of_yuan(model: str, text: str) -> str:
    """A price in yuan as the same in whole fen; `model` names the field where it is wrong.

    Raises:
        InvalidRequest: not an amount in yuan with at most two decimals.
    """
    fen = parse_typed_yuan(text, digits=9)
    if fen is None:
        raise InvalidRequest(
            f'{model} 的新价 "{shortened(text, 40)}" 不是以元计的价格；应如 12.80，至多两位小数，不能为负',
            code="tariff.yuan_malformed",
        )
    return str(fen)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(
            f'日期 "{shortened(text, 40)}" 写法不对；应如 2026-07-01', code="tariff.day_malformed"
        ) from None
    if not 2000 <= day.year < 2200:
        raise InvalidRequest(
            f'日期 "{shortened(text, 40)}" 不在 2000 年至 2199 年之间：请核对年份', code="tariff.day_far_off"
        )
    return day


def _months(request: HttpRequest) -> int:
    asked = request.POST.get("months", _USUAL_MONTHS)
    return int(asked if asked in _MONTHS else _USUAL_MONTHS)


def _models(centre: Centre) -> list[Accelerator]:
    """What a price can be set for: the models of the partitions, and those that have a price."""
    of_partitions = centre.partitions.order_by().values("accelerator")
    priced = centre.tariffs.order_by().values("accelerator")
    rows: QuerySet[Accelerator] = Accelerator.objects.filter(pk__in=of_partitions.union(priced))
    return list(rows.order_by("model"))


def _history(request: HttpRequest, centre: Centre) -> Table:
    changes = TariffChange.objects.filter(centre=centre).select_related("accelerator")
    models = Choice(
        "model", _("型号"), lambda rows: [(name, name) for name in _names(rows)],
        lambda rows, name: rows.filter(accelerator__model=name),
    )  # fmt: skip
    return Table(
        request, changes, _HISTORY, file=f"{centre.code}-tariff-history", name="history", order="-at",
        choices=[models], empty=Empty(_("还没有改动的记录：升级以前定的价只在上面的价目里。")),
    )  # fmt: skip


def _names(rows: QuerySet[Any]) -> list[str]:
    return list(rows.order_by("accelerator__model").values_list("accelerator__model", flat=True).distinct())


def _page(
    request: HttpRequest, centre: Centre, *, status: int = 200, tried: TariffPreview | None = None, **more: Any
) -> HttpResponseBase:
    today, given = timezone.localdate(), request.POST
    tariffs = queries.tariffs(centre, today)
    standing = {row.accelerator_id: row for row, holds in tariffs if holds}
    months = given.get("months", _USUAL_MONTHS)
    context = {
        "here": "centres",
        "centre": centre,
        "tab": "tariffs",
        "tariffs": tariffs,
        "fields": [(each, standing.get(each.pk), given.get(f"price-{each.pk}", "")) for each in _models(centre)],
        "given": given,
        "months": choices(((each, each) for each in _MONTHS), months),
        "keeps": "replace" in given or request.method != "POST",
        "tried": tried,
        "may_set": viewer_of(request).role in _MANAGERS,
        **({} if tried is None else _amounts(tried)),
        **more,
    }
    return render_tables(request, "portal/centres/tariffs.html", context, [_history(request, centre)], status=status)


def _amounts(tried: TariffPreview) -> dict[str, Any]:
    """The sums of a preview, and what of it is shown."""
    return {
        "payers": tried.payers[:PAYERS_SHOWN],
        "payers_left_out": max(len(tried.payers) - PAYERS_SHOWN, 0),
        "before_sum": sum(each.before or 0 for each in tried.payers),
        "after_sum": sum(each.after for each in tried.payers),
        "difference_sum": sum(each.difference for each in tried.payers),
        "past": tried.past[:PAYERS_SHOWN],
        "past_left_out": max(len(tried.past) - PAYERS_SHOWN, 0),
        "past_difference": sum(each.difference for each in tried.past),
        "jobs": [(each, state_labels.state_word(state_labels.JOB, each.job.state)) for each in tried.jobs],
        "jobs_left_out": tried.job_count - len(tried.jobs),
        "used_sum": number_format.card_hours(sum(each.card_seconds for each in tried.payers)),
    }

"""A centre's year in charts: income, utilisation, idle cards, who used most, and its three sizes month by month."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import Unavailable
from huisuan.compute.centre_desk.figures import CentreYear, MonthFigures, centre_year, years_of_centre
from huisuan.compute.metering.usage.daily_totals import REFRESH_LIMIT, update_daily_totals
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui import charts, number_format
from huisuan.portal.ui.charts import Bar, Chart
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.year_filter import chosen_year
from huisuan.portal.visible import centres as queries


@allow("centre", "city", "province", "auditor")
def figures_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """A centre's year."""
    centre = get_object_or_404(queries.centres(viewer_of(request)), code=code)
    uncounted = update_daily_totals(centre, REFRESH_LIMIT)
    years = years_of_centre(centre)
    year = chosen_year(request, years)
    context: dict[str, Any] = {
        "here": "centres", "centre": centre, "tab": "figures", "years": years, "year": year, "uncounted": uncounted,
    }  # fmt: skip
    if year is not None:
        try:
            found = centre_year(centre, year, timezone.now())
            context |= {
                "found": found,
                **_drawn(found),
                "share": number_format.format_percentage(found.used, found.there),
            }
        except Unavailable as refusal:
            context["refused"] = refusal_html(refusal)
    return render(request, "portal/centres/figures.html", context)


def _drawn(found: CentreYear) -> dict[str, Any]:
    charted = {
        "charts": [_income(found), _utilisation(found), _idle(found)],
        "size_chart": _sizes(found),
        "rankings": [],
    }
    if found.parties:
        charted["rankings"] = [_parties(found), _people(found)]
    return charted


def _fullest(months: Sequence[MonthFigures], values: Sequence[int | Decimal]) -> int:
    """The number of the month with the most."""
    return months[max(range(len(months)), key=lambda at: values[at])].month.number


def _income(found: CentreYear) -> Chart:
    amounts = [month.income_fen for month in found.months]
    message = _t("{year} 年收入 {yuan} 元，{month} 月最多").format(
        year=found.year, yuan=number_format.yuan(found.income_fen), month=_fullest(found.months, amounts)
    )
    bars = [
        Bar(f"{month.month.number}", number_format.yuan(month.income_fen), Decimal(month.income_fen) / 100)
        for month in found.months
    ]
    return charts.columns(message, (_("月"), _("收入（元）")), bars)


def _utilisation(found: CentreYear) -> Chart:
    message = _t("利用率 {share}：用了的卡时占有卡的卡时，逐月 %").format(
        share=number_format.format_percentage(found.used, found.there)
    )
    bars = [
        Bar(
            f"{month.month.number}", number_format.format_percentage(month.used, month.there),
            Decimal(month.used * 100) / month.there if month.there else Decimal(0),
        )
        for month in found.months
    ]  # fmt: skip
    return charts.columns(message, (_("月"), _("利用率（%）")), bars)


def _idle(found: CentreYear) -> Chart:
    message = _t("平均空闲 {idle} 卡，共 {cards} 卡").format(
        idle=_cards(found.idle, found.days * 86_400), cards=_cards(found.there, found.days * 86_400)
    )
    bars = []
    for month in found.months:
        begun = min(month.seconds, _begun(month, found))
        bars.append(Bar(f"{month.month.number}", _cards(month.idle, begun), _mean(month.idle, begun)))
    return charts.columns(message, (_("月"), _("平均空闲的卡")), bars)


def _begun(month: MonthFigures, found: CentreYear) -> int:
    """How many seconds of a month have begun, counted in whole days."""
    before = (month.month.first_day - found.months[0].month.first_day).days
    return max(found.days - before, 0) * 86_400


def _mean(card_seconds: int, seconds: int) -> Decimal:
    return Decimal(card_seconds) / seconds if seconds else Decimal(0)


def _cards(card_seconds: int, seconds: int) -> str:
    """A mean number of cards, rounded half up to one place; nothing where no time has passed."""
    if not seconds:
        return number_format.NOTHING
    tenths = (card_seconds * 20 + seconds) // (seconds * 2)
    return f"{tenths // 10:,}.{tenths % 10}"


def _sizes(found: CentreYear) -> Chart:
    used = max(month.used_p for month in found.months)
    seen = max((month.seen_p for month in found.months if month.seen_p is not None), default=None)
    message = _t("登记 {claimed} P（虚线），看到最多 {seen} P（短横），同时用过最多 {used} P（柱）").format(
        claimed=number_format.petaflops(found.claimed_p), used=number_format.petaflops(used),
        seen=number_format.NOTHING if seen is None else number_format.petaflops(seen),
    )  # fmt: skip
    bars = [
        Bar(
            f"{month.month.number}", number_format.petaflops(month.used_p), month.used_p,
            number_format.NOTHING if month.seen_p is None else number_format.petaflops(month.seen_p),
        )
        for month in found.months
    ]  # fmt: skip
    heads = (_("月"), _("同时用过（P）"), _("看到（P）"))
    mark = _t("登记 {claimed} P").format(claimed=number_format.petaflops(found.claimed_p))
    return charts.size_columns(message, heads, bars, [month.seen_p for month in found.months], found.claimed_p, mark)


def _parties(found: CentreYear) -> Chart:
    top, whole = found.parties[0], found.used + found.unclaimed
    message = _t("{party} 用得最多，占 {share}").format(
        party=local_name(top.party),
        share=number_format.format_percentage(top.card_seconds, max(whole, top.card_seconds)),
    )
    bars = [
        Bar(local_name(each.party), number_format.card_hours(each.card_seconds), Decimal(each.card_seconds) / 3600)
        for each in found.parties
    ]
    return charts.ranking(message, (_("主体"), _("卡时")), bars)


def _people(found: CentreYear) -> Chart:
    bars = [
        Bar(
            f"{each.user} · {local_name(each.party)}", number_format.card_hours(each.card_seconds),
            Decimal(each.card_seconds) / 3600,
        )
        for each in found.users
    ]  # fmt: skip
    return charts.ranking(_t("用得最多的用户"), (_("用户"), _("卡时")), bars)

"""What a proposal changes for whom, as the page shows it: sums, charts by city, every party."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.parties.models import Region
from huisuan.portal.ui import charts, number_format, state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.table import Table
from huisuan.settlement.adoption.queries import comparison_lines, comparison_sums
from huisuan.settlement.models import ComparedParty, Comparison
from huisuan.settlement.runs.queries import latest_runs

_COLUMNS = [
    Column("party", _("主体"), lambda line: state_labels.local_name(line.party), sort="party__name"),
    Column("uscc", _("统一社会信用代码"), "party.uscc", Kind.CODE, "party__uscc", minor=True),
    Column("city", _("市"), lambda line: state_labels.local_name(line.party.region), sort="party__region"),
    Column("kind", _("类别"), lambda line: str(state_labels.PARTY[line.party.kind]), sort="party__kind"),
    Column(
        "status",
        _("采用后结论"),
        lambda line: state_labels.state_word(state_labels.ENTITLEMENT, line.status_after),
        Kind.STATE,
    ),
    Column("before", _("采用前"), "before_fen", Kind.FEN, sort="before_fen", total="before_fen"),
    Column("after", _("采用后"), "after_fen", Kind.FEN, sort="after_fen", total="after_fen"),
    Column("difference", _("变化"), "difference_fen", Kind.FEN, sort="difference_fen", total="difference_fen"),
]

EFFECTS: dict[str, tuple[Any, dict[str, int]]] = {
    "losers": (_("减少"), {"difference_fen__lt": 0}),
    "winners": (_("增加"), {"difference_fen__gt": 0}),
    "same": (_("不变"), {"difference_fen": 0}),
}


def compared_table(request: HttpRequest, comparison: Comparison) -> Table:
    """Every party of a comparison, those that lose most first."""
    return Table(
        request,
        comparison_lines(comparison),
        _COLUMNS,
        file=f"proposal-{comparison.proposal_id}-{comparison.run.year}",
        order="difference",
        search=("party__name", "party__name_en", "party__uscc"),
        choices=[
            Choice("effect", _("变化"), _effects, lambda rows, effect: rows.filter(**EFFECTS[effect][1])),
            Choice("city", _("市"), _cities, lambda rows, code: rows.filter(party__region=code)),
            Choice("kind", _("类别"), _kinds, lambda rows, kind: rows.filter(party__kind=kind)),
        ],
        empty=Empty(_("这一年没有任何主体的用量。")),
    )


def comparison_context(comparison: Comparison) -> dict[str, Any]:
    """The sums and charts of a comparison."""
    regions = {region.code: state_labels.local_name(region) for region in Region.objects.all()}
    cities = _named(comparison_sums(comparison, "party__region"), "party__region", lambda code: regions[code])
    kinds = _named(
        comparison_sums(comparison, "party__kind"), "party__kind", lambda kind: str(state_labels.PARTY[kind])
    )
    return {
        "comparison": comparison,
        "stale": not latest_runs().filter(pk=comparison.run_id).exists(),
        "statuses": [
            (state_labels.state_word(state_labels.ENTITLEMENT, status), before, after)
            for status, (before, after) in comparison.statuses.items()
        ],
        "cities": cities,
        "kinds": kinds,
        "charts": [
            chart
            for sign, title in ((-1, _t("各市应享减少多少")), (1, _t("各市应享增加多少")))
            if (chart := _chart(cities, sign, title))
        ],
    }


def _chart(cities: list[dict[str, Any]], sign: int, title: str) -> charts.Chart | None:
    """The cities whose sum moves this way, the largest first."""
    moved = sorted(
        (each for each in cities if each["difference"] * sign > 0), key=lambda each: -each["difference"] * sign
    )
    bars = [
        charts.Bar(each["name"], number_format.yuan(each["difference"]), Decimal(each["difference"] * sign).scaleb(-2))
        for each in moved
    ]
    return charts.ranking(title, (_("市"), _("元")), bars) if bars else None


def _named(found: list[dict[str, Any]], by: str, name: Callable[[str], str]) -> list[dict[str, Any]]:
    return [{**each, "name": name(each[by])} for each in found]


def _effects(rows: QuerySet[ComparedParty]) -> list[tuple[str, Any]]:
    return [(key, label) for key, (label, which) in EFFECTS.items() if rows.filter(**which).exists()]


def _cities(rows: QuerySet[ComparedParty]) -> list[tuple[str, Any]]:
    codes = rows.order_by().values_list("party__region", flat=True).distinct()
    return [(region.code, state_labels.local_name(region)) for region in Region.objects.filter(code__in=codes)]


def _kinds(rows: QuerySet[ComparedParty]) -> list[tuple[str, Any]]:
    kinds = rows.order_by("party__kind").values_list("party__kind", flat=True).distinct()
    return [(kind, state_labels.PARTY[kind]) for kind in kinds]

"""The draw of a call: which seed, who was drawn for what and who follows, why it cannot be done; the button to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import NotAllowed, NotFound, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import programme_title, refusal_status
from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_lines
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import Call, PanelSeat
from huisuan.programmes.review.draw_records import repeat_draw
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review_desk.decision_sheet import official_call
from huisuan.programmes.review_desk.drawing import draw_call, draws_of, may_draw, waiting_for_panels

REVIEW_READERS = ("province", "department", "treasury", "auditor")
_CALLED = Q(alternate=False) | Q(predecessor__isnull=False)
_PLACES: dict[str, tuple[Word, Q]] = {
    "sent": (Word(_("已提交评分表"), "good"), _CALLED & Q(end__isnull=True, sheet__isnull=False)),
    "sitting": (Word(_("评审组"), "wait"), _CALLED & Q(end__isnull=True, sheet__isnull=True)),
    "alternate": (Word(_("候补专家")), Q(alternate=True, predecessor__isnull=True, end__isnull=True)),
    "left": (Word(_("已退出"), "bad"), Q(end__isnull=False)),
}  # fmt: skip


def reviewed_call(request: HttpRequest, number: str) -> Call:
    """A call that the reader may see as an official; with or without review by experts."""
    try:
        return official_call(viewer_of(request), number)
    except (NotFound, NotAllowed):
        raise Http404 from None


@allow(*REVIEW_READERS)
@require_http_methods(["GET", "POST"])
def draw_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """The draws of a call; POST draws for what waits and has no panel."""
    call = reviewed_call(request, number)
    if declared_review(call.edition) is None:
        raise Http404
    if request.method != "POST":
        return _shown(request, call)
    assert isinstance(request.user, Person)
    try:
        made = draw_call(call.number, request.POST.get("seed", "").strip(), request.user, timezone.now())
    except Refused as refusal:
        return _shown(request, call, refusal)
    count = made.seats.values("application").distinct().count()
    messages.success(request, _t("已为 {n} 件申报抽出评审组。").format(n=count))
    return redirect("draw", number=number)


def _shown(request: HttpRequest, call: Call, refused: Refused | None = None) -> HttpResponseBase:
    assert isinstance(request.user, Person)
    again = request.GET.get("again", "") == "yes"
    context = {
        "here": "calls",
        "call": call,
        "title": programme_title(call.edition),
        "draws": [(made, repeat_draw(made) if again else None) for made in draws_of(call)],
        "again": again,
        "waiting": waiting_for_panels(call).order_by("number"),
        "may_draw": may_draw(call, request.user, timezone.now()),
        "seed": request.POST.get("seed", ""),
        "refused": refusal_lines(refused) if refused else [],
    }
    status = refusal_status(refused) if refused else 200
    return render_tables(request, "portal/reviews/draw.html", context, [_table(request, call)], status=status)


def _table(request: HttpRequest, call: Call) -> Table:
    def draws(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(str(made.pk), sentence_html(made.title)) for made in draws_of(call)]

    def places(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(key, word.label) for key, (word, _condition) in _PLACES.items()]

    seats = PanelSeat.objects.filter(application__call=call)
    return Table(
        request,
        seats.select_related("application", "draw", "expert__person", "sheet", "end", "predecessor"),
        [
            Column(
                "number", _("编号"), "application.number", Kind.CODE, "application__number",
                link=lambda row: reverse("application", args=[row.application.number]),
            ),
            Column("draw", _("抽签"), "draw.title", Kind.SENTENCE, sort="draw__id", minor=True),
            Column("position", _("次序"), "position", Kind.INTEGER, sort="position"),
            Column("expert", _("专家"), "expert.person.name", sort="expert__person__name"),
            Column("state", _("状态"), place_of, Kind.STATE),
            Column("reason", _("为何退出"), lambda row: row.end.reason if hasattr(row, "end") else "", Kind.SENTENCE),
        ],
        file=f"draw-{call.number}",
        order="number",
        search=("application__number", "expert__person__name"),
        choices=[
            Choice("draw", _("抽签"), draws, lambda rows, pk: rows.filter(draw=pk)),
            Choice("place", _("状态"), places, lambda rows, key: rows.filter(_PLACES[key][1])),
        ],
        empty=Empty(_("还没有抽过专家：申报到了评审一步，由组织评审的单位以事前公布的种子抽签。")),
    )  # fmt: skip


def place_of(seat: PanelSeat) -> Word:
    """How somebody stands in a panel: sits, has sent the sheet, waits behind, has left."""
    if hasattr(seat, "end"):
        return _PLACES["left"][0]
    if seat.alternate and not hasattr(seat, "predecessor"):
        return _PLACES["alternate"][0]
    return _PLACES["sent" if hasattr(seat, "sheet") else "sitting"][0]

"""The draw of a call: which seed, who was drawn for what and who follows, why it cannot be done; the button to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
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
from huisuan.programmes.models import Call, PanelSeat, SeedCommitment
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review.seed import read_source
from huisuan.programmes.review_desk.decision_sheet import official_call
from huisuan.programmes.review_desk.drawing import (
    draw_again,
    draw_call,
    draws_of,
    may_draw,
    panels_without_alternates,
    waiting_for_panels,
)
from huisuan.programmes.review_desk.seeds import commit_seed, prove_draws
from huisuan.programmes.submissions.seed_sources import closed_submissions
from huisuan.programmes.submissions.window import CallWindow, WindowState

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
    """The draws of a call; POST commits to a word, draws panels, or more alternates where none is left."""
    call = reviewed_call(request, number)
    if declared_review(call.edition) is None:
        raise Http404
    if request.method != "POST":
        source = request.GET.get("source", "")
        return _seed_text(call, source) if source else _shown(request, call)
    try:
        said = _done(request, call)
    except Refused as refusal:
        return _shown(request, call, refusal)
    messages.success(request, said)
    return redirect("draw", number=number)


def _done(request: HttpRequest, call: Call) -> str:
    """What was asked for, done: a word committed to, alternates drawn again, or panels drawn; and what is said then."""
    assert isinstance(request.user, Person)
    now, word = timezone.now(), request.POST.get("seed", "").strip()
    if request.POST.get("commits"):
        commit_seed(call.number, request.user, now, word=word)
        return _t("已承诺抽签的种子：只存它的摘要，请自己记下。")
    if again := request.POST.get("application", ""):
        draw_again(call.number, again, word, request.POST.get("reason", ""), request.user, now)
        return _t("已为 {number} 补抽候补专家。").format(number=again)
    made = draw_call(call.number, word, request.user, now)
    return _t("已为 {n} 件申报抽出评审组。").format(n=made.seats.values("application").distinct().count())


def _seed_text(call: Call, asked: str) -> HttpResponse:
    """The text of which the seed of a draw of the call is the SHA-256, to be kept as it is."""
    which = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    made = next(iter(draws_of(call)[which - 1 : which]), None) if which else None
    if made is None or "seed" not in made.inputs:
        raise Http404
    answer = HttpResponse(read_source(made.inputs["seed"]).text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="seed-{call.number}-{which}.txt"'
    return answer


def _shown(request: HttpRequest, call: Call, refused: Refused | None = None) -> HttpResponseBase:
    assert isinstance(request.user, Person)
    again, now = request.GET.get("again", "") == "yes", timezone.now()
    proof = prove_draws(call, now) if again else None
    window = CallWindow(call.first_day, call.last_day)
    draws = may_draw(call, request.user, now)
    context = {
        "here": "calls",
        "call": call,
        "title": programme_title(call.edition),
        "draws": [
            (at, made, proof["draws"][at - 1] if proof else None) for at, made in enumerate(draws_of(call), start=1)
        ],
        "commitment": SeedCommitment.objects.filter(call=call).select_related("by").first(),
        "commits": draws and window.state(now) is not WindowState.CLOSED and not closed_submissions(call),
        "closed": window.state(now) is WindowState.CLOSED,
        "received": len(closed_submissions(call)),
        "without": panels_without_alternates(call, now) if draws else [],
        "again": again,
        "waiting": waiting_for_panels(call).order_by("number"),
        "may_draw": draws,
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
        empty=Empty(_("还没有抽过专家：申报到了评审一步，截止之后由组织评审的单位抽签。")),
    )  # fmt: skip


def place_of(seat: PanelSeat) -> Word:
    """How somebody stands in a panel: sits, has sent the sheet, waits behind, has left."""
    if hasattr(seat, "end"):
        return _PLACES["left"][0]
    if seat.alternate and not hasattr(seat, "predecessor"):
        return _PLACES["alternate"][0]
    return _PLACES["sent" if hasattr(seat, "sheet") else "sitting"][0]

"""The vote of an expert on a milestone, and giving up the seat, as posted from the bench."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotFound, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.contract_forms import typed_count
from huisuan.portal.reviews.bench import show_bench
from huisuan.programmes.contract_desk.panel import leave_acceptance_seat, vote_on_milestone


@allow("expert")
@require_POST
def acceptance_act(request: HttpRequest, number: str, milestone: int, act: str) -> HttpResponseBase:
    """Vote, once, or leave the seat to the next alternate; of whoever sits in the panel now."""
    person, now, asked = request.user, timezone.now(), request.POST
    assert isinstance(person, Person)
    if act not in ("vote", "leave"):
        raise Http404
    try:
        if act == "vote":
            score = typed_count(asked, "score")
            accepts, reason = asked.get("verdict") == "yes", asked.get("reason", "")
            vote_on_milestone(number, milestone, accepts, -1 if score is None else score, reason, person, now)
            said = _t("{number}：已投票，不能再改。")
        else:
            leave_acceptance_seat(number, milestone, person.username, asked.get("why", ""), person, now)
            said = _t("{number}：您已回避，由候补专家递补。")
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        return show_bench(request, refusal)
    messages.success(request, said.format(number=number))
    return redirect("reviews")

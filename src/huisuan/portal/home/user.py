"""The home of a compute user: what runs, what was used, what was spent, what is owed."""

from __future__ import annotations

from django.db.models import Sum
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from huisuan.compute.budgets.party_use import count_if_few
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.state_labels import state_word
from huisuan.portal.ui.year_filter import chosen_year
from huisuan.portal.usage import sums as usage_sums
from huisuan.portal.visible import compute as queries

LATEST = 8


def user_home(request: HttpRequest, viewer: Viewer) -> HttpResponseBase:
    """Jobs, card-hours by month and model, the year's spend, entitlements."""
    uncounted = count_if_few()
    sums = usage_sums.month_and_model(viewer)
    entitled = list(queries.entitlements_of_newest_runs(viewer).order_by("-run__year", "run__sentence"))
    years = sorted({*usage_sums.years(sums), *(each.run.year for each in entitled)}, reverse=True)
    year = chosen_year(request, years)
    bills = (
        queries.bills_of_newest_runs(viewer).filter(run__year=year)
        if year
        else queries.bills_of_newest_runs(viewer).none()
    )
    jobs = queries.listed_jobs(viewer).order_by("-submitted_at", "-uid")[:LATEST]
    context = {
        "uncounted": uncounted,
        "years": years,
        "year": year,
        "used": usage_sums.total(sums, year) if year else 0,
        "charts": usage_sums.drawn(sums, year) if year else [],
        "spend": bills.aggregate(amount=Sum("amount_fen"), excluded=Sum("excluded_fen")),
        "entitlements": [(each, state_word(state_labels.ENTITLEMENT, each.status)) for each in entitled],
        "owed": next((each for each in entitled if each.run.year == year), None),
        "jobs": [(job, state_word(state_labels.JOB, job.state)) for job in jobs],
    }
    return render(request, "portal/home/user.html", context)

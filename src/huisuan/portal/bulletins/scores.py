"""How open each city and department is, as the newest bulletin says; each down to its criteria and their entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from huisuan.bulletins.desk.queries import list_issues, snapshot_of
from huisuan.bulletins.issuing.openness_letter import office_name
from huisuan.bulletins.models import BulletinKind
from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.parties.route_access import public_page

_MOST = 200


@public_page
def scores_page(request: HttpRequest) -> HttpResponse:
    """Ranks of cities and departments; with `office` one of them, criterion by criterion with what makes it a no."""
    issue = (
        list_issues().filter(bulletin__kind=BulletinKind.OPENNESS, corrected_by__isnull=True)
        .order_by("-bulletin__snapshot__day", "-pk").first()
    )  # fmt: skip
    context: dict[str, Any] = {"here": "bulletins", "issue": issue}
    if issue:
        figures = snapshot_of(issue.bulletin)[0]
        levels = [[(_key(one), office_name(one, figures["regions"]), one) for one in figures[level]]
                  for level in ("cities", "departments")]  # fmt: skip
        wanted = request.GET.get("office", "")
        chosen = next((one for level in levels for one in level if wanted and one[0] == wanted), None)
        context |= {
            "cities": levels[0], "departments": levels[1], "formula": figures["formula"], "wanted": wanted,
            "full": sum(one["points"] for one in figures["formula"]["criteria"]), "chosen": chosen,
            "criteria": _criteria(figures["formula"], chosen[2]) if chosen else [],
        }  # fmt: skip
    return render(request, "portal/bulletins/scores.html", context)


def _key(one: Mapping[str, Any]) -> str:
    return f"{one['region']} {one['department']}".strip()


def _criteria(formula: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each criterion: whether it is met, and the entries (with a page, where they are listed still) or requests."""
    by = {code: each[:_MOST] for code, each in row["failing"].items()}
    codes = {one for each in by.values() for one in each}
    listed = set(standing_entries().filter(entry__code__in=codes).values_list("entry__code", flat=True))
    return [
        {
            **one, "met": one["code"] not in by,
            "by": [(code, code in listed) for code in by.get(one["code"], [])],
            "more": max(0, len(row["failing"].get(one["code"], [])) - _MOST),
        }
        for one in formula["criteria"]
    ]  # fmt: skip

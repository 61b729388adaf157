"""The year of all programmes: money against budget, how long steps took, what is overdue, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.money import yuan
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.parties.route_access import allow
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.words import action_label
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.charts import Bar, Chart, ranking
from huisuan.portal.ui.columns import Column, Kind
from huisuan.portal.ui.export import FORMATS, ListedRows, exported
from huisuan.programmes.year_overview.overview import ProgrammeYear, list_years, load_programme_years
from huisuan.programmes.year_overview.step_times import StepTime, load_step_times

_READERS = ("province", "department", "treasury", "auditor")


@allow(*_READERS)
def programme_year(request: HttpRequest) -> HttpResponseBase:
    """The overview of a policy's year; `export` gives the rows of its first table."""
    policies = list_policies()
    if not policies:
        return render(request, "portal/home/no_policy.html", {"here": "programme-year"})
    asked = {name: request.GET.get(name, "") for name in ("policy", "year", "export")}
    policy = load_policy(asked["policy"] if asked["policy"] in policies else policies[0])
    years = list_years(policy.name) or [timezone.localdate().year]
    shown = next((year for year in years if str(year) == asked["year"]), years[0])
    export = asked["export"] if asked["export"] in FORMATS else ""
    known = {"policy": policy.name, "year": str(shown), "export": export}
    not_used = [name for name, text in asked.items() if text and text != known[name]]
    rows = load_programme_years(policy, shown, timezone.localdate())
    if export and not not_used:
        return exported(f"programmes-{shown}", export, _columns(), ListedRows(rows).as_query())
    times = load_step_times(policy.name, shown)
    context = {
        "here": "programme-year", "policy": policy.name, "year": shown, "policies": policies,
        "years": [str(year) for year in years], "rows": _shown_rows(policy, rows, shown), "sums": _sums(rows),
        "times": _by_programme(policy, times),
        "late": sum(one.late for one in times), "chart": _chart(rows), "not_used": refused(request, *not_used),
        "exports": [
            (name.upper(), f"?{urlencode({'policy': policy.name, 'year': shown, 'export': name})}") for name in FORMATS
        ],
    }  # fmt: skip
    return render(request, "portal/home/programme_year.html", context)


def _by_programme(policy: Policy, times: Sequence[StepTime]) -> list[dict[str, Any]]:
    """The steps of each programme under its title, with how many of them were late."""
    found: dict[str, list[StepTime]] = {}
    for one in times:
        found.setdefault(one.programme, []).append(one)
    return [
        {
            "title": _title(policy, key), "late": sum(one.late for one in steps),
            "steps": [(one, action_label(one.action)) for one in steps],
        }
        for key, steps in found.items()
    ]  # fmt: skip


def _columns() -> list[Column]:
    counts = (
        ("applications", _("件数")), ("open", _("在办")), ("granted", _("批准")), ("refused", _("不予支持")),
        ("withdrawn", _("已撤回")), ("overdue", _("过期未办")),
    )  # fmt: skip
    money = (
        ("appropriated", _("下达的预算")), ("committed", _("已承诺")), ("paid", _("已拨付")),
        ("recovered", _("已追回")), ("owed", _("应收")),
    )  # fmt: skip
    return [
        Column("key", _("申报程序"), "key", Kind.CODE),
        Column("title", _("名称"), lambda row: row.title_en if reads_english() else row.title),
        *(Column(name, label, name, Kind.INTEGER) for name, label in counts),
        *(Column(name, label, f"money.{name}", Kind.FEN) for name, label in money),
    ]


def _shown_rows(policy: Policy, rows: Sequence[ProgrammeYear], year: int) -> list[dict[str, Any]]:
    """The rows with their links; the money of a sentence stands with its first programme only."""
    found, before = [], ""
    for row in rows:
        listed = {"programme": f"{policy.name} {row.key}", "year": year}
        applications = f"{reverse('applications')}?"
        found.append(
            {
                "idle": not (row.applications or (row.sentence != before and row.money.appropriated)),
                "row": row, "title": row.title_en if reads_english() else row.title, "first": row.sentence != before,
                "article": f"{reverse('policy', args=[policy.name])}#s{row.sentence}",
                "all": applications + urlencode(listed),
                "overdue": applications + urlencode(listed | {"due": "overdue"}),
                "withdrawn": applications + urlencode(listed | {"state": "withdrawn"}),
                "refused": applications + urlencode(listed | {"state": "refused"}),
                "used": row.money.paid * 100 // row.money.appropriated if row.money.appropriated else None,
            }
        )  # fmt: skip
        before = row.sentence
    return found


def _sums(rows: Sequence[ProgrammeYear]) -> dict[str, int]:
    by_sentence = {row.sentence: row.money for row in rows}
    counts = ("applications", "open", "granted", "refused", "withdrawn", "overdue")
    money = ("appropriated", "committed", "paid", "recovered", "owed")
    return {name: sum(getattr(row, name) for row in rows) for name in counts} | {
        name: sum(getattr(held, name) for held in by_sentence.values()) for name in money
    }


def _title(policy: Policy, key: str) -> str:
    spec = next((spec for spec in policy.programmes if spec.key == key), None)
    return f"{key} {(spec.title_en if reads_english() else spec.title) if spec else ''}".strip()


def _chart(rows: Sequence[ProgrammeYear]) -> Chart | None:
    """What was paid, by sentence, the largest first."""
    paid = {row.sentence: row.money.paid for row in rows if row.money.paid}
    if not paid:
        return None
    bars = [
        Bar(sentence, yuan(fen), Decimal(fen).scaleb(-2))
        for sentence, fen in sorted(paid.items(), key=lambda pair: -pair[1])
    ]
    return ranking(_t("已拨付，按条款"), (_("条款"), _("元")), bars)

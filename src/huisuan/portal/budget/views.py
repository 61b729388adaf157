"""The budget page (预算推演): choose a policy and a year, suppose other settings, see what it costs and whom it moves.

The address holds the whole scenario: whoever gets it sees the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huisuan.base.db.background_work import WorkState
from huisuan.base.errors import HuisuanError
from huisuan.base.text_length import shortened
from huisuan.law.budget import (
    DISTRIBUTION,
    DISTRIBUTION_EN,
    Budget,
    BudgetTable,
    Sample,
    budget_chart,
    budget_tables,
    last_day_in_force,
)
from huisuan.law.policy import Policy, apply_scenario, load_installed
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.budgets import budget_work
from huisuan.portal.budget.files import FORMS, tables_response
from huisuan.portal.budget.form import LONGEST_TYPED, ScenarioForm, parse_scenario_form
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui import charts, number_format
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.scenarios.requests import BudgetScenario, budget_of_request, find_budget, request_budget

PARTIES = 100_000
LARGEST_SEED = 2**31
SHOWN_MOVERS = 20
_OPEN = {"articles", "sides", "funds"}  # the tables that stand unfolded
TITLES: dict[str, str | Promise] = {
    "articles": _("按条款"), "cities": _("按市"), "kinds": _("按类别"), "sides": _("谁增谁减"),
    "movers": _("变动最大的"), "caps": _("受封顶限制的件数"), "statuses": _("答复的状态"), "funds": _("年度总额"),
    "allotted": _("按绩效分配的年度预算"),
}  # fmt: skip
HEADINGS: dict[str, str | Promise] = {
    "key": _("句"), "title": _("内容"), "name": _("名称"), "claims": _("件数"), "eligible_before": _("应享（现行）"),
    "eligible_after": _("应享（情景）"), "before_fen": _("现行"), "after_fen": _("情景"), "difference_fen": _("差额"),
    "winners": _("增加的件数"), "won_fen": _("增加"), "losers": _("减少的件数"), "lost_fen": _("减少"), "row": _("行"),
    "party": _("主体"), "city": _("市"), "kind": _("类别"), "capped_before": _("现行"), "capped_after": _("情景"),
    "status": _("状态"), "before": _("现行"), "after": _("情景"), "when": _("情形"), "limit_fen": _("年度总额"),
    "demand_fen": _("应享合计"), "paid_fen": _("可支付"), "factor": _("兑付比例"), "factor_per_cent": _("约合（舍去）"),
}  # fmt: skip


@dataclass(frozen=True)
class FigureCell:
    """A cell as the page shows it."""

    label: str
    text: str
    number: bool


@dataclass(frozen=True)
class Shown:
    """A table as the page shows it; what is looked at second is folded."""

    name: str
    title: str
    heads: list[FigureCell]
    rows: list[list[FigureCell]]
    foot: list[FigureCell]
    folded: bool


@allow("province", "auditor")
def budget_page(request: HttpRequest) -> HttpResponseBase:
    """The form and, with a policy in force that year, what it costs over a sample, before and after.

    The worker computes a scenario that is new; until then the page shows how far it is.
    """
    policies, broken = load_installed()
    if not policies:
        raise Http404
    policy = next((each for each in policies if each.name == request.GET.get("policy")), policies[0])
    year = _number(request.GET.get("year"), min(timezone.localdate().year, policy.valid_to.year))
    seed = _number(request.GET.get("seed"), 1)
    context: dict[str, Any] = {
        "here": "budget", "english": reads_english(), "policies": policies, "policy": policy, "year": year,
        "seed": seed,
        "years": range(policy.valid_from.year, policy.valid_to.year + 1), "parties": PARTIES,
        "broken": list(broken), "not_used": [] if request.GET.get("export") in FORMS else refused(request, "export"),
    }  # fmt: skip
    if unusable := _unusable(request, policies):
        return render(request, "portal/budget/budget.html", {**context, "unusable": unusable}, status=422)
    day = last_day_in_force(policy, year)
    if day is None:
        return render(request, "portal/budget/budget.html", context)
    known = timezone.localdate()
    asked = parse_scenario_form(policy, day, known, request.GET, gettext("情景"))
    context |= {"day": day, "asked": asked}
    if asked.wrong:
        return render(request, "portal/budget/budget.html", context, status=422)
    scenario = BudgetScenario(policy, day, known, asked.tables, Sample(PARTIES, seed))
    return _answered(request, scenario, asked, context)


def _answered(
    request: HttpRequest, scenario: BudgetScenario, asked: ScenarioForm, context: dict[str, Any]
) -> HttpResponseBase:
    """The figures of a scenario where they are there, else how far they are; where nobody has asked, the worker is."""
    address = request.GET.copy()
    address.pop("export", None)
    try:
        apply_scenario(scenario.policy, asked.scenario)  # refused here, where it was typed
        work = find_budget(scenario) or request_budget(
            scenario, address.urlencode(), viewer_of(request).name, timezone.now()
        )
        done = budget_of_request(work, scenario.policy) if work.state == WorkState.DONE else None
    except HuisuanError as error:
        return render(request, "portal/budget/budget.html", {**context, "refused": refusal_html(error)}, status=422)
    if done is None:
        return render(request, "portal/budget/budget.html", {**context, **budget_work(work)})
    return _figures(request, done, context)


def _figures(request: HttpRequest, done: Budget, context: dict[str, Any]) -> HttpResponseBase:
    """The page with its figures, or a file of them."""
    policy, year, tables = done.policy, context["year"], budget_tables(done, english=reads_english())
    form = request.GET.get("export", "")
    if form in FORMS:
        return tables_response(
            form, f"budget-{policy.name}-{year}", [(_titled(each), _headed(each), each) for each in tables]
        )
    context |= {
        "done": done, "total": done.total, "distribution": DISTRIBUTION_EN if reads_english() else DISTRIBUTION,
        "tables": [_shown(each) for each in tables if each.rows], "chart": _chart(done, policy, year),
        "exports": [(name.upper(), _address(request, name)) for name in FORMS],
    }  # fmt: skip
    return render(request, "portal/budget/budget.html", context)


def _unusable(request: HttpRequest, policies: list[Policy]) -> list[str]:
    """What of the address cannot be meant: shown, instead of figures of another policy or year."""
    name = request.GET.get("policy", "")
    found = []
    if name and name not in {each.name for each in policies}:
        found.append(gettext("没有政策 {name}：请从列表中选择").format(name=name))
    for key, text in request.GET.items():
        if len(str(text)) > LONGEST_TYPED:
            found.append(gettext("{key} 超过 {most} 个字：请改短").format(key=shortened(key, 40), most=LONGEST_TYPED))
    for key in ("year", "seed"):
        typed = request.GET.get(key, "")
        if typed and _number(typed, -1) < 0:
            found.append(gettext("{key}={typed} 不是可用的数：请改正").format(key=key, typed=typed))
    return found


def _number(typed: str | None, otherwise: int) -> int:
    plain = typed or ""
    return int(plain) if plain.isascii() and plain.isdigit() and int(plain) < LARGEST_SEED else otherwise


def _address(request: HttpRequest, form: str) -> str:
    query = request.GET.copy()
    query["export"] = form
    return f"{request.path}?{query.urlencode()}"


def _titled(sheet: BudgetTable) -> str:
    return str(TITLES[sheet.name])


def _headed(sheet: BudgetTable) -> list[str]:
    unit = gettext("元")
    return [
        gettext("{heading}（{unit}）").format(heading=HEADINGS[key], unit=unit)
        if key.endswith("_fen")
        else str(HEADINGS[key])
        for key in sheet.columns
    ]


def _shown(sheet: BudgetTable) -> Shown:
    rows = sheet.rows
    if sheet.name == "movers":
        rows = sorted(rows, key=lambda row: -abs(row["difference_fen"]))[:SHOWN_MOVERS]
    labels = dict(zip(sheet.columns, _headed(sheet), strict=True))
    numbers = {key for key in sheet.columns if any(isinstance(row.get(key), int) for row in rows)}
    cells = [
        [FigureCell(label, _text(key, row.get(key)), key in numbers) for key, label in labels.items()] for row in rows
    ]
    heads = [FigureCell(label, label, key in numbers) for key, label in labels.items()]
    summed = bool(rows) and sheet.name == "articles"
    rows_shown, foot = (cells[:-1], cells[-1]) if summed else (cells, [])
    return Shown(sheet.name, _titled(sheet), heads, rows_shown, foot, sheet.name not in _OPEN)


def _text(key: str, value: Any) -> str:
    if value is None or value == "":
        return number_format.NOTHING
    if key.endswith("_fen"):
        return number_format.yuan(value)
    return number_format.format_integer(value) if isinstance(value, int) else str(value)


def _chart(done: Budget, policy: Policy, year: int) -> charts.Chart | None:
    """The picture, unless nothing costs anything."""
    costly = [each for each in done.paying if each.total.before_fen or each.total.after_fen]
    if not costly:
        return None
    bars = [
        charts.Bar(
            f"{each.rule.key} {each.rule.title_en if reads_english() else each.rule.title} · {when}",
            number_format.yuan(fen), Decimal(fen).scaleb(-2),
        )
        for each in costly
        for when, fen in ((gettext("现行"), each.total.before_fen), (gettext("情景"), each.total.after_fen))
    ]  # fmt: skip
    wide, narrow = (
        charts.as_drawing(budget_chart(done, width=width, english=reads_english()))
        for width in (charts.WIDE, charts.NARROW)
    )
    name = policy.title_en if reads_english() else policy.title
    title = gettext("%(policy)s · %(year)d 年各条款应享金额") % {"policy": name, "year": year}
    return charts.Chart(title, (gettext("条款"), gettext("应享金额（元）")), bars, wide, narrow)

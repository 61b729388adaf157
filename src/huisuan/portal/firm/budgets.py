"""Projects and budgets of a firm: how each stands, who used what, what an owner sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, Refused, Unavailable
from huisuan.base.months import SHANGHAI, Month
from huisuan.base.text_length import shortened
from huisuan.compute.budgets import queries, services
from huisuan.compute.budgets.limit_text import parse_limit
from huisuan.compute.budgets.standing import BudgetStanding
from huisuan.compute.models import BudgetAlert, BudgetPeriod, BudgetUnit
from huisuan.parties import projects
from huisuan.parties.identity import tokens
from huisuan.parties.models import Project, Scope
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.account.views import actor_of, person_of
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui import number_format, state_labels
from huisuan.portal.ui.refusals import refusal_html
from huisuan.protocol.firm import UnitName
from huisuan.settlement.statements.forecast import Forecast, forecast_year

PERIODS = {BudgetPeriod.YEAR: _("每年"), BudgetPeriod.MONTH: _("每月")}
UNITS = {BudgetUnit.FEN: _("元"), BudgetUnit.CARD_SECONDS: _("卡时")}
ALERTS = {"50": _("已用 50%"), "80": _("已用 80%"), "100": _("已用 100%"), "held": _("有作业在等预算")}


@dataclass(frozen=True)
class BudgetLine:
    """A budget as a page shows it: figures with their unit, and how full it is in percent."""

    standing: BudgetStanding
    alerts: Sequence[BudgetAlert]

    @property
    def period(self) -> str:
        """Its present period."""
        starts = self.standing.starts
        year = self.standing.budget.period == BudgetPeriod.YEAR
        return str(starts.year) if year else number_format.month(starts)

    @property
    def limit(self) -> str:
        """The limit."""
        return budget_amount_text(self.standing.budget.unit, self.standing.budget.limit)

    @property
    def used(self) -> str:
        """What is metered, rounded up."""
        return budget_amount_text(self.standing.budget.unit, -(-self.standing.used // self.standing.scale))

    @property
    def reserved(self) -> str:
        """What is reserved, rounded up."""
        return budget_amount_text(self.standing.budget.unit, -(-self.standing.reserved // self.standing.scale))

    @property
    def left(self) -> str:
        """What is left, rounded down."""
        return budget_amount_text(self.standing.budget.unit, self.standing.left // self.standing.scale)

    @property
    def percent(self) -> int:
        """Used and reserved of the limit, in whole percent, at most 100."""
        taken, limit = self.standing.used + self.standing.reserved, self.standing.limit
        return min(100, 100 * taken // limit) if limit else 100 if taken else 0

    @property
    def kind(self) -> str:
        """What a soft and a hard budget are called."""
        return _t("硬：放不下就等") if self.standing.budget.hard else _t("软：只提醒")

    @property
    def words(self) -> list[tuple[str, datetime]]:
        """Its alerts in words."""
        return [(str(ALERTS[alert.kind]), alert.at) for alert in self.alerts]


def budget_amount_text(unit: str, amount: int) -> str:
    """An amount of a budget with its unit."""
    if unit == BudgetUnit.FEN:
        return _t("{yuan} 元").format(yuan=number_format.yuan(amount))
    return _t("{hours} 卡时").format(hours=number_format.card_hours(amount))


def _lines(standings: Sequence[BudgetStanding]) -> list[BudgetLine]:
    alerts = queries.present_alerts(standings)
    return [BudgetLine(each, alerts.get(each.budget.pk, [])) for each in standings]


@allow("user")
def firm_page(request: HttpRequest) -> HttpResponseBase:
    """The firm at a glance: budgets, projects, who used what in a month."""
    return _page(request)


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    viewer, now = viewer_of(request), timezone.now()
    month, not_used = chosen_month(request, now)
    use = queries.use_by_person(viewer, month.first_day, month.following.first_day)
    try:
        forecast: Forecast | None = forecast_year(viewer, now)
    except Unavailable:
        forecast = None
    reasons = forecast.at_end.answer.reasons if forecast else ()
    context = {
        "here": "firm",
        "is_owner": viewer.scope == "manage",
        "lines": _lines(queries.visible_standings(viewer, now)),
        "projects": list(projects.list_projects(viewer)),
        "use": use,
        "total_seconds": sum(row.card_seconds for row in use),
        "total_fen": int(sum(row.fen for row in use)),
        "month": month,
        "not_used": not_used,
        "periods": PERIODS.items(),
        "units": UNITS.items(),
        "asked": request.POST,
        "forecast": forecast,
        "reasons": [reason.text_en or reason.text if reads_english() else reason.text for reason in reasons],
        **more,
    }
    return render(request, "portal/firm/firm.html", context, status=422 if more.get("refused") else 200)


def chosen_month(request: HttpRequest, now: datetime) -> tuple[Month, list[str]]:
    """The month of the address, else the present one; and what of the address could not be used."""
    present = Month.containing(now.astimezone(SHANGHAI).date())
    asked = request.GET.get("month", "")
    if not asked:
        return present, []
    try:
        return Month.parse(asked), []
    except InvalidRequest:
        return present, [shortened(asked, 40)]


@allow("user")
def project_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """One project."""
    return _project_page(request, _project(request, code))


def _project(request: HttpRequest, code: str) -> Project:
    try:
        return projects.get_project(viewer_of(request), code)
    except Refused:
        raise Http404 from None


def _project_page(request: HttpRequest, project: Project, **more: Any) -> HttpResponse:
    viewer, now = viewer_of(request), timezone.now()
    year = now.astimezone(SHANGHAI).year
    use = queries.use_by_person(viewer, date(year, 1, 1), date(year + 1, 1, 1))
    standings = queries.visible_standings(viewer, now)
    mine = tokens.list_tokens(None if viewer.scope == "manage" else person_of(request))
    context = {
        "here": "firm",
        "project": project,
        "is_owner": viewer.scope == "manage",
        "may_submit": viewer.scope in ("manage", "submit"),
        "lines": _lines([each for each in standings if each.budget.project_id in (None, project.pk)]),
        "use": [row for row in use if row.project == project.code],
        "year": year,
        "tokens": mine.filter(project=project, revoked_at__isnull=True, expires_at__gt=now),
        "scopes": [(scope.value, state_labels.SCOPE[scope.value]) for scope in (Scope.READ, Scope.SUBMIT)],
        "periods": PERIODS.items(),
        "units": UNITS.items(),
        "asked": request.POST,
        **more,
    }
    page = render(request, "portal/firm/project.html", context, status=422 if more.get("refused") else 200)
    page["Cache-Control"] = "no-store"
    return page


@allow("user", scope="manage")
@require_POST
def new_project(request: HttpRequest) -> HttpResponseBase:
    """A new project."""
    asked = request.POST
    try:
        made = projects.create_project(viewer_of(request), asked.get("code", ""), asked.get("name", ""), timezone.now())
    except Refused as refusal:
        return _page(request, refused=refusal_html(refusal))
    messages.success(request, _t("项目已建。"))
    return redirect("project", code=made.code)


def _close(request: HttpRequest, project: Project) -> str:
    projects.close_project(viewer_of(request), project.code, timezone.now())
    return _t("项目已关闭：不收新作业，它的令牌已失效。")


def _reopen(request: HttpRequest, project: Project) -> str:
    projects.reopen_project(viewer_of(request), project.code)
    return _t("项目已重新打开。")


_ACTIONS: dict[str, Callable[[HttpRequest, Project], str]] = {"close": _close, "reopen": _reopen}


@allow("user", scope="manage")
@require_POST
def change_project(request: HttpRequest, code: str, action: str) -> HttpResponseBase:
    """Close or reopen a project."""
    if action not in _ACTIONS:
        raise Http404
    project = _project(request, code)
    try:
        done = _ACTIONS[action](request, project)
    except Refused as refusal:
        return _project_page(request, project, refused=refusal_html(refusal))
    messages.success(request, done)
    return redirect("project", code=code)


@allow("user", scope="submit")
@require_POST
def new_project_token(request: HttpRequest, code: str) -> HttpResponseBase:
    """A token of one's own for this project's jobs only; its secret stands on this answer and nowhere else."""
    project, days = _project(request, code), request.POST.get("days", "")
    try:
        token, secret = tokens.issue_token(
            person_of(request), request.POST.get("label", ""), actor_of(request), timezone.now(),
            scope=request.POST.get("scope", ""), days=int(days) if days.isascii() and days.isdigit() else 0,
            project=project,
        )  # fmt: skip
    except Refused as refusal:
        return _project_page(request, project, refused=refusal_html(refusal))
    return _project_page(request, project, made=token, secret=secret)


@allow("user", scope="manage")
@require_POST
def set_budget(request: HttpRequest) -> HttpResponseBase:
    """Set a budget of a project, or of the whole firm."""
    asked, viewer = request.POST, viewer_of(request)
    code = asked.get("project", "")
    try:
        unit: UnitName = "fen" if asked.get("unit") == BudgetUnit.FEN else "card_seconds"
        services.set_budget(
            viewer, code or None, asked.get("period", ""), asked.get("unit", ""),
            parse_limit(asked.get("limit", ""), unit), timezone.now(), hard=asked.get("hard") != "soft",
        )  # fmt: skip
    except Refused as refusal:
        if code:
            return _project_page(request, _project(request, code), refused=refusal_html(refusal))
        return _page(request, refused=refusal_html(refusal))
    messages.success(request, _t("预算已设，立即生效。"))
    return redirect("project", code=code) if code else redirect("firm")


@allow("user", scope="manage")
@require_POST
def end_budget(request: HttpRequest, number: int) -> HttpResponseBase:
    """Limit no more."""
    try:
        ended = services.end_budget(viewer_of(request), number, timezone.now())
    except Refused as refusal:
        return _page(request, refused=refusal_html(refusal))
    messages.success(request, _t("预算已取消；记录仍在。"))
    return redirect("project", code=ended.project.code) if ended.project else redirect("firm")

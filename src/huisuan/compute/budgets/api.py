"""Projects, budgets and the use by person and project over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Status

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.budgets import queries, services
from huisuan.compute.budgets.standing import BudgetStanding
from huisuan.compute.models import BudgetAlert
from huisuan.parties import projects
from huisuan.parties.models import Project
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import firm as wire

router = Router(tags=["本单位"])
_OWNER = Allow("user", scope="manage")


@router.get(
    "/projects", response=list[wire.ProjectInfo], auth=Allow("user", scope="read", project=True), summary="本单位的项目"
)
def list_projects(request: HttpRequest) -> list[wire.ProjectInfo]:
    """The firm's projects, open ones first."""
    return [_project(each) for each in projects.list_projects(viewer_of(request))]


@router.post("/projects", response={201: wire.ProjectInfo}, auth=_OWNER, summary="新建项目")
def new_project(request: HttpRequest, asked: wire.ProjectRequest) -> Status[wire.ProjectInfo]:
    """A new project."""
    made = projects.create_project(viewer_of(request), asked.code, asked.name, datetime.now(UTC))
    return Status(201, _project(made))


@router.post("/projects/{code}/close", response=wire.ProjectInfo, auth=_OWNER, summary="关闭项目：不收新作业")
def close_project(request: HttpRequest, code: str) -> wire.ProjectInfo:
    """It takes no new jobs; its tokens end."""
    return _project(projects.close_project(viewer_of(request), code, datetime.now(UTC)))


@router.post("/projects/{code}/reopen", response=wire.ProjectInfo, auth=_OWNER, summary="重新打开项目")
def reopen_project(request: HttpRequest, code: str) -> wire.ProjectInfo:
    """It takes jobs again."""
    return _project(projects.reopen_project(viewer_of(request), code))


@router.get(
    "/budgets",
    response=list[wire.BudgetInfo],
    auth=Allow("user", scope="read", project=True),
    summary="预算与本期的情况",
)
def list_budgets(request: HttpRequest) -> list[wire.BudgetInfo]:
    """The firm's budgets and how each stands now."""
    standings = queries.visible_standings(viewer_of(request), datetime.now(UTC))
    alerts = queries.present_alerts(standings)
    return [_budget(each, alerts.get(each.budget.pk, [])) for each in standings]


@router.post("/budgets", response=wire.BudgetInfo, auth=_OWNER, summary="设定预算")
def set_budget(request: HttpRequest, asked: wire.BudgetRequest) -> wire.BudgetInfo:
    """A limit of a project, or of the whole firm; the one that stood there ends."""
    viewer, now = viewer_of(request), datetime.now(UTC)
    made = services.set_budget(viewer, asked.project, asked.period, asked.unit, asked.limit, now, hard=asked.hard)
    standings = [each for each in queries.visible_standings(viewer, now) if each.budget.pk == made.pk]
    return _budget(standings[0], queries.present_alerts(standings).get(made.pk, []))


@router.post("/budgets/{number}/end", response={204: None}, auth=_OWNER, summary="取消预算")
def end_budget(request: HttpRequest, number: int) -> Status[None]:
    """It limits no more; its record stays."""
    services.end_budget(viewer_of(request), number, datetime.now(UTC))
    return Status(204, None)


@router.get("/use", response=wire.FirmUse, auth=Allow("user", scope="read"), summary="按人员和项目的用量")
def use(
    request: HttpRequest,
    month: Annotated[str | None, Query(description="2024-06；不写则按年")] = None,
    year: Annotated[int | None, Query(description="不写则今年")] = None,
) -> wire.FirmUse:
    """What each person used for each project in a month or a year, at the prices of its days."""
    starts, ends = use_span(month, year, datetime.now(UTC))
    rows = [
        wire.UseRow(
            project=row.project, user=row.user, card_seconds=row.card_seconds, fen=str(row.fen),
            unpriced_card_seconds=row.unpriced_card_seconds,
        )
        for row in queries.use_by_person(viewer_of(request), starts, ends)
    ]  # fmt: skip
    return wire.FirmUse(starts=starts, ends=ends, rows=rows)


def use_span(month: str | None, year: int | None, now: datetime) -> tuple[date, date]:
    """The days that were asked for.

    Raises:
        InvalidRequest: no month, no year of ours.
    """
    if month:
        wanted = Month.parse(month)
        return wanted.first_day, wanted.following.first_day
    asked = now.astimezone(SHANGHAI).year if year is None else year
    if not 2000 <= asked < 2999:
        raise InvalidRequest(f"年份 {asked}：应在 2000 至 2998 之间", code="use.year_out_of_bounds")
    return date(asked, 1, 1), date(asked + 1, 1, 1)


def _project(project: Project) -> wire.ProjectInfo:
    return wire.ProjectInfo(
        code=project.code, name=project.name, created_by=project.created_by, created_at=project.created_at,
        closed_at=project.closed_at,
    )  # fmt: skip


def _budget(standing: BudgetStanding, alerts: list[BudgetAlert]) -> wire.BudgetInfo:
    budget = standing.budget
    return wire.BudgetInfo(
        id=budget.pk, project=budget.project.code if budget.project else None, period=budget.period, unit=budget.unit,
        limit=budget.limit, hard=budget.hard, set_by=budget.set_by, set_at=budget.set_at, starts=standing.starts,
        ends=standing.ends, used=str(standing.used_amount), reserved=str(standing.reserved_amount),
        left=str(standing.left_amount),
        alerts=[
            wire.BudgetAlertInfo(
                kind=alert.kind, at=alert.at, used=alert.used, reserved=alert.reserved, job=alert.job_uid or None
            )
            for alert in alerts
        ],
    )  # fmt: skip

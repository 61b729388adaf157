"""What a firm's desk exchanges with the platform: members, invitations, projects, budgets, use. Money in fen."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from huisuan.protocol.resources import RequestModel, ResponseModel

MemberRoleName = Literal["owner", "submitter", "viewer"]
PeriodName = Literal["year", "month"]
UnitName = Literal["fen", "card_seconds"]
HUGE_LIMIT = 10**17  # fen or card-seconds of a budget: more is a slip of the pen, and far from the edge of a bigint


class MemberInfo(ResponseModel):
    """Somebody of the firm."""

    username: str
    name: str
    member_role: str
    active: bool
    machine: bool
    last_login: AwareDatetime | None


class InvitationRequest(RequestModel):
    """Whom an owner invites: as what, for whom (a note), for how many days."""

    member_role: MemberRoleName = "submitter"
    note: str = ""
    days: int = 7


class InvitationInfo(ResponseModel):
    """An invitation that nobody has used yet; `link` is there once, when it is made."""

    id: int
    member_role: str
    note: str
    invited_by: str
    invited_at: AwareDatetime
    expires_at: AwareDatetime
    link: str | None = Field(default=None, description="只在新建时给出，之后不再显示")


class MemberRoleRequest(RequestModel):
    """Another role for a colleague."""

    member_role: MemberRoleName


class RemovalRequest(RequestModel):
    """A colleague's access ends; their jobs go on (`keep`) or are cancelled (`cancel`)."""

    jobs: Literal["keep", "cancel"]


class Removal(ResponseModel):
    """Who was removed, and what becomes of the jobs that were not over."""

    member: MemberInfo
    jobs: Literal["keep", "cancel"]
    uids: list[str] = Field(description="尚未结束的作业")


class ProjectRequest(RequestModel):
    """A new project."""

    code: str
    name: str


class ProjectInfo(ResponseModel):
    """A project of the firm."""

    code: str
    name: str
    created_by: str
    created_at: AwareDatetime
    closed_at: AwareDatetime | None


class BudgetRequest(RequestModel):
    """The most that a project (none: the whole firm) may use in each period, in fen or card-seconds."""

    project: str | None = None
    period: PeriodName = "month"
    unit: UnitName = "fen"
    limit: int
    hard: bool = Field(default=True, description="硬预算：放不下的作业等待；软预算只提醒")


class BudgetAlertInfo(ResponseModel):
    """That a share of a budget was reached (50, 80, 100), or that a job first had to wait for it (held)."""

    kind: str
    at: AwareDatetime
    used: int
    reserved: int
    job: str | None


class BudgetInfo(ResponseModel):
    """A budget and how it stands in its present period; amounts in its unit, as fractions where they are not whole."""

    id: int
    project: str | None
    period: str
    unit: str
    limit: int
    hard: bool
    set_by: str
    set_at: AwareDatetime
    starts: date
    ends: date
    used: str
    reserved: str
    left: str
    alerts: list[BudgetAlertInfo]


class UseRow(ResponseModel):
    """What one person used for one project in a period: card-seconds, and fen as an exact fraction."""

    project: str | None = Field(description="空：不经平台的用量")
    user: str
    card_seconds: int
    fen: str
    unpriced_card_seconds: int


class FirmUse(ResponseModel):
    """The firm's use in [starts, ends), by person and project."""

    starts: date
    ends: date
    rows: list[UseRow]


class OutlookInfo(ResponseModel):
    """Spend and what the law gives back of it, in fen; exact fractions where they are not whole."""

    spend_fen: str
    self_use_fen: str
    subsidy_fen: int
    net_fen: str
    status: str
    reasons: list[str]


class ForecastInfo(ResponseModel):
    """The firm's year so far, and at its end if it goes on at this pace; `elapsed` is the share that has passed."""

    year: int
    elapsed: str
    so_far: OutlookInfo
    at_end: OutlookInfo
    settled_fen: int | None = Field(description="最近一次结算这一年的应享金额；没有则空")

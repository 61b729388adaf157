"""Reports of milestones: by when, what of the targets was reached, and which are waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import IsWorkingDay, WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.contract_desk.amending import figures_in_force, plain_figure
from huisuan.programmes.contract_desk.desk import as_applicant, milestone_of, said_text
from huisuan.programmes.contracts.figures import contract_figures
from huisuan.programmes.contracts.terms import read_figure
from huisuan.programmes.models import AcceptanceVote, ContractTarget, Milestone, MilestoneReport, MilestoneResult
from huisuan.programmes.workflow.queries import visible_applications

_RUNNING = (State.CONTRACTED.value, State.COMMITTED.value, State.PAYING.value, State.MONITORED.value)
_LONGEST_REPORT = 4000


@dataclass(frozen=True)
class DueMilestone:
    """A milestone that is not accepted: until when its report is waited for, and whether it is reminded of today."""

    milestone: Milestone
    report_due: WorkingDayCount | None
    remind: bool
    reported: bool
    overdue: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        application = self.milestone.contract.application
        ends = self.report_due.ends_at if self.report_due else None
        return {
            "number": application.number, "milestone": self.milestone.number, "title": self.milestone.title,
            "party": str(application.party or application.city_id), "due_on": self.milestone.due_on.isoformat(),
            "report_until": ends.isoformat() if ends else None, "reported": self.reported, "remind": self.remind,
            "overdue": self.overdue, "amount_fen": self.milestone.amount_fen,
        }  # fmt: skip


@transaction.atomic
def file_report(
    number: str, milestone: int, text: str, reached: Mapping[str, object], person: Person, now: datetime
) -> MilestoneReport:
    """Report on a milestone, with a figure for each of its targets; more than once, until it is accepted.

    Raises:
        NotFound, NotAllowed: not the applicant's person.
        InvalidRequest: nothing said, a figure that is none, or targets missing or unknown.
        Conflict: no such milestone, it is accepted, or the application is over; its panel is voting.
    """
    application = as_applicant(number, person)
    found = Milestone.objects.select_for_update(no_key=True).get(pk=milestone_of(application, milestone).pk)
    if application.state not in _RUNNING or found.results.filter(accepted=True).exists():
        raise Conflict(f"{number}：第 {milestone} 个节点已验收或此件已结束，不再报告", code="contract.report_not_open")
    if votes_of_open_round(found).exists():
        raise Conflict(
            f"{number}：专家组正在就第 {milestone} 个节点投票，登记结果之后再报告", code="contract.panel_is_voting"
        )
    codes = [target.code for target in found.targets.all()]
    if set(reached) != set(codes):
        raise InvalidRequest(
            f"{number}：第 {milestone} 个节点须逐项填写指标 {'、'.join(codes) or '（无）'}",
            code="contract.targets_unreported",
        )
    figures = {code: str(read_figure(reached[code], f"指标 {code}")) for code in codes}
    due = report_due(found, now, load_calendar())
    return MilestoneReport.objects.create(
        milestone=found, number=found.reports.count() + 1, text=said_text(text, "报告", _LONGEST_REPORT),
        reached=figures, late=due is not None and due.ends_at is not None and now >= due.ends_at, by=person, at=now,
    )  # fmt: skip


def votes_of_open_round(milestone: Milestone) -> QuerySet[AcceptanceVote]:
    """The votes given since the last result that count; what they judge stays as it was reported."""
    given = AcceptanceVote.objects.filter(seat__milestone=milestone, round=milestone.results.count() + 1)
    return given.filter(left=False, set_aside__isnull=True)


def report_due(milestone: Milestone, now: datetime, is_working: IsWorkingDay) -> WorkingDayCount | None:
    """The working days after the day of the milestone, as set when the contract was made; None: none are set."""
    contract = milestone.contract
    days = contract_figures(contract.application.edition, contract.at)["report_days"]
    return count_working_days(milestone.due_on, days, is_working) if days else None


def milestones_due(
    viewer: Viewer, now: datetime, *, soon_only: bool = False, offset: int = 0, limit: int | None = None
) -> list[DueMilestone]:
    """The milestones that a viewer may see and that are not accepted, the first due first: all, or `limit` of them.

    `soon_only`: those reminded of or overdue; offset and limit count after that choice.
    """
    seen = visible_applications(viewer).filter(state__in=_RUNNING).values("pk")
    rows = open_milestones().filter(contract__application__in=seen)
    wanted = slice(offset, None if limit is None else offset + limit)
    if not soon_only:
        return describe_due(rows[wanted], now)
    found = describe_due(rows.filter(reports__isnull=True), now)
    return [each for each in found if each.remind or each.overdue][wanted]


def open_milestones() -> QuerySet[Milestone]:
    """Those that are not accepted, the first due first."""
    accepted = MilestoneResult.objects.filter(milestone=OuterRef("pk"), accepted=True)
    rows = Milestone.objects.exclude(Exists(accepted)).filter(contract__application__state__in=_RUNNING)
    rows = rows.select_related("contract__application__edition", "contract__application__party")
    return rows.prefetch_related("reports").order_by("due_on", "pk")


def describe_due(rows: Iterable[Milestone], now: datetime) -> list[DueMilestone]:
    """What is waited for of each, at an instant."""
    is_working, today = load_calendar(), now.astimezone(SHANGHAI).date()
    found = []
    for row in rows:
        contract = row.contract
        figures = contract_figures(contract.application.edition, contract.at)
        due, reported = report_due(row, now, is_working), bool(row.reports.all())
        overdue = not reported and due is not None and due.ends_at is not None and due.ends_at <= now
        remind = not reported and row.due_on - timedelta(days=figures["remind_days"]) <= today
        found.append(DueMilestone(row, due, remind, reported, overdue))
    return found


def reached_by_target(milestone: Milestone) -> list[dict[str, Any]]:
    """Every target, as amended, with what the last report says was reached, and whether that is enough.

    None: not reported.
    """
    last, targets = milestone.reports.last(), list(milestone.targets.select_related("planned"))
    held = figures_in_force(targets)
    return [_reached(each, held[each.pk], last.reached.get(each.code) if last else None) for each in targets]


def _reached(target: ContractTarget, held: Decimal, said: str | None) -> dict[str, Any]:
    met = None
    if said is not None:
        figure = read_figure(said, target.code)
        met = figure <= held if target.less_is_better else figure >= held
    return {
        "code": target.code, "name": target.name, "unit": target.unit, "figure": plain_figure(held),
        "agreed": plain_figure(target.figure),
        "less_is_better": target.less_is_better, "reached": said, "met": met,
        "planned": plain_figure(target.planned.figure) if target.planned else None,
        "lowered_because": target.lowered_because,
    }  # fmt: skip

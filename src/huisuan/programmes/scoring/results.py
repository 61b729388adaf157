"""What the sheets of panels come to, many applications at once; and what keeps a review from being completed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Q

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.programmes.models import Application, PanelMeeting, PanelSeat
from huisuan.programmes.review.plan import ReviewPlan, declared_review, plan_of
from huisuan.programmes.review.scores import PanelResult, panel_result
from huisuan.programmes.step_conditions import AskedStep


@dataclass(frozen=True)
class ReviewResult:
    """How far a panel is. `panel` is None until all sheets are there; `score` is what counts, None until it is known.

    Where the sheets were too far apart what counts is what the panel agreed on when it met.
    """

    wanted: int
    sent: int
    panel: PanelResult | None
    meeting: Fraction | None

    @property
    def score(self) -> Fraction | None:
        """The trimmed mean, or what the panel agreed on."""
        if self.panel is None:
            return None
        return self.meeting if self.panel.must_meet else self.panel.mean

    @property
    def must_meet(self) -> bool:
        """Whether the panel has to meet and has not yet."""
        return self.panel is not None and self.panel.must_meet and self.meeting is None


def review_results(applications: Sequence[Application]) -> dict[int, ReviewResult]:
    """What the panels of some applications come to, by row id; those without review by experts are left out.

    Raises:
        InvalidRequest: a figure of the review was not set.
    """
    reviewed = [one for one in applications if declared_review(one.edition) is not None]
    sheets: dict[int, list[Fraction]] = defaultdict(list)
    seats: dict[int, int] = defaultdict(int)
    sat_in = PanelSeat.objects.filter(
        Q(alternate=False) | Q(predecessor__isnull=False), application__in=reviewed, end__isnull=True
    )
    for application, score in sat_in.values_list("application_id", "sheet__score"):
        seats[application] += 1
        if score is not None:
            sheets[application].append(Fraction(score))
    meetings = dict(PanelMeeting.objects.filter(application__in=reviewed).values_list("application_id", "score"))
    plans: dict[int | None, ReviewPlan] = {}  # of calls: their applications share one
    found = {}
    for one in reviewed:
        plan = plans.get(one.call_id) or plan_of(one)
        if one.call_id is not None:
            plans[one.call_id] = plan
        sent = sheets[one.pk]
        complete = seats[one.pk] == len(sent) == plan.panel
        panel = panel_result(sent, trimmed=plan.trimmed, largest_spread=plan.spread) if complete else None
        agreed = meetings.get(one.pk)
        found[one.pk] = ReviewResult(plan.panel, len(sent), panel, Fraction(agreed) if agreed else None)
    return found


def panel_has_scored(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """A review is complete once every seat of the panel has sent its sheet, and the panel has met where it must."""
    refused: dict[int, Refused] = {}
    numbers = {one.pk: one.number for one in applications}
    for pk, result in review_results(applications).items():
        number = numbers[pk]
        if result.panel is None:
            refused[pk] = Conflict(
                f"{number}：评审组 {result.wanted} 份评分表只收到 {result.sent} 份，评审没有完成",
                code="review.sheets_missing",
            )
        elif result.must_meet:
            refused[pk] = Conflict(
                f"{number}：评分相差 {_points(result.panel.spread)} 分，超过上限，须先由评审组合议并登记结果",
                code="review.panel_must_meet",
            )
    return refused


def require_must_meet(application: Application) -> ReviewResult:
    """The result of a panel that has to meet.

    Raises:
        Conflict: not all sheets are there, they are not too far apart, or it has met already.
        InvalidRequest: the procedure has no review by experts.
    """
    result = review_results([application]).get(application.pk)
    if result is None:
        raise InvalidRequest(f"程序 {application.edition.key} 没有专家评审", code="review.not_in_procedure")
    if result.must_meet:
        return result
    if result.panel is None:
        why = f"只收到 {result.sent} 份评分表，共 {result.wanted} 份"
    else:
        why = "合议结果已登记" if result.meeting is not None else "评分没有超过离散上限"
    raise Conflict(f"{application.number}：不需要合议，{why}", code="review.no_meeting_needed")


def _points(value: Fraction) -> str:
    tenths = round(value * 10)
    return f"{tenths // 10}.{tenths % 10}"

"""A small generated year: killed and gone on with, its books balance, the law owes what was granted, nobody acted who
may not, everything overdue is found, and it is made once."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import load_policy
from huisuan.programmes.generated_year.generate import make_year
from huisuan.programmes.generated_year.proof import prove_awards
from huisuan.programmes.generated_year.year_plan import YearPlan, plan_calls, share_out
from huisuan.programmes.models import (
    AcceptanceSeat,
    Application,
    ApplicationStep,
    Call,
    DutyHeld,
    ExpertTie,
    Milestone,
    PanelSeat,
)
from huisuan.programmes.workflow.due import step_days
from huisuan.programmes.year_overview.overview import load_programme_years
from huisuan.programmes.year_overview.step_times import load_step_times
from huisuan.treasury.check import prove
from support.jobs import party
from support.programmes import person
from support.year_counts import kept_and_counted

pytestmark = pytest.mark.django_db
LAW = load_policy("anhui-agi-2023")
PLAN = YearPlan(seed=1, parties=24, applications=48, year=2024)
TODAY = date(2025, 1, 20)


class Killed(Exception):
    """What ends a year in its middle."""


def killed_at_the_fifth(_title: str, at: int, _of: int) -> None:
    """The year ends before its fifth call."""
    if at == 5:
        raise Killed


def test_a_small_year_killed_in_the_middle_goes_on_balances_and_is_counted_again() -> None:
    with pytest.raises(Killed):
        make_year(LAW, PLAN, killed_at_the_fifth)
    assert (Call.objects.count(), prove().holds) == (4, True)
    before = Application.objects.count()
    made = make_year(LAW, PLAN, lambda *_: None)
    assert (made.there_before, made.calls) == (4, len(plan_calls(LAW, PLAN)) - 4)
    assert before + made.claims == Application.objects.count()
    assert Milestone.objects.filter(results__accepted=True).exists()
    assert prove().holds
    awards = prove_awards(LAW, 2024)
    assert len(awards) > 9
    assert [one for one in awards if not one.holds] == []
    assert _acted_for_themselves() == []
    assert _sat_with_a_tie() == []
    _the_overview_is_what_is_counted_one_by_one()
    again = make_year(LAW, PLAN, lambda *_: None)
    assert (again.calls, again.there_before, again.claims) == (0, made.calls + 4, 0)


def _the_overview_is_what_is_counted_one_by_one() -> None:
    rows = {row.key: row for row in load_programme_years(LAW, 2024, TODAY)}
    held = list(Application.objects.select_related("edition"))
    assert {key: row.applications for key, row in rows.items() if row.applications} == Counter(
        one.edition.key for one in held
    )
    assert sum(row.overdue for row in rows.values()) == sum(map(_is_overdue, held)) > 0
    kept, counted = kept_and_counted()
    assert kept == counted
    times = load_step_times(LAW.name, 2024)
    taken = ApplicationStep.objects.filter(number__gt=1)
    assert sum(one.taken for one in times) == taken.count()
    checked = next(one for one in times if (one.programme, one.action) == ("14.1", "check"))
    waits = sorted(
        _worked(step.application.steps.get(number=step.number - 1).at.astimezone(SHANGHAI).date(),
                step.at.astimezone(SHANGHAI).date())
        for step in taken.filter(application__edition__key="14.1", action="check")
    )  # fmt: skip
    assert (checked.median, checked.longest) == (waits[(len(waits) - 1) // 2], waits[-1])
    assert checked.late == sum(took > 15 for took in waits)


def _is_overdue(one: Application) -> bool:
    edges = one.edition.edges.filter(from_state=one.state).exclude(within="")
    since = one.state_since.astimezone(SHANGHAI).date()
    days = step_days(LAW.name, since, tuple(sorted({edge.within for edge in edges})))
    return days is not None and _worked(since, TODAY - timedelta(days=1)) >= days


def _worked(since: date, until: date) -> int:
    works, found = load_calendar(), 0
    while since < until:
        since += timedelta(days=1)
        found += bool(works(since))
    return found


def _acted_for_themselves() -> list[str]:
    """Officials' steps of people who belong to the applicant, or who had two duties in one application."""
    steps = ApplicationStep.objects.exclude(duty="apply").select_related("person", "application")
    own = [
        str(step) for step in steps
        if step.person.party_id is not None and step.person.party_id == step.application.party_id
    ]  # fmt: skip
    twice = Counter(DutyHeld.objects.values_list("application", "person"))
    return own + [str(pair) for pair, count in twice.items() if count > 1]


def _sat_with_a_tie() -> list[str]:
    """Seats of panels that review, or that accept a milestone, of experts tied to the applicant."""
    tied = set(ExpertTie.objects.values_list("expert", "party"))
    seats = [(seat, seat.expert_id, seat.application) for seat in PanelSeat.objects.select_related("application")]
    seats += [
        (seat, seat.expert_id, seat.milestone.contract.application)
        for seat in AcceptanceSeat.objects.select_related("milestone__contract__application")
    ]  # fmt: skip
    return [str(seat) for seat, expert, application in seats if (expert, application.party_id) in tied]


def test_a_year_is_made_only_among_invented_parties_and_people_and_within_the_policy() -> None:
    with pytest.raises(InvalidRequest, match="不含 2023 全年"):
        make_year(LAW, YearPlan(1, 10, 10, 2023), lambda *_: None)
    with pytest.raises(InvalidRequest, match="单位数须在 1 至"):
        make_year(LAW, YearPlan(1, 0, 10, 2024), lambda *_: None)
    person("somebody")  # a real one, before any party is there
    with pytest.raises(NotAllowed, match="有真实人员"):
        make_year(LAW, PLAN, lambda *_: None)
    party()
    with pytest.raises(NotAllowed, match="有真实主体"):
        make_year(LAW, PLAN, lambda *_: None)


def test_parts_by_weight_add_up_whatever_the_weights() -> None:
    assert share_out(10, [3, 3, 1]) == [4, 4, 2]
    assert [sum(share_out(total, [3, 1, 3, 1, 1])) for total in range(40)] == list(range(40))

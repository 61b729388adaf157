"""The year from its plan to its books, call by call: a call is there whole or not at all, and is not made twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from huisuan.base.errors import NotAllowed
from huisuan.law.policy import Policy
from huisuan.law.procedure import ProgrammeSpec
from huisuan.parties.models import Party, Person, Role
from huisuan.programmes.generated_year.deciding import take_to_decision
from huisuan.programmes.generated_year.handing_in import YearCall, at_hour, hand_in, open_planned, year_title
from huisuan.programmes.generated_year.paying import pay_claims
from huisuan.programmes.generated_year.people import YearPeople, make_experts, make_people
from huisuan.programmes.generated_year.registering import enter_claimants
from huisuan.programmes.generated_year.taking_back import take_back
from huisuan.programmes.generated_year.walking import Walk, check_claims
from huisuan.programmes.generated_year.year_plan import PlannedCall, YearPlan, plan_calls
from huisuan.programmes.models import Application, Call

_REVIEWS_PER_EXPERT = 8  # of twenty that one may do, so that ties and fields leave enough


@dataclass
class MadeYear:
    """What was made: calls opened now, calls that were there, and how often each refusal came, by code."""

    calls: int = 0
    there_before: int = 0
    claims: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "calls": self.calls, "there_before": self.there_before, "claims": self.claims,
            "refused": dict(sorted(self.refused.items())),
        }  # fmt: skip


def make_year(policy: Policy, plan: YearPlan, progress: Callable[[str, int, int], None]) -> MadeYear:
    """Make the year; `progress` is called with the title of each call, its place and how many there are.

    Raises:
        InvalidRequest: a size or a year that cannot be made.
        NotAllowed: parties or people who are not invented are on this platform (operators and programs aside).
    """
    plan.check(policy)
    if Party.objects.filter(demo=False).exists():
        raise NotAllowed(
            "本平台有真实主体：示例年度只能生成在另一个数据目录（HUISUAN_HOME）里", code="year.platform_in_use"
        )
    if Person.objects.filter(demo=False, machine=False).exclude(role=Role.OPERATOR).exists():
        raise NotAllowed(
            "本平台有真实人员：示例年度只能生成在另一个数据目录（HUISUAN_HOME）里", code="year.platform_in_use"
        )
    calls = plan_calls(policy, plan)
    people = _everybody(policy, plan, calls)
    made = MadeYear()
    for at, planned in enumerate(calls, start=1):
        title = year_title(planned.programme, plan)
        progress(title, at, len(calls))
        if Call.objects.filter(title=title, year=plan.year, edition__policy=policy.name).exists():
            made.there_before += 1
            continue
        done = _make_call(policy, planned, people, plan)
        made.calls += 1
        made.claims += len(done.owners)
        made.refused.update(done.refused)
    return made


def _everybody(policy: Policy, plan: YearPlan, calls: list[PlannedCall]) -> YearPeople:
    now = at_hour(min(planned.first_day for planned in calls).replace(month=1, day=2))
    with transaction.atomic():
        people = make_people(policy, plan.seed, plan.parties, plan.year, now)
        enter_claimants(policy, people, plan.seed, plan.year, now)
        reviewed = [planned for planned in calls if planned.programme.review is not None]
        panels = sum(planned.claims for planned in reviewed) * 7
        fields = sorted({name for planned in reviewed for name in _fields(policy, planned.programme)})
        make_experts(people, fields, 20 + panels // _REVIEWS_PER_EXPERT, plan.seed, plan.year, now)
    return people


def _fields(policy: Policy, programme: ProgrammeSpec) -> list[str]:
    """What experts of a programme must know: the options of the fact that its review names."""
    wanted = programme.review.field if programme.review else ""
    specs = [spec for spec in policy.rule(programme.key).facts if spec.name == wanted]
    return [word for spec in specs for word in (spec.options or {}).values()]


@transaction.atomic
def _make_call(policy: Policy, planned: PlannedCall, people: YearPeople, plan: YearPlan) -> YearCall:
    made = open_planned(policy, planned, people, plan)
    hand_in(policy, made, people, plan)
    walk = Walk(made, people, random.Random(f"{plan.seed} {planned.programme.key} walk"), plan.seed, planned.last_day)  # noqa: S311 (a made-up year, no secret)
    check_claims(walk)
    take_to_decision(walk)
    pay_claims(walk)
    take_back(walk)
    return made


def count_states(policy: Policy, year: int) -> dict[str, int]:
    """How many applications of a year are in each state."""
    held = Application.objects.filter(edition__policy=policy.name, year=year).values_list("state", flat=True)
    return dict(sorted(Counter(held).items()))

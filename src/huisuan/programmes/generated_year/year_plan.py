"""What a generated year is to hold: pure, from its seed alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from huisuan.base.errors import InvalidRequest
from huisuan.law.cases import Case, load_policy_cases
from huisuan.law.policy import Policy
from huisuan.law.procedure import ProgrammeSpec, Start

#: by law, what one call may be about; a call that pays takes more claims than one that gives a title
_PAYING_WEIGHT = 3
_WINDOW_DAYS, _BETWEEN_CALLS_DAYS = 20, 4
MOST_PARTIES, MOST_APPLICATIONS = 20_000, 200_000


@dataclass(frozen=True)
class YearPlan:
    """How large the year is to be. The seed decides everything that chance decides."""

    seed: int
    parties: int
    applications: int
    year: int

    def check(self, policy: Policy) -> None:
        """Refuse what cannot be made.

        Raises:
            InvalidRequest: too few or too many, or a year of which the policy does not hold the whole.
        """
        if not (1 <= self.parties <= MOST_PARTIES and 1 <= self.applications <= MOST_APPLICATIONS):
            raise InvalidRequest(
                f"单位数须在 1 至 {MOST_PARTIES}，申报件数须在 1 至 {MOST_APPLICATIONS}", code="year.size_out_of_bounds"
            )
        if not policy.valid_from < date(self.year, 1, 1) or date(self.year, 12, 31) > policy.valid_to:
            raise InvalidRequest(
                f"{policy.name} 自 {policy.valid_from} 至 {policy.valid_to} 施行，不含 {self.year} 全年",
                code="year.not_in_force",
            )


@dataclass(frozen=True)
class PlannedCall:
    """One call: its programme, how many claims it is to get, its window, and the cases that they are varied from."""

    programme: ProgrammeSpec
    claims: int
    first_day: date
    last_day: date
    cases: tuple[Case, ...]


def plan_calls(policy: Policy, plan: YearPlan) -> list[PlannedCall]:
    """A call for every programme that begins with one and has a worked case that gives something."""
    cases = _useful_cases(policy)
    open_to = [
        spec for spec in policy.programmes
        if spec.start in (Start.CALL, Start.CITY_CLAIM) and cases.get(spec.key)  # of several ways, that of the rule
    ]  # fmt: skip
    chance = random.Random(f"{plan.seed} calls")  # noqa: S311 (a made-up year, no secret)
    chance.shuffle(open_to)
    weights = [_PAYING_WEIGHT if _pays(spec) else 1 for spec in open_to]
    found = []
    for at, (spec, count) in enumerate(zip(open_to, share_out(plan.applications, weights), strict=True)):
        first = date(plan.year, 2, 20) + timedelta(days=at * _BETWEEN_CALLS_DAYS)
        if count:
            last = first + timedelta(days=_WINDOW_DAYS)
            found.append(PlannedCall(spec, count, first, last, tuple(cases[spec.key])))
    return found


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """A number by weights, by largest remainder: the parts add up to it."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in by_rest[: total - sum(parts)]:
        parts[at] += 1
    return parts


def _pays(spec: ProgrammeSpec) -> bool:
    return any(taken.action == "commit" for taken in spec.steps)


def _useful_cases(policy: Policy) -> dict[str, list[Case]]:
    """By rule the cases that suppose nothing of their own and give something."""
    found: dict[str, list[Case]] = {}
    for case in load_policy_cases(policy):
        supposes = case.settings or case.interpretations or case.shared or case.as_known or case.began
        gives = case.expected.get("answer") == "eligible" and str(case.expected.get("amount", "1")) not in ("0", "0.00")
        if case.kind == "facts" and gives and not supposes and isinstance(case.given, dict):
            found.setdefault(case.subject, []).append(case)
    return found

"""Which years are to be settled: never settled and over, or settled from something that is no longer what stands.

Only kept figures are looked at: the days of use and how far they were counted, seals, the law's digest. Records
themselves are looked for only at a centre whose days say that something of the year came since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from huisuan.base.months import Month
from huisuan.compute.fact_sources.rules import readable_policies, rules_settled_from_use
from huisuan.compute.models import Centre, Seal, UsageDay
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, PolicyRule, load_policy
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.later_records import corrections_since, records_since
from huisuan.settlement.runs.queries import latest_runs
from huisuan.settlement.todo.items import NEVER_SETTLED, NEW_LAW, NEW_RECORDS, NEW_SEALS


@dataclass(frozen=True)
class OutdatedYear:
    """A year of a policy that is to be settled, and why; `run` is the one that stands, None where there is none."""

    policy: str
    year: int
    run: SettlementRun | None
    reasons: tuple[str, ...]


def outdated_years(today: date) -> list[OutdatedYear]:
    """The years to settle under every rule that the platform settles by itself, the latest first."""
    runs = {(run.policy, run.sentence, run.year): run for run in latest_runs()}
    codes = dict(Centre.objects.values_list("code", "pk"))
    found = [
        *(each for run in runs.values() if (each := _outdated(run, today, codes))),
        *(year for place in rules_to_settle(today) for year in _never_settled(place, today, runs)),
    ]
    return sorted(_by_policy(found), key=lambda outdated: (-outdated.year, outdated.policy))


def _by_policy(found: Iterable[OutdatedYear]) -> Iterator[OutdatedYear]:
    """Years of several rules of one policy as one: they are settled together."""
    years: dict[tuple[str, int], list[OutdatedYear]] = {}
    for outdated in found:
        years.setdefault((outdated.policy, outdated.year), []).append(outdated)
    for (policy, year), rules in years.items():
        reasons = dict.fromkeys(reason for rule in rules for reason in rule.reasons)
        yield OutdatedYear(policy, year, next((rule.run for rule in rules if rule.run), None), tuple(reasons))


def policies_to_settle(today: date) -> list[Policy]:
    """The policies that have a rule which the platform settles by itself."""
    return list({place.policy.name: place.policy for place in rules_to_settle(today)}.values())


def rules_to_settle(today: date) -> list[PolicyRule]:
    """The rules that the platform settles by itself, of every policy that can be read."""
    return [
        place
        for policy in readable_policies()
        for place in rules_settled_from_use(policy, min(max(today, policy.valid_from), policy.last_day(today)), today)
    ]


def _never_settled(
    place: PolicyRule, today: date, runs: dict[tuple[str, str, int], SettlementRun]
) -> Iterator[OutdatedYear]:
    """Years that are over, in which the policy held and cards were used."""
    policy = place.policy
    days = UsageDay.objects.filter(
        day__gte=policy.valid_from, day__lte=policy.last_day(today), day__year__lt=today.year
    )
    for year in days.filter(card_seconds__gt=0).order_by().dates("day", "year"):
        if (policy.name, place.rule.key, year.year) not in runs:
            yield OutdatedYear(policy.name, year.year, None, (NEVER_SETTLED,))


def _outdated(run: SettlementRun, today: date, codes: dict[str, int]) -> OutdatedYear | None:
    reasons = [
        reason for reason, holds in ((NEW_SEALS, _sealed_since(run)), (NEW_RECORDS, _came_since(run, codes))) if holds
    ]
    if _law_changed(run, today):
        reasons.append(NEW_LAW)
    return OutdatedYear(run.policy, run.year, run, tuple(reasons)) if reasons else None


def _sealed_since(run: SettlementRun) -> bool:
    """Whether a whole month of the year was sealed that the run does not rest on."""
    rests_on = {(seal["centre"], seal["month"]) for seal in run.seals}
    sealed = Seal.objects.filter(month__gte=run.starts, month__lte=run.ends, records__gt=0, sealed_at__gt=run.made_at)
    return any(
        (code, str(Month.containing(month))) not in rests_on
        for code, month in sealed.values_list("centre__code", "month")
    )


def _came_since(run: SettlementRun, codes: dict[str, int]) -> bool:
    """Whether a record of the year came after what the run read, or one that takes from it.

    The days are asked first; a day from which the last record was taken is not there any more.
    """
    newer = UsageDay.objects.filter(day__gte=run.starts, day__lte=run.ends)
    read = {codes[code]: last for code, last in run.cursors.items() if code in codes}
    later = Q(sequence__lt=0)  # nothing, where there is no centre
    for centre in codes.values():
        later |= Q(centre=centre, sequence__gt=read.get(centre, 0))
    came = newer.filter(later).exists() and records_since(run).exists()
    return came or corrections_since(run).exists()


def _law_changed(run: SettlementRun, today: date) -> bool:
    """Whether the law as it is known today is another one than the run read; one that cannot be read is not asked."""
    try:
        return bool(load_policy(run.policy).digest_as_known(today) != run.law["digest"])
    except LawError:
        return False

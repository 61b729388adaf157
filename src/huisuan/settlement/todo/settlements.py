"""Which years are to be settled: never settled and over, or settled from something that is no longer what stands.

Only kept figures are looked at: the days of use and how far they were counted, seals, the law's digest. Records
themselves are looked for only at a centre whose days say that something of the year came since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from huisuan.base.months import Month
from huisuan.compute.models import Centre, Seal, UsageDay
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.later_records import corrections_since, records_since
from huisuan.settlement.runs.queries import latest_runs
from huisuan.settlement.runs.settled_sentence import SETTLES
from huisuan.settlement.todo.items import NEVER_SETTLED, NEW_LAW, NEW_RECORDS, NEW_SEALS


@dataclass(frozen=True)
class OutdatedYear:
    """A year of a policy that is to be settled, and why; `run` is the one that stands, None where there is none."""

    policy: str
    year: int
    run: SettlementRun | None
    reasons: tuple[str, ...]


def outdated_years(today: date) -> list[OutdatedYear]:
    """The years to settle under every policy that has the settled sentence, the latest first."""
    runs = {(run.policy, run.year): run for run in latest_runs().filter(sentence=SETTLES)}
    codes = dict(Centre.objects.values_list("code", "pk"))
    found = [
        *(each for run in runs.values() if (each := _outdated(run, today, codes))),
        *(year for policy in _policies() for year in _never_settled(policy, today, runs)),
    ]
    return sorted(found, key=lambda outdated: (-outdated.year, outdated.policy))


def policies_to_settle() -> list[Policy]:
    """The policies that have the settled sentence."""
    return list(_policies())


def _policies() -> Iterator[Policy]:
    for name in list_policies():
        try:
            policy = load_policy(name)
            policy.rule(SETTLES)
        except LawError:
            continue  # one that does not stand up is named where it is read; it is no work that waits
        yield policy


def _never_settled(policy: Policy, today: date, runs: dict[tuple[str, int], SettlementRun]) -> Iterator[OutdatedYear]:
    """Years that are over, in which the policy held and cards were used."""
    days = UsageDay.objects.filter(
        day__gte=policy.valid_from, day__lte=policy.last_day(today), day__year__lt=today.year
    )
    for year in days.filter(card_seconds__gt=0).order_by().dates("day", "year"):
        if (policy.name, year.year) not in runs:
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

"""What stands before a centre's months are sealed: what is open, unclaimed, missing or still running. Changes nothing.

A seal never changes, and what comes afterwards goes into a later one, marked late: so this is looked at before. Only
flags keep a month from being sealed (without a reason that goes into the statement); the rest is for a person to weigh.
Everything comes from kept days and small tables, whatever the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum

from huisuan.base.errors import Conflict, InvalidRequest, Unavailable
from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.centres.online import AGENT_SILENT
from huisuan.compute.metering.checks.flags import open_flags
from huisuan.compute.metering.seals.seal_month import open_flags_in
from huisuan.compute.metering.usage.daily_totals import REFRESH_LIMIT, update_daily_totals
from huisuan.compute.models import (
    AgentKey,
    CapacitySighting,
    Centre,
    Job,
    JobState,
    PartyUseDay,
    Seal,
    SiteAgent,
    SourceFile,
    UsageDay,
)

_FLAGS_LOOKED_AT = 2000  # one by one; of more only their number is told
_AGENT_FILES = "agent"


@dataclass(frozen=True)
class MonthUse:
    """Card-seconds of a month, and how much of them nobody has claimed; days (Shanghai) without any use."""

    month: Month
    card_seconds: int
    unclaimed_card_seconds: int
    empty_days: Sequence[date]


@dataclass(frozen=True)
class SealChecklist:
    """The months from `first` through `last`, and what stands before their seals.

    `flags`: open ones about these months by kind, or, where `flags_exact` is False, all open ones of the centre.
    `silent_since`: the agent's last call, where it is silent now or was before the months ended; `unheard_days`: days
    of the months, since an agent joined, on which none showed the nodes. `last_file`: when the last accounting file was
    imported, where the centre has any; `files_missing`: no file came after the months ended. `running`: jobs of the
    platform that began in the months and still run. `uncounted`: records that no day counts yet.
    """

    first: Month
    last: Month
    months: Sequence[MonthUse]
    flags: dict[str, int]
    flags_exact: bool
    silent_since: datetime | None
    unheard_days: Sequence[date]
    last_file: datetime | None
    files_missing: bool
    running: int
    uncounted: int

    @property
    def open_flags(self) -> int:
        """All of them."""
        return sum(self.flags.values())

    @property
    def card_seconds(self) -> int:
        """Use that the seals will hold, but for records that cross a month."""
        return sum(month.card_seconds for month in self.months)

    @property
    def unclaimed_card_seconds(self) -> int:
        """How much of it has no party."""
        return sum(month.unclaimed_card_seconds for month in self.months)

    @property
    def empty_days(self) -> list[date]:
        """Days without any use."""
        return [day for month in self.months for day in month.empty_days]

    @property
    def is_clear(self) -> bool:
        """Whether nothing is to be weighed."""
        return not (
            self.open_flags or self.unclaimed_card_seconds or self.silent_since or self.unheard_days
            or self.files_missing or self.running or self.uncounted
        )  # fmt: skip


def seal_checklist(centre: Centre, through: Month | None, now: datetime) -> SealChecklist:
    """The checklist of a centre's next month to seal, through another one (None: the last that is over).

    Raises:
        Conflict: there is nothing to seal until then.
        InvalidRequest: the month is not over.
        Unavailable: much of the use is not counted yet.
    """
    if through is not None and int(now.timestamp()) < through.ends:
        raise InvalidRequest(
            f"{through} 还没有过完，不能封账（现在是 {now.astimezone(SHANGHAI):%Y-%m-%d}）", code="month.not_over"
        )
    count_before_reading()
    uncounted = update_daily_totals(centre, REFRESH_LIMIT)
    first = _next_month(centre)
    last = through or _last_used(centre, now)
    if first is None or last is None or last < first:
        if uncounted:  # the months that wait may be among these
            raise Unavailable(
                f"还有 {uncounted:,} 条用量记录没有计入，平台正在计数：请过几分钟再试", code="use.not_counted_yet"
            )
        if through is None:
            raise Conflict(f"智算中心 {centre.code} 现在没有要封的月", code="seal.nothing_due")
        raise Conflict(f"智算中心 {centre.code} 到 {through} 为止没有要封的月", code="seal.nothing_due")
    flags, exact = _flags(centre, last)
    last_file, missing = _files(centre, last)
    return SealChecklist(
        first, last, _months(centre, first, last), flags, exact, _silent(centre, last, now),
        _unheard(centre, first, last), last_file, missing, _running(centre, last), uncounted,
    )  # fmt: skip


def _end(month: Month) -> datetime:
    return datetime.fromtimestamp(month.ends, UTC)


def _next_month(centre: Centre) -> Month | None:
    """The month to seal next, by the kept days: the records themselves are a million."""
    sealed = Seal.objects.filter(centre=centre).aggregate(last=Max("month"))["last"]
    if sealed is not None:
        return Month.containing(sealed).following
    day = UsageDay.objects.filter(centre=centre).aggregate(first=Min("day"))["first"]
    return Month.containing(day) if day else None


def _last_used(centre: Centre, now: datetime) -> Month | None:
    """The last month that is over and has use."""
    this = now.astimezone(SHANGHAI).date().replace(day=1)
    day = UsageDay.objects.filter(centre=centre, day__lt=this).aggregate(last=Max("day"))["last"]
    return Month.containing(day) if day else None


def _months(centre: Centre, first: Month, last: Month) -> list[MonthUse]:
    within = {"centre": centre, "day__gte": first.first_day, "day__lt": last.following.first_day}
    used = dict(
        UsageDay.objects.filter(accelerator__isnull=True, **within).order_by().values_list("day", "card_seconds")
    )
    claimed = dict(
        PartyUseDay.objects.filter(**within).order_by().values_list("day").annotate(total=Sum("card_seconds"))
    )
    found, month = [], first
    while month <= last:
        days = [month.first_day + timedelta(days=at) for at in range((month.ends - month.starts) // 86_400)]
        seconds = sum(used.get(day, 0) for day in days)
        owned = sum(claimed.get(day, 0) for day in days)
        found.append(MonthUse(month, seconds, max(seconds - owned, 0), [day for day in days if not used.get(day)]))
        month = month.following
    return found


def _flags(centre: Centre, last: Month) -> tuple[dict[str, int], bool]:
    """Open flags about the months by kind, and whether each was looked at."""
    by_kind = dict(open_flags(centre).order_by().values_list("kind").annotate(n=Count("pk")))
    if sum(by_kind.values()) > _FLAGS_LOOKED_AT:
        return by_kind, False
    found: dict[str, int] = {}
    for flag in open_flags_in(centre, last) if by_kind else []:
        found[flag.kind] = found.get(flag.kind, 0) + 1
    return found, True


def _silent(centre: Centre, last: Month, now: datetime) -> datetime | None:
    seen = SiteAgent.objects.filter(centre=centre).values_list("last_seen_at", flat=True).first()
    silent = seen is not None and (seen < now - AGENT_SILENT or seen < _end(last))
    return seen if silent else None


def _unheard(centre: Centre, first: Month, last: Month) -> list[date]:
    """Days of the months on which no agent showed the nodes, since one joined."""
    joined = AgentKey.objects.filter(centre=centre).aggregate(first=Min("enrolled_at"))["first"]
    if joined is None:
        return []
    begins = max(first.first_day, joined.astimezone(SHANGHAI).date())
    ends = last.following.first_day
    seen = set(
        CapacitySighting.objects.filter(centre=centre, day__gte=begins, day__lt=ends).values_list("day", flat=True)
    )
    span = range(max((ends - begins).days, 0))
    return [day for at in span if (day := begins + timedelta(days=at)) not in seen]


def _files(centre: Centre, last: Month) -> tuple[datetime | None, bool]:
    """When the last accounting file came (None: the centre has none), and whether none came after the months."""
    files = SourceFile.objects.filter(centre=centre).exclude(format=_AGENT_FILES)
    latest = files.order_by("-imported_at").values_list("imported_at", flat=True).first()
    return latest, latest is not None and latest < _end(last)


def _running(centre: Centre, last: Month) -> int:
    return Job.objects.filter(centre=centre, state=JobState.RUNNING, started_at__lt=_end(last)).count()


def checklist_to_dict(found: SealChecklist) -> dict[str, Any]:
    """The checklist as JSON and commands show it: use in card-seconds."""
    return {
        "first": str(found.first), "last": str(found.last), "clear": found.is_clear,
        "card_seconds": found.card_seconds, "unclaimed_card_seconds": found.unclaimed_card_seconds,
        "open_flags": found.open_flags, "flags": found.flags, "flags_exact": found.flags_exact,
        "silent_since": found.silent_since, "unheard_days": [f"{day}" for day in found.unheard_days],
        "last_file": found.last_file, "files_missing": found.files_missing, "running": found.running,
        "empty_days": [f"{day}" for day in found.empty_days], "uncounted": found.uncounted,
        "months": [
            {
                "month": str(each.month), "card_seconds": each.card_seconds,
                "unclaimed_card_seconds": each.unclaimed_card_seconds, "empty_days": len(each.empty_days),
            }
            for each in found.months
        ],
    }  # fmt: skip

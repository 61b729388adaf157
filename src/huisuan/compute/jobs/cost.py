"""What a job has cost so far and what of that comes back: exact sums of what is metered and of the clock since then.

An estimate, and shown as one: the bill is made of a month's records at the prices of their days, rounded once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from huisuan.base.money import line_yuan, round_half_up
from huisuan.base.months import SHANGHAI, midnight
from huisuan.compute.dispatch.net_price import Subsidies, Subsidy
from huisuan.compute.metering.usage.records import current_usage, of_jobs
from huisuan.compute.metering.usage.slicing import HeldSpan, slice_span
from huisuan.compute.models import FINAL_STATES, Job, JobState, PlacementDecision, Tariff, UsageRecord

_HOUR = 3600
_NO_PRICE = "—"
RUNNING = "RUNNING"  # how the meter writes the end of a slice whose run goes on


@dataclass(frozen=True)
class CostLine:
    """Card-seconds of one model at one centre at one price; `fen_per_card_hour` None: nobody has set one."""

    centre: str
    model: str
    fen_per_card_hour: int | None
    card_seconds: int
    metered: bool

    @property
    def fen(self) -> Fraction:
        """What it comes to, unrounded; nothing where there is no price."""
        return Fraction(self.card_seconds * (self.fen_per_card_hour or 0), _HOUR)

    @property
    def amount(self) -> str:
        """The same in yuan, to a hundredth of a fen, as a bill's lines are shown."""
        price = self.fen_per_card_hour
        return _NO_PRICE if price is None else line_yuan(self.card_seconds, price)


@dataclass(frozen=True)
class Cost:
    """What a job cost so far. `back`: of it what the law gives back; `own`: at some centre it is self-use."""

    lines: Sequence[CostLine]
    subsidy: Subsidy
    back: Fraction
    own: bool

    @property
    def fen(self) -> Fraction:
        """All lines together, unrounded."""
        return sum((line.fen for line in self.lines), Fraction(0))

    @property
    def rounded_fen(self) -> int:
        """In fen, rounded half up as a bill is."""
        return round_half_up(self.fen)

    @property
    def back_fen(self) -> int:
        """What comes back, in whole fen: never more than it is."""
        return self.back.numerator // self.back.denominator

    @property
    def unpriced(self) -> bool:
        """Whether some of it has no price yet."""
        return any(line.fen_per_card_hour is None for line in self.lines)

    @property
    def metered(self) -> bool:
        """Whether some of it is by the meter."""
        return any(line.metered for line in self.lines)

    @property
    def estimated(self) -> bool:
        """Whether some of it is by the clock, not by the meter."""
        return any(not line.metered for line in self.lines)


def cost_of(job: Job, records: Sequence[UsageRecord], now: datetime) -> Cost:
    """What a job cost so far, by its standing records and, while it runs, by the clock since the last of them."""
    return costs_of([job], now, {job.pk: records})[job.pk]


def costs_of(
    jobs: Sequence[Job], now: datetime, records: Mapping[str, Sequence[UsageRecord]] | None = None
) -> dict[str, Cost]:
    """What each of some jobs cost so far, by uid, in a number of queries that does not grow with them.

    The jobs come with party and its region, centre and accelerator. `records`: the standing ones by uid; None: they
    are looked up.
    """
    found = standing_records(jobs) if records is None else records
    prices = _Prices({record.centre_id for of_job in found.values() for record in of_job} | {j.centre_id for j in jobs})
    backs = Subsidies(now.astimezone(SHANGHAI).date()).of({job.party for job in jobs})
    costs = {}
    for job in jobs:
        lines = _lines_of(job, found.get(job.pk, ()), prices, now)
        party = backs[job.party.uscc]
        back = sum((line.fen * party.share_at(line.centre) for line in lines), Fraction(0))
        own = any(line.centre in party.own for line in lines)
        costs[job.pk] = Cost(_summed(lines), party.elsewhere, back, own)
    return costs


def standing_records(jobs: Sequence[Job]) -> dict[str, list[UsageRecord]]:
    """The standing records of some jobs by uid, at every centre they ran at; of each in the order of time."""
    uids = [job.pk for job in jobs]
    pairs = set(PlacementDecision.objects.filter(job__in=uids).order_by().values_list("job", "centre").distinct())
    centres = {centre for _uid, centre in pairs}
    rows = current_usage().filter(of_jobs(uids), centre__in=centres).select_related("centre", "accelerator")
    found: dict[str, list[UsageRecord]] = defaultdict(list)
    for record in rows.order_by("started_at", "sequence"):
        if (record.job_id, record.centre_id) in pairs:  # elsewhere a scheduler may call a job of its own so
            found[record.job_id].append(record)
    return found


def _lines_of(job: Job, records: Sequence[UsageRecord], prices: _Prices, now: datetime) -> list[CostLine]:
    lines = [line for record in records for line in prices.of_record(record)]
    if (since := _unmetered_from(job, records)) is not None:
        until = int((job.ended_at or now).timestamp())
        lines += prices.of_span(job, HeldSpan(since, max(since, until)))
    return lines


def _unmetered_from(job: Job, records: Sequence[UsageRecord]) -> int | None:
    """From when, in seconds since 1970, this run's cards are not metered yet; None: nothing is missing."""
    if job.started_at is None or job.state not in (JobState.RUNNING, *FINAL_STATES):
        return None
    of_run = [record for record in records if record.run == job.run and record.centre_id == job.centre_id]
    if not of_run:
        return int(job.started_at.timestamp())
    last = max(of_run, key=lambda record: record.ended_at)
    return int(last.ended_at.timestamp()) if last.state == RUNNING else None


class _Prices:
    """The tariffs of some centres, by which pieces of time are priced."""

    def __init__(self, centres: Iterable[int | None]) -> None:
        self.tariffs: dict[tuple[int, int], list[Tariff]] = defaultdict(list)
        for tariff in Tariff.objects.filter(centre__in=[each for each in centres if each]).order_by("valid_from"):
            self.tariffs[tariff.centre_id, tariff.accelerator_id].append(tariff)

    def of_record(self, record: UsageRecord) -> list[CostLine]:
        """A record, cut where the price changes."""
        span = HeldSpan(_seconds(record.started_at), _seconds(record.ended_at), record.suspended_seconds)
        key, names = (record.centre_id, record.accelerator_id), (record.centre.code, record.accelerator.model)
        return self._lines(key, names, record.cards, span, metered=True)

    def of_span(self, job: Job, span: HeldSpan) -> list[CostLine]:
        """What a job holds of the cards that it was given, by the clock."""
        if job.centre is None or job.accelerator is None:
            return []
        key, names = (job.centre.pk, job.accelerator.pk), (job.centre.code, job.accelerator.model)
        return self._lines(key, names, job.cards, span, metered=False)

    def _lines(
        self, key: tuple[int, int], names: tuple[str, str], cards: int, span: HeldSpan, *, metered: bool
    ) -> list[CostLine]:
        tariffs = self.tariffs[key]
        cuts = [midnight(day) for each in tariffs for day in (each.valid_from, each.valid_to) if day]
        return [
            CostLine(*names, _price_at(tariffs, piece.starts), cards * piece.held, metered)
            for piece in slice_span(span, cuts)
            if piece.held
        ]


def _price_at(tariffs: Iterable[Tariff], at: int) -> int | None:
    day = datetime.fromtimestamp(at, UTC).astimezone(SHANGHAI).date()
    holding = (each for each in tariffs if each.valid_from <= day and (each.valid_to is None or day < each.valid_to))
    return next((each.fen_per_card_hour for each in holding), None)


def _summed(lines: Iterable[CostLine]) -> list[CostLine]:
    """Lines of one centre, model, price and kind as one, metered ones first."""
    held: dict[tuple[str, str, int | None, bool], int] = defaultdict(int)
    for line in lines:
        held[line.centre, line.model, line.fen_per_card_hour, line.metered] += line.card_seconds
    found = [CostLine(centre, model, fen, held[key], metered) for key in held for centre, model, fen, metered in [key]]
    return sorted(found, key=lambda line: (not line.metered, line.centre, line.model, line.fen_per_card_hour or 0))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())

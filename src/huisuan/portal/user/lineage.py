"""From a bill to its lines and its records, as the run read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Greatest, Least

from huisuan.compute.models import UsageRecord
from huisuan.portal import figures
from huisuan.settlement.models import Bill, BillLine

BIGINT = BigIntegerField()


@dataclass(frozen=True)
class Line:
    """A bill line as it is read."""

    line: BillLine

    @property
    def amount(self) -> str:
        """What it comes to, in yuan to a hundredth of a fen: lines are not rounded."""
        return figures.line_yuan(self.line.card_seconds, self.line.fen_per_card_hour)


def lines_of(bill: Bill) -> list[Line]:
    """The lines of a bill in their order."""
    return [Line(line) for line in bill.lines.select_related("accelerator")]


def records_of_bill(bill: Bill) -> QuerySet[UsageRecord]:
    """The records of all lines of a bill, each once, as they stood when the run read them."""
    span = bill.lines.aggregate(starts=Min("starts"), ends=Max("ends"))
    last = int(bill.run.cursors.get(bill.centre.code, 0))
    corrections = UsageRecord.objects.filter(
        centre=OuterRef("centre"), supersedes=OuterRef("sequence"), sequence__lte=last
    )
    overlaps = Q(started_at__lt=span["ends"], ended_at__gt=span["starts"])
    instant = Q(started_at=F("ended_at"), started_at__gte=span["starts"], started_at__lt=span["ends"])
    found = UsageRecord.objects.filter(
        overlaps | instant, ~Exists(corrections), centre=bill.centre_id, party=bill.party_id, sequence__lte=last
    )
    within = _within(span["starts"], span["ends"])
    return found.annotate(within=within).select_related("centre", "party", "accelerator", "source_file")


def _within(starts: datetime, ends: datetime) -> Case:
    """The card-seconds of a record between two times, by the cumulative rule of `compute.metering.slicing`."""
    begun, ended = _second(F("started_at")), _second(F("ended_at"))
    length = ended - begun
    held = length - F("suspended_seconds")
    to = Least(ended, Value(int(ends.timestamp()), BIGINT)) - begun
    since = Greatest(begun, Value(int(starts.timestamp()), BIGINT)) - begun
    cut = F("cards") * (held * to / length - held * since / length)  # bigint: the division leaves whole seconds
    return Case(When(started_at=F("ended_at"), then=Value(0, BIGINT)), default=cut, output_field=BIGINT)


def _second(moment: F) -> Func:
    return Func(moment, template="extract(epoch FROM %(expressions)s)::bigint", output_field=BIGINT)

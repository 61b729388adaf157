"""Settled use by month and party, for bulletins: what the public sums are added up from, of months that were over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from huisuan.parties.state_history import load_changed_spans
from huisuan.settlement.models import Bill
from huisuan.settlement.runs.inputs import start_of_day
from huisuan.settlement.runs.queries import billing_runs


@dataclass(frozen=True)
class PartyUse:
    """What a party used in a month (its first day), in card-seconds; where it stood and what it was at its end."""

    month: date
    whose: str
    region: str
    kind: str
    card_seconds: int


def list_used(first: date, last: date) -> Iterator[PartyUse]:
    """By party and month, of months within two days; a month that was not over when it was settled is not there."""
    for year in range(first.year, last.year + 1):
        for run in billing_runs(year):
            spans: dict[str, list[tuple[date, date, str | None, str]]] = {}
            for span in load_changed_spans(date(year, 1, 1), date(year + 1, 1, 1), run.as_known):
                spans.setdefault(span.uscc, []).append((span.starts, span.ends, span.state.region, span.state.kind))
            bills = Bill.objects.filter(run=run, month__range=(first, last), card_seconds__gt=0)
            rows = bills.order_by("month", "party__uscc").values_list(
                "month", "party__uscc", "party__region_id", "party__kind"
            )  # fmt: skip
            for month, uscc, region, kind, seconds in rows.annotate(Sum("card_seconds")):
                after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
                if start_of_day(after) > run.made_at:
                    continue
                stood = next((one for one in spans.get(uscc, ()) if one[0] < after <= one[1]), None)
                yield PartyUse(month, uscc, (stood[2] if stood else region) or "", stood[3] if stood else kind, seconds)

"""The whole way from an entitlement to raw lines, every link recomputed.

All lines of all bills are summed in one statement and their first records found in the same: a query a line, each
planned anew, took seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)  # fmt: skip
from django.db.models.functions import JSONObject

from huisuan.base.hashing import bytes_sha256
from huisuan.compute.metering.imports.raw_lines import load_raw_lines
from huisuan.compute.metering.usage.records import card_seconds_within, current_usage, overlapping
from huisuan.compute.models import UsageRecord
from huisuan.settlement.models import Bill, BillLine, Entitlement, SettlementRun
from huisuan.settlement.runs.queries import (
    bill_to_dict,
    bills_of_entitlement,
    entitlement_to_dict,
    recompute_entitlement,
    run_to_dict,
    use_facts_of,
    use_of_entitlement,
)

_RecordKey = tuple[int, int]  # a record's centre and sequence


@dataclass(frozen=True)
class RecordsBehind:
    """What stands behind a line: how many records with how many card-seconds, and the first with their share."""

    sums: tuple[int, int]
    first: list[tuple[_RecordKey, int]]


def trace_entitlement(owed: Entitlement, *, records_per_line: int = 3) -> dict[str, Any]:
    """The whole way from an entitlement to raw lines, as JSON carries it.

    Every bill and line is there with its sums; of the records behind a line the first `records_per_line`, each
    with its raw line. `checks` says what was recomputed and whether it held.
    """
    reading = recompute_entitlement(owed)
    made = list(bills_of_entitlement(owed).prefetch_related("lines__accelerator"))
    behind = _behind(owed.run, made, records_per_line)
    records = _records([key for origin in behind.values() for key, _ in origin.first])
    raw = load_raw_lines((record.source_file_id, record.source_line) for record in records.values())
    tree = [{**bill_to_dict(bill), "lines": [_line(line, behind[line.pk], records, raw) for line in bill.lines.all()]}
            for bill in made]  # fmt: skip
    lines = [line for bill in tree for line in bill["lines"]]
    return {
        "entitlement": entitlement_to_dict(owed),
        "answer": reading.answer.to_dict(),
        "run": run_to_dict(owed.run),
        "bills": tree,
        "checks": {
            "two_readings_agree": reading.agrees,
            "law_unchanged": reading.same_law,
            "bills_add_up_to_spend": use_of_entitlement(owed, made) == _stated_use(owed),
            "records_add_up_to_lines": all(line["reconciled"] for line in lines),
            "raw_lines_intact": all(record["raw"]["intact"] for line in lines for record in line["records_shown"]),
        },
    }


def _stated_use(owed: Entitlement) -> dict[str, Any]:
    """The facts of an entitlement that are sums of its bills, as it states them."""
    return {spec.name: owed.facts[spec.name] for spec, _ in use_facts_of(owed)}


def _behind(run: SettlementRun, bills: Sequence[Bill], first: int) -> dict[int, RecordsBehind]:
    """What stands behind each line of the bills, as the run read it."""
    edges = OuterRef("starts"), OuterRef("ends")
    # a run that reaches into a line began at most the longest run before it: without that bound, which the index of a
    # party's use by start can use, each line reads all months before it, and the whole grows by the square of them
    own = UsageRecord.objects.filter(party__in={bill.party_id for bill in bills})
    longest = own.aggregate(longest=Max(F("ended_at") - F("started_at")))["longest"] or timedelta()
    earliest = ExpressionWrapper(OuterRef("starts") - Value(longest, DurationField()), DateTimeField())
    records = current_usage(run.cursors).filter(
        overlapping(*edges),
        started_at__gte=earliest,
        party=OuterRef("bill__party"),
        centre=OuterRef("bill__centre"),
        accelerator=OuterRef("accelerator"),
    )
    records = records.annotate(within=card_seconds_within(*edges)).order_by()
    sums = records.values("party").annotate(both=JSONObject(many=Count("sequence"), seconds=Sum("within")))
    # a query of its own: an aggregate would sort and write out every record for the sake of the first
    ones = records.order_by("started_at", "sequence").values(one=JSONObject(sequence="sequence", within="within"))
    lines: QuerySet[Any] = BillLine.objects.filter(bill__in=bills).annotate(
        sums=Subquery(sums.values("both")), ones=ArraySubquery(ones[:first])
    )
    found = {}
    for line, centre, summed, ones_found in lines.order_by().values_list("pk", "bill__centre", "sums", "ones"):
        both = summed or {"many": 0, "seconds": 0}
        keys = [((centre, row["sequence"]), row["within"]) for row in ones_found or ()]  # none are asked for
        found[line] = RecordsBehind((both["many"], both["seconds"]), keys)
    return found


def _records(keys: Sequence[_RecordKey]) -> dict[_RecordKey, UsageRecord]:
    of_centres: dict[int, list[int]] = {}
    for centre, sequence in keys:
        of_centres.setdefault(centre, []).append(sequence)
    wanted = Q(sequence__lt=0)  # nothing, where no record is wanted
    for centre, many in of_centres.items():
        wanted |= Q(centre=centre, sequence__in=many)
    found = UsageRecord.objects.filter(wanted).select_related("centre", "source_file")
    return {(record.centre_id, record.sequence): record for record in found}


def _line(
    line: BillLine, behind: RecordsBehind, records: dict[_RecordKey, UsageRecord], raw: dict[tuple[int, int], bytes]
) -> dict[str, Any]:
    return {
        "model": line.accelerator.model, "starts": line.starts, "ends": line.ends,
        "fen_per_card_hour": line.fen_per_card_hour, "excluded_because": line.excluded_because,
        "records": line.records, "card_seconds": line.card_seconds,
        "reconciled": behind.sums == (line.records, line.card_seconds),
        "records_shown": [_record(records[key], within, raw) for key, within in behind.first],
    }  # fmt: skip


def _record(record: UsageRecord, within: int, raw: dict[tuple[int, int], bytes]) -> dict[str, Any]:
    content = raw[record.source_file_id, record.source_line]
    digest = bytes_sha256(content)
    return {
        "record": f"{record.centre.code}/{record.sequence}", "job_id": record.job_id, "run": record.run,
        "user": record.user, "cards": record.cards, "start": record.started_at, "end": record.ended_at,
        "card_seconds_in_line": within, "card_seconds": record.card_seconds, "state": record.state,
        "raw": {
            "file": record.source_file.name, "line": record.source_line, "text": content.decode("utf-8", "replace"),
            "sha256": digest, "intact": digest == record.raw_sha256,
        },
    }  # fmt: skip

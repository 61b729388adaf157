"""Reading settlements: entitlements, bills, and the way back from a yuan to the raw line it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db.models import BigIntegerField, Case, Max, Min, Q, QuerySet, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from huisuan.base.hashing import bytes_sha256
from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI
from huisuan.compute.fact_sources.registry import UseMeasure, UsePiece, use_facts, use_values
from huisuan.compute.fact_sources.rules import readable_policies
from huisuan.compute.metering.imports.raw_lines import load_raw_line
from huisuan.compute.metering.usage.records import card_seconds_within, current_usage, overlapping
from huisuan.compute.models import UsageRecord
from huisuan.law.explain import explain, parse_facts
from huisuan.law.model import Answer, FactSpec, LawError, ValueKind
from huisuan.law.policy import load_policy
from huisuan.parties.viewer import Viewer
from huisuan.settlement.models import Bill, BillLine, Entitlement, SettlementRun


@dataclass(frozen=True)
class Recomputation:
    """The explanation of an entitlement, computed anew from its facts, beside what the run stored.

    `agrees`: both readings give the same status and amount. `same_law`: the policy has not changed since.
    """

    answer: Answer
    agrees: bool
    same_law: bool


@dataclass(frozen=True)
class RecordSlice:
    """What a usage record adds to a bill line."""

    record: UsageRecord
    card_seconds: int


@dataclass(frozen=True)
class CheckedRawLine:
    """The line of the source that a usage record was read from, and whether its SHA-256 is still the record's."""

    file: str
    line: int
    text: str
    sha256: str
    intact: bool


def latest_runs() -> QuerySet[SettlementRun]:
    """The newest run of each policy, sentence and year: what counts today."""
    newest = SettlementRun.objects.values("policy", "sentence", "year").annotate(newest=Max("id")).values("newest")
    return SettlementRun.objects.filter(id__in=newest)


def billing_runs(year: int | None = None) -> list[SettlementRun]:
    """The runs whose bills are shown: of those that count today none of the same days as another, longer one.

    Every run keeps the bills that it rests on: several rules of a year bill the same use once each.
    """
    found = latest_runs() if year is None else latest_runs().filter(year=year)
    kept: list[SettlementRun] = []
    for run in sorted(found, key=lambda run: (run.starts - run.ends, -run.pk)):
        if all(run.ends < other.starts or other.ends < run.starts for other in kept):
            kept.append(run)
    return kept


def latest_entitlements(viewer: Viewer) -> QuerySet[Entitlement]:
    """The entitlements of the newest runs that the viewer may see."""
    found = Entitlement.objects.filter(viewer.parties("party"), run__in=latest_runs())
    return found.select_related("party__region", "run").order_by("-run__year", "-amount_fen", "party__uscc")


def get_entitlement(viewer: Viewer, number: int) -> Entitlement:
    """One entitlement, of any run, if the viewer may see it.

    Raises:
        Entitlement.DoesNotExist: none, or not the viewer's to see.
    """
    return Entitlement.objects.filter(viewer.parties("party")).select_related("party__region", "run").get(pk=number)


def latest_bills(viewer: Viewer) -> QuerySet[Bill]:
    """The bills of the newest runs that the viewer may see: the user's own, a centre's own."""
    mine = viewer.centres("centre") if viewer.role == "centre" else viewer.parties("party")
    return Bill.objects.filter(mine, run__in=billing_runs()).select_related("party", "centre", "run")


def bills_of_entitlement(owed: Entitlement) -> QuerySet[Bill]:
    """The bills that an entitlement adds up."""
    whose = Q(party=owed.party) | Q(party__uscc__in=owed.carried)
    found = Bill.objects.filter(whose, run=owed.run).select_related("centre", "party", "run")
    return found.order_by("month", "centre__code", "party")


def money_facts(run: SettlementRun) -> dict[str, str]:
    """The facts of a run's rule that are sums of bills in fen: name -> what it is called; none if the law has gone."""
    try:
        rule = load_policy(run.policy).rule(run.sentence)
    except LawError:
        return {}
    return {spec.name: spec.zh for spec, _ in use_facts(rule.facts) if spec.kind is ValueKind.MONEY}


def with_use(rows: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
    """Entitlements with `spent_fen`, what their rule counts as spent, and `own_fen`, what of it is self-use."""
    spent, own = [], []
    for policy in readable_policies():
        for rule in policy.rules:
            for spec, measure in use_facts(rule.facts):
                of_rule = When(
                    run__policy=policy.name, run__sentence=rule.key,
                    then=Cast(KeyTextTransform(spec.name, "facts"), BigIntegerField()),
                )  # fmt: skip
                if rule.claim and spec.name == rule.claim.spent:
                    spent.append(of_rule)
                elif measure.column == "excluded_fen":
                    own.append(of_rule)
    return rows.annotate(
        spent_fen=Case(*spent, default=None, output_field=BigIntegerField(null=True)),
        own_fen=Case(*own, default=None, output_field=BigIntegerField(null=True)),
    )


def use_facts_of(owed: Entitlement) -> list[tuple[FactSpec, UseMeasure]]:
    """The facts of an entitlement that are sums of its bills, each with its measure."""
    rule = load_policy(owed.run.policy).rule(owed.run.sentence)
    return [(spec, measure) for spec, measure in use_facts(rule.facts) if spec.name in owed.facts]


def use_of_entitlement(owed: Entitlement, bills: Iterable[Bill]) -> dict[str, Any]:
    """The same facts, summed anew from its bills; where only some days count, from the lines of those days."""
    pieces = [_counted_piece(owed, bill) for bill in bills]
    return use_values((spec for spec, _ in use_facts_of(owed)), pieces)


def _counted_piece(owed: Entitlement, bill: Bill) -> UsePiece:
    """What of a bill counts, rounded once as a bill is."""
    counted = (owed.counted or {}).get(bill.party.uscc)
    if counted is None:
        seconds, whole, own = bill.card_seconds, Fraction(bill.amount_fen), Fraction(bill.excluded_fen)
        return UsePiece(bill.centre.region_id, whole, own, Fraction(seconds))
    days = [(date.fromisoformat(first), date.fromisoformat(after)) for first, after in counted]
    lines = [
        line
        for line in bill.lines.all()
        if any(first <= line.starts.astimezone(SHANGHAI).date() < after for first, after in days)
    ]
    own_lines = [line for line in lines if line.excluded_because]
    return UsePiece(
        bill.centre.region_id, Fraction(_billed_fen(lines)), Fraction(_billed_fen(own_lines)),
        Fraction(sum(line.card_seconds for line in lines)),
    )  # fmt: skip


def _billed_fen(lines: Iterable[BillLine]) -> int:
    return round_half_up(Fraction(sum(line.card_seconds * line.fen_per_card_hour for line in lines), 3600))


def recompute_entitlement(owed: Entitlement) -> Recomputation:
    """Explain an entitlement from its stored facts, and compare with what the run computed in SQL."""
    run = owed.run
    policy = load_policy(run.policy)
    rule = policy.rule(run.sentence)
    answer = explain(policy, rule, parse_facts(rule, owed.facts), on=run.on, as_known=run.as_known)
    agrees = answer.status.value == owed.status and (answer.amount_fen or 0) == owed.amount_fen
    return Recomputation(answer, agrees, same_law=policy.digest_as_known(run.as_known) == run.law["digest"])


def records_of_line(line: BillLine) -> QuerySet[UsageRecord]:
    """The usage records behind a bill line, in the order of their start; `within` is what each adds to the line."""
    found = _as_read(line.bill, line.starts, line.ends).filter(accelerator=line.accelerator_id)
    return found.order_by("started_at", "sequence")


def records_of_bill(bill: Bill) -> QuerySet[UsageRecord]:
    """The records of all lines of a bill, each once; `within` is what each adds to the bill."""
    span = bill.lines.aggregate(starts=Min("starts"), ends=Max("ends"))
    return _as_read(bill, span["starts"], span["ends"])


def _as_read(bill: Bill, starts: datetime, ends: datetime) -> QuerySet[UsageRecord]:
    """The party's records at the bill's centre in [starts, ends), as they stood when the run read them."""
    code = bill.centre.code
    found = current_usage({code: bill.run.cursors.get(code, 0)}).filter(overlapping(starts, ends), party=bill.party_id)
    found = found.annotate(within=card_seconds_within(starts, ends))
    return found.select_related("centre", "accelerator", "party", "source_file")


def iterate_slices(records: QuerySet[UsageRecord]) -> Iterator[RecordSlice]:
    """What each record of `records_of` adds: all of its card-seconds, or its slice where it crosses an edge."""
    for record in records:
        yield RecordSlice(record, record.within)  # type: ignore[attr-defined]


def load_checked_raw_line(record: UsageRecord) -> CheckedRawLine:
    """The raw line behind a record, checked against the hash that the record carries."""
    content = load_raw_line(record.source_file_id, record.source_line)
    digest = bytes_sha256(content)
    return CheckedRawLine(
        file=record.source_file.name, line=record.source_line, text=content.decode("utf-8", "replace"), sha256=digest,
        intact=digest == record.raw_sha256,
    )  # fmt: skip


def entitlement_to_dict(owed: Entitlement) -> dict[str, Any]:
    """An entitlement as JSON carries it (amounts in fen)."""
    return {
        "id": f"E{owed.pk}", "party": owed.party.uscc, "name": owed.party.name, "year": owed.run.year,
        "policy": owed.run.policy, "sentence": owed.run.sentence, "status": owed.status,
        "amount_fen": owed.amount_fen, "payable_fen": owed.payable,
        "facts": owed.facts, "reasons": owed.reasons, "run": owed.run_id,
    }  # fmt: skip


def run_to_dict(run: SettlementRun) -> dict[str, Any]:
    """A settlement run as JSON carries it."""
    return {
        "id": run.pk, "policy": run.policy, "sentence": run.sentence, "year": run.year, "starts": run.starts,
        "ends": run.ends, "on": run.on, "as_known": run.as_known, "cursors": run.cursors, "seals": run.seals,
        "law": run.law,
        "inputs_sha256": run.inputs_sha256, "result_sha256": run.result_sha256,
        "records": run.records, "card_seconds": run.card_seconds,
        "unclaimed_card_seconds": run.unclaimed_card_seconds, "amount_fen": run.amount_fen,
        "payable_fen": run.payable_fen, "made_at": run.made_at,
        "requested_by": run.requested_by,
    }  # fmt: skip


def bill_to_dict(bill: Bill) -> dict[str, Any]:
    """A bill as JSON carries it (amounts in fen)."""
    return {
        "id": bill.pk, "party": bill.party.uscc, "centre": bill.centre.code, "month": f"{bill.month:%Y-%m}",
        "card_seconds": bill.card_seconds, "amount_fen": bill.amount_fen, "excluded_fen": bill.excluded_fen,
    }  # fmt: skip

"""The end of a centre's ledger: what is appended there is covered by a batch, chained and receipted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from huisuan.compute.keys import platform_key
from huisuan.compute.metering.ledger.chain import START, Header, epoch_microseconds, next_chain_value, receipt_message
from huisuan.compute.metering.ledger.record_hash import leaves_digest
from huisuan.compute.metering.ledger.stored_records import load_leaves, stored_records
from huisuan.compute.models import AgentKey, Centre, MeterBatch, SourceFile


@dataclass(frozen=True)
class AgentSignature:
    """What an agent signed: its key, and its own number, predecessor, digest and signature; when, by its clock."""

    key: AgentKey
    number: int
    previous: str
    digest: str
    signature: str
    sent_at: datetime


@dataclass(frozen=True)
class AppendedRecords:
    """Records that come together: how many, the digest of their leaves, the file behind them, who signed."""

    records: int
    leaves: str
    source: SourceFile | None = None
    signed: AgentSignature | None = None


def append_batches(centre: Centre, last: int, appended: Sequence[AppendedRecords], now: datetime) -> list[MeterBatch]:
    """Chain batches to the centre's ledger, one after the other, from the record after `last` on.

    Must run in the transaction that stores the records, with the centre's row locked. Records up to `last` that no
    batch covers, from before there was a chain, are covered first by a batch without a source.
    """
    head = MeterBatch.objects.filter(centre=centre).order_by("-number").values_list("number", "last", "chain").first()
    number, covered, chain = head or (0, 0, START)
    missed = [AppendedRecords(last - covered, _leaves_digest(centre, covered + 1, last))] if covered < last else []
    made: list[MeterBatch] = []
    for records in (*missed, *appended):
        batch = _batch(centre, number + 1, covered, records, now)
        batch.previous = chain
        batch.chain = next_chain_value(chain, batch_header(batch, centre.code))
        batch.receipt = platform_key.sign(receipt_message(batch.chain))
        made.append(batch)
        number, chain, covered = batch.number, batch.chain, batch.last
    return MeterBatch.objects.bulk_create(made)[len(missed) :]


def _leaves_digest(centre: Centre, first: int, last: int) -> str:
    with stored_records(centre, "u.sequence BETWEEN %s AND %s", [first, last]) as con:
        return leaves_digest(load_leaves(con))


def _batch(centre: Centre, number: int, last: int, appended: AppendedRecords, now: datetime) -> MeterBatch:
    batch = MeterBatch(
        centre=centre, number=number, first=last + 1, last=last + appended.records, leaves=appended.leaves,
        source_file=appended.source, received_at=now,
    )  # fmt: skip
    if by := appended.signed:
        batch.key, batch.agent_number, batch.agent_previous = by.key, by.number, by.previous
        batch.agent_digest, batch.signature, batch.sent_at = by.digest, by.signature, by.sent_at
    return batch


def batch_header(batch: MeterBatch, centre: str) -> Header:
    """What the chain says of a batch."""
    key = batch.key
    return Header(
        centre=centre, number=batch.number, first=batch.first, last=batch.last, leaves=batch.leaves,
        source=batch.source_file.sha256 if batch.source_file else None, agent=key.name if key else None,
        agent_key=key.public_key if key else None, agent_number=batch.agent_number,
        agent_previous=batch.agent_previous or None, agent_digest=batch.agent_digest or None,
        signature=batch.signature or None, received=epoch_microseconds(batch.received_at),
        sent=epoch_microseconds(batch.sent_at) if batch.sent_at else None,
    )  # fmt: skip

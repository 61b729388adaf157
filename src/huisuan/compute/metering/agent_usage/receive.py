"""Signed batches from an agent: each verified, judged line by line, stored and receipted; twice changes nothing.

One transaction, one writer a centre. A batch whose signature, number or predecessor is wrong is refused whole and
flagged; a doubtful line in a good batch is kept with its flag instead of being metered.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from django.db import transaction

from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.agent_usage.judge import LineJudge, MeteredSlice, RawUsageLine
from huisuan.compute.metering.agent_usage.leases import load_leases
from huisuan.compute.metering.agent_usage.store import load_known_records, record_writer, store_lines
from huisuan.compute.metering.agent_usage.usage_line import UsageLineFields, parse_usage_line
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.clock import clock_refusal, limit_seconds
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.metering.checks.overuse import find_overuse
from huisuan.compute.metering.ledger.append import AgentSignature, AppendedRecords, append_batches
from huisuan.compute.metering.ledger.record_hash import leaves_digest
from huisuan.compute.models import AgentKey, Centre, MeterBatch, MeterFlag, SourceFile
from huisuan.protocol.agent import BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import digest_over, line_digest
from huisuan.protocol.signatures import is_signed_by


@dataclass
class AcceptedBatch:
    """A batch that follows the agent's last one, signed, and what its lines become."""

    batch: SignedBatch
    digest: str
    content: bytes
    lines: list[UsageLineFields | str]
    hashes: list[str]  # of each line
    flagged: dict[int, str] = field(default_factory=dict)


def receive_batches(
    centre: Centre, key: AgentKey, batches: Sequence[SignedBatch], version: str, sent_at: datetime, now: datetime
) -> list[BatchAnswer]:
    """Take what follows the agent's last batch; answers for every batch, in order.

    Args:
        centre: that the agent serves.
        key: the agent's.
        batches: as they came; known ones are answered with their receipt again.
        version: of the agent.
        sent_at: when they were sent, by the agent's clock; out by more than the limit, nothing is taken.
        now: when they came.
    """
    if not batches:
        return []
    if why := clock_refusal(sent_at, now):
        return [BatchAnswer(number=batch.number, refused=why) for batch in batches]
    with gc_disabled(), transaction.atomic():
        centre = Centre.objects.select_for_update(no_key=True).get(pk=centre.pk)
        key = AgentKey.objects.select_for_update(no_key=True).get(pk=key.pk)
        return BatchReceiver(centre, key, version, sent_at, now).take(batches)


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Python's search for cyclic garbage, put off: it took a third of the time, looking through lines in no cycle."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class BatchReceiver:
    """One call's work, the centre and the key locked."""

    def __init__(self, centre: Centre, key: AgentKey, version: str, sent_at: datetime, now: datetime) -> None:
        self.centre, self.key, self.version, self.sent_at, self.now = centre, key, version, sent_at, now
        self.taken: dict[int, AcceptedBatch] = {}  # by the agent's number, in order
        self.anomalies: list[Anomaly] = []

    def take(self, batches: Sequence[SignedBatch]) -> list[BatchAnswer]:
        """Answers for every batch, in order."""
        refused: dict[int, str] = {}  # by place in the call
        for at, batch in enumerate(batches):
            if why := "前面的批次没有收下" if refused else self._admit(batch):
                refused[at] = why
        stored = self._meter() if self.taken else {}
        raise_flags(self.centre, self.anomalies, self.now)
        return [
            BatchAnswer(number=batch.number, refused=refused[at])
            if at in refused
            else stored.get(batch.number) or self._again(batch.number, batch.lines)
            for at, batch in enumerate(batches)
        ]

    def _admit(self, batch: SignedBatch) -> str:
        """Why a batch is refused, and flagged; "" for one that is known or goes to `taken`."""
        digests = [line_digest(line) for line in batch.lines]
        found = digest_over(self.key.name, batch.number, batch.previous, digests)
        if self.key.revoked_at is not None or self.key.centre_id != self.centre.pk:
            return self._refused(FlagKind.SIGNATURE, batch, "站点代理的密钥已吊销，或不属于这个中心")
        last = max(self.taken, default=self.key.last_batch)
        head = self.taken[last].digest if self.taken else self.key.chain
        if batch.number <= last:
            if self._digest_of(batch.number) == found.hex():
                return ""
            return self._refused(FlagKind.ORDER, batch, "已经收过，内容与这次的不同")
        if batch.number != last + 1 or batch.previous != head:
            return self._refused(FlagKind.ORDER, batch, f"不接在平台收到的最后一批（{last}，{head[:12]}…）之后")
        if not is_signed_by(self.key.public_key, batch.signature, found):
            return self._refused(FlagKind.SIGNATURE, batch, "签名与站点代理的公钥不符")
        content = "".join([f"{line}\n" for line in batch.lines]).encode()
        lines = [parse_usage_line(line) for line in batch.lines]
        self.taken[batch.number] = AcceptedBatch(
            batch, found.hex(), content, lines, [digest.hex() for digest in digests]
        )
        return ""

    def _digest_of(self, number: int) -> str | None:
        if number in self.taken:
            return self.taken[number].digest
        known = MeterBatch.objects.filter(key=self.key, agent_number=number)
        return known.values_list("agent_digest", flat=True).first()

    def _refused(self, kind: FlagKind, batch: SignedBatch, why: str) -> str:
        text = f"批次 {batch.number} {why}"
        about = f"{self.key.name} {batch.number} {batch.signature[:32]}"
        self.anomalies.append(Anomaly(kind, about, f"{self.key.host}：{text}"))
        return text

    def _meter(self) -> dict[int, BatchAnswer]:
        """Store what the lines of all batches become, and chain the batches to the ledger; receipts by number."""
        after = self.centre.last_sequence
        appended = self._store(list(self.taken.values()))
        made = append_batches(self.centre, after, appended, self.now)
        last = max(self.taken)
        self.key.last_batch, self.key.chain = last, self.taken[last].digest
        self.key.save(update_fields=["last_batch", "chain"])
        self.anomalies += find_overuse(self.centre, after + 1)
        return {
            number: BatchAnswer(number=number, receipt=batch.receipt, chain=batch.chain, flagged=taken.flagged)
            for (number, taken), batch in zip(self.taken.items(), made, strict=True)
        }

    def _store(self, taken: Sequence[AcceptedBatch]) -> list[AppendedRecords]:
        """Judge every line, and store the lines and their records, batch after batch."""
        good = [line for batch in taken for line in batch.lines if not isinstance(line, str)]
        judge = LineJudge(
            leases=load_leases(self.centre, {line["uid"] for line in good}),
            known=load_known_records(self.centre, good),
            sequence=self.centre.last_sequence, now=ceil(self.now.timestamp()), clock=limit_seconds(),
        )  # fmt: skip
        contents = [(f"{self.key.name} {number}", batch.content) for number, batch in self.taken.items()]
        files = store_lines(self.centre, contents, self.version, self.now)
        appended: list[AppendedRecords] = []
        with record_writer(self.centre, self.now) as writer:
            for batch, file in zip(taken, files, strict=True):
                leaves = writer.write(self._judged(judge, batch), file)
                appended.append(self._appended(batch, file, leaves))
        return appended

    def _judged(self, judge: LineJudge, taken: AcceptedBatch) -> list[MeteredSlice]:
        """What is metered by a batch's lines; what is doubtful goes to the flags."""
        metered: list[MeteredSlice] = []
        for at, (raw, hashed, line) in enumerate(zip(taken.batch.lines, taken.hashes, taken.lines, strict=True)):
            outcome = judge.judged(RawUsageLine(raw, hashed, at + 1), line)
            if isinstance(outcome, MeteredSlice):
                metered.append(outcome)
            elif outcome is not None:
                taken.flagged[at] = outcome.text
                self.anomalies.append(outcome)
        return metered

    def _appended(self, taken: AcceptedBatch, file: SourceFile, leaves: Sequence[bytes]) -> AppendedRecords:
        batch = taken.batch
        return AppendedRecords(
            records=len(leaves), leaves=leaves_digest(leaves), source=file,
            signed=AgentSignature(self.key, batch.number, batch.previous, taken.digest, batch.signature, self.sent_at),
        )  # fmt: skip

    def _again(self, number: int, lines: Sequence[str]) -> BatchAnswer:
        """The answer to a batch that was taken before, as it was then."""
        batch = MeterBatch.objects.get(key=self.key, agent_number=number)
        places = {text_sha256(line): at for at, line in enumerate(lines)}
        kept = MeterFlag.objects.filter(centre=self.centre, key__in=list(places), line__gt="")
        flagged = {places[flag.key]: flag.text for flag in kept}
        return BatchAnswer(number=number, receipt=batch.receipt, chain=batch.chain, flagged=flagged)

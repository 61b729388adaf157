"""From an agent's usage lines to usage records: each line kept as it came, each run counted once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from huisuan.client.agent_wire import UsageAnswer, UsageLine
from huisuan.compute.metering.source import read_source
from huisuan.compute.models import Centre, Job, SourceChunk, SourceFile, UsageRecord

FORMAT = "agent"
CLOCK_SKEW = timedelta(minutes=2)
Fresh = tuple[str, UsageLine, Job]


def take_usage(centre: Centre, lines: Sequence[str], version: str, now: datetime) -> list[UsageAnswer]:
    """Keep the lines that are new as one source file and meter them; answers for every line.

    Must run inside a transaction. A run that is known (by centre, job and run number) is answered as taken.
    """
    if not lines:
        return []
    # one writer of a centre's sequence at a time
    centre = Centre.objects.select_for_update().get(pk=centre.pk)
    fresh: list[Fresh] = []
    answers = [UsageAnswer(sha256=_sha256(line), refused=_refusal(line, centre, fresh, now)) for line in lines]
    if fresh:
        _meter(centre, fresh, version, now)
    return answers


def _refusal(line: str, centre: Centre, fresh: list[Fresh], now: datetime) -> str:
    """Why a line is refused; "" for one that is known or that has gone to `fresh`."""
    try:
        usage = UsageLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        return f"用量行格式不对：{'.'.join(map(str, first['loc']))} {first['msg']}"
    job = Job.objects.filter(pk=usage.uid, centre=centre).select_related("party", "accelerator").first()
    if job is None:
        return f"作业 {usage.uid} 没有调度到智算中心 {centre.code}"
    known = UsageRecord.objects.filter(centre=centre, job_id=usage.uid, run=usage.run).exists()
    if known or any(one.uid == usage.uid and one.run == usage.run for _, one, _ in fresh):
        return ""
    why = _doubt(usage, job, now)
    if not why:
        fresh.append((line, usage, job))
    return why


def _doubt(usage: UsageLine, job: Job, now: datetime) -> str:
    """What in a line contradicts what the platform knows of the job; "" for nothing."""
    if job.accelerator is None or job.placed_at is None:
        return f"作业 {job.uid} 还没有调度"
    if usage.cards != job.cards:
        return f"作业 {job.uid}：上报 {usage.cards} 卡，平台分配 {job.cards} 卡"
    if usage.started_at.microsecond or usage.ended_at.microsecond or usage.ended_at <= usage.started_at:
        return f"作业 {job.uid}：起止时间应为整秒且结束晚于开始"
    if usage.started_at < job.placed_at - CLOCK_SKEW or usage.ended_at > now + CLOCK_SKEW:
        return (
            f"作业 {job.uid}：{usage.started_at.isoformat()} 至 {usage.ended_at.isoformat()} "
            f"不在调度（{job.placed_at.isoformat()}）与现在之间，请校准中心的时钟"
        )
    return ""


def _meter(centre: Centre, fresh: Sequence[Fresh], version: str, now: datetime) -> None:
    content = "".join(f"{line}\n" for line, _, _ in fresh).encode()
    source = read_source(content, f"{FORMAT}-{now:%Y%m%dT%H%M%SZ}-{fresh[0][1].uid}")
    file = SourceFile.objects.create(
        centre=centre,
        sha256=source.sha256,
        name=source.name,
        format=FORMAT,
        timezone="UTC",
        line_count=source.line_count,
        imported_at=now,
        collector=f"huisuan-agent/{version}",
    )
    SourceChunk.objects.bulk_create(
        SourceChunk(
            file=file,
            first_line=chunk.first_line,
            line_count=chunk.line_count,
            raw_bytes=chunk.ends - chunk.starts,
            content=source.compressed(chunk),
        )
        for chunk in source.chunks
    )
    partitions: dict[int, str] = {}
    for partition in centre.partitions.order_by("-name"):
        partitions[partition.accelerator_id] = partition.name
    UsageRecord.objects.bulk_create(
        _record(centre, partitions, file, number, one, now) for number, one in enumerate(fresh, start=1)
    )


def _record(
    centre: Centre, partitions: dict[int, str], file: SourceFile, number: int, fresh: Fresh, now: datetime
) -> UsageRecord:
    line, usage, job = fresh
    accelerator = job.accelerator
    assert accelerator is not None  # a line of a job without one is refused
    seconds = (usage.ended_at - usage.started_at) // timedelta(seconds=1)
    return UsageRecord(
        centre=centre,
        sequence=centre.last_sequence + number,
        cluster=centre.code,
        job_id=job.uid,
        run=usage.run,
        user=job.submitted_by,
        party=job.party,
        partition=partitions.get(accelerator.pk, ""),
        accelerator=accelerator,
        requested_cards=job.cards,
        cards=usage.cards,
        nodes=usage.node,
        node_count=1,
        submitted_at=job.submitted_at,
        started_at=usage.started_at.astimezone(UTC),
        ended_at=usage.ended_at.astimezone(UTC),
        card_seconds=usage.cards * seconds,
        state=usage.state.upper(),
        exit_code=str(usage.exit_code),
        source_zone="UTC",
        raw_sha256=_sha256(line),
        content_sha256=_sha256(usage.written()),
        source_file=file,
        source_line=number,
        received_at=now,
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

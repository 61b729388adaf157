"""Having a centre's cards measured by a job, and keeping what it measured.

The job runs `attestation_program.py` as it stands in this package; only a job whose script is that program counts.
What it measures is the centre's own word, as every job's output is: it shows that cards of that speed answer there.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from huisuan.base.errors import Conflict, NotFound
from huisuan.compute.models import CapacityAttestation, Centre, Job, JobLog, JobState
from huisuan.protocol.resources import JobRequest

MARK = "HUISUAN-ATTESTATION "
MOST_MEASUREMENT_BYTES = 1024 * 1024
_SECONDS = 900


class Measured(BaseModel):
    """What the program says of one card."""

    node: Annotated[str, Field(max_length=120)]
    index: Annotated[int, Field(ge=0, lt=4096)]
    device: Annotated[str, Field(max_length=120)]
    tflops_fp16: Annotated[Decimal, Field(ge=0, lt=10_000_000)]


def program_source() -> str:
    """The program that measures, as it runs at a centre."""
    return (files("huisuan.compute.capacity") / "attestation_program.py").read_text(encoding="utf-8")


def attestation_request(centre: Centre, model: str | None, cards: int) -> JobRequest:
    """The job that measures so many cards of a centre, for its operator to pay.

    Raises:
        Refused: the centre runs no jobs of the platform, or has no such model.
    """
    if not centre.engine:
        raise Conflict(
            f"中心 {centre.code} 不接平台作业，无法用作业核验：请先让它以站点代理加入", code="centre.runs_no_jobs"
        )
    models = list(centre.partitions.values_list("accelerator__model", flat=True).distinct())
    if model is not None and model not in models:
        raise NotFound(
            f"中心 {centre.code} 没有型号 {model}；有：{'、'.join(models) or '无'}", code="centre.model_unknown"
        )
    return JobRequest(
        script=program_source(),
        name="算力核验",
        cards=cards,
        model=model,
        centre=centre.code,
        time_limit_seconds=_SECONDS,
        party=centre.operator.uscc,
    )


def record_attestations() -> int:
    """Keep what finished measuring jobs printed, once; returns how many cards were new."""
    jobs = Job.objects.filter(
        script=program_source(), state=JobState.DONE, attestations__isnull=True, centre__isnull=False
    )
    kept = 0
    for job in jobs.select_related("centre", "accelerator"):
        found = parse_measurements(_output(job))
        kept += len(found)
        CapacityAttestation.objects.bulk_create(
            [
                CapacityAttestation(
                    job=job, centre=job.centre, accelerator=job.accelerator, node=each.node, device=each.device,
                    index=each.index, tflops_fp16=each.tflops_fp16, measured_at=_ended(job),
                )
                for each in found
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    return kept


def parse_measurements(output: str) -> list[Measured]:
    """What the program's output says; lines that do not have its form say nothing."""
    found: dict[tuple[str, int], Measured] = {}
    for line in output.splitlines():
        if not line.startswith(MARK):
            continue
        try:
            word = Measured.model_validate(json.loads(line.removeprefix(MARK)))
        except (ValueError, ValidationError, InvalidOperation):
            continue
        found.setdefault((word.node, word.index), word)
    return list(found.values())


def _output(job: Job) -> str:
    pieces = (
        JobLog.objects.filter(job=job, offset__lt=MOST_MEASUREMENT_BYTES)
        .order_by("offset")
        .values_list("content", flat=True)
    )
    return b"".join(bytes(piece) for piece in pieces).decode(errors="replace")


def _ended(job: Job) -> datetime:
    assert job.ended_at is not None  # a job that is done has ended
    return job.ended_at

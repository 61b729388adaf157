"""A firm with an owner and budgets, and use metered by hand: shared by the tests of budgets and statements."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from huisuan.compute.budgets.services import set_budget
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.engines.interface import ABILITIES
from huisuan.compute.models import Centre, FirmBudget, Job, SourceFile, UsageRecord
from huisuan.parties.viewer import Viewer
from support.jobs import NOON, Voice, party

HOUR = 3600
A100 = "A100-SXM4-80GB"


def owner(number: int = 1) -> Viewer:
    """The owner of that party."""
    return Viewer(role="user", name=f"owner{number}", party_id=party(number).pk, member_role="owner")


def budget(
    limit: int, unit: str = "fen", period: str = "month", *, project: str | None = None, hard: bool = True,
    number: int = 1, now: datetime = NOON,
) -> FirmBudget:  # fmt: skip
    """A budget of that party."""
    return set_budget(owner(number), project, period, unit, limit, now, hard=hard)


def meter(
    job: Job, started: datetime, seconds: int, state: str = "RUNNING", supersedes: int | None = None
) -> UsageRecord:
    """A slice of a placed job's run, as the meter stores it."""
    job.refresh_from_db()
    assert job.centre is not None
    assert job.accelerator is not None
    job.centre.refresh_from_db()
    file, _ = SourceFile.objects.get_or_create(
        centre=job.centre, sha256="0" * 64,
        defaults={"name": "x", "format": "agent", "timezone": "UTC", "line_count": 1, "imported_at": started,
                  "collector": "x"},
    )  # fmt: skip
    return UsageRecord.objects.create(
        centre=job.centre, sequence=job.centre.last_sequence + 1, supersedes=supersedes, cluster="x", job_id=job.uid,
        run=job.run, user="x", party=job.party, accelerator=job.accelerator, cards=job.cards, started_at=started,
        ended_at=started + timedelta(seconds=seconds), card_seconds=job.cards * seconds, state=state,
        source_zone="UTC", raw_sha256="0" * 64, content_sha256="0" * 64, source_file=file, source_line=1,
        received_at=started,
    )  # fmt: skip


def centre(code: str = "hf", cards: int = 8, fen: int | None = 1000, nodes: int = 4) -> Centre:
    """A Slurm centre whose agent called just now, at that price."""
    plan = CentrePlan(
        name=f"中心 {code}", operator=party(99, "centre_operator").uscc, region="340100", engine="slurm",
        partitions=(f"gpu={A100}:{nodes}x{cards}",),
    )  # fmt: skip
    made = add_centre(code, plan)
    if fen is not None:
        set_tariff(code, A100, str(fen), date(2024, 1, 1))
    voice = Voice(made, f"agent-{code:0>12}")
    voice.capabilities = {name: {"able": True, "why": ""} for name in ABILITIES}
    voice.says(engine="slurm")
    return made

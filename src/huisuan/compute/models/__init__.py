"""What compute is made of: centres, jobs, and the usage records that money rests on."""

from huisuan.compute.models.centres import HUGE_CARDS, Accelerator, Centre, Partition, SiteAgent, Tariff, Tenant
from huisuan.compute.models.jobs import FINAL_STATES, Job, JobLog, JobState
from huisuan.compute.models.usage import SourceChunk, SourceFile, UsageRecord

__all__ = [
    "FINAL_STATES", "HUGE_CARDS", "Accelerator", "Centre", "Job", "JobLog", "JobState", "Partition", "SiteAgent",
    "SourceChunk", "SourceFile", "Tariff", "Tenant", "UsageRecord",
]  # fmt: skip

"""What compute is made of: centres and who speaks for them, jobs, usage records, and what proves them."""

from huisuan.compute.models.account_claims import AccountClaim
from huisuan.compute.models.agents import (
    AgentKey,
    CapacityAttestation,
    CapacitySighting,
    CentreNode,
    Invitation,
    SiteAgent,
)
from huisuan.compute.models.budgets import (
    AlertKind,
    BudgetAlert,
    BudgetPeriod,
    BudgetReservation,
    BudgetUnit,
    FirmBudget,
    PartyUseDay,
    PartyUseTally,
    ReservationOutcome,
)
from huisuan.compute.models.centres import (
    Accelerator,
    Centre,
    Partition,
    Tariff,
    TariffChange,
    TariffStep,
    Tenant,
)
from huisuan.compute.models.held_cancels import HeldCancel
from huisuan.compute.models.job_files import FileRequest, JobOutputs
from huisuan.compute.models.job_templates import JobTemplate
from huisuan.compute.models.jobs import (
    AT_CENTRE,
    FINAL_STATES,
    EndedArray,
    Job,
    JobDependency,
    JobEvent,
    JobLog,
    JobState,
    Upload,
)
from huisuan.compute.models.ledger import MeterBatch, MeterFlag, PendingCorrection, Seal, SealSignature
from huisuan.compute.models.maintenance import MaintenanceWindow
from huisuan.compute.models.placement import CityQuota, DurationLine, PlacementDecision, TenantShare
from huisuan.compute.models.register import RegisterEntry, RegisterSignature
from huisuan.compute.models.restoration import Restoration
from huisuan.compute.models.seal_requests import SealRequest
from huisuan.compute.models.sessions import InteractiveSession, SessionAdmission, SessionKind
from huisuan.compute.models.usage import SourceChunk, SourceFile, UsageRecord
from huisuan.compute.models.usage_days import PartyUseMonth, UsageDay, UsageTally
from huisuan.compute.models.usage_imports import UsageImport

__all__ = [
    "AT_CENTRE", "FINAL_STATES", "Accelerator", "AccountClaim", "AgentKey", "AlertKind",
    "BudgetAlert", "BudgetPeriod", "BudgetReservation", "BudgetUnit", "CapacityAttestation", "CapacitySighting",
    "Centre", "CentreNode", "CityQuota", "DurationLine", "EndedArray", "FileRequest", "FirmBudget", "HeldCancel",
    "InteractiveSession", "Invitation", "Job", "JobDependency", "JobEvent", "JobLog", "JobOutputs", "JobState",
    "JobTemplate", "MaintenanceWindow", "MeterBatch", "MeterFlag", "Partition", "PartyUseDay", "PartyUseMonth",
    "PartyUseTally", "PendingCorrection", "PlacementDecision", "RegisterEntry", "RegisterSignature",
    "ReservationOutcome", "Restoration", "Seal", "SealRequest", "SealSignature", "SessionAdmission", "SessionKind",
    "SiteAgent", "SourceChunk", "SourceFile", "Tariff", "TariffChange", "TariffStep", "Tenant", "TenantShare",
    "Upload", "UsageDay", "UsageImport", "UsageRecord", "UsageTally",
]  # fmt: skip

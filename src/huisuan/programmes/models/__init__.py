"""What programmes store."""

from huisuan.calendar.models import AdoptedDay, CalendarDocument  # of this app, where they were made
from huisuan.programmes.models.applications import (
    CHOSEN_STATES,
    NO_HASH,
    NOT_CLAIMING_STATES,
    OVER_STATES,
    Application,
    ApplicationStep,
    DutyHeld,
    NumberSeries,
    ProcedureEdge,
    ProcedureEdition,
)
from huisuan.programmes.models.awards import PAYEE_WAITS, Award, CityShare, Offer, OrderUnderContract, PayeeAccount
from huisuan.programmes.models.calls import Call, CallAmendment
from huisuan.programmes.models.checks import (
    ApplicationCheck,
    CheckKind,
    EditionMove,
    SiteCheck,
    SiteCheckConfirmation,
)
from huisuan.programmes.models.claim_objects import ClaimObject
from huisuan.programmes.models.contracts import (
    AmendedTarget,
    Contract,
    ContractAmendment,
    ContractTarget,
    FinalEvaluation,
    Milestone,
    PlannedTarget,
)
from huisuan.programmes.models.counts.by_day import StandingCount, StepWait
from huisuan.programmes.models.credit import CreditEffect, CreditEntry, EvidenceIssuer, StrikeLift, StruckIssuer
from huisuan.programmes.models.decision_sheets import FrozenLine, FrozenSheet, OfficeOpinion
from huisuan.programmes.models.drafts import Draft, Evidence
from huisuan.programmes.models.experts import Expert, ExpertEntry, ExpertTie, TieKind
from huisuan.programmes.models.flags import ApplicationFlag, FlagReason
from huisuan.programmes.models.milestones import (
    AcceptanceSeat,
    AcceptanceVote,
    MilestoneReport,
    MilestoneResult,
    VoteSetAside,
)
from huisuan.programmes.models.offices import OFFICIAL_DUTIES, Office, Post
from huisuan.programmes.models.publicity import (
    ANSWERING_ACTIONS,
    NoticeLine,
    Objection,
    ObjectionAnswer,
    ObjectionArrival,
    ObjectionFile,
    ObjectionTry,
    ObjectorErasure,
    PublicNotice,
)
from huisuan.programmes.models.registers import DrawnAmount, FrozenRegister, RegisteredThing, RegisterVersion
from huisuan.programmes.models.review import Draw, PanelSeat, SeatEnd, SeedCommitment
from huisuan.programmes.models.scoring import PanelMeeting, ScoreSheet
from huisuan.programmes.models.submissions import (
    ApplicationSubmission,
    ConsentConfirmation,
    ConsentWithdrawal,
    PersonConsent,
)

__all__ = [
    "ANSWERING_ACTIONS",
    "CHOSEN_STATES",
    "NOT_CLAIMING_STATES",
    "NO_HASH",
    "OFFICIAL_DUTIES",
    "OVER_STATES",
    "PAYEE_WAITS",
    "AcceptanceSeat",
    "AcceptanceVote",
    "AdoptedDay",
    "AmendedTarget",
    "Application",
    "ApplicationCheck",
    "ApplicationFlag",
    "ApplicationStep",
    "ApplicationSubmission",
    "Award",
    "CalendarDocument",
    "Call",
    "CallAmendment",
    "CheckKind",
    "CityShare",
    "ClaimObject",
    "ConsentConfirmation",
    "ConsentWithdrawal",
    "Contract",
    "ContractAmendment",
    "ContractTarget",
    "CreditEffect",
    "CreditEntry",
    "Draft",
    "Draw",
    "DrawnAmount",
    "DutyHeld",
    "EditionMove",
    "Evidence",
    "EvidenceIssuer",
    "Expert",
    "ExpertEntry",
    "ExpertTie",
    "FinalEvaluation",
    "FlagReason",
    "FrozenLine",
    "FrozenRegister",
    "FrozenSheet",
    "Milestone",
    "MilestoneReport",
    "MilestoneResult",
    "NoticeLine",
    "NumberSeries",
    "Objection",
    "ObjectionAnswer",
    "ObjectionArrival",
    "ObjectionFile",
    "ObjectionTry",
    "ObjectorErasure",
    "Offer",
    "Office",
    "OfficeOpinion",
    "OrderUnderContract",
    "PanelMeeting",
    "PanelSeat",
    "PayeeAccount",
    "PersonConsent",
    "PlannedTarget",
    "Post",
    "ProcedureEdge",
    "ProcedureEdition",
    "PublicNotice",
    "RegisterVersion",
    "RegisteredThing",
    "ScoreSheet",
    "SeatEnd",
    "SeedCommitment",
    "SiteCheck",
    "SiteCheckConfirmation",
    "StandingCount",
    "StepWait",
    "StrikeLift",
    "StruckIssuer",
    "TieKind",
    "VoteSetAside",
]  # fmt: skip

"""What programmes store."""

from huisuan.programmes.models.applications import (
    NO_HASH,
    Application,
    ApplicationStep,
    DutyHeld,
    NumberSeries,
    ProcedureEdge,
    ProcedureEdition,
)
from huisuan.programmes.models.awards import Award, CityShare, Offer, PayeeAccount
from huisuan.programmes.models.calendar import AdoptedDay, CalendarDocument
from huisuan.programmes.models.calls import Call, CallAmendment
from huisuan.programmes.models.checks import ApplicationCheck, CheckKind
from huisuan.programmes.models.claim_objects import ClaimObject
from huisuan.programmes.models.credit import CreditEffect, CreditEntry
from huisuan.programmes.models.decision_sheets import FrozenLine, FrozenSheet
from huisuan.programmes.models.drafts import Draft, Evidence
from huisuan.programmes.models.experts import Expert, ExpertEntry, ExpertTie, TieKind
from huisuan.programmes.models.flags import ApplicationFlag, FlagReason
from huisuan.programmes.models.offices import OFFICIAL_DUTIES, Office, Post
from huisuan.programmes.models.opinions import OfficeOpinion
from huisuan.programmes.models.publicity import (
    ANSWERING_ACTIONS,
    NoticeLine,
    Objection,
    ObjectionAnswer,
    ObjectionFile,
    ObjectionTry,
    ObjectorErasure,
    PublicNotice,
)
from huisuan.programmes.models.registers import RegisteredThing, RegisterVersion
from huisuan.programmes.models.review import Draw, PanelSeat, SeatEnd
from huisuan.programmes.models.scoring import PanelMeeting, ScoreSheet
from huisuan.programmes.models.submissions import ApplicationSubmission

__all__ = [
    "ANSWERING_ACTIONS",
    "NO_HASH",
    "OFFICIAL_DUTIES",
    "AdoptedDay",
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
    "CreditEffect",
    "CreditEntry",
    "Draft",
    "Draw",
    "DutyHeld",
    "Evidence",
    "Expert",
    "ExpertEntry",
    "ExpertTie",
    "FlagReason",
    "FrozenLine",
    "FrozenSheet",
    "NoticeLine",
    "NumberSeries",
    "Objection",
    "ObjectionAnswer",
    "ObjectionFile",
    "ObjectionTry",
    "ObjectorErasure",
    "Offer",
    "Office",
    "OfficeOpinion",
    "PanelMeeting",
    "PanelSeat",
    "PayeeAccount",
    "Post",
    "ProcedureEdge",
    "ProcedureEdition",
    "PublicNotice",
    "RegisterVersion",
    "RegisteredThing",
    "ScoreSheet",
    "SeatEnd",
    "TieKind",
]  # fmt: skip

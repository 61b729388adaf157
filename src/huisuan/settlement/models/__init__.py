"""What is stored of settlement runs and of adopted settings: Django finds the models of the room here."""

from huisuan.settlement.models.adoption import (
    ComparedAmount,
    ComparedParty,
    Comparison,
    End,
    ProposalEnd,
    SettingsProposal,
    Through,
)
from huisuan.settlement.models.long_work import ComparisonRequest, ScenarioRequest
from huisuan.settlement.models.register_files import RegisterFileRequest
from huisuan.settlement.models.runs import (
    Bill,
    BillLine,
    Entitlement,
    SettlementRequest,
    SettlementRun,
)

__all__ = [
    "Bill",
    "BillLine",
    "ComparedAmount",
    "ComparedParty",
    "Comparison",
    "ComparisonRequest",
    "End",
    "Entitlement",
    "ProposalEnd",
    "RegisterFileRequest",
    "ScenarioRequest",
    "SettingsProposal",
    "SettlementRequest",
    "SettlementRun",
    "Through",
]  # fmt: skip

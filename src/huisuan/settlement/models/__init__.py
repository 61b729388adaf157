"""What is stored of settlement runs and of adopted settings: Django finds the models of the room here."""

from huisuan.settlement.models.adoption import ComparedParty, Comparison, End, ProposalEnd, SettingsProposal, Through
from huisuan.settlement.models.runs import (
    UNDER_WAY,
    Bill,
    BillLine,
    Entitlement,
    RequestState,
    SettlementRequest,
    SettlementRun,
)

__all__ = [
    "UNDER_WAY", "Bill", "BillLine", "ComparedParty", "Comparison", "End", "Entitlement", "ProposalEnd", "RequestState",
    "SettingsProposal", "SettlementRequest", "SettlementRun", "Through",
]  # fmt: skip

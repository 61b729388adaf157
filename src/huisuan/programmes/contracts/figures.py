"""What a procedure declares of its contracts, and its figures on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.programmes.models import ProcedureEdition


def declared_contract(edition: ProcedureEdition) -> Mapping[str, Any]:
    """What a procedure declares of its contracts, settings by name; empty: nothing."""
    found = edition.content.get("contract")
    return found if isinstance(found, dict) else {}


def contract_figures(edition: ProcedureEdition, at: datetime, part: str = "figures") -> dict[str, int]:
    """The figures of the contract, or of the race in it, as adopted on a day.

    Raises:
        InvalidRequest: one was not set.
    """
    day, policy = at.astimezone(SHANGHAI).date(), load_policy(edition.policy)
    contract = declared_contract(edition)
    names: dict[str, str] = contract.get(part, {})
    held = policy.adopted(min(day, policy.valid_to), day)
    if missing := [name for name in names.values() if name not in held]:
        raise InvalidRequest(
            f"程序 {edition.key} 的参数在 {day} 尚未确定：{'、'.join(missing)}；请先采用这些参数",
            code="contract.figures_unset",
        )
    return {key: int(str(held[name].value)) for key, name in names.items()}

"""What the API says of entitlements and of the law, field by field. Pure: part of the public interface."""

from __future__ import annotations

from typing import Any

from huisuan.protocol.resources import ResponseModel


class Entitlement(ResponseModel):
    """What the law owes a party for a year."""

    id: str
    party: str
    name: str
    year: int
    policy: str
    sentence: str
    status: str
    amount_fen: int
    facts: dict[str, Any]
    reasons: list[Any]


class Fact(ResponseModel):
    """A fact that a sentence asks for."""

    name: str
    type: str
    unit: str | None
    label: str
    evidence: str | None
    options: list[str]
    sentence: str


class Explanation(ResponseModel):
    """The answer of an article for given facts."""

    status: str
    amount_fen: int | None
    reasons: list[Any]
    steps: list[Any]

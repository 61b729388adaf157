"""What is checked, on which day, and the form of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.models import Application, ApplicationSubmission, CheckKind


@dataclass(frozen=True)
class CheckSubject:
    """An application and its newest submission (None: it was offered), looked at on a day with its relations."""

    application: Application
    submission: ApplicationSubmission | None
    day: date
    holdings: HoldingsOn


@dataclass(frozen=True)
class CheckFinding:
    """Whether something holds, why, and what it was seen by.

    `passed` None: something was found, but neither the policy nor other law says that it bars; an official answers it.
    """

    kind: CheckKind
    passed: bool | None
    reason: str
    saw: Mapping[str, Any] = field(default_factory=dict)

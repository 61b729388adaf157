"""What a condition of another room is asked before a step is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from huisuan.base.errors import Refused
from huisuan.parties.models import Person
from huisuan.programmes.models import Application


@dataclass(frozen=True)
class AskedStep:
    """The step that somebody asks to take; `amount_fen` is what a decision names, None where it names nothing."""

    action: str
    person: Person
    now: datetime
    amount_fen: int | None
    payload: Mapping[str, Any]
    reason: str = ""


#: answers by application why the step may not be taken; asked once for all applications of an act, which are locked
StepCondition: TypeAlias = Callable[[Sequence[Application], AskedStep], Mapping[int, Refused]]

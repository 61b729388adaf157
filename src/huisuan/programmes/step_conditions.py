"""What a condition of another room is asked before a step is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from huisuan.base.errors import Refused
from huisuan.parties.models import Person
from huisuan.programmes.models import Application


@dataclass(frozen=True)
class AskedStep:
    """The step that somebody asks to take; `amount_fen` is what a decision names, None where it names nothing.

    `each` is what single applications, by number, have in their payload besides.
    """

    action: str
    person: Person
    now: datetime
    amount_fen: int | None
    payload: Mapping[str, Any]
    reason: str = ""
    each: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def said_of(self, number: str) -> Mapping[str, Any]:
        """The payload that the step of one application would have."""
        return {**self.payload, **self.each.get(number, {})}


#: answers by application why the step may not be taken; asked once for all applications of an act, which are locked
StepCondition: TypeAlias = Callable[[Sequence[Application], AskedStep], Mapping[int, Refused]]

"""The audit trail of people: who did what to whom."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.text_length import shortened
from huisuan.parties.models import Person, PersonAction, PersonEvent


@dataclass(frozen=True)
class Actor:
    """Who does something: a person who is signed in, or a system user at a command on this machine."""

    name: str
    person_id: int | None = None
    address: str = ""

    @classmethod
    def at_this_machine(cls) -> Actor:
        """The system user that runs the command."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a number without a name
            user = "?"
        return cls(f"本机 {user}")


def record_event(person: Person, what: PersonAction, actor: Actor, now: datetime, detail: str = "") -> None:
    """Append one event."""
    PersonEvent.objects.create(
        person=person,
        what=what,
        actor=shortened(actor.name, 120),
        address=actor.address,
        at=now,
        detail=shortened(detail, 300),
    )

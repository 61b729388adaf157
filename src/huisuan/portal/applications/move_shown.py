"""Moves of an application to a newer procedure, as its page shows them, and whether the reader may move it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from huisuan.parties.models import Person
from huisuan.programmes.models import Application, EditionMove
from huisuan.programmes.workflow.moving import may_move, present_digest


@dataclass(frozen=True)
class MovesShown:
    """Those that were made, oldest first; `to`: the digest of the present procedure, where the reader may move it."""

    made: tuple[EditionMove, ...]
    to: str


def read_moves(application: Application, person: Person, now: datetime) -> MovesShown | None:
    """What there is of it; None: nothing was moved, and nothing is to be."""
    made = tuple(application.moves.select_related("from_edition", "to_edition", "person", "post__office"))
    to = present_digest(application) if may_move(application, person, now) else ""
    return MovesShown(made, to) if made or to else None

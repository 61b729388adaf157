"""A short name for a set of runs, the same for the agent that holds them and the platform that wants them there.

The set's digest is the exclusive or of its members': what left or joined can be taken out or in without the rest, so
that who changes one job of thousands need not send them all. It tells whether two who trust each other know the same;
it proves nothing to anyone else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

#: a run as it is hashed; PostgreSQL writes the same (compute.agent_wants)
FORM = "{uid} {run} {lease}{cancel}"


def mark(uid: str, run: int, lease: int, cancel: bool) -> int:
    """One run's part in the digest: 256 bits."""
    text = FORM.format(uid=uid, run=run, lease=lease, cancel=" x" if cancel else "")
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def digest(marks: Iterable[int], start: str = "") -> str:
    """The digest of a set, in hex; with `start`, of that set with these put in, or taken out where they were in it."""
    whole = int(start, 16) if start else 0
    for each in marks:
        whole ^= each
    return f"{whole:064x}"

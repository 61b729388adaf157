"""Something of the meter that looks wrong, as it is found and before it is flagged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FlagKind(StrEnum):
    """What kind of wrong, as it is stored: the same as `MeterFlag.Kind`, which names them for people."""

    NO_LEASE = "no_lease"
    OTHER_CARDS = "other_cards"
    OVER_CAPACITY = "over_capacity"
    CLOCK = "clock"
    FORM = "form"
    SIGNATURE = "signature"
    ORDER = "order"
    MISSING = "missing"
    SCHEDULER = "scheduler"
    FORGEABLE = "forgeable"
    CONTRADICTION = "contradiction"
    OVERLAP = "overlap"
    NO_CARDS = "no_cards"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Anomaly:
    """Something to flag. `key` says what it is about: the same is flagged once. `line` is a line not metered.

    Once answered it is not flagged again, unless it `recurs` (each time is another occasion) or is larger than it was:
    `size` is how large, in the unit of its text. What the platform itself answered, having found it gone, may return.
    """

    kind: FlagKind
    key: str
    text: str
    line: str = ""
    sequence: int | None = None
    size: int | None = None
    recurs: bool = False

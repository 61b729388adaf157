"""A run's usage as lines: cut at every full hour while it goes on, corrected where the accounting ends otherwise.

Pure. Seconds are whole seconds since 1970; the hours of UTC and of Shanghai are cut at the same moments. The slices of
a run meet end to start, and together they are what the accounting says, no second more or less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from huisuan.compute.engines.interface import RunState, RunUsage
from huisuan.protocol.agent import UsageLine

HOUR = 3600
SETTLED_AFTER = 90  # seconds after the full hour by which accounting knows what ended before it
NODES_LENGTH, RAW_LENGTH = 2000, 4000
CONTROL = re.compile(r"[\x00-\x1f]+")
_SliceKey = tuple[int, str]  # start, the scheduler's name of the card


@dataclass(frozen=True)
class Slice:
    """A piece of a run's time, as it was or is to be metered; `number` counts the pieces of the run."""

    started: int
    local_card: str
    number: int
    ended: int
    suspended: int
    cards: int
    state: str

    @property
    def key(self) -> _SliceKey:
        """What tells it from the other slices of its run."""
        return self.started, self.local_card


@dataclass(frozen=True)
class SliceLine:
    """A line to send, and the slice that it stands for."""

    slice: Slice
    content: str


def is_complete(held: Iterable[RunUsage]) -> bool:
    """Whether every stretch has its end, so that nothing follows."""
    stretches = list(held)
    return bool(stretches) and all(stretch.ended_at is not None for stretch in stretches)


def due_lines(
    uid: str, run: int, lease: int, held: Sequence[RunUsage], sent: Iterable[Slice], now: int, collector: str
) -> list[SliceLine]:
    """The lines that are due: for hours that are over and for what has ended, and corrections of slices sent before.

    Args:
        held: what the accounting says of the run, each stretch of a requeued run by itself.
        sent: the slices queued before.
        now: seconds since 1970.
        collector: what reads the accounting, with its version.
    """
    known = {piece.key: piece for piece in sent}
    complete, count = is_complete(held), len(known)
    latest = max((int(stretch.started_at.timestamp()) for stretch in held), default=0)
    wanted: dict[_SliceKey, tuple[Slice, RunUsage]] = {}
    for stretch in held:
        for piece in _slices(stretch, known, now):
            wanted[piece.key] = piece, stretch
    strays = [piece for key, piece in sorted(known.items()) if key not in wanted and piece.ended > piece.started]
    due = [_emptied(piece, held[0]) for piece in strays if complete or piece.started < latest]
    for key, (piece, stretch) in sorted(wanted.items()):
        before = known.get(key)
        if before is None:
            due.append((replace(piece, number=count), stretch))
            count += 1
        elif stretch.ended_at is not None and replace(piece, number=before.number) != before:
            due.append((replace(piece, number=before.number), stretch))
    # first what makes room for what follows
    due.sort(key=lambda pair: pair[0].key in known and pair[0].ended < known[pair[0].key].ended, reverse=True)
    return [_line(uid, run, lease, piece, stretch, piece.key in known, collector) for piece, stretch in due]


def _slices(held: RunUsage, known: Mapping[_SliceKey, Slice], now: int) -> list[Slice]:
    """The slices of one stretch: of one that goes on up to the last full hour that accounting has settled."""
    start = int(held.started_at.timestamp())
    over = held.ended_at is not None
    end = int(held.ended_at.timestamp()) if held.ended_at else (now - SETTLED_AFTER) // HOUR * HOUR
    if end < start or (end == start and not over):
        return []
    cuts = [start, *range((start // HOUR + 1) * HOUR, end, HOUR), end]
    spans = list(pairwise(cuts))
    before = [known.get((first, held.local_card)) for first, _ in spans]
    suspended = _spread(held.suspended_seconds, spans, before, over)
    made = [
        Slice(first, held.local_card, 0, last, suspended[at], held.cards, RunState.RUNNING.value)
        for at, (first, last) in enumerate(spans)
    ]
    if over:
        made[-1] = replace(made[-1], state=held.state.value)
    return made


def _spread(total: int, spans: Sequence[tuple[int, int]], before: Sequence[Slice | None], over: bool) -> list[int]:
    """Seconds of suspension by span: what was reported stands, what is new goes to the new spans.

    Only where the run is over and the new ones cannot hold the difference are old ones changed, the latest first.
    """
    room = [last - first for first, last in spans]
    reported = [min(earlier.suspended, most) if earlier else 0 for earlier, most in zip(before, room, strict=True)]
    left = total - sum(reported)
    fresh = [at for at, earlier in enumerate(before) if earlier is None]
    stale = [at for at, earlier in reversed(list(enumerate(before))) if earlier is not None] if over else []
    for at in (*fresh, *stale):
        change = max(-reported[at], min(left, room[at] - reported[at]))
        reported[at] += change
        left -= change
    return reported


def _emptied(piece: Slice, held: RunUsage) -> tuple[Slice, RunUsage]:
    """A slice that the accounting does not know in the end: it held nothing."""
    return replace(piece, ended=piece.started, suspended=0, state=held.state.value), held


def _line(uid: str, run: int, lease: int, piece: Slice, held: RunUsage, corrects: bool, collector: str) -> SliceLine:
    ended = piece.state != RunState.RUNNING.value
    line = UsageLine(
        uid=uid, run=run, lease=lease, slice=piece.number, corrects=corrects,
        nodes=_text(held.nodes, NODES_LENGTH), node_count=held.node_count, local_card=piece.local_card,
        cards=piece.cards, started_at=datetime.fromtimestamp(piece.started, UTC),
        ended_at=datetime.fromtimestamp(piece.ended, UTC), suspended_seconds=piece.suspended,
        state=piece.state, exit_code=held.exit_code if ended else None,
        measured=dict(held.measured) if ended else {}, raw=_text(held.raw, RAW_LENGTH), collector=collector,
    )  # fmt: skip
    return SliceLine(piece, line.to_json_line())


def _text(text: str, most: int) -> str:
    return CONTROL.sub(" ", text)[:most]

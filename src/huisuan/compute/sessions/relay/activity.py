"""Whether what a browser sends over a WebSocket tells that somebody is there, or only that a page is open. Pure.

JupyterLab says nothing over its WebSockets while nobody does anything. VS Code does: its remote protocol (source:
vs/base/parts/ipc/common/ipc.net.ts) acknowledges and keeps alive every few seconds, and measures the way now and then.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator

_HEAD = struct.Struct(">BIII")  # type, number, acknowledged, length of the payload
_REGULAR = 1  # a message of the program; all other types keep the connection up
_SEVERAL, _WITHIN_SECONDS = 3, 20.0  # who types or clicks sends more than the page does by itself


class ActivityFilter:
    """One WebSocket of a session of that kind, from its browser's side."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lately: deque[float] = deque(maxlen=_SEVERAL)

    def tells(self, message: str | bytes, now: float) -> bool:
        """Whether that message, at `now` by a steady clock in seconds, tells that somebody is there."""
        if self._kind != "vscode" or isinstance(message, str):
            return True
        types = list(_frame_types(message))
        if not types:
            return True  # not that protocol: rather too long than cut off
        for kind in types:
            if kind == _REGULAR:
                self._lately.append(now)
        return len(self._lately) == _SEVERAL and now - self._lately[0] <= _WITHIN_SECONDS


def _frame_types(message: bytes) -> Iterator[int]:
    """The types of the frames that a message is made of; none where it is not made of frames."""
    found, place = [], 0
    while place + _HEAD.size <= len(message):
        kind, _, _, length = _HEAD.unpack_from(message, place)
        place += _HEAD.size + length
        found.append(kind)
    if place == len(message):
        yield from found

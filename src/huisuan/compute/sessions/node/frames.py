"""The frames of a tunnel: many byte streams, and a few words about the session, over one connection. No I/O.

A frame is its kind (1 byte), its stream (4 bytes; 0: about the session), the length of its payload (4 bytes), and the
payload. Flow control is by credit, as in HTTP/2: a side sends at most WINDOW bytes of a stream beyond what the other
side has taken and acknowledged by CREDIT. So a slow reader holds WINDOW bytes, and nobody else waits for it.
"""

from __future__ import annotations

import struct
from typing import List, Tuple

HELLO, OPEN, DATA, CREDIT, END, RESET, ACTIVE = 1, 2, 3, 4, 5, 6, 7
FRAME_KINDS = (HELLO, OPEN, DATA, CREDIT, END, RESET, ACTIVE)
FRAME_HEADER = struct.Struct(">BII")
COUNT = struct.Struct(">I")
MAX_PAYLOAD = 32 * 1024  # bytes
WINDOW = 256 * 1024  # bytes of one stream under way
MOST_STREAMS = 256  # open at once in one tunnel

Frame = Tuple[int, int, bytes]


class MalformedFrame(ValueError):
    """What came is no frame: the tunnel is over."""


def pack_frame(kind: int, stream: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of a frame; `payload` at most MAX_PAYLOAD bytes."""
    return FRAME_HEADER.pack(kind, stream, len(payload)) + payload


class FrameParser:
    """Takes bytes as they come, gives the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """The frames completed by `data`.

        Raises:
            MalformedFrame: a kind that there is not, or a payload that is too long.
        """
        self._buffer += data
        found, at = [], 0
        while len(self._buffer) - at >= FRAME_HEADER.size:
            kind, stream, length = FRAME_HEADER.unpack_from(self._buffer, at)
            if kind not in FRAME_KINDS or length > MAX_PAYLOAD:
                raise MalformedFrame("kind %d, %d bytes" % (kind, length))
            if len(self._buffer) - at - FRAME_HEADER.size < length:
                break
            start = at + FRAME_HEADER.size
            found.append((kind, stream, bytes(self._buffer[start : start + length])))
            at = start + length
        del self._buffer[:at]
        return found

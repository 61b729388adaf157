"""The frames and streams of a tunnel: what goes in comes out, whoever is slow, and what breaks the rules ends it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.sessions.node.frames import (
    COUNT,
    CREDIT,
    DATA,
    FRAME_HEADER,
    FRAME_KINDS,
    MAX_PAYLOAD,
    MOST_STREAMS,
    OPEN,
    WINDOW,
    Frame,
    FrameParser,
    MalformedFrame,
    pack_frame,
)
from huisuan.compute.sessions.node.streams import Multiplexer, StreamReset, TunnelStream

FRAMES = st.lists(
    st.tuples(st.sampled_from(FRAME_KINDS), st.integers(0, 2**32 - 1), st.binary(max_size=300)), max_size=20
)


@given(FRAMES, st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(frames: list[Frame], data: st.DataObject) -> None:
    sent, parser, found = b"".join(pack_frame(*frame) for frame in frames), FrameParser(), list[Frame]()
    while sent:
        cut = data.draw(st.integers(1, len(sent)))
        found += parser.feed(sent[:cut])
        sent = sent[cut:]
    assert found == frames


@pytest.mark.parametrize("header", [(0, 1, 0), (8, 1, 0), (DATA, 1, MAX_PAYLOAD + 1)])
def test_what_is_no_frame_is_refused_before_its_payload_is_awaited(header: tuple[int, int, int]) -> None:
    with pytest.raises(MalformedFrame):
        FrameParser().feed(FRAME_HEADER.pack(*header))


class Wire:
    """Two ends of a tunnel, joined in this process; `carried` counts the bytes of each stream on their way."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[TunnelStream] = asyncio.Queue()
        self.left = Multiplexer(self._carry_to_right)
        self.right = Multiplexer(self._carry_to_left, self.accepted.put_nowait)

    async def _carry_to_right(self, data: bytes) -> None:
        await asyncio.sleep(0)
        for frame in FrameParser().feed(data):
            self.right.receive(*frame)

    async def _carry_to_left(self, data: bytes) -> None:
        await asyncio.sleep(0)
        for frame in FrameParser().feed(data):
            self.left.receive(*frame)


async def _read_all(stream: TunnelStream) -> bytes:
    found = b""
    while piece := await stream.read():
        found += piece
    return found


async def _write_all(stream: TunnelStream, pieces: list[bytes]) -> None:
    for piece in pieces:
        await stream.write(piece)
    await stream.finish()


PIECES = st.lists(st.integers(0, 3 * WINDOW // 2), max_size=4)


@given(st.lists(st.tuples(PIECES, PIECES), min_size=1, max_size=4))
def test_many_streams_carry_all_bytes_both_ways_at_once(sizes: list[tuple[list[int], list[int]]]) -> None:
    async def run() -> None:
        wire = Wire()
        for there, back in [await _exchange(wire, number, *both) for number, both in enumerate(sizes)]:
            assert there
            assert back
        assert len(wire.left) == len(wire.right) == 0

    asyncio.run(run())


async def _exchange(wire: Wire, number: int, there: list[int], back: list[int]) -> tuple[bool, bool]:
    mine = await wire.left.open()
    theirs = await wire.accepted.get()
    sent = [bytes([number]) * size for size in there], [bytes([number, 255]) * size for size in back]
    _, _, arrived, returned = await asyncio.gather(
        _write_all(mine, sent[0]), _write_all(theirs, sent[1]), _read_all(theirs), _read_all(mine)
    )
    return arrived == b"".join(sent[0]), returned == b"".join(sent[1])


def test_a_reader_that_does_not_read_holds_one_window_and_nobody_else_waits_for_it() -> None:
    async def run() -> None:
        wire = Wire()
        slow, _ = await wire.left.open(), await wire.accepted.get()
        writing = asyncio.create_task(slow.write(bytes(10 * WINDOW)))
        assert await _exchange(wire, 1, [2 * WINDOW], [2 * WINDOW]) == (True, True)
        assert not writing.done()
        unread = next(iter(wire.right._streams.values()))
        assert unread._waiting == WINDOW
        wire.left.close()
        with pytest.raises(StreamReset):
            await writing

    asyncio.run(run())


def test_more_than_the_window_too_much_credit_or_a_stream_twice_end_the_tunnel() -> None:
    async def run() -> None:
        for rogue in ("data", "credit", "open"):
            wire = Wire()
            await wire.left.open()
            number = (await wire.accepted.get()).number
            frame = {
                "data": (DATA, number, bytes(MAX_PAYLOAD)),
                "credit": (CREDIT, number, COUNT.pack(1)),
                "open": (OPEN, number, b""),
            }[rogue]
            for _ in range(WINDOW // MAX_PAYLOAD if rogue == "data" else 0):
                wire.right.receive(*frame)
            with pytest.raises(MalformedFrame):
                wire.right.receive(*frame)

    asyncio.run(run())


def test_no_more_streams_are_opened_than_a_tunnel_may_have() -> None:
    async def run() -> None:
        wire = Wire()
        for _ in range(MOST_STREAMS):
            await wire.left.open()
        with pytest.raises(StreamReset):
            await wire.left.open()

    asyncio.run(run())


def test_a_stream_that_is_given_up_is_given_up_at_both_ends() -> None:
    async def run() -> None:
        wire = Wire()
        mine, theirs = await wire.left.open(), await wire.accepted.get()
        await theirs.reset()
        with pytest.raises(StreamReset):
            await mine.read()
        with pytest.raises(StreamReset):
            await mine.write(b"x")
        assert len(wire.left) == len(wire.right) == 0

    asyncio.run(run())

"""Downloads share one process: whoever has many under way, or takes them slowly, keeps nobody else out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from huisuan.base.errors import Conflict
from huisuan.base.stepped_response import SteppedResponse
from huisuan.serving.http import downloads
from huisuan.serving.http.downloads import MOST_OF_ONE, BrokenOff, send_steps


class Download:
    """A download of one reader: as many pieces as the test lets come, and what was sent."""

    def __init__(self, reader: str, *pieces: bytes) -> None:
        self.over, self.closed = False, False
        self.messages: list[dict[str, Any]] = []
        self.response = SteppedResponse(self._steps(pieces), "application/octet-stream", reader)

    def _steps(self, pieces: tuple[bytes, ...]) -> Iterator[bytes | None]:
        try:
            yield from pieces
            while not self.over:
                yield None
        finally:
            self.closed = True

    async def send(self, message: dict[str, Any]) -> None:
        """Take what is sent."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The status that was sent."""
        return int(self.messages[0]["status"])

    def start(self) -> asyncio.Task[None]:
        """Send it."""
        return asyncio.create_task(send_steps(200, [], self.response, asyncio.to_thread, self.send))

    async def begun(self) -> None:
        """Until the answer has begun."""
        async with asyncio.timeout(20):
            while not self.messages:
                await asyncio.sleep(0.01)


def test_one_reader_has_four_at_once_and_the_fifth_waits_while_others_get_theirs() -> None:
    async def trial() -> None:
        mine = [Download("me", b"x") for _ in range(MOST_OF_ONE)]
        tasks = [each.start() for each in mine]
        for each in mine:
            await each.begun()
        fifth, other = Download("me", b"x"), Download("other", b"x")
        other.over = True
        await fifth.start()
        await other.start()
        assert (fifth.status, other.status) == (429, 200)
        assert "4 个" in fifth.messages[1]["body"].decode()
        mine[0].over = True
        await tasks[0]
        again = Download("me", b"x")
        again.over = True
        await again.start()
        assert again.status == 200
        for each in mine:
            each.over = True
        await asyncio.gather(*tasks)
        assert all(each.closed for each in [*mine, other, again])
        assert not downloads._under_way

    asyncio.run(trial())


def test_a_piece_goes_out_in_parts_that_a_slow_line_takes_in_time() -> None:
    async def trial() -> None:
        large = Download("me", bytes(1_000_000), b"", b"end")
        large.over = True
        await large.start()
        parts = [message["body"] for message in large.messages[1:]]
        assert b"".join(parts) == bytes(1_000_000) + b"end"
        assert max(map(len, parts)) == 256 * 1024

    asyncio.run(trial())


def test_one_that_breaks_off_counts_no_more() -> None:
    def breaks() -> Iterator[bytes | None]:
        yield b"x"
        raise Conflict("变了", code="files.changed")

    async def trial() -> None:
        async def send(_message: dict[str, Any]) -> None: ...

        for _ in range(MOST_OF_ONE + 1):
            with pytest.raises(BrokenOff):
                await send_steps(200, [], SteppedResponse(breaks(), "x/y", "me"), asyncio.to_thread, send)
        assert not downloads._under_way

    asyncio.run(trial())

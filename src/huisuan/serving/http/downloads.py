"""Sends what is made in steps, a file that lies at a centre: no thread waits for the centre, none for the reader.

A step runs on a thread of the downloads' lane, and comes back at once with bytes or with nothing yet. One that refuses
(the file changed, the centre is silent) ends the connection before its end: the reader sees a download that broke off.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import close_old_connections

from huisuan.base.errors import Refused
from huisuan.base.stepped_response import SteppedResponse

_MOST_AT_ONCE = 32  # downloads
MOST_OF_ONE = 4  # downloads of one person: slow ones must not keep everybody else out
_SEND_SECONDS = 30.0  # for a reader to take a piece
_SENT_BYTES = 256 * 1024  # at a time: slow lines get through as well
_POLL_SECONDS = 0.1
_END = object()
_Send = Callable[[dict[str, Any]], Awaitable[None]]
_Run = Callable[..., Awaitable[Any]]
_under_way: Counter[str] = Counter()  # of this process, in its one loop: downloads by reader

log = logging.getLogger(__name__)


class BrokenOff(Exception):
    """A download that cannot go on: the connection is to be closed, so that nobody takes it for whole."""


async def send_steps(
    status: int, headers: list[tuple[bytes, bytes]], response: SteppedResponse, run: _Run, send: _Send
) -> None:
    """_Send an answer step by step at the reader's pace.

    Raises:
        BrokenOff: in the middle; the reason is logged.
    """
    if refusal := _refusal(response.reader):
        await run(_close, response)
        await _refuse(send, *refusal)
        return
    _under_way[response.reader] += 1
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while (piece := await run(_step, response)) is not _END:
            if piece is None:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            for begin in range(0, len(piece), _SENT_BYTES):
                async with asyncio.timeout(_SEND_SECONDS):
                    body = piece[begin : begin + _SENT_BYTES]
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (Refused, TimeoutError) as error:
        log.info("a download broke off: %s", error)
        raise BrokenOff from error
    finally:
        _under_way[response.reader] -= 1
        if not _under_way[response.reader]:
            del _under_way[response.reader]
        await run(_close, response)


def _step(response: SteppedResponse) -> object:
    try:
        return next(response.steps, _END)
    finally:
        close_old_connections()


def _close(response: SteppedResponse) -> None:
    getattr(response.steps, "close", lambda: None)()
    response.close()


def _refusal(reader: str) -> tuple[int, str, str] | None:
    """Why this reader can have no further download now: status, in Chinese, in English."""
    if _under_way[reader] >= MOST_OF_ONE:
        return (
            429,
            f"你同时下载的已有 {MOST_OF_ONE} 个：请等其中一个完成",
            f"You have {MOST_OF_ONE} downloads under way",
        )
    if _under_way.total() >= _MOST_AT_ONCE:
        return 503, f"同时下载的已有 {_MOST_AT_ONCE} 个，请稍后再试", "Too many downloads at once: try again later"
    return None


async def _refuse(send: _Send, status: int, chinese: str, english: str) -> None:
    body = f"{status}\n{chinese}\n{english}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"10")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

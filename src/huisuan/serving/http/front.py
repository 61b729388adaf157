"""What stands between the sockets and Django: bodies come in and answers go out without a thread being held.

The server (granian) reads headers and drops connections that do not send theirs in time. Here the body is received
(`body.py`), a thread of the lane that its path belongs to makes the whole answer, and the answer is sent at
the reader's pace. Agents and /healthz have lanes of their own: however busy the pages are, they are answered.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar
from urllib.parse import unquote_to_bytes

from huisuan.base.paths import spool_folder
from huisuan.base.stepped_response import SteppedResponse
from huisuan.serving.http.body import BodyRefused, Receive, receive_body
from huisuan.serving.http.downloads import send_steps
from huisuan.serving.http.limits import SMALL, RequestLimit, limit_for, refusal

Send = Callable[[dict[str, Any]], Awaitable[None]]
Environ = dict[str, Any]
_Result = TypeVar("_Result")

_THREADS = {"pages": 8, "agents": 4, "uploads": 2, "downloads": 2, "health": 1}
_MAX_WAITING = 256  # of each lane: beyond that a request is better refused than left to wait
_SEND_SECONDS = 30.0  # for a reader to take a piece of the answer
_PIECE_BYTES = 256 * 1024
_IN_MEMORY = 1024 * 1024

log = logging.getLogger(__name__)


@dataclass
class BufferedResponse:
    """What Django answered, all of it: what does not fit into memory lies in a nameless file."""

    body: IO[bytes]
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    stepped: SteppedResponse | None = None  # what comes instead of the body: a file that lies at a centre


class Lane:
    """Threads for one kind of requests, and how many of those are waiting or being answered."""

    def __init__(self, name: str, threads: int) -> None:
        self.pool, self.load = ThreadPoolExecutor(threads, thread_name_prefix=name), 0
        self.most = threads + _MAX_WAITING

    async def run(self, work: Callable[..., _Result], *words: Any) -> _Result:
        """Do something on one of the threads.

        Raises:
            BodyRefused: too many are waiting already.
        """
        if self.load >= self.most:
            raise BodyRefused(503, "平台正忙：请过一会儿再试")
        self.load += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work, *words)
        finally:
            self.load -= 1


class Front:
    """An ASGI application that answers with a WSGI one."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.lanes = {name: Lane(name, threads) for name, threads in _THREADS.items()}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = _path(scope)
        try:
            answer = await self._answer(scope, path, receive)
        except BodyRefused as fault:
            await _refuse(send, path, fault)
            return
        with answer.body:
            if answer.stepped is not None:
                await send_steps(answer.status, answer.headers, answer.stepped, self.lanes["downloads"].run, send)
            else:
                await _send_response(answer, send)

    async def _answer(self, scope: Mapping[str, Any], path: str, receive: Receive) -> BufferedResponse:
        headers = _headers(scope)
        limit = limit_for(path)
        body = await receive_body(receive, headers, limit)
        with body:
            size = body.seek(0, 2)
            body.seek(0)
            environ = _environ(scope, path, headers, body, size)
            return await self._lane(limit, size).run(_run_wsgi, self.application, environ)

    def _lane(self, limit: RequestLimit, size: int) -> Lane:
        return self.lanes["uploads" if limit.lane == "pages" and size > SMALL else limit.lane]


def _path(scope: Mapping[str, Any]) -> str:
    raw = scope.get("raw_path") or scope["path"].encode()
    return unquote_to_bytes(raw.partition(b"?")[0]).decode("utf-8", "replace")


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Headers by their small names. One with an underscore is dropped: to WSGI it would pass for one with a hyphen."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin1").lower(), raw_value.decode("latin1")
        if "_" not in name:
            found[name] = f"{found[name]}{';' if name == 'cookie' else ','} {value}" if name in found else value
    return found


def _environ(scope: Mapping[str, Any], path: str, headers: Mapping[str, str], body: IO[bytes], size: int) -> Environ:
    """The request as WSGI has it (PEP 3333)."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    kept = {name: value for name, value in headers.items() if name not in ("content-length", "transfer-encoding")}
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in kept.items()}
    return {
        **given,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(size),
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin1"),
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


class _Errors:
    """Where a WSGI application writes what went wrong."""

    def write(self, text: str) -> None:
        log.error("%s", text)

    def flush(self) -> None:
        pass


def _run_wsgi(application: Callable[..., Iterable[bytes]], environ: Environ) -> BufferedResponse:
    answer = BufferedResponse(tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=spool_folder()))  # noqa: SIM115 - closed when sent

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], int]:
        answer.status = int(status.split(" ", 1)[0])
        answer.headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
        return answer.body.write

    try:
        pieces = application(environ, start)
        if isinstance(pieces, SteppedResponse):
            answer.stepped = pieces
            return answer
        try:
            for piece in pieces:
                answer.body.write(piece)
        finally:
            if close := getattr(pieces, "close", None):
                close()
    except BaseException:
        answer.body.close()
        raise
    answer.body.seek(0)
    return answer


async def _send_response(answer: BufferedResponse, send: Send) -> None:
    """Send an answer at the reader's pace; one that stops reading is left."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    piece = answer.body.read(_PIECE_BYTES)
    while True:
        following = answer.body.read(_PIECE_BYTES)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": bool(following)})
        except TimeoutError:
            log.info("a reader took nothing for %s s", _SEND_SECONDS)
            return
        if not following:
            return
        piece = following


async def _refuse(send: Send, path: str, fault: BodyRefused) -> None:
    media_type, body = refusal(path, fault.status, fault.detail)
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    headers.append((b"retry-after", b"5") if fault.status == 503 else (b"connection", b"close"))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

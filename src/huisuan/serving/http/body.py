"""The body of a request, received whole before a thread is taken: in time, within its limit, as its digest says.

A request that dawdles costs a connection and a nameless file, never a thread: eight of those, each holding a request
whose body never came, once stopped the pages, the API and the agents.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

from huisuan.base.paths import spool_folder
from huisuan.serving.disk import find_full_disk

if TYPE_CHECKING:
    from huisuan.serving.http.limits import RequestLimit

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

#: for the headers, and between two pieces of a body
GAP_SECONDS = float(os.environ.get("HUISUAN_PATIENCE_SECONDS", "") or 10)
_GRACE_SECONDS = 2 * GAP_SECONDS  # for a whole body, beside the time that its bytes take at the slowest rate
_MIN_BYTES_PER_SECOND = 8 * 1024
_IN_MEMORY = 128 * 1024  # of each connection, of which there may be thousands
#: RFC 9530, and what RFC 3230 had before it
_DIGEST_HEADERS = {
    "content-digest": re.compile(r"sha-256=:([^:]*):", re.I),
    "repr-digest": re.compile(r"sha-256=:([^:]*):", re.I),
    "digest": re.compile(r"sha-256=([^,\s]*)", re.I),
}


_DIGEST_FORMS = dict.fromkeys(_DIGEST_HEADERS, "sha-256=:Base64:") | {"digest": "sha-256=Base64"}


class BodyRefused(Exception):
    """A request that goes no further, and what to answer."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)


async def receive_body(receive: Receive, headers: Mapping[str, str], limit: RequestLimit) -> IO[bytes]:
    """The body, at its beginning; the caller closes it.

    Raises:
        BodyRefused: too much of it, too slow, cut off, or not what its Content-Digest says.
    """
    said = headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit.most_bytes:
        raise BodyRefused(413, limit.refusal)
    if (said or "0") == "0" and "transfer-encoding" not in headers:
        _check_digests(headers, hashlib.sha256())
        return io.BytesIO()
    body = _spool()
    try:
        digest = await _fill(body, receive, limit)
        if said.isdecimal() and int(said) != body.tell():
            raise BodyRefused(400, f"请求说有 {said} 字节，只收到 {body.tell()} 字节：没有存下任何内容，请重新发送")
        _check_digests(headers, digest)
    except BaseException as error:
        body.close()
        if isinstance(error, OSError):
            raise BodyRefused(507, f"平台的磁盘存不下这个请求（{error.strerror}）：请联系平台运维") from error
        raise
    body.seek(0)
    return body


async def _fill(body: IO[bytes], receive: Receive, limit: RequestLimit) -> hashlib._Hash:
    digest, size, loop = hashlib.sha256(), 0, asyncio.get_running_loop()
    began, pending = loop.time(), bytearray()
    more = True
    while more:
        until = began + _GRACE_SECONDS + size / _MIN_BYTES_PER_SECOND
        piece, more = await _next(receive, min(until, loop.time() + GAP_SECONDS))
        size += len(piece)
        if size > limit.most_bytes:
            raise BodyRefused(413, limit.refusal)
        pending += piece
        if len(pending) >= _IN_MEMORY or not more:
            # a disk that is busy must not keep the others waiting
            await loop.run_in_executor(None, _append, body, digest, bytes(pending))
            pending.clear()
    return digest


async def _next(receive: Receive, until: float) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout_at(until):
            message = await receive()
    except TimeoutError:
        raise BodyRefused(408, "请求的内容来得太慢，没有存下任何内容：请检查网络后重新发送") from None
    if message["type"] != "http.request":
        # cut off, or pieces that are none: the server says the same of both, and where nobody is there nobody hears it
        raise BodyRefused(400, "请求没有发完，或分块的写法不对：没有存下任何内容，请重新发送")
    return message.get("body", b""), message.get("more_body", False)


def _append(body: IO[bytes], digest: hashlib._Hash, piece: bytes) -> None:
    if body.tell() and (where := find_full_disk()):  # what is left is PostgreSQL's: strangers can send, too
        raise BodyRefused(507, f"平台的磁盘将满（{where}），没有存下任何内容：请联系平台运维")
    digest.update(piece)
    body.write(piece)


def _check_digests(headers: Mapping[str, str], digest: hashlib._Hash) -> None:
    for name, pattern in _DIGEST_HEADERS.items():
        said = headers.get(name, "")
        found = pattern.findall(said)
        if not found and "sha-256" in said.lower():
            raise BodyRefused(400, f"{name} 里的 sha-256 写法不对：应如 {_DIGEST_FORMS[name]}")
        for text in found:
            try:
                meant = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise BodyRefused(400, f"{name} 里的 sha-256 不是 Base64") from None
            if meant != digest.digest():
                raise BodyRefused(
                    400, f"收到的内容与 {name} 不符（SHA-256 为 {digest.hexdigest()}）：没有存下任何内容，请重新发送"
                )


def _spool() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=spool_folder())

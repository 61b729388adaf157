"""Sending a file that may be taken back while it is sent: whole or a range, and broken off once it may not be read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from huisuan.base.content_store import ContentStore
from huisuan.base.errors import Gone
from huisuan.base.stepped_response import AnswerSteps, SteppedResponse
from huisuan.opendata.access.ledger import record_download
from huisuan.opendata.access.released import RELEASE_FORMS, ReadableRelease, download_name, is_out
from huisuan.opendata.access.watermark import granted_shelf, marked_copy
from huisuan.opendata.gate.stores import checked_path, released_shelf
from huisuan.opendata.models import AccessWay
from huisuan.parties.identity.client_address import client_place
from huisuan.parties.viewer import Viewer

_PIECE = 128 * 1024  # bytes
_ASKED_EVERY = 0.3  # seconds: taking back acts within one
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True)
class ReleaseDelivery:
    """A file on its way: where it lies, its digest, and whether it may still be read.

    `write_down` is called before anything of it is sent, with the range or "" for the whole.
    """

    path: Path
    sha256: str
    size: int
    media_type: str
    name: str
    still: Callable[[], bool]
    reader: str
    write_down: Callable[[str], object] | None = None


def deliver_release(
    request: HttpRequest, read: ReadableRelease, viewer: Viewer | None, now: Callable[[], datetime], way: AccessWay
) -> HttpResponseBase:
    """The answer that hands out a release to somebody who may read it, as `get_release` judged.

    Under a grant it is the copy with the grant's mark, and the access is written down before anything goes out.

    Raises:
        Unavailable: its file is gone or changed.
    """
    release, grant = read.release, read.grant
    store, sha256, size = released_shelf(), release.sha256, release.product.size
    write_down: Callable[[str], object] | None = None
    if grant is not None:
        copy = marked_copy(release, grant, now())
        store, sha256, size = granted_shelf(), copy.sha256, copy.size
        if viewer is not None:
            write_down = partial(record_download, grant, release, viewer.name, way, now())
    delivery = ReleaseDelivery(
        stored_file(store, sha256), sha256, size, RELEASE_FORMS[release.product.format], download_name(release),
        lambda: is_out(release.pk, viewer, now()), f"opendata {client_place(request)}", write_down,
    )  # fmt: skip
    return deliver(request, delivery)


def stored_file(store: ContentStore, sha256: str) -> Path:
    """Where a content lies; its digest is counted once while the file stays as it is.

    Raises:
        Unavailable: it is gone, or is not what was stored.
    """
    path = store.path_of(sha256)
    try:
        seen = path.stat()
    except OSError:
        return checked_path(store, sha256)
    return _checked(str(store.folder), sha256, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=1024)
def _checked(folder: str, sha256: str, _changed: int, _size: int) -> Path:
    return checked_path(ContentStore(Path(folder)), sha256)


def deliver(request: HttpRequest, delivery: ReleaseDelivery) -> HttpResponseBase:
    """The answer to GET or HEAD: 200, 206 for one range, 304 for who has it, 416 beyond its end."""
    tag = f'"{delivery.sha256}"'
    if tag in re.split(r"\s*,\s*", request.headers.get("If-None-Match", "")):
        return _named(HttpResponse(status=304), delivery)
    span = _asked_range(request, tag, delivery.size)
    if span is not None and span[0] >= span[1]:
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{delivery.size}"
        return _named(refused, delivery)
    start, end = span or (0, delivery.size)
    status = 200 if span is None else 206
    answer: HttpResponseBase
    if request.method == "HEAD":
        answer = HttpResponse(status=status, content_type=delivery.media_type)
    else:
        if delivery.write_down is not None:
            delivery.write_down("" if span is None else f"bytes={start}-{end - 1}")
        answer = SteppedResponse(_pieces(delivery, start, end), delivery.media_type, delivery.reader)
        answer.status_code = status
    answer["Content-Length"] = str(end - start)
    if span is not None:
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{delivery.size}"
    answer["Content-Disposition"] = f'attachment; filename="{delivery.name}"'
    return _named(answer, delivery)


def _named(answer: HttpResponseBase, delivery: ReleaseDelivery) -> HttpResponseBase:
    answer["ETag"] = f'"{delivery.sha256}"'
    answer["Accept-Ranges"] = "bytes"
    answer["Cache-Control"] = "no-cache"  # a copy is asked for again: what was taken back must not be served by caches
    answer["X-Content-SHA256"] = delivery.sha256
    return answer


def _asked_range(request: HttpRequest, tag: str, size: int) -> tuple[int, int] | None:
    """The one range that is asked for, its end behind its last byte; None: the whole file."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if found is None or request.headers.get("If-Range", tag) != tag or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        return (max(size - int(last), 0), size) if int(last) else (size, size)
    if last and int(last) < int(first):
        return None  # no range at all (RFC 9110, 14.1.1)
    return int(first), min(int(last) + 1, size) if last else size


def _pieces(delivery: ReleaseDelivery, start: int, end: int) -> AnswerSteps:
    asked = time.monotonic()
    with delivery.path.open("rb") as file:
        file.seek(start)
        while start < end:
            if time.monotonic() - asked > _ASKED_EVERY:
                if not delivery.still():
                    raise Gone("下载途中被撤回，或授权被收回", code="opendata.gone")
                asked = time.monotonic()
            piece = file.read(min(_PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece

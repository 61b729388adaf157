"""Working directories that parties bring along: taken in as a stream, checked, kept once; no one sees another's."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Protocol

import psycopg
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.paths import spool_folder
from huisuan.compute.jobs.workdirs.archive_safety import MOST_PACKED_BYTES, check
from huisuan.compute.models import Job, Upload
from huisuan.parties.acting_party import resolve_acting_party
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol import resources as wire

_CHUNK_BYTES = 1024 * 1024
KEPT = timedelta(days=30)  # after the last job that needed it ended
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Stream(Protocol):
    """What a request's body is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def take_upload(stream: Stream, uscc: str | None, viewer: Viewer, now: datetime) -> tuple[Upload, bool]:
    """Keep what the stream brings under its SHA-256; whether it is new. The same again changes nothing.

    A token that is bound to a project brings it along for that project.

    Raises:
        Refused: it is too large, no safe tar.gz, or for another party.
    """
    upload, new = _take(stream, resolve_acting_party(uscc, viewer), now)
    if viewer.project_id is not None:
        upload.projects.add(viewer.project_id)
    return upload, new


def _take(stream: Stream, party: Party, now: datetime) -> tuple[Upload, bool]:
    with tempfile.TemporaryFile(dir=spool_folder()) as file:
        sha256, size = _received(stream, file)
        if found := _known().filter(party=party, sha256=sha256).first():
            return found, False
        file.seek(0)
        check(file)
        file.seek(0)
        try:
            with transaction.atomic():
                _insert(_row(party.pk, sha256, size, file, now))
        except psycopg.errors.UniqueViolation:
            return _known().get(party=party, sha256=sha256), False  # sent twice at the same time
    return _known().get(party=party, sha256=sha256), True


def upload_of(sha256: str, viewer: Viewer) -> Upload:
    """An upload that the viewer may use.

    Raises:
        Upload.DoesNotExist: there is none.
    """
    if not sha256.isalnum():  # a NUL, say, which the database refuses to look for
        raise Upload.DoesNotExist
    found = uploads_for(viewer).filter(viewer.parties("party"), sha256=sha256).first()
    if found is None:
        raise Upload.DoesNotExist
    return found


def uploads_for(viewer: Viewer) -> QuerySet[Upload]:
    """What is kept, of any party: for a token that is bound to a project, what it or the project's jobs brought."""
    if viewer.project_id is None:
        return _known()
    brought = Upload.projects.through.objects.filter(upload=OuterRef("pk"), project=viewer.project_id)
    used = Job.objects.filter(workdir=OuterRef("pk"), project=viewer.project_id)
    return _known().filter(Exists(brought) | Exists(used))


def keep(upload: Upload) -> None:
    """Let nobody forget it before the transaction is over in which a job comes to need it.

    Raises:
        Refused: it is forgotten already.
    """
    if not _known().select_for_update().filter(pk=upload.pk).exists():
        raise NotFound(f"工作目录 {upload.sha256} 已过保存期：请重新上传", code="workdir.expired")


@transaction.atomic
def forget_uploads(now: datetime) -> int:
    """Forget the contents that no job has needed for `KEPT`; how many. One that is just being asked for stays."""
    before = now - KEPT
    needed = Job.objects.filter(workdir=OuterRef("pk")).filter(Q(ended_at__isnull=True) | Q(ended_at__gte=before))
    idle = _known().filter(~Exists(needed), uploaded_at__lt=before)
    locked = list(idle.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return idle.filter(pk__in=locked).update(content=None, forgotten_at=now)  # looked at again: a job may have come


def shown(upload: Upload) -> wire.UploadInfo:
    """An upload as its owner sees it."""
    return wire.UploadInfo(sha256=upload.sha256, size=upload.size, uploaded_at=upload.uploaded_at)


def _known() -> QuerySet[Upload]:
    return Upload.objects.filter(forgotten_at__isnull=True).defer("content")


def _received(stream: Stream, file: IO[bytes]) -> tuple[str, int]:
    """What came, now in the file: its SHA-256 and its size."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > MOST_PACKED_BYTES:
            raise InvalidRequest(
                f"工作目录打包后超过 {MOST_PACKED_BYTES // 2**20} MiB：请用 .huisuanignore 排除数据与环境",
                code="workdir.too_large",
            )
        digest.update(chunk)
        file.write(chunk)
    if not size:
        raise InvalidRequest("没有收到内容：请在请求正文里放 tar.gz，并写明 Content-Length", code="workdir.empty")
    return digest.hexdigest(), size


def _insert(row: Iterable[bytes]) -> None:
    """Store a row piece by piece, by COPY: an INSERT would hold 200 MiB several times over.

    Raises:
        psycopg.errors.UniqueViolation: the party has it already.
    """
    connection.ensure_connection()
    columns = "party_id, sha256, size, content, uploaded_at"
    with (
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(f"COPY compute_upload ({columns}) FROM STDIN (FORMAT binary)") as copy,
    ):
        for piece in row:
            copy.write(piece)


def _row(party: int, sha256: str, size: int, content: IO[bytes], now: datetime) -> Iterator[bytes]:
    """One row in PostgreSQL's binary form of COPY: a header, each field after its length, an end."""
    yield b"PGCOPY\n\xff\r\n\0" + bytes(8) + (5).to_bytes(2)
    yield _field(party.to_bytes(8)) + _field(sha256.encode()) + _field(size.to_bytes(8)) + size.to_bytes(4)
    while chunk := content.read(_CHUNK_BYTES):
        yield chunk
    yield _field(((now - POSTGRES_EPOCH) // timedelta(microseconds=1)).to_bytes(8)) + b"\xff\xff"


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(4) + value

"""Files and folders of a job as a stream: in steps, None where the centre has not answered, so that no thread waits.

Whoever serves a stream takes step after step at the reader's pace. What changed meanwhile ends it with a refusal, and
so the connection: a download is whole or visibly broken, never cut in silence.
"""

from __future__ import annotations

import io
import secrets
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from huisuan.base.errors import Conflict, Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.compute.jobs.files.held_answers import PASSING
from huisuan.compute.jobs.files.queries import listing, make_question, piece
from huisuan.compute.jobs.files.requests import Asker
from huisuan.protocol.agent_files import FILE_PIECE_BYTES, Area
from huisuan.protocol.job_files import FileListing, ListedFile

Found = TypeVar("Found")
FileSteps = Iterator[bytes | None]
_AHEAD = 3
_ANSWER_SECONDS = 60.0  # that a centre may take for a step
MOST_ARCHIVED = 100_000  # entries of an archive: its directory is in memory until its end
_MOST_NAMED = 1000  # of what is left out
_LEFT_OUT = "没有收入-not-included.txt"


@dataclass(frozen=True)
class StreamedFile:
    """A file of that version, from byte `start` on."""

    area: Area
    path: str
    version: str
    size: int
    start: int = 0


def new_reader(asker: Asker) -> Asker:
    """The asker as a reader of its own, whose pieces nobody else takes."""
    return Asker(asker.job, asker.run, asker.centre, secrets.token_hex(16))


def file_steps(asker: Asker, file: StreamedFile) -> FileSteps:
    """The bytes of a file.

    Raises:
        Refused: in the middle, where it changed or the centre is silent.
    """
    offset = file.start
    while offset < file.size:
        question = make_question(
            asker, file.area, "read", file.path, offset=offset, length=FILE_PIECE_BYTES, version=file.version
        )
        found = yield from _answered(lambda asked=question: piece(asker, asked, _now(), ahead=_AHEAD))  # type: ignore[misc]
        if found.size != file.size or not found.content:
            raise Conflict(f"{file.path} 在取的过程中变了：请重新取", code="files.changed")
        yield found.content
        offset += len(found.content)


def folder_steps(asker: Asker, area: Area, path: str) -> FileSteps:
    """A folder with all that lies below it, as a ZIP archive that is not compressed; what is left out is named in it.

    Raises:
        Refused: in the middle, where a file changed, there are too many, or the centre is silent.
    """
    sink, left_out = _Sink(), _LeftOut()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in _entries(asker, area, path, left_out):
            if len(archive.filelist) >= MOST_ARCHIVED:
                raise Conflict(
                    f"超过 {MOST_ARCHIVED:,} 个文件，打不成一个包：请用 huisuan job get 取，或逐个文件夹下载",
                    code="files.archive_too_large",
                )
            if entry is None:
                yield None
            elif entry.kind == "folder":
                archive.writestr(_member(entry, path, "/"), b"")
            elif entry.kind == "file":
                with archive.open(_member(entry, path), "w", force_zip64=True) as member:
                    for content in file_steps(asker, StreamedFile(area, entry.path, entry.version, entry.size)):
                        member.write(content or b"")
                        yield sink.taken() if content else None
            else:
                left_out.add(f"{entry.path} → {entry.target}" if entry.kind == "link" else entry.path)
            if given := sink.taken():
                yield given
        if left_out.count:
            archive.writestr(left_out.name(archive), left_out.text())
    yield sink.taken()


class _LeftOut:
    """What an archive does not hold: the first names, and how many there are."""

    def __init__(self) -> None:
        self.count, self._names = 0, list[str]()

    def add(self, name: str) -> None:
        self.count += 1
        if len(self._names) < _MOST_NAMED:
            self._names.append(name)

    def name(self, archive: zipfile.ZipFile) -> str:
        """A name that no file of the archive has."""
        taken = _LEFT_OUT in archive.NameToInfo
        return f"{secrets.token_hex(4)}-{_LEFT_OUT}" if taken else _LEFT_OUT

    def text(self) -> str:
        rest = self.count - len(self._names)
        more = [f"…… 另有 {rest:,} 个 (and {rest:,} more)"] if rest else []
        return "\n".join(["链接与特殊文件，没有收入 (links and special files):", *self._names, *more, ""])


def _entries(asker: Asker, area: Area, path: str, left_out: _LeftOut) -> Iterator[ListedFile | None]:
    after: str | None = ""
    while after is not None:
        question = make_question(asker, area, "list", path, after=after, deep=True)
        page: FileListing = yield from _answered(lambda asked=question: listing(asker, asked, _now()))  # type: ignore[misc]
        yield from page.items
        if page.note:
            left_out.add(page.note)
        after = page.next


def _answered(look: Callable[[], Found | None]) -> Generator[None, None, Found]:
    """What is asked for, once it is there; a step of nothing each time that it is not.

    Raises:
        Unavailable: the centre does not answer.
    """
    until = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            if (found := look()) is not None:
                return found
        except Unavailable as busy:  # other downloads hold all that may be held: it waits for them
            if busy.code not in PASSING or time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise Unavailable("中心没有答复：请稍后再取", code="files.centre_silent")
        yield None


def _member(entry: ListedFile, below: str, end: str = "") -> zipfile.ZipInfo:
    """The head of a member. On Windows a backslash parts folders: in names it becomes a wide one."""
    name = entry.path[len(below) :].lstrip("/").replace("\\", "＼")
    at = (entry.modified_at or datetime(1980, 1, 1, tzinfo=UTC)).astimezone(SHANGHAI)
    when = (min(max(at.year, 1980), 2107), at.month, at.day, at.hour, at.minute, at.second)
    made = zipfile.ZipInfo(name + end, when)
    made.external_attr = (0o40755 if end else 0o100644) << 16
    return made


class _Sink(io.RawIOBase):
    """What an archive writes, until it is taken."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self._held += content
        return len(content)

    def taken(self) -> bytes:
        found = bytes(self._held)
        self._held.clear()
        return found


def _now() -> datetime:
    return datetime.now(UTC)

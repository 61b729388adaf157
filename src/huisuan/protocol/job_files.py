"""The files of a job's runs as the API shows them. Paths as in `file_names`; sizes in bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from huisuan.protocol.resources import ResponseModel


class ListedFile(ResponseModel):
    """A file, a folder, a link (shown with its target, never followed) or something else, with its path in the area."""

    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int = 0
    modified_at: AwareDatetime | None = None
    version: str = ""
    target: str = ""


class FileListing(ResponseModel):
    """Entries in order; `next` continues (as `after`), None at the end. `note`: folders not listed, and why."""

    items: list[ListedFile]
    next: str | None
    note: str = ""


class FileHash(ResponseModel):
    """The SHA-256 of a whole file, as the centre counted it over this version of it."""

    path: str
    size: int
    version: str
    sha256: str


class StillAsking(ResponseModel):
    """The centre was asked and has not answered yet: ask again, the same, in a moment."""

    waiting: bool = True


class OutputsInfo(ResponseModel):
    """What a centre keeps of one run's results, until when. `over_quota`: more than it keeps, so for a day only."""

    run: int
    centre: str
    files: int
    size: int
    kept_until: AwareDatetime
    over_quota: bool
    note: str


class JobFiles(ResponseModel):
    """Which files of a job there are: the folder that it declared, what the centre says of keeping it, and each run."""

    outputs: str
    centre: str | None
    run: int
    keeps: bool
    why: str
    runs: list[OutputsInfo]


class FoundLine(ResponseModel):
    """A line of a job's output that holds the text: its number from 1 on, and the byte at which it begins."""

    number: int
    offset: int
    text: str


class LogMatches(ResponseModel):
    """Lines that hold a text; `next_offset` and `next_number` continue the search, None where all was searched."""

    items: list[FoundLine]
    next_offset: int | None
    next_number: int | None


class FilePiece(ResponseModel):
    """Bytes of a file at a place, with the size of the whole and its version."""

    content: bytes
    offset: int
    size: int
    version: str

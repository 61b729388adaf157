"""Searching what a job wrote, and handing out all of it: piece by piece, however much it is."""

from __future__ import annotations

from collections.abc import Iterator

from huisuan.base.errors import InvalidRequest
from huisuan.compute.models import Job, JobLog
from huisuan.protocol.job_files import FoundLine, LogMatches

MOST_FOUND = 200  # lines in one answer
MOST_SEARCHED = 32 * 2**20  # bytes for one answer; `next_offset` goes on
_LONGEST_TEXT = 200
LONGEST_LINE = 2000  # characters of a line that are shown; what is longer says so by its end


def search_log(job: Job, text: str, *, ignore_case: bool = False, offset: int = 0, number: int = 1) -> LogMatches:
    """The lines that hold a text, from the line on that begins at `offset` and has that number.

    Raises:
        InvalidRequest: no text, one too long, or a place before the beginning.
    """
    if not text or len(text) > _LONGEST_TEXT or "\n" in text:
        raise InvalidRequest(f"要找的文字应为 1 至 {_LONGEST_TEXT} 个字，在一行之内", code="job.search_text_malformed")
    if offset < 0 or number < 1:
        raise InvalidRequest("offset 不能为负，number 从 1 起", code="page.offset_negative")
    wanted = text.casefold() if ignore_case else text
    found: list[FoundLine] = []
    begin, searched = offset, 0
    for line in _lines(job, offset):
        if len(found) >= MOST_FOUND or searched > MOST_SEARCHED:
            return LogMatches(items=found, next_offset=begin, next_number=number)
        shown = line.decode("utf-8", "replace")
        if wanted in (shown.casefold() if ignore_case else shown):
            shown = shown.rstrip("\r\n")
            cut = shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…（共 {len(shown):,} 字）"
            found.append(FoundLine(number=number, offset=begin, text=cut))
        begin, number, searched = begin + len(line), number + 1, searched + len(line)
    return LogMatches(items=found, next_offset=None, next_number=None)


def log_pieces(job: Job, offset: int = 0) -> Iterator[bytes]:
    """What a job wrote, from an offset in bytes on, a piece at a time."""
    pieces = JobLog.objects.filter(job=job).order_by("offset")
    first = pieces.filter(offset__lte=offset).order_by("-offset").values_list("offset", flat=True).first()
    for piece in pieces.filter(offset__gte=first or 0).iterator(chunk_size=4):
        content = bytes(piece.content)
        if piece.offset + len(content) > offset:
            yield content[max(offset - piece.offset, 0) :]


def _lines(job: Job, offset: int) -> Iterator[bytes]:
    rest = b""
    for content in log_pieces(job, offset):
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest

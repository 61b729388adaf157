"""The end of a job's output."""

from __future__ import annotations

from dataclasses import dataclass

from huisuan.compute.models import Job, JobLog

TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Tail:
    """The last bytes of a job's output as text, and how many came before them."""

    text: str
    skipped: int


def tail(job: Job) -> Tail:
    """The last 16 KiB of a job's output; a character cut in two at the front is left out."""
    pieces: list[bytes] = []
    held, start = 0, 0
    for piece in JobLog.objects.filter(job=job).order_by("-offset").iterator(chunk_size=16):
        content = bytes(piece.content)
        pieces.insert(0, content)
        held, start = held + len(content), piece.offset
        if held >= TAIL_BYTES:
            break
    content = b"".join(pieces)
    cut = max(len(content) - TAIL_BYTES, 0)
    skipped = start + cut
    text = content[cut:].decode("utf-8", errors="ignore" if skipped else "replace")
    return Tail(text, skipped)

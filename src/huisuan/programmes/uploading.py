"""What an upload may put on the disk before anyone has looked at it: no more than a file may have, and one byte."""

from __future__ import annotations

from django.core.files.uploadhandler import FileUploadHandler

from huisuan.programmes.evidence import LARGEST_BYTES


class Bounded(FileUploadHandler):
    """Drops what comes after the largest size: the file that is left is too large still, and is refused as such."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """The part of a chunk that later handlers may see."""
        room = LARGEST_BYTES + 1 - start
        return raw_data[:room] if room > 0 else None

    def file_complete(self, file_size: int) -> None:
        """The file is another handler's to give."""

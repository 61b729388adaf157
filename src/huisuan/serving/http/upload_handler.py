"""Where a file that a form brings lies while it is looked at: in a file without a name, of which a kill leaves nothing.

How much a form may bring is `serving/http/limits.py`; how large one file may be, whoever takes it says.
"""

from __future__ import annotations

import tempfile
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from huisuan.base.paths import spool_folder


class UnnamedFileHandler(FileUploadHandler):
    """Takes what the handler for small files leaves."""

    file: IO[bytes]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.file = tempfile.TemporaryFile(dir=spool_folder())  # noqa: SIM115 - closed with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Add to it."""
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """The file, at its beginning."""
        self.file.seek(0)
        return UploadedFile(
            self.file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        )

    def upload_interrupted(self) -> None:
        """Let it go."""
        if hasattr(self, "file"):
            self.file.close()

"""What is here of a file that is being fetched: bytes so far, and which version of it they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

from huisuan.base.errors import Conflict
from huisuan.base.hashing import file_sha256, text_sha256


class PartFile:
    """The beginning of the file of that name, in `folder`: its version, and the size of the whole, None: not known yet.

    Raises:
        Conflict: the folder is a link.
    """

    version: str
    whole: int | None

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise Conflict(f"{folder} 是链接：请换一个目标文件夹", code="files.target_in_the_way")
        self.content = folder / text_sha256(name)[:32]
        self.about = self.content.with_suffix(".json")
        self.version, self.whole = "", None
        try:
            told = json.loads(self.about.read_text("utf-8"))
            self.version, self.whole = str(told["version"]), int(told["size"])
        except (OSError, ValueError, KeyError, TypeError):
            self.restart()

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.content.stat().st_size if self.content.exists() else 0

    def append(self, content: bytes, version: str, whole: int) -> None:
        """Add what follows."""
        if version != self.version or whole != self.whole:
            self.version, self.whole = version, whole
            self.about.write_text(json.dumps({"version": version, "size": whole}), "utf-8")
        with self.content.open("ab") as file:
            file.write(content)

    def sha256(self) -> str:
        """Of what is here."""
        return file_sha256(self.content)

    def restart(self) -> None:
        """Begin anew."""
        self.version, self.whole = "", None
        self.content.unlink(missing_ok=True)
        self.about.unlink(missing_ok=True)

    def move_to(self, local: Path) -> None:
        """Put the complete file in its place.

        Raises:
            Conflict: a folder has that name.
        """
        if local.is_dir() and not local.is_symlink():
            raise Conflict(f"{local} 是文件夹：请换一个目标文件夹", code="files.target_in_the_way")
        with self.content.open("rb") as file:
            os.fsync(file.fileno())
        self.content.replace(local)
        self.about.unlink(missing_ok=True)

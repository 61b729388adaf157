"""Fetching files of a job into a folder: resumed where it stopped, checked by SHA-256, in place whole or not at all.

What a centre lists is not trusted: nothing is written outside the target, through a link, or over something that is
there already (unless asked for). Parts wait in `.huisuan-part` beside what is complete.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from huisuan.base.errors import Conflict, Refused
from huisuan.base.hashing import file_sha256
from huisuan.client.files import FileCalls
from huisuan.client.jobs import Pause
from huisuan.client.part_file import PartFile
from huisuan.client.transport import ClientError
from huisuan.protocol.agent_files import Area
from huisuan.protocol.file_names import BadPath, path_to_names, text_to_name
from huisuan.protocol.job_files import ListedFile

PARTS_FOLDER = ".huisuan-part"
_AT_ONCE = 4  # files
_HASHED_AHEAD = 32 * 2**20  # bytes: of larger files the hash is asked for before the first piece
_MOST_LISTED = 1_000_000  # entries: what lists on and on is no folder
#: refusals of one path; of several that are asked for, the others are fetched all the same
_OF_ONE_PATH = {"files.missing", "files.link", "files.not_a_regular_file", "files.unreadable", "files.path_malformed"}
_TRIES = 3  # of a file that changes while it is fetched


@dataclass(frozen=True)
class FileSource:
    """Whose files: an area of a run (None: the present one)."""

    uid: str
    area: Area = "outputs"
    run: int | None = None


@dataclass(frozen=True)
class FetchedFile:
    """A file that is there now, at `local`; `how`: fetched, from where an earlier try stopped, or there already."""

    path: str
    local: str
    size: int
    sha256: str
    how: Literal["fetched", "resumed", "unchanged"]


@dataclass
class FetchReport:
    """What became of everything that was asked for: nothing is left out in silence."""

    files: list[FetchedFile] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # path, why: links that lead out, pipes
    failed: list[tuple[str, str, str]] = field(default_factory=list)  # path, why, code


class Fetcher:
    """Fetches from one source into `target`; `on_progress` hears of bytes that arrived, from several threads."""

    def __init__(
        self, client: FileCalls, source: FileSource, target: Path, *, overwrite: bool = False,
        on_total: Callable[[int], None] = lambda _: None, on_progress: Callable[[int], None] = lambda _: None,
        pause: Pause = time.sleep,
    ) -> None:  # fmt: skip
        self.client, self.source, self.target, self.overwrite = client, source, target, overwrite
        self._on_total, self._on_progress, self._pause = on_total, on_progress, pause
        self._lock = threading.Lock()
        self._taken: dict[Path, str] = {}  # by whom a place here is taken

    def fetch(self, paths: Sequence[str]) -> FetchReport:
        """Fetch files and folders, "" for everything, each to its own path below the target.

        Raises:
            Refused: the only path is none or not there (of several, the report says so); the centre cannot be asked.
        """
        return self.fetch_to([(path, path) for path in paths])

    def fetch_to(self, pairs: Sequence[tuple[str, str]]) -> FetchReport:
        """Fetch each path to another one below the target; both as in protocol.file_names.

        Raises:
            Refused: as `fetch`.
        """
        report = FetchReport()
        self._taken.clear()
        files: list[tuple[ListedFile, Path]] = []
        links: list[tuple[ListedFile, Path, Path]] = []
        for path, name in pairs:
            try:
                for entry in self._asked_for(path, report):
                    self._sort(entry, path, name, report, files, links)
            except ClientError as error:
                if len(pairs) == 1 or error.code not in _OF_ONE_PATH:
                    raise
                report.failed.append((path, str(error), error.code))
        self._on_total(sum(entry.size for entry, _ in files))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda each: self._fetch_or_tell(each[0], each[1], report), files))
        for entry, local, top in links:
            self._link(entry, local, top, report)
        with suppress(OSError):
            (self.target / PARTS_FOLDER).rmdir()
        report.files.sort(key=lambda file: file.path)
        return report

    # --- what there is

    def _asked_for(self, path: str, report: FetchReport) -> Iterator[ListedFile]:
        """What lies there and below, and nothing else that a centre may list."""
        for count, entry in enumerate(self._below(path, report)):
            if count >= _MOST_LISTED:
                raise Conflict(f"超过 {_MOST_LISTED:,} 个文件：请逐个文件夹取", code="files.too_many")
            if path and entry.path != path and not entry.path.startswith(f"{path}/"):
                report.failed.append((entry.path, f"中心列出了没有要的 {entry.path}", "files.not_asked_for"))
            else:
                yield entry

    def _below(self, path: str, report: FetchReport) -> Iterator[ListedFile]:
        def told(note: str) -> None:
            report.failed.append((path, note, "files.unlisted"))

        asked: dict[str, Any] = {
            "area": self.source.area,
            "run": self.source.run,
            "pause": self._pause,
            "on_note": told,
        }
        try:
            yield from self.client.list_files(self.source.uid, path, deep=True, **asked)
        except ClientError as error:
            if error.code != "files.not_a_folder":
                raise
            parent = path.rpartition("/")[0]
            found = (each for each in self.client.list_files(self.source.uid, parent, **asked) if each.path == path)
            yield from found

    def _sort(
        self, entry: ListedFile, path: str, name: str, report: FetchReport,
        files: list[tuple[ListedFile, Path]], links: list[tuple[ListedFile, Path, Path]],
    ) -> None:  # fmt: skip
        try:
            local = self._local(name + entry.path[len(path) :] if path else f"{name}/{entry.path}".lstrip("/"))
        except BadPath as problem:
            report.failed.append((entry.path, str(problem), "files.path_malformed"))
            return
        if entry.kind != "folder" and (other := self._taken.get(local)) is not None:
            if other != entry.path:  # else it is asked for twice
                report.failed.append((entry.path, f"{entry.path} 与 {other} 都要放到 {local}", "files.two_to_one"))
            return
        self._taken[local] = entry.path
        if entry.kind == "file":
            files.append((entry, local))
        elif entry.kind == "folder":
            with self._telling(entry.path, report):
                self._make_folder(local)
        elif entry.kind == "link":
            links.append((entry, local, self._local(name) if name else self.target))
        else:
            report.skipped.append((entry.path, "不是普通文件（管道、套接字或设备）"))

    def _local(self, path: str) -> Path:
        """Where a path lies below the target.

        Raises:
            BadPath: it would not.
        """
        return self.target.joinpath(*map(os.fsdecode, path_to_names(path)))

    # --- one file

    def _fetch_or_tell(self, entry: ListedFile, local: Path, report: FetchReport) -> None:
        with self._telling(entry.path, report):
            self._make_folder(local.parent)
            found = self._fetch(entry, local)
            with self._lock:
                report.files.append(found)

    def _telling(self, path: str, report: FetchReport) -> _Telling:
        return _Telling(path, report, self._lock)

    def _fetch(self, entry: ListedFile, local: Path) -> FetchedFile:
        uid, asked = self.source.uid, {"area": self.source.area, "run": self.source.run, "pause": self._pause}
        if local.is_symlink() or local.exists():
            told = self.client.file_hash(uid, entry.path, **asked)  # type: ignore[arg-type]
            if local.is_file() and not local.is_symlink() and file_sha256(local) == told.sha256:
                self._on_progress(entry.size)
                return FetchedFile(entry.path, str(local), told.size, told.sha256, "unchanged")
            if not self.overwrite:
                raise Conflict(f"{local} 已经存在，内容不同：加 --overwrite 覆盖，或换一个文件夹", code="files.exists")
        if entry.size >= _HASHED_AHEAD:
            self.client.ask_hash(uid, entry.path, area=self.source.area, run=self.source.run)
        part = PartFile(self.target / PARTS_FOLDER, f"{uid} {self.source.area} {self.source.run} {entry.path}")
        resumed = part.size > 0
        for number in range(_TRIES):
            try:
                self._pieces(entry, part)
                told = self.client.file_hash(uid, entry.path, version=part.version, **asked)  # type: ignore[arg-type]
                break
            except ClientError as error:
                if error.code != "files.changed" or number == _TRIES - 1:
                    raise
                part.restart()  # it was written meanwhile: what is here is of another version
        if part.sha256() != told.sha256:
            part.restart()
            raise Conflict(
                f"{entry.path} 的内容与中心算的 SHA-256 不同（{told.sha256[:12]}…）：已丢弃，请重新取",
                code="files.hash_differs",
            )
        part.move_to(local)
        return FetchedFile(entry.path, str(local), told.size, told.sha256, "resumed" if resumed else "fetched")

    def _pieces(self, entry: ListedFile, part: PartFile) -> None:
        reader = secrets.token_hex(8)
        self._on_progress(part.size)
        while part.whole is None or part.size < part.whole:
            piece = self.client.file_piece(
                self.source.uid, entry.path, part.size, area=self.source.area, run=self.source.run,
                version=part.version, reader=reader, pause=self._pause,
            )  # fmt: skip
            if not piece.content and part.size < piece.size:
                raise Conflict(f"{entry.path} 的内容没有取全：请重新取", code="files.piece_empty")
            part.append(piece.content, piece.version, piece.size)
            self._on_progress(len(piece.content))

    def _make_folder(self, folder: Path) -> None:
        """Make a folder below the target, through no link.

        Raises:
            Conflict: a link or a file is on the way.
        """
        here = self.target
        here.mkdir(parents=True, exist_ok=True)
        for name in folder.relative_to(self.target).parts:
            here = here / name
            with suppress(FileExistsError):
                here.mkdir()
            if here.is_symlink() or not here.is_dir():
                raise Conflict(f"{here} 不是文件夹：请换一个目标文件夹", code="files.target_in_the_way")

    def _link(self, entry: ListedFile, local: Path, top: Path, report: FetchReport) -> None:
        """Make a link anew where it stays within what was fetched; else say that it was left out."""
        with self._telling(entry.path, report):
            target = os.fsdecode(text_to_name(entry.target))
            if _leads_out(target, len(local.relative_to(top).parts) - 1):
                report.skipped.append((entry.path, f"是链接，会（或可能）指向外面的 {entry.target}"))
                return
            self._make_folder(local.parent)
            if local.is_symlink() and str(local.readlink()) == target:
                return
            if local.is_symlink() or local.exists():
                raise Conflict(f"{local} 已经存在：链接没有重建", code="files.exists")
            local.symlink_to(target)


def _leads_out(target: str, depth: int) -> bool:
    """Whether a link may lead out of what was fetched, that lies so many folders below its top.

    Upwards by its first steps only: after a name, that may be a link itself, nobody knows what `..` is.
    """
    steps = [step for step in target.split("/") if step not in ("", ".")]
    up = next((count for count, step in enumerate(steps) if step != ".."), len(steps))
    return target.startswith("/") or not target or up > max(depth, 0) or ".." in steps[up:]


class _Telling:
    """Puts a refusal, or a name that cannot be, into the report instead of ending everything."""

    def __init__(self, path: str, report: FetchReport, lock: threading.Lock) -> None:
        self.path, self.report, self.lock = path, report, lock

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> bool:
        if isinstance(error, Refused):
            words, code = str(error), error.code
        elif isinstance(error, OSError):
            words, code = f"写不下：{error.strerror or error}", "files.cannot_write"
        elif isinstance(error, ValueError):  # BadPath, or what this system takes for no name
            words, code = f"{self.path} 不能作这里的文件名：{error}", "files.path_malformed"
        else:
            return False
        with self.lock:
            self.report.failed.append((self.path, words, code))
        return True

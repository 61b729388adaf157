"""A folder packed so that the same folder always gives the same bytes: uploaded once, however often it is used."""

from __future__ import annotations

import fnmatch
import gzip
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, Refused
from huisuan.base.hashing import file_sha256
from huisuan.compute.jobs.workdirs.archive_safety import MOST_ENTRIES, MOST_PACKED_BYTES, MOST_UNPACKED, check_link

IGNORE = ".huisuanignore"
ALWAYS_LEFT_OUT = (".git/", "__pycache__/", ".venv/", "node_modules/", IGNORE)
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Packed:
    """A packed folder: its file, and what it is called."""

    file: Path
    sha256: str
    size: int
    entries: int


class Ignored:
    """The lines of `.huisuanignore`: a name or pattern anywhere, `/x` or `a/b` from the top, `x/` folders only."""

    def __init__(self, lines: Iterator[str]) -> None:
        given = [line.strip() for line in lines]
        self.patterns = [line for line in given if line and not line.startswith("#")]

    @classmethod
    def of(cls, folder: Path) -> Ignored:
        """Those of a folder, and what is always left out.

        Raises:
            Refused: a line that is not understood.
        """
        file = folder / IGNORE
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        for number, line in enumerate(lines, start=1):
            if line.strip().startswith("!"):
                raise InvalidRequest(
                    f"{file} 第 {number} 行：不支持以 ! 重新收入，请改写其余的行",
                    code="workdir.ignore_pattern_unsupported",
                )
        return cls(iter([*ALWAYS_LEFT_OUT, *lines]))

    def leaves_out(self, path: str, is_folder: bool) -> bool:
        """Whether a path (from the top, with /) stays behind."""
        return any(_fits(pattern, path, is_folder) for pattern in self.patterns)


def _fits(pattern: str, path: str, is_folder: bool) -> bool:
    if pattern.endswith("/"):
        if not is_folder:
            return False
        pattern = pattern[:-1]
    if "/" in pattern:
        return fnmatch.fnmatchcase(path, pattern.removeprefix("/"))
    return fnmatch.fnmatchcase(PurePosixPath(path).name, pattern)


def pack(folder: Path, file: Path, told: Callable[[int], None] = lambda _: None) -> Packed:
    """Pack a folder into a file; `told` hears how many bytes went in so far.

    Names in order, no owners, no times: who packs the same folder again gets the same bytes.

    Raises:
        Refused: there is no such folder, a link leads out of it, or it is too large.
    """
    if not folder.is_dir():
        raise InvalidRequest(f"工作目录 {folder} 不是文件夹", code="workdir.not_a_folder")
    entries = total = 0
    with file.open("wb") as out:
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path, name in _files(folder, Ignored.of(folder)):
                total += _add(archive, path, name)
                entries += 1
                told(total)
                if total > MOST_UNPACKED or entries > MOST_ENTRIES or out.tell() > MOST_PACKED_BYTES:
                    raise InvalidRequest(_too_large(folder, total, entries), code="workdir.too_large")
        if out.tell() > MOST_PACKED_BYTES:
            raise InvalidRequest(_too_large(folder, total, entries), code="workdir.too_large")
    return Packed(file, file_sha256(file), file.stat().st_size, entries)


def _files(folder: Path, ignored: Ignored) -> Iterator[tuple[Path, str]]:
    """Everything below a folder, in order of the names, with its path from the top; links are not followed."""
    for here, folders, files in os.walk(folder):
        top = Path(here).relative_to(folder).as_posix()
        before = "" if top == "." else f"{top}/"
        folders[:] = sorted(name for name in folders if not ignored.leaves_out(f"{before}{name}", is_folder=True))
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        for name in sorted([*folders, *files]):
            path = f"{before}{name}"
            if (name in folders and name not in links) or not ignored.leaves_out(path, is_folder=False):
                yield Path(here) / name, path


def _add(archive: tarfile.TarFile, path: Path, name: str) -> int:
    """Put one file, folder or link into the archive; its size in bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            f"{path} 的名字不是 UTF-8：请改名，或写进 {IGNORE}", code="workdir.name_not_utf8"
        ) from None
    kind = path.lstat()
    entry = tarfile.TarInfo(name)
    if stat.S_ISLNK(kind.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, _target(path, name)
        archive.addfile(entry)
        return 0
    entry.mode = 0o755 if kind.st_mode & stat.S_IXUSR else 0o644
    if stat.S_ISDIR(kind.st_mode):
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
        return 0
    if not stat.S_ISREG(kind.st_mode):
        raise InvalidRequest(
            f"{path} 不是普通文件（套接字、管道或设备）：请写进 {IGNORE}", code="workdir.not_a_regular_file"
        )
    try:
        with path.open("rb") as content:
            entry.size = os.fstat(content.fileno()).st_size
            archive.addfile(entry, content)
    except PermissionError:
        raise NotAllowed(f"无权读取 {path}：请写进 {IGNORE}，或改正权限", code="file.not_readable") from None
    except OSError as error:
        raise Conflict(
            f"{path} 在打包时变了（{error.strerror or error}）：请等写入结束后重试", code="workdir.changed_while_packed"
        ) from None
    return entry.size


def _target(link: Path, name: str) -> str:
    """Where a link leads, as it is written.

    Raises:
        Refused: it may lead out of the packed folder.
    """
    target = str(link.readlink())
    try:
        check_link(name, target)
    except Refused:
        raise InvalidRequest(
            f"链接 {link} 指向工作目录之外的 {target}：请换成文件，或写进 {IGNORE}", code="workdir.link_outside"
        ) from None
    return target


def _too_large(folder: Path, total: int, entries: int) -> str:
    return (
        f"工作目录 {folder} 太大（{entries:,} 个文件、{total / 2**20:,.0f} MiB）："
        f"打包后最多 {MOST_PACKED_BYTES // 2**20} MiB，展开最多 {MOST_UNPACKED // 2**30} GiB、{MOST_ENTRIES:,} 个文件；"
        f"请把数据和环境写进 {IGNORE}"
    )

"""What a policy was read from: every file that decides about answers, those of settings adopted later included."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

from huisuan.base.paths import home
from huisuan.law.model.errors import LawError

DECIDING = ("*.py", "*.toml", "*.md")
#: name, inode, size, last written and last changed, in ns, of the files in a folder
_Stamp: TypeAlias = tuple[tuple[str, int, int, int, int], ...]
#: a file written again within one tick of its file system's clock looks unchanged: younger ones are always read
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True)
class Source:
    """One file: its name in the policy, its SHA-256 and, if it holds settings, since when they are known."""

    name: str
    path: Path
    sha256: str
    known_from: date | None = None


def overlay_folders(name: str) -> tuple[Path, ...]:
    """Where settings lie that were adopted since the policy was encoded: files like its own `settings/*.toml`.

    `<home>/settings/<name>` holds what the platform adopted; `HUISUAN_SETTINGS` (paths separated like PATH) names
    further folders with one folder per policy in each.
    """
    named = [Path(part) for part in os.environ.get("HUISUAN_SETTINGS", "").split(os.pathsep) if part]
    return (adopted_folder(name), *(place / name for place in named))


def adopted_folder(name: str) -> Path:
    """Where the platform of this home keeps what it adopted for a policy."""
    return home() / "settings" / name


def list_setting_files(folder: Path) -> list[Path]:
    """The settings files in a folder, by name; hidden ones are drafts. A folder that is not there holds none.

    Raises:
        LawError: it is there and cannot be read; what it holds must not be passed over.
    """
    try:
        found = list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LawError(f"{folder}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable") from None
    return sorted(path for path in found if path.suffix == ".toml" and not path.name.startswith("."))


def list_sources(folder: Path, adopted: Iterable[Path] = ()) -> tuple[Source, ...]:
    """The files of a policy's folder and of its overlays, in one order on every machine.

    Files that nobody touched since they were last listed are not read again.

    Raises:
        LawError: there are none, or one cannot be read.
    """
    places = tuple(adopted)
    now, stamps = time.time_ns(), _stamps((folder, folder / "settings", folder / "changes", *places))
    known = _listed.get((folder, places))
    if known is not None and stamps == known[0]:
        return known[1]
    found = _read_sources(folder, places)
    if stamps is not None and all(now - max(each[3:]) > _SETTLED_NS for stamp in stamps for each in stamp):
        _listed[folder, places] = stamps, found
    return found


#: by folder and overlays what was listed last, and how the files looked just before
_listed: dict[tuple[Path, tuple[Path, ...]], tuple[tuple[_Stamp, ...], tuple[Source, ...]]] = {}


def _stamps(places: Iterable[Path]) -> tuple[_Stamp, ...] | None:
    """How the deciding files of some folders look without being read; None where one cannot be looked at."""
    try:
        return tuple(_stamp(place) for place in places)
    except OSError:
        return None


def _stamp(place: Path) -> _Stamp:
    try:
        with os.scandir(place) as entries:
            looked = [(one.name, one.stat()) for one in entries if one.name.endswith((".py", ".toml", ".md"))]
    except FileNotFoundError:
        return ()
    return tuple(
        sorted((name, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns) for name, at in looked)
    )  # fmt: skip


def _read_sources(folder: Path, adopted: Iterable[Path]) -> tuple[Source, ...]:
    found = [path for kind in DECIDING for path in folder.glob(kind)] + list_setting_files(folder / "settings")
    found += list_setting_files(folder / "changes")
    if not found:
        raise LawError(f"{folder} 里没有政策", code="law.not_a_policy_folder")
    named = [(path.relative_to(folder).as_posix(), path) for path in sorted(found)]
    named += [(f"adopted/{path.name}", path) for place in adopted for path in list_setting_files(place)]
    return tuple(Source(name, path, _sha256(path)) for name, path in named)


def with_known_from(sources: Iterable[Source], known: Mapping[Path, date]) -> tuple[Source, ...]:
    """The same, where files of settings say since when they are known."""
    return tuple(replace(source, known_from=known.get(source.path)) for source in sources)


def sources_digest(sources: Iterable[Source], as_known: date = date.max) -> str:
    """SHA-256 over names and contents of what was known on a day."""
    known = (source for source in sources if source.known_from is None or source.known_from <= as_known)
    return hashlib.sha256("".join(f"{source.sha256} {source.name}\n" for source in known).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise LawError(f"{path}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable") from None

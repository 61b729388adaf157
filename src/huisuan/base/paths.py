"""Where the platform keeps its files on this machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import platformdirs

# PostgreSQL's socket lies in the data directory, and a Unix socket's path must stay below 104 bytes (macOS).
_MAX_HOME_BYTES = 80


def home() -> Path:
    """The data directory: `HUISUAN_HOME`, else the user's own; for root `/var/lib/huisuan`.

    Root's does not lie under `/root`, because PostgreSQL refuses to run as root: it runs as a user of its
    own, who would need a way through `/root`.
    """
    named = os.environ.get("HUISUAN_HOME")
    if named:
        place = Path(named).expanduser().resolve()
    elif hasattr(os, "geteuid") and os.geteuid() == 0:
        place = Path("/var/lib/huisuan")
    else:
        place = Path(platformdirs.user_data_dir("huisuan", appauthor=False))
    if len(str(place).encode()) > _MAX_HOME_BYTES:
        raise SystemExit(f"HUISUAN_HOME is too long for a Unix socket ({_MAX_HOME_BYTES} bytes at most): {place}")
    return place


def ensure_folder(place: Path) -> Path:
    """The folder, made if it was not there."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"目录 {place} 建不了：{error.strerror}；请用 HUISUAN_HOME 指定一个可写的目录") from None
    return place


def spool_folder() -> str:
    """Where requests and answers lie while they are worked on: in files without a name, so that a kill leaves none."""
    return str(ensure_folder(home() / "spool"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:  # a full disk, say
        draft.unlink(missing_ok=True)
        raise


def secret_key() -> str:
    """The key that signs sessions: `HUISUAN_SECRET_KEY`, else one made once and kept in the data directory."""
    named = os.environ.get("HUISUAN_SECRET_KEY")
    if named:
        return named
    path = ensure_folder(home()) / "secret-key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(50))
    return path.read_text(encoding="utf-8")

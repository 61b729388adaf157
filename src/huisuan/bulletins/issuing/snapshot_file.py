"""A frozen snapshot as a file, and its digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.bulletins.figures.contributions import FIGURES_FORMAT
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.scores.formula import SNAPSHOT_FORMAT

_FORMATS = (SNAPSHOT_FORMAT, FIGURES_FORMAT)
_LARGEST = 64 * 1024 * 1024


def format_snapshot(snapshot: dict[str, Any]) -> bytes:
    """The bytes of its file: canonical JSON and a line's end."""
    return (canonical(snapshot) + "\n").encode()


def parse_snapshot(content: bytes, name: str) -> dict[str, Any]:
    """A snapshot whose digest is that of what it says.

    Raises:
        InvalidRequest: it is none, or was changed since it was frozen.
    """
    try:
        read = json.loads(content[: _LARGEST + 1])
        said = {key: value for key, value in read.items() if key != "sha256"}
        known = said["format"] in _FORMATS
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = False
    if not known:
        raise InvalidRequest(
            f"{name}：不是通报的快照（format 为 {'、'.join(_FORMATS)}）：用 huisuan bulletin snapshot 生成",
            code="bulletin.no_snapshot",
        )
    if read.get("sha256") != text_sha256(canonical(said)):
        raise InvalidRequest(f"{name}：内容与 sha256 不符，冻结之后被改过", code="bulletin.snapshot_changed")
    return dict(read)


def load_snapshot(path: Path) -> dict[str, Any]:
    """A snapshot from its file.

    Raises:
        InvalidRequest: as `parse_snapshot`.
        OSError: it cannot be read.
    """
    return parse_snapshot(path.read_bytes(), str(path))

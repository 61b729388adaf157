"""The proof of a bulletin: made anew from its snapshot, compared byte by byte, with the name of whatever differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256
from huisuan.bulletins.issuing.bulletin_folder import (
    BEFORE,
    DOCX,
    MANIFEST,
    MANIFEST_FORMAT,
    SNAPSHOT,
    TEMPLATE,
    BulletinImprint,
    list_shapers,
    make_bulletin,
)
from huisuan.bulletins.issuing.snapshot_file import parse_snapshot

_GONE = "没有这个文件"


@dataclass(frozen=True)
class BulletinDifference:
    """Something that is not as the manifest says: a file, or the version of something that shapes bytes."""

    what: str
    stated: str
    found: str


def verify_bulletin(folder: Path) -> list[BulletinDifference]:
    """Make the bulletin of a folder anew: every file that differs, and every version that does. None: it is genuine.

    A template that is not the one it was made by is named; the DOCX is not made anew with it then.

    Raises:
        InvalidRequest: there is no manifest, its snapshot is none, or its template is none for bulletins.
        OSError: a file cannot be read.
    """
    stated = _manifest(folder)
    found = []
    for name, digest in stated["files"].items():
        path = folder / Path(name).name
        here = bytes_sha256(path.read_bytes()) if path.is_file() else _GONE
        if here != digest:
            found.append(BulletinDifference(name, digest, here))
    is_other_template = any(one.what == TEMPLATE for one in found)
    is_merged = TEMPLATE in stated["files"] and not is_other_template
    template = (folder / TEMPLATE).read_bytes() if is_merged else b""
    made = _make_anew(folder, stated, template)
    not_made = {MANIFEST, SNAPSHOT, BEFORE, TEMPLATE, *([DOCX] if is_other_template else [])}
    for name in sorted(set(made) - not_made):
        anew = bytes_sha256(made[name])
        if anew != stated["files"].get(name):
            found.append(BulletinDifference(f"{name}（由快照重做）", str(stated["files"].get(name)), anew))
    now, then = list_shapers(template), stated["shaped_by"]
    for name in sorted(now.keys() if is_other_template else now.keys() | then.keys()):
        if now.get(name) != then.get(name):
            found.append(BulletinDifference(name, str(then.get(name)), str(now.get(name))))
    return found


def _make_anew(folder: Path, stated: Mapping[str, Any], template: bytes) -> dict[str, bytes]:
    read = {
        name: parse_snapshot((folder / name).read_bytes(), name)
        for name in (SNAPSHOT, BEFORE)
        if name in stated["files"]
    }
    said = stated["imprint"]
    imprint = BulletinImprint(
        said["office"], said["number"], date.fromisoformat(said["day"]), said["period"], tuple(said["demands"])
    )
    return make_bulletin(read[SNAPSHOT], read.get(BEFORE), imprint, template)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        read = json.loads((folder / MANIFEST).read_bytes())
        said = read["imprint"]
        whole = (
            read["format"] == MANIFEST_FORMAT and SNAPSHOT in read["files"] and isinstance(read["shaped_by"], dict)
            and all(isinstance(said[name], str) for name in ("office", "number", "day", "period"))
            and isinstance(said["demands"], list)
        )  # fmt: skip
        if whole:
            return dict(read)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FileNotFoundError):
        pass
    raise InvalidRequest(
        f"{folder}：没有通报的 {MANIFEST}：请给 huisuan bulletin make 生成的文件夹", code="bulletin.no_manifest"
    )

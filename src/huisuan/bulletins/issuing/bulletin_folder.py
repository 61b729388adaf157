"""A bulletin as a folder: what it follows from, its three formats, and a manifest of everything that shapes a byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.figures.periods import first_and_last_day
from huisuan.bulletins.issuing.cells_file import write_cells_csv, write_cells_json
from huisuan.bulletins.issuing.composing import compose_bulletin
from huisuan.bulletins.issuing.docx_file import write_docx
from huisuan.bulletins.issuing.html_page import write_html
from huisuan.bulletins.issuing.openness_letter import DEMANDS, BulletinHead
from huisuan.bulletins.issuing.snapshot_file import format_snapshot, parse_snapshot
from huisuan.documents.fonts import choose_faces, load_fonts
from huisuan.documents.typesetting import Imprint, typeset, typesetter

MANIFEST, SNAPSHOT, BEFORE = "manifest.json", "snapshot.json", "before.json"
MANIFEST_FORMAT = "huisuan-bulletin-1"
CELLS_JSON, CELLS_CSV = "cells.json", "cells.csv"
#: everything that shapes a byte of the words, the tables and the pictures
_SHAPING_CODE = (
    "cells_file.py", "composing.py", "docx_file.py", "figures_letter.py", "html_page.py", "openness_letter.py",
    "pictures.py", "progress_letter.py",
)  # fmt: skip


@dataclass(frozen=True)
class BulletinImprint:
    """Who issues it, its number, the day on it, what its period is called, what is asked for next."""

    office: str
    number: str
    day: date
    period: str
    demands: tuple[str, ...] = DEMANDS


@dataclass(frozen=True)
class BulletinDifference:
    """Something that is not as the manifest says: a file, or the version of something that shapes bytes."""

    what: str
    stated: str
    found: str


def make_bulletin(
    snapshot: dict[str, Any], before: dict[str, Any] | None, imprint: BulletinImprint
) -> dict[str, bytes]:
    """Every file of the bulletin, by name. The same arguments on the same versions are the same bytes.

    Raises:
        InvalidRequest: the snapshot before is not from an earlier day.
        Unavailable: it cannot be set here.
    """
    if before and _ends_on(before) >= _ends_on(snapshot):
        raise InvalidRequest(
            f"上期快照是 {_ends_on(before)} 的，不早于本期的 {_ends_on(snapshot)}：请换成上一期的",
            code="bulletin.not_before",
        )
    composed = compose_bulletin(snapshot, before, BulletinHead(imprint.period, imprint.demands))
    letter, pictures = composed.letter, composed.pictures
    cells = snapshot.get("cells_data")
    day = f"{imprint.day.year}年{imprint.day.month}月{imprint.day.day}日"
    issued_at = datetime.combine(imprint.day, time(), SHANGHAI)
    made = {
        SNAPSHOT: format_snapshot(snapshot), **({BEFORE: format_snapshot(before)} if before else {}),
        "bulletin.pdf": typeset(letter, Imprint(imprint.office, imprint.number, "", "huisuan", issued_at),
                                 [(one.title, one.svg, one.width_mm) for one in pictures]),
        "bulletin.docx": write_docx(letter, imprint.office, imprint.number, day, pictures),
        "bulletin.html": write_html(letter, imprint.office, imprint.number, day, pictures),
        **({CELLS_JSON: write_cells_json(cells), CELLS_CSV: write_cells_csv(snapshot)} if cells else {}),
    }  # fmt: skip
    manifest = {
        "format": MANIFEST_FORMAT,
        "imprint": {
            "office": imprint.office, "number": imprint.number, "day": imprint.day.isoformat(),
            "period": imprint.period, "demands": list(imprint.demands),
        },
        "files": {name: bytes_sha256(content) for name, content in made.items()},
        "shaped_by": list_shapers(),
    }  # fmt: skip
    return {**made, MANIFEST: (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()}


def _ends_on(snapshot: dict[str, Any]) -> str:
    """Until when its figures are: the last day of a period, or the day of scores."""
    return first_and_last_day(snapshot["period"])[1].isoformat() if "period" in snapshot else str(snapshot["day"])


def list_shapers() -> dict[str, str]:
    """The version or the SHA-256 of everything that shapes a byte."""
    own = files("huisuan.bulletins.issuing")
    code = {f"code {name}": own.joinpath(name) for name in _SHAPING_CODE}
    page = {"page letter.typ": files("huisuan.documents").joinpath("letter.typ")}
    return {
        "typesetter": typesetter(), "fonts": f"pylopdf-fonts-zh-cn {version('pylopdf-fonts-zh-cn')}",
        **{f"face {part}": families[0] for part, families in choose_faces(load_fonts()).items()},
        **{name: bytes_sha256(source.read_bytes()) for name, source in {**code, **page}.items()},
    }  # fmt: skip


def verify_bulletin(folder: Path) -> list[BulletinDifference]:
    """Make the bulletin of a folder anew: every file that differs, and every version that does. None: it is genuine.

    Raises:
        InvalidRequest: there is no manifest, or its snapshot is none.
        OSError: a file cannot be read.
    """
    stated = _manifest(folder)
    found = []
    for name, digest in stated["files"].items():
        path = folder / Path(name).name
        here = bytes_sha256(path.read_bytes()) if path.is_file() else "没有这个文件"
        if here != digest:
            found.append(BulletinDifference(name, digest, here))
    read = {
        name: parse_snapshot((folder / name).read_bytes(), name)
        for name in (SNAPSHOT, BEFORE)
        if name in stated["files"]
    }
    said = stated["imprint"]
    made = make_bulletin(
        read[SNAPSHOT], read.get(BEFORE),
        BulletinImprint(said["office"], said["number"], date.fromisoformat(said["day"]), said["period"],
                        tuple(said["demands"])),
    )  # fmt: skip
    for name in sorted(set(made) - {MANIFEST, SNAPSHOT, BEFORE}):
        anew = bytes_sha256(made[name])
        if anew != stated["files"].get(name):
            found.append(BulletinDifference(f"{name}（由快照重做）", str(stated["files"].get(name)), anew))
    now = list_shapers()
    for name in sorted(now.keys() | stated["shaped_by"].keys()):
        if now.get(name) != stated["shaped_by"].get(name):
            found.append(BulletinDifference(name, str(stated["shaped_by"].get(name)), str(now.get(name))))
    return found


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

"""A bulletin as a folder: what it follows from, its three formats, and a manifest of everything that shapes a byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.figures.periods import first_and_last_day
from huisuan.bulletins.issuing.cells_file import write_cells_csv, write_cells_json
from huisuan.bulletins.issuing.composing import compose_bulletin
from huisuan.bulletins.issuing.docx_file import write_docx
from huisuan.bulletins.issuing.docx_template import merge_bulletin
from huisuan.bulletins.issuing.html_page import write_html
from huisuan.bulletins.issuing.openness_letter import DEMANDS, BulletinHead
from huisuan.bulletins.issuing.snapshot_file import format_snapshot
from huisuan.documents.fonts import choose_faces, load_fonts
from huisuan.documents.typesetting import Imprint, typeset, typesetter

MANIFEST, SNAPSHOT, BEFORE = "manifest.json", "snapshot.json", "before.json"
TEMPLATE, DOCX = "template.docx", "bulletin.docx"
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


def make_bulletin(
    snapshot: dict[str, Any], before: dict[str, Any] | None, imprint: BulletinImprint, template: bytes = b""
) -> dict[str, bytes]:
    """Every file of the bulletin, by name. The same arguments on the same versions are the same bytes.

    `template` is the office's own DOCX, which is among the files then; without one the DOCX has our page.

    Raises:
        InvalidRequest: the snapshot before is not from an earlier day, or the template is none for bulletins.
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
    docx = (
        merge_bulletin(template, letter, imprint.office, imprint.number, day) if template
        else write_docx(letter, imprint.office, imprint.number, day, pictures)
    )  # fmt: skip
    made = {
        SNAPSHOT: format_snapshot(snapshot), **({BEFORE: format_snapshot(before)} if before else {}),
        "bulletin.pdf": typeset(letter, Imprint(imprint.office, imprint.number, "", "huisuan", issued_at),
                                 [(one.title, one.svg, one.width_mm) for one in pictures]),
        DOCX: docx,
        "bulletin.html": write_html(letter, imprint.office, imprint.number, day, pictures),
        **({TEMPLATE: template} if template else {}),
        **({CELLS_JSON: write_cells_json(cells), CELLS_CSV: write_cells_csv(snapshot)} if cells else {}),
    }  # fmt: skip
    manifest = {
        "format": MANIFEST_FORMAT,
        "imprint": {
            "office": imprint.office, "number": imprint.number, "day": imprint.day.isoformat(),
            "period": imprint.period, "demands": list(imprint.demands),
        },
        "files": {name: bytes_sha256(content) for name, content in made.items()},
        "shaped_by": list_shapers(template),
    }  # fmt: skip
    return {**made, MANIFEST: (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()}


def _ends_on(snapshot: dict[str, Any]) -> str:
    """Until when its figures are: the last day of a period, or the day of scores."""
    return first_and_last_day(snapshot["period"])[1].isoformat() if "period" in snapshot else str(snapshot["day"])


def list_shapers(template: bytes = b"") -> dict[str, str]:
    """The version or the SHA-256 of everything that shapes a byte."""
    merged = {
        "template": bytes_sha256(template), "merger": f"docx-mailmerge2 {version('docx-mailmerge2')}",
        **{f"code {one.name}": bytes_sha256(one.read_bytes()) for one in (
            files("huisuan.bulletins.issuing").joinpath("docx_template.py"),
            files("huisuan.documents").joinpath("docx.py"),
        )},
    } if template else {}  # fmt: skip
    own = files("huisuan.bulletins.issuing")
    code = {f"code {name}": own.joinpath(name) for name in _SHAPING_CODE}
    page = {"page letter.typ": files("huisuan.documents").joinpath("letter.typ")}
    return {
        "typesetter": typesetter(), "fonts": f"pylopdf-fonts-zh-cn {version('pylopdf-fonts-zh-cn')}",
        **{f"face {part}": families[0] for part, families in choose_faces(load_fonts()).items()},
        **{name: bytes_sha256(source.read_bytes()) for name, source in {**code, **page}.items()}, **merged,
    }  # fmt: skip

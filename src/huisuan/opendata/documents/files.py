"""A document made anew, written out: JSON lines, plain text, and a PDF that is set from nothing but its lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files

from huisuan.base.errors import Unavailable
from huisuan.documents.fonts import choose_faces, load_fonts
from huisuan.opendata.documents.recipe import MadeDocument

#: characters up to which a document is set as a PDF; a longer one goes out as text alone, and its recipe says so
LONGEST_SET = 2_000_000


def write_jsonl(made: MadeDocument) -> bytes:
    """Each line with its part and number, as JSON; empty lines are left out."""
    rows = (
        json.dumps({"part": part.part, "line": number, "text": text}, ensure_ascii=False) + "\n"
        for part in made.parts
        for number, pieces in part.lines
        if (text := "".join(piece.text for piece in pieces))
    )
    return "".join(rows).encode()


def write_text(made: MadeDocument) -> bytes:
    """The lines, an empty one between two parts."""
    parts = ("".join("".join(p.text for p in pieces) + "\n" for _, pieces in part.lines) for part in made.parts)
    return "\n".join(parts).encode()


def write_pdf(made: MadeDocument, made_at: datetime) -> bytes | None:
    """The lines as a PDF of its own, part after part on new pages; the same lines are the same bytes. None: too long.

    Raises:
        Unavailable: it cannot be set here (a missing package or font).
    """
    if sum(len(p.text) for part in made.parts for _, pieces in part.lines for p in pieces) > LONGEST_SET:
        return None
    try:
        import typst
    except ImportError:
        raise Unavailable("这台机器没有装 typst：不能把文档排成 PDF", code="gate.no_typst") from None
    fonts = load_fonts()
    data = {
        "fonts": choose_faces(fonts)["body"],
        "parts": [[[list(piece) for piece in pieces] for _, pieces in part.lines] for part in made.parts],
    }
    try:
        return typst.compile(
            files("huisuan.opendata.documents").joinpath("document.typ").read_bytes(), format="pdf",
            sys_inputs={"document": json.dumps(data, ensure_ascii=False)}, font_paths=fonts, ignore_system_fonts=True,
            timestamp=int(made_at.astimezone(UTC).timestamp()),
        )  # fmt: skip
    except RuntimeError as error:
        raise Unavailable(f"文档没有排成 PDF（{error}）", code="gate.document_not_set") from None

"""Names in running text as findings: in chunks of lines, so that a long text can be taken up again. Pure."""

from __future__ import annotations

import re
import secrets
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from huisuan.opendata.names.lac_model import model_name
from huisuan.opendata.names.stage import current_rules, find_names
from huisuan.opendata.scanning.caged import LONG_TEXT, ReadText, scan_with_texts
from huisuan.opendata.scanning.finding_kinds import Confidence, FindingKind, mask_value
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.scan import ScanFinding, ScanReport, fingerprint_of

CHUNK_SIGNS = 60_000  # some tenths of a processor second

NAMES_UNREAD = "没有按模型查姓名：没有装模型（huisuan[names]）"
_HAN = re.compile("[一-鿿]")
_NAME_LIKE = re.compile("[一-鿿]{2}")

TextChunk = list[ReadText]


def chunk_texts(texts: Sequence[ReadText]) -> list[TextChunk]:
    """The texts in chunks of whole lines, always the same for the same texts."""
    chunks: list[TextChunk] = []
    room = 0
    for text in texts:
        lines: list[tuple[int, list[str]]] = []
        for number, cells in text.rows:
            room -= sum(map(len, cells)) + len(cells)
            if not chunks or room < 0:
                if lines:
                    chunks[-1].append(replace(text, rows=lines))
                    lines = []
                chunks.append([])
                room = CHUNK_SIGNS
            lines.append((number, cells))
        if lines:
            chunks[-1].append(replace(text, rows=lines))
    return chunks


def scan_with_names(path: Path) -> ScanReport:
    """Scan a file that somebody is about to send, the names in its running text among what is found.

    Raises:
        OSError: the file cannot be read.
    """
    key = secrets.token_bytes(32)
    report, texts = scan_with_texts(path, key=key)
    report.rules, report.model = current_rules(), model_name()
    if not report.sealed and not report.refused:
        report.findings += [found for chunk in chunk_texts(texts) for found in names_of_chunk(chunk, key)]
        report.findings += list(unread_names(texts, key))
    return report


def unread_names(texts: Sequence[ReadText], key: bytes) -> Iterator[ScanFinding]:
    """Where no model is installed: each Chinese text, and each column of long cells, in which nobody looked for names.

    One fingerprint for all: whoever read a file answers for what is made of it.
    """
    if model_name():
        return
    mark = fingerprint_of(key, FindingKind.UNREAD_NAMES, "")
    for part, column, heading in dict.fromkeys((each.part, each.column, each.heading) for each in texts if _runs(each)):
        kind = FindingKind.UNREAD_NAMES
        yield ScanFinding(kind, part, 0, column, heading[:80], NAMES_UNREAD, mark, Confidence.LOW)


def _runs(text: ReadText) -> bool:
    """Whether a name may stand in it: in a document anywhere, beside one, as its title does, only where it is long."""
    cells = (cell for _, cells in text.rows for cell in cells)
    if text.document is not None:
        return any(map(_NAME_LIKE.search, cells))
    return any(len(_HAN.findall(cell)) >= LONG_TEXT for cell in cells)


def names_of_chunk(chunk: TextChunk, key: bytes) -> list[ScanFinding]:
    """The names in a chunk, as findings of their lines."""
    return [finding for text in chunk for finding in _names_of_text(text, key)]


def _names_of_text(text: ReadText, key: bytes) -> Iterator[ScanFinding]:
    starts, pieces, at = [], [], 0
    for _, cells in text.rows:
        line = "\t".join(cells)
        starts.append(at)
        pieces.append(line)
        at += len(line) + 1
    folded = fold_text("\n".join(pieces))
    for match in find_names(folded.text):
        row = text.rows[max(bisect_right(starts, folded.origin(match.start)) - 1, 0)][0]
        mark, shown = fingerprint_of(key, match.kind, match.value), mask_value(match.kind, match.value)
        yield ScanFinding(match.kind, text.part, row, text.column, text.heading, shown, mark, match.confidence)

"""A file scanned: its blocks are read, the text of each is judged, and every finding gets its place. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from huisuan.opendata.scanning.checks import looks_like_resident_id
from huisuan.opendata.scanning.finding_kinds import FINDING_NAMES, Confidence, FindingKind, mask_value
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.headings import TableHeadings
from huisuan.opendata.scanning.numbers import TextMatch, find_numbers
from huisuan.opendata.scanning.readers.any_file import read_blocks
from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget, UnreadPart
from huisuan.opendata.scanning.words import find_words, is_name_column, list_names

#: the rules as they stand; a scan names them, and a later set scans anew what is out
RULES = "2026-11.5"
_MOST_FINDINGS = 100_000
_TURNED = re.compile("[\u202d\u202e]")
_PAIR = 2  # cells: a key of JSON and its value
_ROUNDED = re.compile(r"[1-9](?:\.\d{1,16})?[Ee]\+?1[4-7]")


@dataclass(frozen=True)
class ScanFinding:
    """What was found, where: `row` and `column` from 1 (0: of the whole column, or none); the value is masked."""

    kind: str
    part: str
    row: int
    column: int
    heading: str
    masked: str
    fingerprint: str
    confidence: str


@dataclass
class ScanReport:
    """All that a file says. `refused` names the limit that was reached: the file was then not read to its end."""

    name: str
    sha256: str
    size: int
    rules: str = RULES
    model: str = ""  # by which names in running text were judged; none: each such text is a finding
    findings: list[ScanFinding] = field(default_factory=list)
    cells: int = 0
    refused: str = ""

    @property
    def sealed(self) -> bool:
        """A mark of secrecy stands in it: nobody may go on with it."""
        return any(finding.kind == FindingKind.SECRECY for finding in self.findings)

    @property
    def is_clean(self) -> bool:
        """It was read to its end, and nothing was found."""
        return not self.findings and not self.refused

    def columns(self) -> list[dict[str, Any]]:
        """Findings of a table by column, most first: what a person judges at once."""
        counts = Counter(
            (one.part, one.column, one.heading, one.kind) for one in self.findings if one.column and one.heading
        )
        return [
            {"part": part, "column": column, "heading": heading, "kind": kind, "findings": number}
            for (part, column, heading, kind), number in counts.most_common()
        ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        kinds = Counter(finding.kind for finding in self.findings)
        return {
            "name": self.name, "sha256": self.sha256, "size": self.size, "rules": self.rules, "cells": self.cells,
            "model": self.model, "names_judged": bool(self.model),
            "clean": self.is_clean, "sealed": self.sealed, "refused": self.refused,
            "kinds": {kind: {"name": FINDING_NAMES[FindingKind(kind)], "findings": n} for kind, n in kinds.items()},
            "columns": self.columns(), "findings": [asdict(finding) for finding in self.findings],
        }  # fmt: skip


def scan_bytes(
    content: bytes, name: str, budget: ReadBudget | None = None, key: bytes = b"",
    also: Callable[[Block], None] = lambda _: None,
) -> ScanReport:  # fmt: skip
    """Scan a file. Equal fingerprints under one `key` mean equal values; without one, the key is gone with the scan.

    Each block that was read is given to `also`.
    """
    report = ScanReport(name, hashlib.sha256(content).hexdigest(), len(content))
    scan = _Scan(report, key or secrets.token_bytes(32))
    try:
        for found in read_blocks(content, name, budget or ReadBudget()):
            if isinstance(found, UnreadPart):
                scan.add(TextMatch(FindingKind.UNREAD, 0, 0, found.reason), found.part or "整个文件", (0, 0, ""))
            else:
                scan.block(found)
                also(found)
    except LimitReached as reached:
        report.refused = reached.name
    return report


def fingerprint_of(key: bytes, kind: str, value: str) -> str:
    """What a finding's value is known by: equal values of a kind under a key, equal fingerprints."""
    return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256").hex()[:16]


class _Scan:
    def __init__(self, report: ScanReport, key: bytes) -> None:
        self._report, self._key = report, key

    def block(self, block: Block) -> None:
        """Judge a block as one text, cells joined by tabs, rows by line ends: what is cut over them is found."""
        if not block.rows:
            return
        heads = TableHeadings(block.rows)
        starts: list[int] = []
        places: list[tuple[int, int]] = []
        pieces: list[str] = []
        at = 0
        for number, cells in block.rows:
            for column, cell in enumerate(cells, start=1):
                starts.append(at)
                places.append((number, column))
                pieces.append(cell)
                at += len(cell) + 1
                pieces.append("\t" if column < len(cells) else "\n")
            self._report.cells += len(cells)
        text = "".join(pieces)
        if _TURNED.search(text):
            self.add(
                TextMatch(FindingKind.UNREAD, 0, 0, "有颠倒文字次序的控制符，看到的不是写下的"), block.part, (0, 0, "")
            )
        folded = fold_text(text)
        for match in (*find_numbers(folded.text), *find_words(folded.text)):
            first = max(bisect_right(starts, folded.origin(match.start)) - 1, 0)
            if not block.table:
                self.add(match, block.part, (places[first][0], 0, ""))
                continue
            last = bisect_right(starts, folded.origin(max(match.end - 1, match.start))) - 1
            for place in range(first, max(last, first) + 1):  # each cell that it covers, so that each is judged
                if place == first or pieces[2 * place].strip():
                    row, column = places[place]
                    self.add(match, block.part, (row, column, heads.of(column)))
        for number, cells in () if block.table else block.rows:
            if len(cells) == _PAIR and "E" in cells[1].upper() and (digits := _damaged_id(cells[1])):
                self.add(TextMatch(FindingKind.DAMAGED_ID, 0, 0, digits), block.part, (number, 0, ""))
        if block.table:
            self._columns(block, heads)
        elif (names := list_names([cells[0] for _, cells in block.rows])) is not None:
            match = TextMatch(FindingKind.NAME, 0, 0, names[0], Confidence.LOW)
            self.add(match, block.part, (0, 0, f"{len(names)} 个"))

    def _columns(self, block: Block, heads: TableHeadings) -> None:
        for column, cells in enumerate(heads.columns(), start=1):
            head = heads.of(column)
            names = is_name_column(head, cells)
            if names is not None:
                example = next(cell for cell in cells if cell.strip())
                self.add(TextMatch(FindingKind.NAME, 0, 0, example.strip(), names), block.part, (0, column, head))
            for place, cell in enumerate(cells, start=heads.rows):
                if "E" in cell.upper() and (digits := _damaged_id(cell)):
                    match = TextMatch(FindingKind.DAMAGED_ID, 0, 0, digits)
                    self.add(match, block.part, (block.rows[place][0], column, head))

    def add(self, match: TextMatch, part: str, place: tuple[int, int, str]) -> None:
        """Keep a finding; its value goes no further than here.

        Raises:
            LimitReached: there are more than anybody could look at.
        """
        if len(self._report.findings) >= _MOST_FINDINGS:
            raise LimitReached("发现的个数")
        row, column, heading = place
        mark = fingerprint_of(self._key, match.kind, match.value)
        self._report.findings.append(
            ScanFinding(
                match.kind, part, row, column, heading[:80], mask_value(match.kind, match.value), mark, match.confidence
            )
        )


def _damaged_id(cell: str) -> str:
    """The digits of an 18-digit number that a spreadsheet rounded (3.4E+17), where they may be those of a person."""
    if _ROUNDED.fullmatch(cell.strip()) is None:
        return ""
    try:
        digits = str(int(Decimal(cell.strip())))
    except (InvalidOperation, ValueError):
        return ""
    exact = len(cell.strip().rstrip("0").partition("E")[0]) > 12
    return digits if len(digits) == 18 and (looks_like_resident_id(digits) or not exact) else ""

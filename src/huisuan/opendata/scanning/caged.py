"""Reading in a child process that may use only so much memory and time: a parser that runs away ends alone."""

from __future__ import annotations

import gc
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huisuan.base.hashing import file_sha256
from huisuan.opendata.scanning.headings import TableHeadings
from huisuan.opendata.scanning.readers.any_file import read_blocks
from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget
from huisuan.opendata.scanning.scan import ScanFinding, ScanReport, scan_bytes

#: Chinese signs from which a cell of a table, or a note beside a document, is running text, judged for names
LONG_TEXT = 20
LARGEST_SCANNED = 1024 * 1024 * 1024  # bytes
_HAN = re.compile("[一-鿿]")
_MEMORY_ENDED = 3  # the child's exit status when memory ran out
_NO_SECRETS = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # nothing of ours for who breaks the reader


@dataclass(frozen=True)
class CageLimits:
    """What the child may use: bytes of memory, seconds of processor, seconds by the clock."""

    memory: int = 3 * 1024 * 1024 * 1024
    cpu_seconds: int = 600
    seconds: int = 900


@dataclass(frozen=True)
class ReadTable:
    """A table of a file as it was read: the part that it stands in, and its rows by number."""

    part: str
    rows: list[tuple[int, list[str]]]


@dataclass(frozen=True)
class ReadText:
    """Running text of a file: its part, its lines by number with their cells, and of which document it is the text.

    The long cells of a table's column are running text, too: `column` from 1, and what stands over it.
    """

    part: str
    rows: list[tuple[int, list[str]]]
    document: str | None
    column: int = 0
    heading: str = ""


def scan_file(path: Path, name: str = "", limits: CageLimits | None = None, key: bytes = b"") -> ScanReport:
    """Scan a file: see `scan_with_texts`."""
    return scan_with_texts(path, name, limits, key)[0]


def scan_with_texts(
    path: Path, name: str = "", limits: CageLimits | None = None, key: bytes = b""
) -> tuple[ScanReport, list[ReadText]]:
    """Scan a file in a child process, and give its running text with it, as far as that is Chinese.

    A limit that ends it is what the report is `refused` by; there is then no text. `key` is what fingerprints are made
    by; it is not among the child's words, which every process of the machine sees.

    Raises:
        OSError: the file cannot be read.
    """
    name = name or path.name
    size = path.stat().st_size
    empty = ScanReport(name, file_sha256(path), size)
    if size > LARGEST_SCANNED:
        empty.refused = "文件大小"
        return empty, []
    found = _in_cage({"do": "scan", "path": str(path), "name": name, "key": key.hex()}, limits or CageLimits())
    if isinstance(found, str):
        empty.refused = found
        return empty, []
    findings, texts = found.pop("findings"), _read_texts(found.pop("texts"))
    report = ScanReport(**found)
    report.findings = [ScanFinding(**each) for each in findings]
    return report, texts


def read_tables(path: Path, name: str, limits: CageLimits | None = None) -> list[ReadTable] | str:
    """The tables of a file, read in a child process by the readers that scan it; or the limit that was reached."""
    found = _in_cage({"do": "tables", "path": str(path), "name": name, "key": ""}, limits or CageLimits())
    if isinstance(found, str):
        return found
    return [ReadTable(part, [(number, cells) for number, cells in rows]) for part, rows in found["tables"]]


def read_texts(path: Path, name: str, limits: CageLimits | None = None) -> list[ReadText] | str:
    """What is no table in a file, read in a child process as it is scanned; or the limit that was reached."""
    found = _in_cage({"do": "texts", "path": str(path), "name": name, "key": ""}, limits or CageLimits())
    if isinstance(found, str):
        return found
    return _read_texts(found["texts"])


def _read_texts(found: list[Any]) -> list[ReadText]:
    return [ReadText(part, [(number, cells) for number, cells in rows], *others) for part, rows, *others in found]


def _in_cage(task: dict[str, str], limits: CageLimits) -> dict[str, Any] | str:
    """What the child answers, or the limit that ended it."""
    # -P: without it Python would run a csv.py that lies in the current folder, beside the data
    words = [sys.executable, "-P", "-m", __name__, str(limits.memory), str(limits.cpu_seconds)]
    asked = json.dumps(task).encode()
    try:
        child = subprocess.run(
            words, input=asked, capture_output=True, timeout=limits.seconds, check=False, env=_NO_SECRETS
        )
    except subprocess.TimeoutExpired:
        return "时间"
    if child.returncode:
        return {_MEMORY_ENDED: "内存", -24: "处理器时间", -9: "处理器时间或内存"}.get(
            child.returncode, f"读取中断（{child.returncode}）"
        )
    answer: dict[str, Any] = json.loads(child.stdout)
    return str(answer["limit"]) if "limit" in answer else answer


def _child(memory: str, seconds: str) -> int:
    gc.disable()  # nothing that is read refers to itself, and the process ends with its answer
    task = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        content = Path(task["path"]).read_bytes()
        answer = {"tables": _tables, "texts": _texts, "scan": _scanned}[task["do"]](content, task)
    except MemoryError:
        return _MEMORY_ENDED
    sys.stdout.write(answer)
    return 0


def _scanned(content: bytes, task: dict[str, str]) -> str:
    texts: list[ReadText] = []

    def also(block: Block) -> None:
        if block.table:
            texts.extend(_long_cells(block))
        elif rows := [row for row in block.rows if any(map(_HAN.search, row[1]))]:
            texts.append(ReadText(block.part, rows, block.document))

    report = scan_bytes(content, task["name"], key=bytes.fromhex(task["key"]), also=also)
    return json.dumps(
        {
            **vars(report),
            "findings": [vars(each) for each in report.findings],
            "texts": [list(vars(each).values()) for each in texts],
        }
    )


def _long_cells(block: Block) -> Iterator[ReadText]:
    """The cells of a table that hold running text, by column."""
    columns: dict[int, list[tuple[int, list[str]]]] = {}
    for number, cells in block.rows:
        for column, cell in enumerate(cells, start=1):
            if len(cell) >= LONG_TEXT and len(_HAN.findall(cell)) >= LONG_TEXT:
                columns.setdefault(column, []).append((number, [cell.replace("\n", " ")]))
    heads = TableHeadings(block.rows) if columns else None
    for column, rows in sorted(columns.items()):
        yield ReadText(block.part, rows, None, column, heads.of(column) if heads else "")


def _tables(content: bytes, task: dict[str, str]) -> str:
    tables: list[tuple[str, list[tuple[int, list[str]]]]] = []
    try:
        for block in read_blocks(content, task["name"], ReadBudget()):
            if not isinstance(block, Block) or not block.table or not block.rows:
                continue
            if tables and tables[-1][0] == block.part and block.rows[0][0] == 0:
                tables[-1][1].extend(block.rows[1:])  # a piece of the same Parquet, under the same header
            else:
                tables.append((block.part, block.rows))
    except LimitReached as reached:
        return json.dumps({"limit": reached.name})
    return json.dumps({"tables": tables})


def _texts(content: bytes, task: dict[str, str]) -> str:
    try:
        found = [
            (block.part, block.rows, block.document)
            for block in read_blocks(content, task["name"], ReadBudget())
            if isinstance(block, Block) and not block.table and block.rows
        ]
    except LimitReached as reached:
        return json.dumps({"limit": reached.name})
    return json.dumps({"texts": found})


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]))

"""A file of any kind into its blocks: the kind is what it holds, whatever its name says."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.archive_parts import (
    archive_part_name,
    list_parts,
    open_archive,
    read_around,
    read_part,
)
from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget, Unreadable, UnreadPart
from huisuan.opendata.scanning.readers.office_text import read_document, read_ofd
from huisuan.opendata.scanning.readers.parquet_rows import read_parquet
from huisuan.opendata.scanning.readers.pdf_text import read_pdf_blocks
from huisuan.opendata.scanning.readers.plain_text import read_text
from huisuan.opendata.scanning.readers.spreadsheet import read_workbook

_OLE = b"\xd0\xcf\x11\xe0"


def read_blocks(content: bytes, name: str, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """All blocks of a file, its name first; what cannot be read is said as a part.

    Raises:
        LimitReached: it is larger than what is read of one.
    """
    yield Block("文件名", [(1, [name])])
    try:
        yield from _read(content, name, budget)
    except Unreadable as why:
        yield UnreadPart("", str(why))  # its name may say what must not be said


def _read(content: bytes, name: str, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    if not content:
        raise Unreadable("是空的")
    if content.startswith(b"PK"):
        yield from _read_archive(content, name, budget)
    elif b"%PDF-" in content[:1024]:
        for found in read_pdf_blocks(content, budget):
            if isinstance(found, tuple):
                yield from _inner(found[1], f"附件 {found[0]}", budget)
            else:
                yield found
    elif content.startswith(b"PAR1"):
        yield from read_parquet(content, "", budget)
    elif content.startswith(_OLE):
        raise Unreadable("旧格式的 Office 文件，或加了密码；请另存为 XLSX、DOCX，不要密码")
    else:
        yield from read_text(content, "", budget)


def _read_archive(content: bytes, name: str, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    archive = open_archive(content)
    yield from read_around(archive, content)
    names = set(archive.namelist())
    if any(part.startswith("xl/") for part in names) and "[Content_Types].xml" in names:
        yield from read_workbook(archive, budget)
    elif "[Content_Types].xml" in names:
        yield from read_document(archive, budget)
    elif "OFD.xml" in names:
        yield from read_ofd(archive, budget)
    else:
        yield from _read_zip(archive, budget)


def _read_zip(archive: zipfile.ZipFile, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    for info in list_parts(archive, budget):
        if isinstance(info, UnreadPart):
            yield info
            continue
        try:
            inside = read_part(archive, info, budget)
        except Unreadable as why:
            yield UnreadPart(archive_part_name(info), str(why))
            continue
        yield from _inner(inside, archive_part_name(info), budget)


def _inner(content: bytes, name: str, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """What a file within a file holds, each part of it under its name."""
    if budget.depth == 0:
        raise LimitReached("压缩包的层数")
    budget.depth -= 1
    for found in read_blocks(content, name, budget):
        if isinstance(found, Block):
            within = None if found.document is None else _under(name, found.document)
            yield Block(_under(name, found.part), found.rows, found.table, within)
        else:
            yield UnreadPart(_under(name, found.part), found.reason)
    budget.depth += 1


def _under(name: str, part: str) -> str:
    return f"{name} › {part}" if part else name

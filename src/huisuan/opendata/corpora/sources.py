"""Pages of what is released: of a document its JSONL product, of a table of texts its column of texts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.access.released import released_now, standing
from huisuan.opendata.corpora.pages import SourcePage
from huisuan.opendata.gate.stores import checked_path, released_shelf
from huisuan.opendata.models import GateRelease

#: how the column of texts may be called, where a table has several columns
TEXT_COLUMNS = ("正文", "全文", "文本", "内容", "text", "content")
csv.field_size_limit(2**31 - 1)


def text_releases(entries: Sequence[str], *, each_has_some: bool = True) -> list[GateRelease]:
    """The releases of these entries that hold texts, one a file, by entry and number: JSONL, else a table of texts.

    Raises:
        InvalidRequest: an entry has files, and none with texts, though `each_has_some`.
    """
    found: list[GateRelease] = []
    for code in sorted({code.upper() for code in entries}):
        by_file: dict[int, GateRelease] = {}
        rows = list(released_now(code))
        for release in rows:
            if release.product.format == "jsonl" or (release.product.format == "csv" and _column(release) is not None):
                known = by_file.get(release.file_id)
                if known is None or release.product.format == "jsonl":
                    by_file[release.file_id] = release
        if each_has_some and rows and not by_file:
            raise InvalidRequest(
                f"{code} 的文件里没有正文：须是文书，或只有一列、或有一列名为{'、'.join(TEXT_COLUMNS[:4])}的表",
                code="corpus.no_text",
            )
        found += sorted(by_file.values(), key=lambda each: each.pk)
    return found


def read_pages(releases: Iterable[GateRelease]) -> Iterator[SourcePage]:
    """The pages of releases, in their order.

    Raises:
        Unavailable: a file is gone or changed.
        InvalidRequest: a line of a document is none.
    """
    for release in releases:
        version = standing(release)
        path = checked_path(released_shelf(), release.sha256)
        texts = _of_document(path, release.pk) if release.product.format == "jsonl" else _of_table(path, release)
        for page, text in texts:
            yield SourcePage(
                release.file.entry.code, version.number, release.pk, release.sha256, version.licence, page, text
            )


def _column(release: GateRelease) -> int | None:
    """The place of the column of texts in a released table; None: it has none."""
    path = checked_path(released_shelf(), release.sha256)
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file), [])
    if len(header) == 1:
        return 0
    return next((header.index(name) for name in TEXT_COLUMNS if name in header), None)


def _of_table(path: Path, release: GateRelease) -> Iterator[tuple[int, str]]:
    column = _column(release) or 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        for number, row in enumerate(rows, start=1):
            yield number, row[column] if column < len(row) else ""


def _of_document(path: Path, number: int) -> Iterator[tuple[int, str]]:
    """Each page with the paragraphs that stand on it; where lines name parts and no page, parts are counted."""
    with path.open(encoding="utf-8") as file:
        parts = (_part(line, number) for line in file if line.strip())
        for place, (page, own) in enumerate(groupby(parts, key=lambda part: part[0]), start=1):
            yield page if isinstance(page, int) else place, "\n".join(text for _, text in own)


def _part(line: str, number: int) -> tuple[int | str, str]:
    try:
        said = json.loads(line)
        page, text = said["page"] if "page" in said else said["part"], said["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        page = text = None
    if not isinstance(page, int | str) or not isinstance(text, str):
        raise InvalidRequest(
            f'第 {number} 份的一行不是 {{"page": 页, "text": "正文"}}：请重新重制这个文件',
            code="corpus.malformed_document",
        )
    return page, text

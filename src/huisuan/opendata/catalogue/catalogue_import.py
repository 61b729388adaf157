"""A department's list into the catalogue: good rows are kept, bad cells named; the same file twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.csv_lines import FileReport, LineFault
from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.opendata.catalogue.entry_line import EntryContent, parse_line
from huisuan.opendata.catalogue.header import SheetHeader, find_header
from huisuan.opendata.catalogue.sheet_reader import Sheet, read_sheets
from huisuan.opendata.models import CatalogueEntry, CatalogueVersion
from huisuan.opendata.vocabulary import fold
from huisuan.parties.models import Region

_BATCH_ROWS = 1000


@dataclass(frozen=True)
class SheetFault(LineFault):
    """What is wrong with a cell of a sheet."""

    sheet: str = ""

    def __str__(self) -> str:
        text = super().__str__()
        return f"工作表 {self.sheet}，{text}" if self.sheet else text


def import_catalogue(content: bytes, name: str, *, by: str, now: datetime) -> FileReport:
    """Bring the list up to a file (CSV or XLSX); what a line says otherwise of a known entry is its next version.

    One transaction. Of two lines with one code the first is kept and the second named.

    Raises:
        InvalidRequest: the file cannot be read, or no sheet of it has the columns of the list.
    """
    report = FileReport()
    today = now.astimezone(SHANGHAI).date()
    regions = dict(Region.objects.values_list("code", "name_zh"))
    lines: dict[str, tuple[int, EntryContent]] = {}
    for sheet, header, number, cells in _lines(read_sheets(content, name), name, report):
        found = parse_line(cells, regions, today)
        if isinstance(found, list):
            report.faults += [
                SheetFault(number, fault.field, fault.value, fault.rule, fault.remedy, sheet.name) for fault in found
            ]
        elif found.code in lines:
            rule = f"与第 {lines[found.code][0]} 行重复"
            report.faults.append(SheetFault(number, "目录代码", found.code, rule, "每个目录只留一行", sheet.name))
        else:
            lines[found.code] = number, found
        report.ignored_columns += [each for each in header.ignored if each not in report.ignored_columns]
    stamp = {"listed_on": today, "source": shortened(name, 200), "by": by[:120], "at": now}
    _store([entry for _, entry in lines.values()], stamp, report)
    return report


def _lines(
    sheets: Sequence[Sheet], file: str, report: FileReport
) -> Iterator[tuple[Sheet, SheetHeader, int, Mapping[str, str]]]:
    """Of every sheet that is a list its lines; a sheet that is none is told, unless no sheet is one."""
    headers: list[tuple[Sheet, SheetHeader]] = []
    refusals: list[InvalidRequest] = []
    for sheet in (sheet for sheet in sheets if sheet.rows):
        try:
            headers.append((sheet, find_header(sheet, file)))
        except InvalidRequest as refusal:
            refusals.append(refusal)
            report.faults.append(
                SheetFault(sheet.rows[0][0], "—", "", f"整张表未读：{refusal}", "改好表头再送", sheet.name)
            )
    if not headers:
        raise refusals[0] if refusals else InvalidRequest(f"{file}: 是空的", code="catalogue.file_empty")
    for sheet, header in headers:
        for number, cells in sheet.rows[header.rows :]:
            named = {field: cells[place] for field, place in header.places.items() if place < len(cells)}
            if any(named.values()):
                yield sheet, header, number, named


def _store(entries: Sequence[EntryContent], stamp: Mapping[str, Any], report: FileReport) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('opendata list'))")  # the newest version is the last
        codes = sorted(entry.code for entry in entries)
        CatalogueEntry.objects.bulk_create(
            [CatalogueEntry(code=code) for code in codes], ignore_conflicts=True, batch_size=_BATCH_ROWS
        )
        locked = CatalogueEntry.objects.select_for_update(of=("self",)).select_related("latest").order_by("code")
        known = {entry.code: entry for entry in locked.filter(code__in=codes)}
        batch = _Batch(known, stamp)
        for content in entries:
            batch.add(content, report)
        CatalogueVersion.objects.bulk_create(batch.versions, batch_size=_BATCH_ROWS)
        for version in batch.versions:
            version.entry.latest = version
        CatalogueEntry.objects.bulk_update(
            [version.entry for version in batch.versions], ["latest", "searched"], batch_size=_BATCH_ROWS
        )


@dataclass
class _Batch:
    known: Mapping[str, CatalogueEntry]
    stamp: Mapping[str, Any]
    versions: list[CatalogueVersion] = field(default_factory=list)

    def add(self, content: EntryContent, report: FileReport) -> None:
        entry = self.known[content.code]
        said = content.to_dict()
        del said["code"]
        digest = text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, default=str))
        if entry.latest is not None and entry.latest.digest == digest:
            report.same += 1
            return
        number = entry.latest.number + 1 if entry.latest else 1
        region = said.pop("region")
        said |= {"columns": list(said["columns"]), "links": list(said["links"])}
        self.versions.append(
            CatalogueVersion(entry=entry, number=number, region_id=region, digest=digest, **said, **self.stamp)
        )
        texts = [
            fold(text) for text in (content.title, content.summary, content.department, content.theme, content.code)
        ]
        entry.searched = "\n".join(texts)
        report.new, report.changed = report.new + (number == 1), report.changed + (number > 1)

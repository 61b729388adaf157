"""Tables as files: CSV and XLSX of exactly what is filtered; no cell can become a formula."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any, cast

from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation

from huisuan.base.csv_lines import escape_formula
from huisuan.base.paths import spool_folder
from huisuan.portal.sentences.page import translate_sentence
from huisuan.portal.ui import number_format
from huisuan.portal.ui.columns import NUMBERS, Column, Kind

_CHUNK = 2000
XLSX_ROWS = 1_048_575  # what a sheet holds below its heading
BOM = "\ufeff"  # without it Excel reads Chinese as gibberish

Prepare = Callable[[Sequence[Any]], None]
Export = Callable[[str, Sequence[Column], QuerySet[Any], Prepare | None], HttpResponseBase]


class ListedRows:
    """Rows that are no query, as an export reads them."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    def as_query(self) -> QuerySet[Any]:
        """For an export, which asks no more of a query than this class has."""
        return cast(QuerySet[Any], self)

    def iterator(self, chunk_size: int) -> Iterator[Any]:
        """All of them."""
        yield from self.rows

    def count(self) -> int:
        """How many."""
        return len(self.rows)


def harmless(text: str) -> str:
    """Text that a spreadsheet will not run: an apostrophe before what would start a formula."""
    return escape_formula(text)


def plain(column: Column, value: Any) -> str:
    """A value as CSV writes it: exact, without separators."""
    if value is None:
        return ""
    if column.kind is Kind.FEN:
        return str(Decimal(value).scaleb(-2))
    if column.kind in NUMBERS:
        return str(value)
    if column.kind is Kind.MOMENT:
        return timezone.localtime(value).isoformat()
    if column.kind in (Kind.DAY, Kind.MONTH):
        return column.shown(value)
    return harmless(_words(column, value))


def _words(column: Column, value: Any) -> str:
    return translate_sentence(str(value)) if column.kind is Kind.SENTENCE else str(value)


def _prepared(rows: QuerySet[Any], prepare: Prepare | None) -> Iterator[Any]:
    """The rows, read in pieces; for each piece at once is looked up what its columns need."""
    found = rows.iterator(chunk_size=_CHUNK)
    while piece := list(islice(found, _CHUNK)):
        if prepare:
            prepare(piece)
        yield from piece


def as_csv(
    file: str, columns: Sequence[Column], rows: QuerySet[Any], prepare: Prepare | None = None
) -> HttpResponseBase:
    """A CSV that streams, so that a year of records needs no memory."""
    language = translation.get_language() or "zh-hans"

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        buffer.write(BOM)
        with translation.override(language):  # the answer is written after the language middleware is done
            writer.writerow([harmless(column.exported_heading) for column in columns])
            for row in _prepared(rows, prepare):
                writer.writerow([plain(column, column.of(row)) for column in columns])
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file}.csv"'
    return response


def as_xlsx(
    file: str, columns: Sequence[Column], rows: QuerySet[Any], prepare: Prepare | None = None
) -> HttpResponseBase:
    """An XLSX with typed cells: yuan with two places, whole numbers, times at Asia/Shanghai."""
    import xlsxwriter

    if rows.count() > XLSX_ROWS:
        text = translation.gettext("一张 XLSX 表最多 1,048,575 行，筛选后的行数超过了它：请缩小筛选范围，或改用 CSV。")
        return HttpResponse(text, status=422, content_type="text/plain; charset=utf-8")
    place = cast(IO[bytes], tempfile.TemporaryFile(dir=spool_folder()))  # noqa: SIM115 - the answer reads it, and closes it when sent
    book = xlsxwriter.Workbook(
        place,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "in_memory": False,
            "tmpdir": spool_folder(),
        },
    )
    sheet = book.add_worksheet()
    forms = {
        Kind.FEN: book.add_format({"num_format": "#,##0.00"}),
        Kind.P: book.add_format({"num_format": "#,##0.0"}),
        Kind.INTEGER: book.add_format({"num_format": "#,##0"}),
        Kind.CARD_SECONDS: book.add_format({"num_format": "#,##0"}),
        Kind.MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        Kind.DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, 20 if column.kind is Kind.MOMENT else 16)
        sheet.write_string(0, at, column.exported_heading, bold)
    for line, row in enumerate(_prepared(rows, prepare), start=1):
        for at, column in enumerate(columns):
            _write(sheet, line, at, column, column.of(row), forms.get(column.kind))
    book.close()
    place.seek(0)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(place, as_attachment=True, filename=f"{file}.xlsx", content_type=kind)


def _write(sheet: Any, line: int, at: int, column: Column, value: Any, form: Any) -> None:
    if value is None:
        return
    if column.kind is Kind.FEN:
        sheet.write_number(line, at, Decimal(value).scaleb(-2), form)
    elif column.kind in NUMBERS:
        sheet.write_number(line, at, value, form)
    elif column.kind is Kind.MOMENT and isinstance(value, datetime):
        sheet.write_datetime(line, at, timezone.localtime(value).replace(tzinfo=None), form)
    elif column.kind is Kind.DAY and isinstance(value, date):
        sheet.write_datetime(line, at, value, form)
    elif column.kind is Kind.MONTH:
        sheet.write_string(line, at, number_format.month(value))
    else:
        sheet.write_string(line, at, harmless(_words(column, value)))


FORMATS: dict[str, Export] = {"csv": as_csv, "xlsx": as_xlsx}


def exported(
    file: str, form: str, columns: Sequence[Column], rows: QuerySet[Any], prepare: Prepare | None = None
) -> HttpResponseBase:
    """The rows as a file of a form that FORMATS names."""
    return FORMATS[form](file, columns, rows, prepare)

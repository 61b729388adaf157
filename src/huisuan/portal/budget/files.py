"""The tables of a budget as files: one CSV with a table after the other, one XLSX with a sheet for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from huisuan.law.budget import BudgetTable
from huisuan.portal.ui.export import BOM, harmless

#: a table with its title and its headings in the reader's language
Titled = tuple[str, list[str], BudgetTable]


def tables_to_csv(tables: Sequence[Titled]) -> bytes:
    """Each table under its title, a blank line between; money in yuan, exact."""
    buffer = io.StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer)
    for title, heads, sheet in tables:
        if sheet.rows:
            writer.writerow([harmless(title)])
            writer.writerow([harmless(head) for head in heads])
            writer.writerows([_plain(key, row.get(key)) for key in sheet.columns] for row in sheet.rows)
            writer.writerow([])
    return buffer.getvalue().encode()


def tables_to_xlsx(tables: Sequence[Titled]) -> bytes:
    """A sheet per table with typed cells."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_urls": False})
    bold, money, count = (
        book.add_format(form) for form in ({"bold": True}, {"num_format": "#,##0.00"}, {"num_format": "#,##0"})
    )
    for title, heads, sheet in tables:
        if not sheet.rows:
            continue
        page = book.add_worksheet(title[:31])
        page.freeze_panes(1, 0)
        page.set_column(0, len(heads) - 1, 18)
        for at, head in enumerate(heads):
            page.write_string(0, at, head, bold)
        for line, row in enumerate(sheet.rows, start=1):
            for at, key in enumerate(sheet.columns):
                _write(page, line, at, key, row.get(key), money, count)
    book.close()
    return buffer.getvalue()


def _write(page: Any, line: int, at: int, key: str, value: Any, money: Any, count: Any) -> None:
    if value is None:
        return
    if key.endswith("_fen"):
        page.write_number(line, at, Decimal(value).scaleb(-2), money)
    elif isinstance(value, int):
        page.write_number(line, at, value, count)
    else:
        page.write_string(line, at, harmless(str(value)))


def _plain(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key.endswith("_fen"):
        return str(Decimal(value).scaleb(-2))
    return str(value) if isinstance(value, int) else harmless(str(value))


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, tuple[Callable[[Sequence[Titled]], bytes], str]] = {
    "csv": (tables_to_csv, "text/csv; charset=utf-8"),
    "xlsx": (tables_to_xlsx, _XLSX),
}


def tables_response(form: str, file: str, tables: Sequence[Titled]) -> HttpResponse:
    """The tables as a file of a form that FORMS names."""
    write, kind = FORMS[form]
    answer = HttpResponse(write(tables), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{file}.{form}"'
    return answer

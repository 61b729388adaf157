"""The table: sorted, filtered, paged and summed by the server, exported exactly as filtered.

It works with links and forms alone; htmx only replaces the table instead of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from huisuan.portal.ui.address import strangers
from huisuan.portal.ui.columns import Cell, Choice, Column, Empty, Head, Selection, TableRow, cell, file_columns
from huisuan.portal.ui.export import FORMATS, exported
from huisuan.portal.ui.list_filters import has_word
from huisuan.portal.ui.number_format import format_integer
from huisuan.portal.ui.table_address import TableAddress

PAGE_ROWS = 50
LONGEST_WORD = 100


class Table(TableAddress):
    """One table of one page. `name` keeps several tables of a page apart, in addresses and in the markup.

    `search` names the text fields that the filter box looks in; `opens` gives the address of what a row opens
    in place, `page` of the page of that row. `prepare` looks up, for a page of rows at once, what their columns show
    beside their own fields; `selection` lets rows be chosen for an action.
    """

    #: rows of a page, where it is one of several lists on a page; 0: PAGE_ROWS
    most_rows = 0

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        columns: Sequence[Column],
        *,
        file: str,
        order: str,
        empty: Empty,
        name: str = "",
        search: Sequence[str] = (),
        choices: Sequence[Choice] = (),
        opens: Callable[[Any], str] | None = None,
        page: Callable[[Any], str] | None = None,
        prepare: Callable[[Sequence[Any]], None] | None = None,
        selection: Selection | None = None,
    ) -> None:
        self.request, self.everything, self.columns = request, rows, tuple(columns)
        self.file, self.order, self.empty, self.name = file, order, empty, name
        self.search, self.choices, self.opens, self.page_of = tuple(search), tuple(choices), opens, page
        self.prepare, self.selection = prepare, selection
        self.strangers: list[str] = []  # what the address asks that nothing on the page understands

    # What the rows are

    @cached_property
    def filtered(self) -> QuerySet[Any]:
        """The rows that the text filter and the choices leave, in the order asked for."""
        rows = self.everything
        for word in self.words:
            rows = self.matching(rows, word)
        return self.narrowed(rows, self.choices).order_by(*self.ordering)

    @property
    def words(self) -> list[str]:
        """The words of the filter box."""
        text = self.asked("q")
        return text.split() if len(text) <= LONGEST_WORD else []  # else `refused` says so

    def narrowed(self, rows: QuerySet[Any], choices: Sequence[Choice]) -> QuerySet[Any]:
        """The rows that these choices leave."""
        for choice in choices:
            if value := self.chosen(choice):
                rows = choice.narrow(rows, value)
        return rows

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows that have a word of the filter box somewhere."""
        return rows.filter(reduce(Q.__or__, (has_word(rows.model, path, word) for path in self.search), Q()))

    def chosen(self, choice: Choice) -> str:
        """The option that holds; none where the rows are not narrowed by it."""
        if choice.finds:
            return self.typed[choice.key]
        options = [option for option, _label in self.options[choice.key]]
        asked = self.asked(choice.key)
        if asked in options or not (choice.always and options):
            return asked if asked in options else ""
        return choice.first if choice.first in options else options[0]

    @cached_property
    def typed(self) -> dict[str, str]:
        """What is typed into the choices that are typed in, where it names anything."""
        asked = {choice: self.asked(choice.key)[:LONGEST_WORD] for choice in self.choices if choice.finds}
        return {each.key: text if text and each.finds and each.finds(text) else "" for each, text in asked.items()}

    @cached_property
    def refused(self) -> list[str]:
        """What the address asks of this table and it cannot do: no such option, order, page or file."""
        keys = {choice.key: [value for value, _label in self.options[choice.key]] for choice in self.choices}
        keys |= {key: [text] for key, text in self.typed.items()}
        wrong = [key for key, options in keys.items() if self.asked(key) and self.asked(key) not in options]
        wrong += ["sort"] if self.asked("sort") and self.asked("sort") != self.sorting else []
        wrong += self.refused_page
        wrong += ["export"] if self.asked("export") and self.asked("export") not in FORMATS else []
        wrong += ["q"] if len(self.asked("q")) > LONGEST_WORD else []
        return [f"{self.param(key)}={self.asked(key)}" for key in wrong] + self.strangers

    @property
    def refused_page(self) -> list[str]:
        """Which of them the address gives and nothing can be found by."""
        return ["page"] if self.asked("page") and self.asked("page") != str(self.page.number) else []

    @cached_property
    def options(self) -> dict[str, Sequence[tuple[str, Any]]]:
        """The options of every choice, from all rows that this viewer has."""
        return {choice.key: () if choice.finds else choice.options(self.everything) for choice in self.choices}

    @cached_property
    def sorting(self) -> str:
        """The key of the column sorted by, with "-" before it for descending."""
        asked = self.asked("sort")
        return (
            asked
            if any(column.sort and column.key == asked.removeprefix("-") for column in self.columns)
            else self.order
        )

    @property
    def ordering(self) -> list[str]:
        """The paths to order by; the primary key last, so that pages never overlap."""
        down, key = self.sorting.startswith("-"), self.sorting.removeprefix("-")
        column = next(column for column in self.columns if column.key == key)
        meta = self.everything.model._meta
        last = [field.name for field in meta.pk_fields]
        return [f"{'-' if down else ''}{step}" for step in [column.sort, *last]]

    @cached_property
    def page(self) -> Page[Any]:
        """The page asked for; one beyond the end is the last."""
        paginator = Paginator(self.filtered, self.most_rows or PAGE_ROWS)
        paginator.count = self.totals["rows"]  # known already: a million rows are not counted twice
        return paginator.get_page(self.asked("page"))

    @cached_property
    def page_rows(self) -> Sequence[Any]:
        """The rows of the page."""
        return self._prepared(list(self.page)) if self.count else []

    def _prepared(self, rows: list[Any]) -> list[Any]:
        if self.prepare:
            self.prepare(rows)
        return rows

    @property
    def place(self) -> str:
        """Which page it is, in words."""
        number, pages = format_integer(self.page.number), format_integer(self.page.paginator.num_pages)
        return _("第 {number} / {pages} 页").format(number=number, pages=pages)

    @cached_property
    def totals(self) -> dict[str, int]:
        """How many rows the filter leaves ("rows"), and the sum of each summed column over all of them."""
        wanted = {f"sum_{column.key}": Sum(column.total) for column in self.columns if column.total}
        found = self.filtered.order_by().aggregate(rows=Count("*"), **wanted)
        return {key: int(value or 0) for key, value in found.items()}

    @property
    def count(self) -> int:
        """How many rows the filter leaves."""
        return self.totals["rows"]

    @property
    def counted(self) -> int:
        """The figure that the page names."""
        return self.count

    @property
    def sums(self) -> dict[str, int]:
        """The sum of each summed column over everything filtered."""
        return {key.removeprefix("sum_"): value for key, value in self.totals.items() if key != "rows"}

    # What the page shows

    @property
    def unfolds(self) -> bool:
        """Whether its rows open in place."""
        return self.opens is not None

    @property
    def is_filtered(self) -> bool:
        """Whether anything is filtered away, so that an empty table can say so."""
        return bool(self.asked("q") or any(self.asked(choice.key) for choice in self.choices))

    @property
    def heads(self) -> list[Head]:
        """The headings, with links that sort."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: Column) -> Head:
        if not column.sort:
            return Head(column)
        down = self.sorting == f"-{column.key}"
        up = self.sorting == column.key
        first = f"-{column.key}" if column.number else column.key
        then = column.key if down else f"-{column.key}" if up else first
        return Head(
            column, self.address(sort=then, **self.first_page), "descending" if down else "ascending" if up else ""
        )

    @property
    def lines(self) -> list[TableRow]:
        """The rows of this page."""
        return [
            TableRow(
                [cell(column, row) for column in self.columns],
                self.opens(row) if self.opens else "",
                self.page_of(row) if self.page_of else "",
                (self.selection.value(row) or "") if self.selection else "",
            )
            for row in self.page_rows
        ]

    @property
    def foot(self) -> list[Cell]:
        """The sums, each under its column."""
        return [
            Cell(column, column.shown(self.sums[column.key])) if column.key in self.sums else Cell(column, "")
            for column in self.columns
        ]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The choices that have something to choose from."""
        return [
            {
                "name": self.param(choice.key),
                "label": choice.label,
                "options": self.options[choice.key],
                "chosen": self.chosen(choice),
                "always": choice.always,
                "typed": choice.finds is not None,
                "text": self.asked(choice.key),
            }
            for choice in self.choices
            if choice.finds or len(self.options[choice.key]) > 1
        ]

    @property
    def previous(self) -> str:
        """The address of the page before."""
        return self.address(page=str(self.page.previous_page_number())) if self.page.has_previous() else ""

    @property
    def next(self) -> str:
        """The address of the page after."""
        return self.address(page=str(self.page.next_page_number())) if self.page.has_next() else ""


def render_tables(
    request: HttpRequest, template: str, context: dict[str, Any], tables: Sequence[Table], status: int = 200
) -> HttpResponseBase:
    """A page with tables; only one table where htmx asks for it; a file where an export is asked for.

    A filter that cannot be used is named above the table; no file is given then: it would hold other rows than asked.
    """
    for table in tables[:1]:
        table.strangers = strangers(request, set().union(*(each.own for each in tables)))
    for table in tables:
        if table.asked("export") in FORMATS:
            if table.refused:
                said = _("这些筛选不能用，没有给出文件：{what}").format(what=", ".join(table.refused))
                return HttpResponse(said, status=422, content_type="text/plain; charset=utf-8")
            return exported(
                table.file, table.asked("export"), file_columns(table.columns), table.filtered, table.prepare
            )
    target = request.htmx.target  # type: ignore[attr-defined]
    asked = next((table for table in tables if table.element == target), None)
    named = {f"{table.name}_table" if table.name else "table": table for table in tables}
    response: HttpResponse
    if asked:
        response = render(request, "portal/table.html", {"table": asked})
    else:
        response = render(
            request, template, {**named, **({"strangers": ()} if tables else {}), **context}, status=status
        )
    patch_vary_headers(response, ["HX-Request", "HX-Target", "Cookie"])
    return response

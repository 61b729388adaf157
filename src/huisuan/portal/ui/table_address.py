"""A table's place in the address of its page: its parameters' names, what they ask, the address with some changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import cast

from django.http import HttpRequest

from huisuan.parties.models import Person, SavedFilter
from huisuan.parties.saved.filters import may_share, visible_filters
from huisuan.portal.ui.columns import Choice, Column
from huisuan.portal.ui.export import FORMATS


class TableAddress:
    """`name` keeps several tables of a page apart, in addresses and in the markup."""

    request: HttpRequest
    name: str
    columns: Sequence[Column]
    choices: Sequence[Choice]

    @property
    def element(self) -> str:
        """The id of its element on the page."""
        return f"table-{self.name or 'main'}"

    def param(self, key: str) -> str:
        """The name of a parameter of this table in the address."""
        return f"{self.name}-{key}" if self.name else key

    def asked(self, key: str) -> str:
        """What the address asks of this table."""
        return self.request.GET.get(self.param(key), "").replace("\x00", "").strip()

    def address(self, **changes: str) -> str:
        """This page's address with some of this table's parameters changed; an empty one is left out."""
        query = self.request.GET.copy()
        for key, value in changes.items():
            query.pop(self.param(key), None)
            if value:
                query[self.param(key)] = value
        return f"?{query.urlencode()}"

    @property
    def text(self) -> str:
        """What stands in the filter box."""
        return self.asked("q")

    @property
    def param_q(self) -> str:
        """The name of the filter box."""
        return self.param("q")

    @property
    def param_sort(self) -> str:
        """The name of the order."""
        return self.param("sort")

    @property
    def param_at(self) -> str:
        """The name of the date that the list begins at, where it can."""
        return self.param("at")

    @property
    def param_page(self) -> str:
        """The name of the page's number."""
        return self.param("page")

    @property
    def beside_page(self) -> list[tuple[str, str]]:
        """What a form that asks for another page carries along: everything but where the page is."""
        where = {self.param(key) for key in self.page_keys}
        return [(key, value) for key, values in self.request.GET.lists() if key not in where for value in values]

    @property
    def everything_filtered(self) -> str:
        """The query that stands for everything filtered, whatever the page."""
        return self.address(export="", **self.first_page)

    @property
    def page_keys(self) -> tuple[str, ...]:
        """The parameters that say where the page is; another filter or order begins at the first page again."""
        return ("page",)

    @property
    def first_page(self) -> dict[str, str]:
        """The changes of an address that lead to the first page."""
        return dict.fromkeys(self.page_keys, "")

    @property
    def keeps(self) -> bool:
        """Whether what it is filtered by can be kept under a name: on its page's own list, by who is signed in."""
        return not self.name and isinstance(getattr(self.request, "user", None), Person)

    @cached_property
    def saved(self) -> list[SavedFilter]:
        """The filters of this list that the reader keeps, or colleagues share."""
        return list(visible_filters(cast(Person, self.request.user), self.request.path)) if self.keeps else []

    @property
    def shares(self) -> bool:
        """Whether the reader has an office whose people can be shown a filter."""
        return self.keeps and may_share(cast(Person, self.request.user))

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the filter form must carry along: the order, and the parameters of the page's other tables."""
        return [(key, value) for key, values in self.request.GET.lists() if key not in self.own for value in values]

    @property
    def exports(self) -> list[tuple[str, str]]:
        """The addresses of the exports of exactly what is filtered."""
        return [(name.upper(), self.address(export=name, **self.first_page)) for name in FORMATS]

    @property
    def sortings(self) -> list[tuple[str, str]]:
        """Every order there is, for a narrow screen that shows no headings; the one in force is the page's own."""
        return [
            (f"{sign}{column.key}", f"{column.label} {arrow}")
            for column in self.columns
            if column.sort
            for sign, arrow in (("", "▲"), ("-", "▼"))
        ]

    @property
    def own(self) -> set[str]:
        """The parameters of this table in the address."""
        keys = ("q", "sort", *self.page_keys, "export", *(choice.key for choice in self.choices))
        return {self.param(key) for key in keys}

"""A table over rows without end: pages by key instead of by number, counts that are bounded or kept.

A page begins after the last row of the page before (`after`) or ends before its first (`before`), so the database reads
one page along an index whatever the page, and a row that arrives meanwhile moves no other. Rows are counted up to
`MOST_COUNTED`; beyond that, unless somebody keeps the sums (`kept`), the page says "more than" and sums nothing.

A word, or a choice that no index serves, is looked for in a stretch of at most `STRETCH_ROWS` rows from where the page
begins, in the order of the list: the page says how far it looked, and leads on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, DateTimeField, Field, Q, QuerySet, Sum

from huisuan.portal.ui.columns import Column
from huisuan.portal.ui.keyset_places import BETWEEN_VALUES, beyond_nullable, cursor_text, cursor_value, midnight_of
from huisuan.portal.ui.table import PAGE_ROWS, Table

MOST_COUNTED = 10_000
STRETCH_ROWS = 10_000


@dataclass(frozen=True)
class Stretch:
    """What was found from a place on: at most a page of rows, and whether there are `more`.

    `end`: the values of the last row that was looked at, where looking stopped before the rows did.
    """

    rows: list[Any]
    more: bool
    end: tuple[Any, ...] | None
    looked_through: QuerySet[Any]


@dataclass(frozen=True)
class KeysetPage:
    """The rows of a page, and by which parameters the one before it and the one after it are asked; None: no such."""

    rows: list[Any]
    previous: dict[str, str] | None
    next: dict[str, str] | None
    stretch: Stretch


class KeysetTable(Table):
    """`kept` gives the totals of everything filtered where they are kept, None where the rows are to be counted.

    Sortable columns sort by fields of the row itself. One whose field is a time makes the list jump to a date (`at`).
    `measured` are the rows by which a stretch is measured, where that is cheaper than by the rows themselves: all of
    them, and some more.
    """

    def __init__(
        self,
        *args: Any,
        kept: Callable[[Table], dict[str, int] | None] | None = None,
        measured: QuerySet[Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.kept, self.measured = kept, measured

    @property
    def page_keys(self) -> tuple[str, ...]:
        """What says where the page is."""
        return ("after", "before", "at")

    # where the page is

    @property
    def _fields(self) -> list[Field[Any, Any]]:
        """The fields ordered by, the last of which tell any two rows apart."""
        fields: list[Field[Any, Any]] = []
        for name in (step.removeprefix("-") for step in self.ordering):
            field = self.everything.model._meta.get_field(name)
            if isinstance(field, Field) and field not in fields:
                fields.append(field)
        return fields

    @property
    def ordering(self) -> list[str]:
        """The paths to order by; the key follows the direction of the column, as an index does."""
        down = "-" if self.sorting.startswith("-") else ""
        # by column: named by field, Django orders a relation as its model orders itself; the cursor compares columns
        names = dict.fromkeys([self._sorted_column.sort, *(field.attname for field in self._key)])
        return [f"{down}{name}" for name in names]

    @property
    def _key(self) -> Sequence[Field[Any, Any]]:
        return list(self.everything.model._meta.pk_fields)

    @property
    def _sorted_column(self) -> Column:
        key = self.sorting.removeprefix("-")
        return next(column for column in self.columns if column.key == key)

    def cursor(self, row: Any) -> str:
        """A row's place in the order, as the address names it."""
        return cursor_text([getattr(row, field.attname) for field in self._fields])

    def _place(self, key: str) -> list[Any] | None:
        """The values of the cursor that the address gives; None: there is none, or it is none of ours."""
        texts = self.asked(key).rsplit(BETWEEN_VALUES, len(self._fields) - 1) if self.asked(key) else []
        if len(texts) != len(self._fields):
            return None
        try:
            return [cursor_value(field, text) for field, text in zip(self._fields, texts, strict=True)]
        except (ValueError, ValidationError):
            return None

    @cached_property
    def jump_day(self) -> date | None:
        """The day that the list begins at."""
        try:
            return date.fromisoformat(self.asked("at")) if self.jumps else None
        except ValueError:
            return None

    @property
    def jumps(self) -> bool:
        """Whether the list is in the order of a time, so that it can begin at a date."""
        return isinstance(self._fields[0], DateTimeField)

    @cached_property
    def page_rows(self) -> Sequence[Any]:
        """The rows of the page, at most `most_rows` or PAGE_ROWS."""
        return self._prepared(self._page.rows)

    @cached_property
    def _page(self) -> KeysetPage:
        if before := self._place("before"):
            found = self._look(lambda rows: self._beyond(rows, before, back=True).reverse(), back=True)
            if found.more or found.end:
                return self._page_back(found)
        elif after := self._place("after"):
            return self._page_on(self._look(lambda rows: self._beyond(rows, after)), begins=True)
        elif day := self.jump_day:
            return self._page_on(self._look(lambda rows: self._from_day(rows, day)), begins=True)
        return self._page_on(self._look(lambda rows: rows), begins=False)  # before the first page comes the first page

    def _page_on(self, found: Stretch, *, begins: bool) -> KeysetPage:
        rows, end = found.rows, found.end
        after = self.cursor(rows[-1]) if found.more else cursor_text(end) if end else ""
        previous = {"before": self.cursor(rows[0])} if begins and rows else {} if begins else None
        return KeysetPage(rows, previous, {"after": after} if after else None, found)

    def _page_back(self, found: Stretch) -> KeysetPage:
        rows, end = found.rows[::-1], found.end
        before = self.cursor(rows[0]) if found.more else cursor_text(end or ())
        return KeysetPage(rows, {"before": before}, {"after": self.cursor(rows[-1]) if rows else before}, found)

    def _look(self, place: Callable[[QuerySet[Any]], QuerySet[Any]], *, back: bool = False) -> Stretch:
        """What is found from a place on, in a direction; as far as one looks for words."""
        rows, ends = place(self.filtered), list[tuple[Any, ...]]()
        if self.searches:
            names = [field.attname for field in self._fields]
            ends = list(place(self._served).values_list(*names)[STRETCH_ROWS - 1 : STRETCH_ROWS + 1])
        if bounded := len(ends) == 2:
            rows = self._beyond(rows, ends[1], back=not back)
        most = self.most_rows or PAGE_ROWS
        found = list(rows[: most + 1])
        more = len(found) > most
        return Stretch(found[:most], more, ends[0] if bounded and not more else None, rows)

    @cached_property
    def searches(self) -> bool:
        """Whether rows are looked at one by one, and there are too many to look at all."""
        unserved = any(self.chosen(choice) for choice in self.choices if not choice.served)
        if not (self.words or unserved):
            return False
        return bool(self._served[: STRETCH_ROWS + 1].count() > STRETCH_ROWS)

    @property
    def _served(self) -> QuerySet[Any]:
        """What indexes lead to: every row of the filter is among them, and others are."""
        rows = self.everything if self.measured is None else self.measured
        return self.narrowed(rows, [choice for choice in self.choices if choice.served]).order_by(*self.ordering)

    @property
    def searched_until(self) -> tuple[Any, ...] | None:
        """The values of the last row that was looked at, where others follow it and the page is not full."""
        return self._page.stretch.end

    @property
    def searched_rows(self) -> int:
        """How many rows are looked at for one page."""
        return STRETCH_ROWS

    @property
    def searched_to(self) -> datetime | None:
        """The time of the last row that was looked at, in a list in the order of a time."""
        first = self.searched_until[0] if self.searched_until else None
        return first if isinstance(first, datetime) else None

    def _from_day(self, rows: QuerySet[Any], day: date) -> QuerySet[Any]:
        name = self._fields[0].attname
        if self.sorting.startswith("-"):
            return rows.filter(**{f"{name}__lt": midnight_of(day + timedelta(days=1))})
        return rows.filter(**{f"{name}__gte": midnight_of(day)})

    def _beyond(self, rows: QuerySet[Any], place: Sequence[Any], *, back: bool = False) -> QuerySet[Any]:
        """The rows behind a place in the order, or before it."""
        down = self.sorting.startswith("-") != back
        first, names = self._fields[0], [field.attname for field in self._fields]
        tie = Q()
        for index in reversed(range(1, len(names))):
            here = Q(**{f"{names[index]}__{'lt' if down else 'gt'}": place[index]})
            tie = here if not tie else here | Q(**{names[index]: place[index]}) & tie
        if not first.null:
            way = "lt" if down else "gt"
            if not tie:
                return rows.filter(**{f"{names[0]}__{way}": place[0]})
            # the first condition is what an index is searched by
            return rows.filter(Q(**{f"{names[0]}__{way}e": place[0]})).filter(
                Q(**{f"{names[0]}__{way}": place[0]}) | tie
            )
        return rows.filter(beyond_nullable(names[0], place[0], tie, down=down))

    # what the page says of the whole

    @cached_property
    def totals(self) -> dict[str, int]:
        """How many rows the filter leaves, at most one more than MOST_COUNTED; the sums where that is all of them."""
        if self.kept and (found := self.kept(self)) is not None:
            return found
        if self.searches:
            return self._found_totals()
        few = self.filtered.order_by()[: MOST_COUNTED + 1]
        wanted = {f"sum_{column.key}": Sum(column.total) for column in self.columns if column.total}
        counted = few.aggregate(rows=Count("*"), **wanted)
        if counted["rows"] > MOST_COUNTED:
            return {"rows": counted["rows"]}
        return {key: int(value or 0) for key, value in counted.items()}

    def _found_totals(self) -> dict[str, int]:
        """The totals of the stretch that was looked through: where the page holds all of it, without asking again."""
        found, summed = self._page.stretch, [column for column in self.columns if column.total]
        if not found.more:
            return {
                "rows": len(found.rows),
                **{f"sum_{column.key}": sum(getattr(row, column.total) for row in found.rows) for column in summed},
            }
        wanted = {f"sum_{column.key}": Sum(column.total) for column in summed}
        counted = found.looked_through.order_by().aggregate(rows=Count("*"), **wanted)
        return {key: int(value or 0) for key, value in counted.items()}

    @property
    def is_more(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count == MOST_COUNTED + 1 and not (self.kept and self.kept(self) is not None)

    @property
    def counted(self) -> int:
        """The figure that the page names: of the rows, or of how many they are more than."""
        return MOST_COUNTED if self.is_more else self.count

    @property
    def place(self) -> str:
        """Nothing: pages by key have no numbers."""
        return ""

    @property
    def refused_page(self) -> list[str]:
        """Which of `after`, `before`, `at` the address gives and nothing can be found by."""
        wrong = [key for key in ("after", "before") if self.asked(key) and self._place(key) is None]
        return wrong + (["at"] if self.asked("at") and self.jump_day is None else [])

    @property
    def previous(self) -> str:
        """The address of the page before."""
        where = self._page.previous
        return "" if where is None else self._elsewhere(**where)

    @property
    def next(self) -> str:
        """The address of the page after."""
        where = self._page.next
        return "" if where is None else self._elsewhere(**where)

    def _elsewhere(self, **where: str) -> str:
        return self.address(**{**dict.fromkeys(self.page_keys, ""), **where})

"""A table over rows without end: pages by key instead of by number, counts that are bounded or kept.

A page begins after the last row of the page before (`after`) or ends before its first (`before`), so the database reads
one page along an index whatever the page, and a row that arrives meanwhile moves no other. Rows are counted up to
`MOST_COUNTED`; beyond that, unless somebody keeps the sums (`kept`), the page says "more than" and sums nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, DateTimeField, Field, ForeignKey, Q, QuerySet, Sum

from huisuan.base.months import SHANGHAI
from huisuan.portal.ui.columns import Column
from huisuan.portal.ui.table import PAGE_ROWS, Table

MOST_COUNTED = 10_000
LARGEST_KEY = 2**62
_BETWEEN = "~"  # the values of a cursor


class KeysetTable(Table):
    """`kept` gives the totals of everything filtered where they are kept, None where the rows are to be counted.

    Sortable columns sort by fields of the row itself. One whose field is a time makes the list jump to a date (`at`).
    """

    def __init__(self, *args: Any, kept: Callable[[Table], dict[str, int] | None] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.kept = kept

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
        values = (getattr(row, field.attname) for field in self._fields)
        return _BETWEEN.join("" if v is None else v.isoformat() if isinstance(v, datetime) else str(v) for v in values)

    def _place(self, key: str) -> list[Any] | None:
        """The values of the cursor that the address gives; None: there is none, or it is none of ours."""
        texts = self.asked(key).rsplit(_BETWEEN, len(self._fields) - 1) if self.asked(key) else []
        if len(texts) != len(self._fields):
            return None
        try:
            return [_value(field, text) for field, text in zip(self._fields, texts, strict=True)]
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
        """The rows of the page, at most PAGE_ROWS."""
        return self._page[0]

    @cached_property
    def _page(self) -> tuple[list[Any], bool, bool]:
        """The rows, whether some come before them, whether some follow."""
        if before := self._place("before"):
            rows = list(self._beyond(before, back=True).reverse()[: PAGE_ROWS + 1])
            if len(rows) > PAGE_ROWS:
                return self._prepared(rows[:PAGE_ROWS][::-1]), True, True
            return self._from_here(self.filtered, begins=False)  # the first page, filled up
        if after := self._place("after"):
            return self._from_here(self._beyond(after), begins=True)
        if self.jump_day:
            return self._from_here(self._from_day(self.jump_day), begins=True)
        return self._from_here(self.filtered, begins=False)

    def _from_here(self, rows: QuerySet[Any], *, begins: bool) -> tuple[list[Any], bool, bool]:
        found = list(rows[: PAGE_ROWS + 1])
        return self._prepared(found[:PAGE_ROWS]), begins, len(found) > PAGE_ROWS

    def _from_day(self, day: date) -> QuerySet[Any]:
        name = self._fields[0].attname
        if self.sorting.startswith("-"):
            return self.filtered.filter(**{f"{name}__lt": _midnight(day + timedelta(days=1))})
        return self.filtered.filter(**{f"{name}__gte": _midnight(day)})

    def _beyond(self, place: Sequence[Any], *, back: bool = False) -> QuerySet[Any]:
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
                return self.filtered.filter(**{f"{names[0]}__{way}": place[0]})
            # the first condition is what an index is searched by
            return self.filtered.filter(Q(**{f"{names[0]}__{way}e": place[0]})).filter(
                Q(**{f"{names[0]}__{way}": place[0]}) | tie
            )
        return self.filtered.filter(_beyond_nullable(names[0], place[0], tie, down=down))

    # what the page says of the whole

    @cached_property
    def totals(self) -> dict[str, int]:
        """How many rows the filter leaves, at most one more than MOST_COUNTED; the sums where that is all of them."""
        if self.kept and (found := self.kept(self)) is not None:
            return found
        few = self.filtered.order_by()[: MOST_COUNTED + 1]
        wanted = {f"sum_{column.key}": Sum(column.total) for column in self.columns if column.total}
        counted = few.aggregate(rows=Count("*"), **wanted)
        if counted["rows"] > MOST_COUNTED:
            return {"rows": counted["rows"]}
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
        rows, before, _after = self._page
        if not before:
            return ""
        return self._elsewhere(before=self.cursor(rows[0])) if rows else self._elsewhere()

    @property
    def next(self) -> str:
        """The address of the page after."""
        rows, _before, after = self._page
        return self._elsewhere(after=self.cursor(rows[-1])) if after and rows else ""

    def _elsewhere(self, **where: str) -> str:
        return self.address(**{**dict.fromkeys(self.page_keys, ""), **where})


def _value(field: Field[Any, Any], text: str) -> Any:
    """What a text of a cursor stands for.

    Raises:
        ValueError, ValidationError: nothing that the field could hold.
    """
    if not text and field.null:
        return None
    target = field.target_field if isinstance(field, ForeignKey) else field
    value = target.to_python(text)
    if isinstance(value, int) and abs(value) > LARGEST_KEY:
        raise ValueError("no key is so large")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a time without its zone")
    return value


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _beyond_nullable(name: str, value: Any, tie: Q, *, down: bool) -> Q:
    """The same where a value may be missing: PostgreSQL sorts those last going up, first going down."""
    missing = Q(**{f"{name}__isnull": True})
    if value is None:
        return (~missing | missing & tie) if down else (missing & tie)
    nearer = Q(**{f"{name}__{'lt' if down else 'gt'}": value}) | Q(**{name: value}) & tie
    return nearer if down else nearer | missing

"""What a table is made of: columns declared once, used on the page and in every export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, reduce
from html import escape
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.ui import number_format
from huisuan.portal.ui.state_labels import Word

Text = str | Promise


class Kind(StrEnum):
    """How a value is read: decides its form on the page, its alignment and its form in an export."""

    TEXT = "text"
    SENTENCE = "sentence"  # one that the platform made and stored in Chinese
    CODE = "code"
    LONG_CODE = "long_code"
    INTEGER = "integer"
    FEN = "fen"
    CARD_SECONDS = "card_seconds"
    P = "p"
    MOMENT = "moment"
    DAY = "day"
    MONTH = "month"
    STATE = "state"


_SHOW: dict[Kind, Callable[[Any], str]] = {
    Kind.INTEGER: number_format.format_integer,
    Kind.FEN: number_format.yuan,
    Kind.CARD_SECONDS: number_format.card_hours,
    Kind.P: number_format.petaflops,
    Kind.MOMENT: number_format.local_time,
    Kind.DAY: number_format.format_day,
    Kind.MONTH: number_format.month,
}
#: unit on the page and unit in an export: card-hours are read, card-seconds are computed with
_UNITS: dict[Kind, tuple[Text, Text]] = {
    Kind.FEN: (_("元"), _("元")),
    Kind.CARD_SECONDS: (_("卡时"), _("卡秒")),
    Kind.P: ("P", "P"),
}
NUMBERS = frozenset({Kind.INTEGER, Kind.FEN, Kind.CARD_SECONDS, Kind.P})
FIXED = frozenset({Kind.CODE, Kind.LONG_CODE, Kind.MOMENT, Kind.DAY, Kind.MONTH, Kind.STATE})


@dataclass(frozen=True)
class Column:
    """One column. `value` is a path of attributes on the row, or a function of it.

    `sort` is the path to order by (empty: cannot be sorted), `total` the path summed at the foot, `link` the
    address that a row's cell leads to (None: none). `minor` columns are left out of the cards on a narrow screen.
    `note` is said in small under the value; in a file it has a column of its own, `note_label`.
    """

    key: str
    label: Text
    value: str | Callable[[Any], Any]
    kind: Kind = Kind.TEXT
    sort: str = ""
    total: str = ""
    link: Callable[[Any], str | None] | None = None
    minor: bool = False
    note: Callable[[Any], str] | None = None
    note_label: Text = ""

    def of(self, row: Any) -> Any:
        """The value of a row in this column."""
        if callable(self.value):
            return self.value(row)
        return reduce(lambda thing, name: None if thing is None else getattr(thing, name), self.value.split("."), row)

    def shown(self, value: Any) -> str:
        """A value as the page shows it."""
        if value is None or value == "":
            return number_format.NOTHING
        return _SHOW.get(self.kind, str)(value)

    @property
    def number(self) -> bool:
        """Whether figures stand here, aligned to the right."""
        return self.kind in NUMBERS

    @property
    def fixed(self) -> bool:
        """Whether it is read as one piece and never broken over lines."""
        return self.kind in FIXED

    @cached_property
    def style(self) -> str:
        """The classes of its cells."""
        named = {"number": self.number, "fixed": self.fixed, "code": self.kind in (Kind.CODE, Kind.LONG_CODE)}
        named |= {"clipped": self.kind is Kind.LONG_CODE, "minor": self.minor, "moment": self.kind is Kind.MOMENT}
        return " ".join(name for name, holds in named.items() if holds)

    @cached_property
    def _openings(self) -> dict[str, str]:
        return {}

    @property
    def opening(self) -> str:
        """The attributes of each of its cells as HTML, in the reader's language; worked out once, not for each cell."""
        language = get_language() or ""
        if language not in self._openings:
            label = f"{self.label} {self.unit}" if self.unit else str(self.label)
            style = f' class="{escape(self.style)}"' if self.style else ""
            self._openings[language] = f' data-label="{escape(label)}"{style}'
        return self._openings[language]

    @property
    def unit(self) -> Text:
        """The unit as the page's heading names it."""
        return _UNITS.get(self.kind, ("", ""))[0]

    @property
    def exported_heading(self) -> str:
        """The heading in a file, with the unit of what stands in the file."""
        unit = _UNITS.get(self.kind, ("", ""))[1]
        return _t("{heading}（{unit}）").format(heading=self.label, unit=unit) if unit else str(self.label)


@dataclass(frozen=True)
class Choice:
    """A filter by a short list: what can be chosen, and how a choice narrows the rows.

    `options` gets the rows before any filter and returns (value, label) pairs. One that is `always` narrows by its
    first option where nothing is chosen, or by `first`: for rows that nobody can look at all at once. One that is
    `served` has an index in the order of the list: its rows are found without looking at others. One that `finds` is
    typed in, for options are too many to choose from: it says whether a text names anything.
    """

    key: str
    label: Text
    options: Callable[[QuerySet[Any]], Sequence[tuple[str, Text]]]
    narrow: Callable[[QuerySet[Any], str], QuerySet[Any]]
    always: bool = False
    first: str = ""
    served: bool = False
    finds: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Empty:
    """What an empty table says: why it is empty, and what would fill it, with the command or page to do so."""

    text: Text
    command: str = ""
    link: Text = ""
    link_text: Text = ""


@dataclass(frozen=True)
class Selection:
    """Rows chosen for an action: the page `action` asks first and gets them as `name`; `label` is its button's.

    `value` gives what a row is called, None where it cannot be chosen. `all_label` leads there with the filter.
    `takes_away`: the action ends something, and its button looks so.
    """

    action: str
    name: str
    label: Text
    value: Callable[[Any], str | None]
    all_label: Text = ""
    takes_away: bool = True


@dataclass(frozen=True)
class Cell:
    """One cell as the page shows it."""

    column: Column
    text: str
    word: Word | None = None
    href: str = ""
    exact: str = ""
    note: str = ""


@dataclass(frozen=True)
class Head:
    """One heading: where a click on it leads, and how it is sorted now."""

    column: Column
    href: str = ""
    sorted: str = ""


@dataclass
class TableRow:
    """One row: its cells, where it opens in place, and what its box stands for where it can be selected."""

    cells: list[Cell] = field(default_factory=list)
    opens: str = ""
    page: str = ""
    selects: str = ""


def cell(column: Column, row: Any) -> Cell:
    """The cell of a row."""
    value = column.of(row)
    text = column.shown(value)
    return Cell(
        column=column,
        text=sentence_html(text) if column.kind is Kind.SENTENCE else text,
        word=value if isinstance(value, Word) else None,
        href=(column.link(row) or "") if column.link else "",
        exact=_exact(column, value),
        note=column.note(row) if column.note else "",
    )


def file_columns(columns: Sequence[Column]) -> list[Column]:
    """The columns of a file: each note stands beside what it belongs to."""
    return [
        one
        for column in columns
        for one in (
            column,
            *([Column(f"{column.key}-note", column.note_label, column.note, Kind.SENTENCE)] if column.note else []),
        )
    ]


def _exact(column: Column, value: Any) -> str:
    """What the cell tells on pointing at it: the figure unrounded, the code unclipped."""
    if value is None:
        return ""
    if column.kind is Kind.CARD_SECONDS:
        return f"{value:,} {_('卡秒')}"
    return str(value) if column.kind is Kind.LONG_CODE else ""

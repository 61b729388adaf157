"""A timeline: what happened about one thing, from several sources, the newest first; as far back as one asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Column, Kind
from huisuan.portal.ui.export import FORMATS, ListedRows, exported
from huisuan.portal.whole.happenings import Happening, HappeningSource

SHOWN_AT_ONCE = 50
MOST_EXPORTED = 10_000  # of each source
_COLUMNS = (
    Column("at", _("何时"), "at", Kind.MOMENT),
    Column("what", _("何事"), "what"),
    Column("title", _("事项"), "title"),
    Column("said", _("说明"), "said"),
    Column("fen", _("金额"), "fen", Kind.FEN),
    Column("by", _("谁"), "by"),
)


@dataclass(frozen=True)
class Timeline:
    """Some of what happened; `skip` newer ones are left out, and there are older ones where `older` is not zero."""

    rows: Sequence[Happening]
    skip: int
    older: int
    not_used: Sequence[str] = field(default=())

    @property
    def newer(self) -> int:
        """How many to leave out for the page before this one."""
        return max(0, self.skip - SHOWN_AT_ONCE)


def read_timeline(request: HttpRequest, sources: Iterable[HappeningSource]) -> Timeline:
    """As many as fit on a page, after as many as the address says to leave out."""
    asked = request.GET.get("skip", "")
    readable = asked.isascii() and asked.isdigit() and len(asked) <= len(str(MOST_EXPORTED))
    skip = int(asked) if readable else 0
    until = skip + SHOWN_AT_ONCE
    rows = _merged(sources, until + 1)
    wrong = refused(request, *(["skip"] if asked and not readable else []), *_no_form(request))
    return Timeline(rows[skip:until], skip, until if len(rows) > until else 0, wrong)


def timeline_file(request: HttpRequest, file: str, sources: Iterable[HappeningSource]) -> HttpResponseBase | None:
    """All of it as CSV or XLSX, where that is what the address asks for."""
    if request.GET.get("export") not in FORMATS:
        return None
    rows: Sequence[Any] = _merged(sources, MOST_EXPORTED)
    return exported(file, request.GET["export"], _COLUMNS, ListedRows(rows).as_query())


def _merged(sources: Iterable[HappeningSource], most: int) -> list[Happening]:
    rows = sorted(chain.from_iterable(source(most) for source in sources), key=lambda row: row.at, reverse=True)
    return rows[:most]


def _no_form(request: HttpRequest) -> list[str]:
    return ["export"] if request.GET.get("export", "") not in ("", *FORMATS) else []

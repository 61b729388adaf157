"""Filters that several lists have: by a firm, typed in by name or number, for a province has thousands; by a month.

And the first rows of a list on a page about something else: what is not shown is counted, nothing is cut silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Exists, ForeignKey, ManyToOneRel, Model, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Party
from huisuan.portal.ui.columns import Choice, Text

#: keys of some parties, or what finds them where they are many
Firms = list[int] | QuerySet[Party]
_LISTED = 200  # parties that are named to the database one by one
MOST_MONTHS = 60
_Row = TypeVar("_Row", bound=Model)


def first_rows(rows: QuerySet[_Row], most: int) -> tuple[list[_Row], int]:
    """So many rows at most, and how many there are besides (counted only where there are any)."""
    shown = list(rows[: most + 1])
    return shown[:most], rows.count() - most if len(shown) > most else 0


def has_word(model: type[Model], path: str, word: str) -> Q:
    """That a text field has a word somewhere.

    Parties are looked through once, not once for each row that has one; rows of which there are many to one, as well.
    """
    alike = "contains" if word.upper() == word.lower() else "icontains"  # a number, Chinese: nothing to fold
    first, _sep, rest = path.partition("__")
    related = model._meta.get_field(first) if rest else None
    if isinstance(related, ForeignKey) and related.related_model is Party:
        return Q(**{f"{first}__in": Party.objects.filter(**{f"{rest}__{alike}": word})})
    if isinstance(related, ManyToOneRel):
        many = related.related_model._default_manager.filter(**{related.field.name: OuterRef("pk")})
        return Q(Exists(many.filter(**{f"{rest}__{alike}": word})))
    return Q(**{f"{path}__{alike}": word})


def firm_choice(
    path: str = "party", *, served: bool = False, within: Callable[[QuerySet[Any], Firms], QuerySet[Any]] | None = None
) -> Choice:
    """Rows of the parties whose number is what is typed, or whose name has it; `path` leads from a row to its party.

    `within` narrows rows that have no party of their own by those parties instead.
    """

    def narrow(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        firms = _keys(text)
        return within(rows, firms) if within else rows.filter(**{f"{path}__in": firms})

    return Choice("firm", _("主体"), lambda _rows: (), narrow, served=served, finds=lambda text: _firms(text).exists())


def _firms(text: str) -> QuerySet[Party]:
    exact = Party.objects.filter(uscc=text.upper())
    return exact if exact.exists() else Party.objects.filter(Q(name__icontains=text) | Q(name_en__icontains=text))


def _keys(text: str) -> Firms:
    found = _firms(text)
    keys = list(found.values_list("pk", flat=True)[: _LISTED + 1])
    return keys if len(keys) <= _LISTED else found


def months_to_choose(span: Mapping[str, datetime | None]) -> Sequence[tuple[str, Text]]:
    """The months from `first` to `last`, the last first, at most MOST_MONTHS of them; none where there is no first."""
    if span["first"] is None or span["last"] is None:
        return []
    first, last = (end.astimezone(SHANGHAI) for end in (span["first"], span["last"]))
    count = min((last.year - first.year) * 12 + last.month - first.month + 1, MOST_MONTHS)
    named = [divmod(last.year * 12 + last.month - 1 - back, 12) for back in range(count)]
    return [(month := f"{year}-{index + 1:02d}", month) for year, index in named]


def span_of_month(month: str) -> tuple[datetime, datetime]:
    """When a month of the choice begins, and the next."""
    year, number = (int(part) for part in month.split("-"))
    starts = datetime(year, number, 1, tzinfo=SHANGHAI)
    return starts, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=SHANGHAI)

"""Tags and filters of the pages: figures with their units, states in words, the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from json import dumps
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.ui import navigation, number_format, state_labels
from huisuan.portal.ui.columns import Cell

register = template.Library()


@register.filter
def no_subsidy(subsidy: Any) -> str:
    """Why nothing of a job's cost comes back."""
    return state_labels.no_subsidy(subsidy.status, subsidy.sentence)


@register.filter
def years_text(years: Sequence[int]) -> list[str]:
    """Years as an address writes them."""
    return [str(year) for year in years]


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan, without the unit."""
    return number_format.NOTHING if fen is None else number_format.yuan(fen)


@register.filter
def card_hours(card_seconds: int | None) -> str:
    """Card-seconds as card-hours, without the unit."""
    return number_format.NOTHING if card_seconds is None else number_format.card_hours(card_seconds)


@register.filter
def integer(value: int | None) -> str:
    """A whole number with separators."""
    return number_format.NOTHING if value is None else number_format.format_integer(value)


@register.filter
def petaflops(capacity: Decimal) -> str:
    """Capacity in P, without the unit."""
    return number_format.petaflops(capacity)


@register.filter
def day(value: date | datetime | None) -> str:
    """A day at Asia/Shanghai."""
    return number_format.NOTHING if value is None else number_format.format_day(value)


@register.filter
def last_day(end: date | datetime) -> str:
    """The last day of a span, from the end that is not in it any more."""
    before = timedelta(microseconds=1) if isinstance(end, datetime) else timedelta(days=1)
    return number_format.format_day(end - before)


@register.filter
def month(value: date | datetime | None) -> str:
    """A month at Asia/Shanghai."""
    return number_format.NOTHING if value is None else number_format.month(value)


@register.filter
def local_time(value: datetime | None) -> str:
    """A time at Asia/Shanghai."""
    return number_format.NOTHING if value is None else number_format.local_time(value)


@register.filter
def duration(seconds: int | None) -> str:
    """Hours, minutes and seconds."""
    return number_format.NOTHING if seconds is None else number_format.duration(seconds)


@register.filter
def item(things: Mapping[str, Any], key: str) -> Any:
    """What a mapping holds under a key; nothing where it has none."""
    return things.get(key, "")


@register.filter
def plain(value: Any) -> str:
    """A year, an id: digits without separators, in any language."""
    return str(value)


@register.filter
def local_name(thing: Any) -> str:
    """The name in the reader's language."""
    return state_labels.local_name(thing)


@register.filter
def party_kind(kind: str) -> str:
    """The kind of an organisation in words."""
    return str(state_labels.PARTY.get(kind, kind))


@register.filter
def succession_kind(kind: str) -> str:
    """How one party took the place of another, in words."""
    return str(state_labels.SUCCESSION.get(kind, kind))


@register.filter
def sentence(text: object) -> SafeString:
    """A stored Chinese text in the reader's language; on an English page what stays Chinese is marked as such.

    What is HTML already (a refusal) stays as it is.
    """
    shown = str(text)
    return shown if isinstance(shown, SafeString) else sentence_html(shown)


@register.filter
def state(word: state_labels.Word) -> SafeString:
    """A state as a mark and a word; colour only repeats what they say."""
    return format_html(
        '<span class="state {}"><span aria-hidden="true">{}</span> {}</span>', word.tone, word.mark, word.label
    )


@register.filter
def tds(cells: Sequence[Cell]) -> SafeString:
    """The cells of a row; written here, because in the template they took longer than reading the rows."""
    return mark_safe("".join(map(_td, cells)))  # noqa: S308 (`_td` escapes)


def _td(cell: Cell) -> str:
    """One cell. Plain string work on purpose: a page has a thousand of them."""
    inner = cell.text if isinstance(cell.text, SafeString) else escape(cell.text)
    if cell.word:
        inner = state(cell.word)
    elif cell.href:
        inner = f'<a href="{escape(cell.href)}">{inner}</a>'
    exact = f' title="{escape(cell.exact)}"' if cell.exact else ""
    note = f'<span class="note">{sentence(cell.note)}</span>' if cell.note else ""
    return f"<td{cell.column.opening}{exact}>{inner}{note}</td>"


@register.simple_tag(takes_context=True)
def current_room(context: Context) -> str:
    """The entry of the menu where this page is, by its route or by `here` of its context."""
    return navigation.current_room(str(context.get("route", "")), str(context.get("here", "")))


@register.inclusion_tag("portal/chain.html", takes_context=True)
def chain(context: Context) -> dict[str, Any]:
    """The chain of this page, from `here` (the step) and `same` (step -> address) of its context."""
    return {
        "steps": navigation.chain(str(context.get("role", "")), str(context.get("here", "")), context.get("same") or {})
    }


@register.filter
def json(value: Any) -> str:
    """A value as JSON for an attribute; the template escapes it."""
    return dumps(value, ensure_ascii=False)


@register.filter
def fact_kind(kind: str) -> str:
    """The type of a fact in words."""
    return str(state_labels.FACT_KIND.get(kind, kind))

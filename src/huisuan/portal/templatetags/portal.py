"""Tags and filters of the pages: figures with their units, states in words, the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from json import dumps
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from huisuan.portal.sentences import page as sentences
from huisuan.portal.ui import navigation as rooms
from huisuan.portal.ui import number_format as figures
from huisuan.portal.ui import state_labels as words

register = template.Library()


@register.filter
def no_subsidy(subsidy: Any) -> str:
    """Why nothing of a job's cost comes back."""
    return words.no_subsidy(subsidy.status, subsidy.sentence)


@register.filter
def years_text(years: Sequence[int]) -> list[str]:
    """Years as an address writes them."""
    return [str(year) for year in years]


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan, without the unit."""
    return figures.NOTHING if fen is None else figures.yuan(fen)


@register.filter
def card_hours(card_seconds: int | None) -> str:
    """Card-seconds as card-hours, without the unit."""
    return figures.NOTHING if card_seconds is None else figures.card_hours(card_seconds)


@register.filter
def integer(value: int | None) -> str:
    """A whole number with separators."""
    return figures.NOTHING if value is None else figures.integer(value)


@register.filter
def p(capacity: Decimal) -> str:
    """Capacity in P, without the unit."""
    return figures.p(capacity)


@register.filter
def day(value: date | datetime | None) -> str:
    """A day at Asia/Shanghai."""
    return figures.NOTHING if value is None else figures.day(value)


@register.filter
def last_day(end: date | datetime) -> str:
    """The last day of a span, from the end that is not in it any more."""
    before = timedelta(microseconds=1) if isinstance(end, datetime) else timedelta(days=1)
    return figures.day(end - before)


@register.filter
def month(value: date | datetime | None) -> str:
    """A month at Asia/Shanghai."""
    return figures.NOTHING if value is None else figures.month(value)


@register.filter
def moment(value: datetime | None) -> str:
    """A time at Asia/Shanghai."""
    return figures.NOTHING if value is None else figures.moment(value)


@register.filter
def duration(seconds: int | None) -> str:
    """Hours, minutes and seconds."""
    return figures.NOTHING if seconds is None else figures.duration(seconds)


@register.filter
def item(things: Mapping[str, Any], key: str) -> Any:
    """What a mapping holds under a key; nothing where it has none."""
    return things.get(key, "")


@register.filter
def plain(value: Any) -> str:
    """A year, an id: digits without separators, in any language."""
    return str(value)


@register.filter
def named(thing: Any) -> str:
    """The name in the reader's language."""
    return words.named(thing)


@register.filter
def party_kind(kind: str) -> str:
    """The kind of an organisation in words."""
    return str(words.PARTY.get(kind, kind))


@register.filter
def sentence(text: object) -> SafeString:
    """A stored Chinese text in the reader's language; on an English page what stays Chinese is marked as such.

    What is HTML already (a refusal) stays as it is.
    """
    shown = str(text)
    return shown if isinstance(shown, SafeString) else sentences.marked(shown)


@register.filter
def state(word: words.Word) -> SafeString:
    """A state as a mark and a word; colour only repeats what they say."""
    return format_html(
        '<span class="state {}"><span aria-hidden="true">{}</span> {}</span>', word.tone, word.mark, word.label
    )


@register.inclusion_tag("portal/chain.html", takes_context=True)
def chain(context: Context) -> dict[str, Any]:
    """The chain of this page, from `here` (the step) and `same` (step -> address) of its context."""
    return {"steps": rooms.chain(str(context.get("role", "")), str(context.get("here", "")), context.get("same") or {})}


@register.filter
def json(value: Any) -> str:
    """A value as JSON for an attribute; the template escapes it."""
    return dumps(value, ensure_ascii=False)


@register.filter
def fact_kind(kind: str) -> str:
    """The type of a fact in words."""
    return str(words.FACT_KIND.get(kind, kind))

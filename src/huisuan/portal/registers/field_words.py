"""The fields of a register and what an entry says in them, in the words of its reader."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _t

from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui.number_format import format_day, format_integer, yuan


def register_title(spec: RegisterSpec) -> str:
    """What a register is called."""
    return spec.title_en if reads_english() else spec.title


def field_title(one: RegisterField) -> str:
    """What a field is called."""
    return one.title_en if reads_english() else one.title


def choice_word(one: RegisterField, value: Any) -> Any:
    """What a choice is called; whatever is no choice, as it is."""
    words = one.options.get(value)
    return value if words is None else words[1 if reads_english() else 0]


def field_text(one: RegisterField, value: Any) -> str:
    """What an entry says in a field."""
    if value is None:
        return "—"
    if one.kind is FieldKind.YUAN:
        return f"{yuan(value)} {_t('元')}"
    if one.kind is FieldKind.COUNT:
        return f"{value if one.key == 'year' else format_integer(value)} {one.unit}".strip()
    if one.kind is FieldKind.DAY:
        return format_day(date.fromisoformat(value))
    return str(choice_word(one, value))

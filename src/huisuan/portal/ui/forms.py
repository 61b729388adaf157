"""A field of a form as pages render it: what every form shares, however its questions come about.

`portal/input.html` renders the input of a field by its `widget`; where the label, the hint and the errors stand is the
layout of each form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.utils.functional import Promise


class Widget(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    LINES = "lines"
    SELECT = "select"
    RADIOS = "radios"
    CHECKBOXES = "checkboxes"


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from; `note` stands beside its label."""

    value: str
    label: str
    chosen: bool
    note: str | Promise = ""


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field: its name in what is submitted, what was typed to the letter, and what is wrong with it.

    `id` is the anchor of the input, `described_by` that of its hint and errors; `blank` labels the choice that means
    "nothing chosen", where there is one.
    """

    name: str
    label: str | Promise
    widget: Widget = Widget.LINE
    id: str = ""
    unit: str = ""
    hint: str | Promise = ""
    text: str = ""
    errors: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    blank: str | Promise = ""
    described_by: str = ""
    placeholder: str | Promise = ""
    inputmode: str = ""
    max_length: int = 0
    rows: int = 2
    suggestions: str = ""

    @property
    def error(self) -> str:
        """The first thing that is wrong, or nothing."""
        return self.errors[0] if self.errors else ""


Field = TypeVar("Field", bound=FormField)


def with_errors(fields: Iterable[Field]) -> list[Field]:
    """The fields that an error summary lists, in the order of the form."""
    return [field for field in fields if field.errors]


def choices(options: Iterable[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    """Choices of which at most one is chosen, from (what is submitted, what people see)."""
    return tuple(Choice(value, label, value == chosen) for value, label in options)

"""All that a value can be while it is not known: what a form may declare, and how narrow that is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import FIRST_DAY, INT64_MAX, LAST_DAY, ValueKind


@dataclass(frozen=True)
class Range:
    """Everything from `low` to `high`, both included: fen, counts, shares or days."""

    low: Any
    high: Any


#: Range for what can be ordered, a set for truths and choices, None where any words are possible
PossibleValues: TypeAlias = Range | frozenset[Any] | None


def fact_span(spec: FactSpec) -> PossibleValues:
    """Everything that may be declared for a fact."""
    match spec.kind:
        case ValueKind.BOOL:
            return frozenset((False, True))
        case ValueKind.CHOICE:
            return frozenset(spec.options or {})
        case ValueKind.DATE:
            return Range(FIRST_DAY, LAST_DAY)
        case ValueKind.SHARE:
            return Range(Fraction(0), Fraction(1))
        case ValueKind.MONEY | ValueKind.INT:
            return Range(0, INT64_MAX if spec.maximum is None else spec.maximum)
    return None


def is_single(span: PossibleValues) -> bool:
    """Whether only one value is left."""
    if isinstance(span, Range):
        return bool(span.low == span.high)
    return span is not None and len(span) == 1


def single_value(span: PossibleValues) -> Any:
    """The one value that is left; None while there are several."""
    if not is_single(span):
        return None
    return span.low if isinstance(span, Range) else next(iter(span or ()))

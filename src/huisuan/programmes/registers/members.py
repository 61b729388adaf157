"""Who belongs to an entry by days, and the share of them that another register names: the firms of a park (9.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from huisuan.law.procedure import RegisterMembers
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.queries import standing_versions


@dataclass(frozen=True)
class ShareSpan:
    """From a day on, so many members, of whom so many count; `above`: more than the share that the text names."""

    starts: date
    members: int
    marked: int
    above: bool


@dataclass(frozen=True)
class MemberDays:
    """A member belongs from a day to a day (both count); `marked`: the spans of days on which it counts."""

    starts: date
    ends: date
    marked: tuple[tuple[date, date], ...]


def share_spans(members: Iterable[MemberDays], share: Fraction) -> list[ShareSpan]:
    """The share over time: a span begins wherever the numbers change. Pure."""
    rows = list(members)
    changes = {row.starts for row in rows} | {_after(row.ends) for row in rows}
    changes |= {day for row in rows for first, last in row.marked for day in (first, _after(last))}
    found: list[ShareSpan] = []
    for day in sorted(changes - {date.max}):
        here = [row for row in rows if row.starts <= day <= row.ends]
        marked = sum(any(first <= day <= last for first, last in row.marked) for row in here)
        span = ShareSpan(day, len(here), marked, bool(here) and marked > share * len(here))
        if not found or (found[-1].members, found[-1].marked) != (span.members, span.marked):
            found.append(span)
    return [span for at, span in enumerate(found) if at or span.members]


def load_share(policy: str, code: str, members: RegisterMembers) -> list[ShareSpan]:
    """That of an entry, from the registers as they stand."""
    belongs = list(standing_versions(policy, members.register).filter(**{f"values__{members.by}": code}))
    holders = [row.holder_id for row in belongs if row.holder_id]
    marks: dict[int | None, list[tuple[date, date]]] = {}
    for row in standing_versions(policy, members.marked).filter(holder__in=holders):
        marks.setdefault(row.holder_id, []).append(_days(row))
    return share_spans([MemberDays(*_days(row), tuple(marks.get(row.holder_id, ()))) for row in belongs], members.share)


def crossings(spans: Sequence[ShareSpan]) -> list[ShareSpan]:
    """The spans with which the share came above the figure, or fell back to it or below."""
    above, found = False, []
    for span in spans:
        if span.above != above:
            found.append(span)
            above = span.above
    return found


def _days(row: RegisterVersion) -> tuple[date, date]:
    return row.from_day, row.until_day or date.max


def _after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)

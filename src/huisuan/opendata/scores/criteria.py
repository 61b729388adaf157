"""The criteria in their six groups: each is yes or no, and names what it fails by. Pure.

A criterion that has nothing to look at (no open entry, no request) is met, but for that something is listed at all:
nobody loses points for what nobody asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts

_Failing = Callable[[OfficeFacts, date], Sequence[str] | None]


@dataclass(frozen=True)
class OpennessCriterion:
    """One question; `fails_by` gives the entries or requests because of which it is no, None where it is yes."""

    code: str
    group: str
    text: str
    query: str
    fails_by: _Failing


def _each(chosen: Callable[[EntryFacts], bool], good: Callable[[EntryFacts, date], bool]) -> _Failing:
    def failing(office: OfficeFacts, day: date) -> list[str] | None:
        return [one.code for one in office.entries if chosen(one) and not good(one, day)] or None

    return failing


def _requests(*states: str) -> _Failing:
    def failing(office: OfficeFacts, day: date) -> list[str] | None:
        return [str(number) for state in states for number in office.requests.get(state, ())] or None

    return failing


def _listed(office: OfficeFacts, day: date) -> list[str] | None:
    return None if office.entries else []


def _open_half(office: OfficeFacts, day: date) -> list[str] | None:
    others = [one.code for one in office.entries if not one.is_open]
    return others if 2 * len(others) > len(office.entries) else None


def _closed_few(office: OfficeFacts, day: date) -> list[str] | None:
    closed = [one.code for one in office.entries if one.access == "closed"]
    return closed if 5 * len(closed) > len(office.entries) else None


def _used(office: OfficeFacts, day: date) -> list[str] | None:
    return None if any(one.uses for one in office.entries) else [one.code for one in office.entries]


_ENTRIES, _FILES, _REQUESTS = "standing_entries", "standing_entries + GateRelease", "RequestJudge.standing"
CRITERIA: tuple[OpennessCriterion, ...] = (
    OpennessCriterion("listed", "目录覆盖", "目录里有条目", _ENTRIES, _listed),
    OpennessCriterion("open_half", "目录覆盖", "无条件开放的不少于一半", _ENTRIES, _open_half),
    OpennessCriterion("closed_few", "目录覆盖", "不予开放的不超过五分之一", _ENTRIES, _closed_few),
    OpennessCriterion(
        "delivered", "按承诺更新", "无条件开放的都有放行的文件", _FILES,
        _each(lambda one: one.is_open, lambda one, day: one.delivered_on is not None),
    ),
    OpennessCriterion(
        "in_time", "按承诺更新", "放行的文件都没有超过承诺的更新频率", _FILES,
        _each(lambda one: one.delivered_on is not None, lambda one, day: one.is_in_time(day)),
    ),
    OpennessCriterion(
        "columns_typed", "机器可读", "数据表都写明了列和类型", _ENTRIES,
        _each(lambda one: one.is_table, lambda one, day: one.has_typed_columns),
    ),
    OpennessCriterion(
        "machine_readable", "机器可读", "无条件开放的数据表都有可机读的文件（CSV、Parquet）", _FILES,
        _each(lambda one: one.is_table and one.is_open, lambda one, day: one.delivered_on is not None),
    ),
    OpennessCriterion(
        "summarised", "质量", "条目都有摘要", _ENTRIES, _each(lambda one: True, lambda one, day: one.has_summary)
    ),
    OpennessCriterion(
        "registered", "质量", "条目都有登记编号", _ENTRIES,
        _each(lambda one: True, lambda one, day: one.has_registration),
    ),
    OpennessCriterion(
        "used", "利用", "有条目被用来答复需求，或被别的部门的条目引用", "RequestAnswer.entry, links", _used
    ),
    OpennessCriterion("answered", "答复需求", "没有逾期未答复的需求", _REQUESTS, _requests("overdue")),
    OpennessCriterion("answered_in_time", "答复需求", "没有迟答复的需求", _REQUESTS, _requests("answered_late")),
    OpennessCriterion("plans_kept", "答复需求", "没有过期的开放计划", _REQUESTS, _requests("plan_overdue")),
)  # fmt: skip

"""The file of a year's free and working days, as the province types it from the State Council's notice."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import shortened

_COLUMNS = ("日期", "类型", "名称")
_KINDS = {"放假": False, "上班": True}
_MOST_BYTES = 200_000
_SATURDAY = 5


@dataclass(frozen=True)
class NamedDay:
    """A day that is not what its weekday says, or a free day named for the record."""

    day: date
    working: bool
    name: str


def parse_days(content: bytes) -> list[NamedDay]:
    """The days of a CSV with the columns 日期 (2027-01-01), 类型 (放假 or 上班), 名称; all of one year.

    Raises:
        InvalidRequest: each line that is wrong, with its column and what is wrong.
    """
    if len(content) > _MOST_BYTES:
        raise InvalidRequest(f"节假日文件超过 {_MOST_BYTES} 字节", code="calendar.file_too_large")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest("节假日文件须是 UTF-8 的 CSV", code="calendar.file_unreadable") from error
    if not rows or tuple(cell.strip() for cell in rows[0]) != _COLUMNS:
        raise InvalidRequest(f"节假日文件第 1 行须是：{','.join(_COLUMNS)}", code="calendar.file_heading")
    problems: list[str] = []
    days: dict[date, NamedDay] = {}
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            _add(number, [cell.strip() for cell in row], days, problems)
    if len({day.year for day in days}) > 1:
        problems.append("一份文件只能是同一年的日子：跨年的放假请分两份")
    if not days and not problems:
        problems.append("文件里没有日子")
    if problems:
        raise InvalidRequest("节假日文件没有采用：\n" + "\n".join(problems[:50]), code="calendar.file_wrong")
    return sorted(days.values(), key=lambda named: named.day)


def _add(number: int, row: list[str], days: dict[date, NamedDay], problems: list[str]) -> None:
    if len(row) != len(_COLUMNS):
        problems.append(f"行 {number}：有 {len(row)} 列，须是 {len(_COLUMNS)} 列")
        return
    text, kind, name = row
    try:
        day = date.fromisoformat(text)
    except ValueError:
        problems.append(f'行 {number}，列 日期："{shortened(text, 20)}" 须写成 2027-01-01')
        return
    if kind not in _KINDS:
        problems.append(f'行 {number}，列 类型："{shortened(kind, 20)}" 须是 放假 或 上班')
    elif not name or len(name) > 40 or not name.isprintable():
        problems.append(f"行 {number}，列 名称：须为 1 至 40 字，例如 春节")
    elif day in days:
        problems.append(f"行 {number}，列 日期：{day} 前面已经有了")
    elif _KINDS[kind] and day.weekday() < _SATURDAY:
        problems.append(f"行 {number}，列 类型：{day} 是星期一至五，本就上班；上班只写调休的周末")
    else:
        days[day] = NamedDay(day, _KINDS[kind], name)

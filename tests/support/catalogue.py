"""A department's list as tests send it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from stdnum.cn import uscc

from huisuan.opendata.catalogue.header import COLUMN_NAMES

PROVIDER = "11340000002986000"
PROVIDER += uscc.calc_check_digit(PROVIDER)
COLUMNS = tuple(COLUMN_NAMES)


def code(number: int = 1) -> str:
    """The code of an entry of the test's one provider."""
    return f"{PROVIDER}-2-001-{number:06}"


def line(number: int = 1, **cells: str) -> dict[str, str]:
    """The cells of an open table, but for what is said otherwise."""
    plain = {
        "code": code(number), "title": "公共停车场名录", "summary": "位置与车位数", "theme": "交通运输",
        "department": "合肥市城乡建设局", "region": "340100", "kind": "数据表", "access": "无条件开放",
        "frequency": "每季度", "licence": "开放许可 1.0", "contact": "信息中心", "columns": "名称:文本;车位数:整数:个",
    }  # fmt: skip
    return {name: cells.get(name, plain.get(name, "")) for name in COLUMNS}


def as_csv(lines: Sequence[Mapping[str, str]], encoding: str = "utf-8") -> bytes:
    """Lines under the list's own Chinese headings."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([COLUMN_NAMES[name][0] for name in COLUMNS])
    writer.writerows([[cells[name] for name in COLUMNS] for cells in lines])
    return buffer.getvalue().encode(encoding)

"""Rows of a workbook, read with every part of the archive, beside openpyxl read-only: bench/privacy.py prints both."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Callable

import openpyxl
import xlsxwriter

from huisuan.opendata.scanning.readers.any_file import read_blocks
from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget

_HEADS = ("编号", "姓名", "证件号码", "金额", "发放日期", "县区", "备注", "联系电话")
_COMMENT, _CACHED = "经办人李红梅已核", "孙建国"


def make_workbook(seed: int, rows: int) -> bytes:
    """A subsidy list with borders (so that empty cells are written, too), a comment, and the cache of a pivot table."""
    dice = random.Random(seed)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    border = book.add_format({"border": 1})
    sheet = book.add_worksheet("发放表")
    sheet.write_row(0, 0, _HEADS, border)
    for number in range(1, rows + 1):
        cells = (
            number, dice.choice("王李张刘陈") + dice.choice("伟芳娜敏静") + dice.choice("丽强磊军洋"),
            f"34010419{dice.randint(10**9, 10**10 - 1)}", dice.randint(1, 10**6) / 100,
            f"2025-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}", dice.choice(("庐阳区", "蜀山区", "包河区")),
            dice.choice(("", "补发")), f"138{dice.randint(0, 10**8 - 1):08}",
        )  # fmt: skip
        sheet.write_row(number, 0, cells, border)
    sheet.write_comment("A1", _COMMENT)
    book.close()
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        cache = "".join(f'<s v="{_CACHED}{number}"/>' for number in range(1000))
        archive.writestr(
            "xl/pivotCache/pivotCacheDefinition1.xml", f"<pivotCacheDefinition>{cache}</pivotCacheDefinition>"
        )
    return buffer.getvalue()


def measure_workbook(seed: int, rows: int) -> dict[str, dict[str, float]]:
    """Rows a processor second of both; ours must have read what openpyxl passes over."""
    content = make_workbook(seed, rows)
    blocks: list[Block] = []

    def ours() -> None:
        blocks[:] = [block for block in read_blocks(content, "a.xlsx", ReadBudget()) if isinstance(block, Block)]

    def theirs() -> None:
        for sheet in openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets:
            for _ in sheet.iter_rows(values_only=True):
                pass

    mine, peer = _seconds(ours, 4), _seconds(theirs, 2)
    text = "\n".join(cell for block in blocks if not block.table for _, cells in block.rows for cell in cells)
    if _COMMENT not in text or f"{_CACHED}999" not in text or sum(len(b.rows) for b in blocks if b.table) != rows + 1:
        raise SystemExit("a part of the workbook was not read")
    return {
        "ours": {"rows_per_cpu_s": (rows + 1) / mine, "times_openpyxl": peer / mine},
        "openpyxl read-only": {"rows_per_cpu_s": (rows + 1) / peer},
    }


def _seconds(what: Callable[[], None], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        began = time.process_time()
        what()
        best = min(best, time.process_time() - began)
    return best

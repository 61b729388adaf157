"""CSV files that people make: read whatever encoding, say what is wrong with a line, keep the good ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from huisuan.base.errors import InvalidRequest

#: what a spreadsheet takes for the beginning of a formula; Chinese ones read the full-width signs too
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LARGEST_CSV = 8 * 1024 * 1024  # bytes of a file that people make: some fifty thousand lines


@dataclass(frozen=True)
class LineFault:
    """Why a line was refused: place, value, rule, remedy."""

    line: int
    column: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 80 else self.value[:80] + "…"
        return f'行 {self.line}，列 {self.column}: "{shown}" {self.rule}；{self.remedy}'

    def as_json(self) -> dict[str, Any]:
        """The fault as JSON shows it, with the sentence that people read."""
        return {**asdict(self), "text": str(self)}


class LineRefused(Exception):
    """Raised while one line is read; the caller adds the line's number."""

    def __init__(self, column: str, value: str, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.column, self.value, self.rule, self.remedy = column, value, rule, remedy

    def at(self, line: int) -> LineFault:
        """The fault, with its place."""
        return LineFault(line, self.column, self.value, self.rule, self.remedy)


@dataclass
class FileReport:
    """What an import did: lines that were new, changed, the same as known, and the faults of those refused."""

    new: int = 0
    changed: int = 0
    same: int = 0
    faults: list[LineFault] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if a line was refused."""
        return 1 if self.faults else 0

    def as_json(self) -> dict[str, Any]:
        """Counts and faults."""
        return {
            "new": self.new,
            "changed": self.changed,
            "same": self.same,
            "refused": len(self.faults),
            "faults": [fault.as_json() for fault in self.faults],
            "ignored_columns": self.ignored_columns,
        }

    def summary(self) -> str:
        """One line for people."""
        text = f"新增 {self.new}，更新 {self.changed}，未变 {self.same}，拒收 {len(self.faults)}"
        return text + (f"（未用的列：{'、'.join(self.ignored_columns)}）" if self.ignored_columns else "")


def decode_text(content: bytes, name: str) -> str:
    """The file's text: UTF-8 with or without BOM, else GB18030 (what Excel writes in China).

    Raises:
        InvalidRequest: neither.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InvalidRequest(
        f"{name}: 不是文本表格（既不是 UTF-8，也不是 GB18030）；请另存为“CSV UTF-8”再导入", code="file.not_text"
    )


class CsvTable:
    """A CSV with a header, its columns recognised by name in any order and any case."""

    def __init__(self, content: bytes, name: str, required: Sequence[str], optional: Sequence[str]) -> None:
        """Read the header.

        Raises:
            InvalidRequest: not text, no header, a required column missing, a column there twice.
        """
        self._reader = csv.reader(io.StringIO(decode_text(content, name), newline=""))
        self.header = [cell.strip().lower() for cell in next(self._reader, [])]
        twice = sorted({cell for cell in self.header if cell and self.header.count(cell) > 1})
        if twice:
            raise InvalidRequest(
                f"{name}: 表头中列 {'、'.join(twice)} 出现了不止一次；请删去多余的列", code="file.column_twice"
            )
        missing = [column for column in required if column not in self.header]
        if missing:
            raise InvalidRequest(
                f"{name}: 表头缺少列 {'、'.join(missing)}；第一行应为 {','.join([*required, *optional])}（次序不限）",
                code="file.column_missing",
            )
        known = {*required, *optional}
        self.ignored = [cell for cell in self.header if cell and cell not in known]

    def rows(self, faults: list[LineFault]) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number (the header is line 1) and cells by column; a line of another width goes to `faults`."""
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                faults.append(LineFault(line, "—", "", f"不是合法的 CSV（{error}）", "请检查引号"))
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(self.header):
                rule = f"有 {len(cells)} 个字段，表头有 {len(self.header)} 个"
                faults.append(LineFault(line, "—", ",".join(cells), rule, "请补齐；含逗号的值请加双引号"))
                continue
            yield line, {name: cell.strip() for name, cell in zip(self.header, cells, strict=True)}


def escape_formula(text: str) -> str:
    """A text for a cell that a spreadsheet opens: what would begin a formula stands behind an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text

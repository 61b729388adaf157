"""A template that was filled in: the good rows, and for every bad cell where it is, what was expected, what to do.

A bad cell invalidates its own row only. An empty cell is no error: the fact is missing, and the answer says so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice

from huisuan.base.csv_lines import escape_formula
from huisuan.law.forms.cell_values import InvalidCell, parse_cell
from huisuan.law.forms.layout import FactColumn, SheetLayout, column_letter, format_heading, parse_layout
from huisuan.law.forms.sheet_reader import SheetCell, UnreadableCell, read_rows
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import Value

HEADING_WITHIN = 20  # rows: a title or a note may stand above the headings
SOURCE_ROW = "source_row"


@dataclass(frozen=True)
class CellError:
    """One cell that cannot be taken. `row` is its number in the sheet, `cell` its address there (C17)."""

    row: int
    cell: str
    column: str
    fact: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 60 else f"{self.value[:60]}…"
        return f"行 {self.row}，列 {self.column}（{self.cell}）：“{shown}”应为{self.expected}；{self.remedy}"

    def to_dict(self) -> dict[str, object]:
        """The error as JSON and CSV carry it."""
        return asdict(self)


@dataclass(frozen=True)
class ValidRow:
    """A row whose every cell could be read: its number in the sheet, its facts, and what was carried over."""

    row: int
    facts: Mapping[str, Value | None]
    carried: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """What a file held. Rows with an error are not among `rows`; wholly empty rows are counted nowhere."""

    layout: SheetLayout
    rows: tuple[ValidRow, ...]
    errors: tuple[CellError, ...]

    @property
    def refused(self) -> int:
        """How many rows have at least one error."""
        return len({error.row for error in self.errors})

    @property
    def carried(self) -> tuple[str, ...]:
        """The names of the columns that are carried over."""
        return tuple(name for _, name in self.layout.carried)


def parse_submission(rule: Rule, content: bytes, name: str) -> Submission:
    """Read a filled-in CSV or XLSX; `name` is what error messages call the file.

    Raises:
        LawError: the file as a whole cannot be taken: no table, no column of a fact, a column that is ambiguous.
    """
    rows = read_rows(content, name)
    top = list(islice(rows, HEADING_WITHIN))
    at, plan = _heading(rule, top, name)
    good: list[ValidRow] = []
    errors: list[CellError] = []
    for row, cells in chain(top[at + 1 :], rows):
        if all(cell == "" or (isinstance(cell, str) and not cell.strip()) for cell in cells):
            continue
        facts, wrong = _row(plan, row, cells)
        errors.extend(wrong)
        if not wrong:
            good.append(ValidRow(row, facts, tuple(_text(_at(cells, place)) for place, _ in plan.carried)))
    return Submission(plan, tuple(good), tuple(errors))


def _heading(rule: Rule, top: Sequence[tuple[int, list[SheetCell]]], name: str) -> tuple[int, SheetLayout]:
    """Which of the first rows holds the headings: the first that names a fact."""
    for at, (_, cells) in enumerate(top):
        try:
            plan = parse_layout(rule.facts, [_text(cell) for cell in cells])
        except LawError as error:
            raise LawError(f"{name}：{error}", code=error.code) from None
        if plan.facts:
            return at, plan
    wanted = "、".join(format_heading(spec) for spec in rule.facts)
    raise LawError(
        f"{name}：前 {HEADING_WITHIN} 行里没有第 {rule.sentence} 句的列；标题应为 {wanted}，或只写事实名",
        code="law.headings_missing",
    )


def _row(plan: SheetLayout, row: int, cells: Sequence[SheetCell]) -> tuple[dict[str, Value | None], list[CellError]]:
    facts: dict[str, Value | None] = {spec.name: None for spec in plan.absent}
    errors = [_unheaded_error(row, at, cells) for at in _unheaded(plan, cells)]
    for column in plan.facts:
        cell = _at(cells, column.at)
        try:
            if isinstance(cell, UnreadableCell):
                errors.append(_cell_error(row, column, cell.shown, cell.expected, cell.remedy))
            else:
                facts[column.spec.name] = parse_cell(column.spec, cell, by_people=column.by_people)
        except InvalidCell as misread:
            errors.append(_cell_error(row, column, _text(cell), misread.expected, misread.remedy))
    return facts, errors


def _unheaded(plan: SheetLayout, cells: Sequence[SheetCell]) -> Iterator[int]:
    """Cells under no heading: a comma too many shifts every value to the right."""
    headed = {column.at for column in plan.facts} | {at for at, _ in plan.carried}
    return (at for at, cell in enumerate(cells) if at not in headed and _text(cell).strip())


def _unheaded_error(row: int, at: int, cells: Sequence[SheetCell]) -> CellError:
    remedy = "请删去，或给这一列写上标题；金额里的千位逗号要加引号"
    return CellError(
        row, f"{column_letter(at)}{row}", column_letter(at), "", _text(cells[at]), "空（这一列没有标题）", remedy
    )


def _cell_error(row: int, column: FactColumn, value: str, expected: str, remedy: str) -> CellError:
    name = column.spec.name
    return CellError(row, f"{column.letter}{row}", column.heading, name, value, expected, remedy)


def _at(cells: Sequence[SheetCell], place: int) -> SheetCell:
    return cells[place] if place < len(cells) else ""


def _text(cell: SheetCell) -> str:
    return cell.shown if isinstance(cell, UnreadableCell) else cell


def errors_csv(errors: Sequence[CellError]) -> bytes:
    """The errors as a CSV that a spreadsheet opens: what a user typed is never run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["行", "单元格", "列", "事实", "所填的值", "应为", "怎么办"])
    for error in errors:
        writer.writerow([escape_formula(str(part)) for part in error.to_dict().values()])
    return out.getvalue().encode("utf-8-sig")

"""The columns of a template: which fact stands in one, and how its cells are written.

A column headed by the fact's bare name is for machines: money in fen, as `law compute` takes it. A column headed in
words ("算力总支出（元）[spend]") is for people: money in yuan. A money column that says no unit is refused, for
guessing it would be wrong by a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.values import ValueKind

_NAMED = re.compile(r"(?P<words>.*?)\s*\[(?P<name>\w+)\]")
_UNIT = re.compile(r"[（(](元|分)[）)]$")
_OTHER_UNIT = re.compile(r"[（(]\s*((?:人民币|单位[：:]?)?\s*[十百千万亿]+元?|[^（()）]*(?:美元|港元|欧元))\s*[）)]")
_PARENTHESIS = re.compile(r"[（(][^（(）)]*[）)]$")


@dataclass(frozen=True)
class FactColumn:
    """The column of a fact: its index (from 0), the heading as written, and whether people fill it (money in yuan)."""

    at: int
    heading: str
    spec: FactSpec
    by_people: bool

    @property
    def letter(self) -> str:
        """The column as a spreadsheet calls it: A, B, ..., AA."""
        return column_letter(self.at)


@dataclass(frozen=True)
class SheetLayout:
    """The columns of a sheet: facts, others that are carried over, facts that no column holds, and remarks."""

    facts: tuple[FactColumn, ...]
    carried: tuple[tuple[int, str], ...]
    absent: tuple[FactSpec, ...]
    remarks: tuple[str, ...]


def column_letter(at: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def format_heading(spec: FactSpec) -> str:
    """The heading of a fact's column as people read it: label, unit, name."""
    unit = {ValueKind.MONEY: "元", ValueKind.INT: spec.unit}.get(spec.kind, "")
    return f"{spec.zh}{f'（{unit}）' if unit else ''}[{spec.name}]"


def parse_layout(facts: Sequence[FactSpec], headings: Sequence[str]) -> SheetLayout:
    """Which column holds which fact.

    Raises:
        LawError: two columns for one fact, a money column without a unit or in another one, a column named twice.
    """
    found: list[FactColumn] = []
    carried: list[tuple[int, str]] = []
    for at, written in enumerate(headings):
        column = _parse_heading(facts, at, written.strip())
        if column:
            found.append(column)
        elif written.strip():
            carried.append((at, written.strip()))
    _check_unique((column.spec.name, column.letter, column.heading) for column in found)
    _check_unique((name, column_letter(at), name) for at, name in carried)
    held = {column.spec.name for column in found}
    absent = tuple(spec for spec in facts if spec.name not in held)
    return SheetLayout(tuple(found), tuple(carried), absent, tuple(_near_misses(absent, carried)))


def _parse_heading(facts: Sequence[FactSpec], at: int, written: str) -> FactColumn | None:
    by_name = {spec.name: spec for spec in facts}
    if written in by_name:
        return FactColumn(at, written, by_name[written], by_people=False)
    named = _NAMED.fullmatch(written)
    words = named["words"] if named else written
    spec = by_name.get(named["name"]) if named else _by_label(facts, words)
    if spec is None:
        return None
    return FactColumn(at, written, spec, by_people=spec.kind != ValueKind.MONEY or _is_in_yuan(at, written, words))


def _by_label(facts: Sequence[FactSpec], words: str) -> FactSpec | None:
    plain = {words, _PARENTHESIS.sub("", words), _OTHER_UNIT.split(words)[0].strip()}
    return next((spec for spec in facts if plain & {spec.zh, format_heading(spec).rpartition("[")[0]}), None)


def _is_in_yuan(at: int, written: str, words: str) -> bool:
    unit = _UNIT.search(words)
    other = _OTHER_UNIT.search(words)
    if other:
        plain = words[: other.start()].strip()
        raise LawError(
            f"列 {column_letter(at)}“{written}”写的单位是{other[1]}，这里只认元、分："
            f"请把这一列换算成元，标题改为“{plain}（元）”",
            code="law.unit_unknown",
        )
    if unit is None:
        raise LawError(
            f"列 {column_letter(at)}“{written}”没有写明金额的单位（只认元、分）："
            f"标题应如“{words}（元）”，或只写事实名（以分计）",
            code="law.unit_missing",
        )
    return unit[1] == "元"


def _check_unique(names: Iterator[tuple[str, str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, at, written in names:
        here = f"列 {at}“{written}”"
        if name in seen:
            raise LawError(f"{seen[name]}与{here}是同一项：请只留一列", code="law.column_twice")
        seen[name] = here


def _near_misses(absent: Sequence[FactSpec], carried: Sequence[tuple[int, str]]) -> Iterator[str]:
    names = [spec.name for spec in absent]
    for at, written in carried:
        if near := get_close_matches(written.lower(), names, n=1):
            yield f"列 {column_letter(at)}“{written}”不是事实，原样带过；是不是 {near[0]}？"

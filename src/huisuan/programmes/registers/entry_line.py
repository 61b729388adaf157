"""One row of a register's file: every cell by the kind of its field, all faults of a row at once. Pure."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.base.csv_lines import LineFault, LineRefused
from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.base.money import parse_typed_yuan
from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec

_LONGEST_CODE, _LONGEST_TEXT = 80, 200
_MOST = 10**12


@dataclass(frozen=True)
class ThingContent:
    """What a row says of an entry; `values` as they are stored, amounts in fen."""

    code: str
    name: str
    holder: str
    region: str
    from_day: date
    until_day: date | None
    values: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: the same digest says the same."""
        said = [self.name, self.holder, self.region, str(self.from_day), str(self.until_day or ""), dict(self.values)]
        return text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True))


@dataclass(frozen=True)
class KnownNames:
    """The codes of parties, and by code and name the code of each region."""

    parties: frozenset[str]
    regions: Mapping[str, str]


def normalise_entry_code(text: str) -> str:
    """A code by which entries are told apart: half width, upper case, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def find_columns(spec: RegisterSpec, header: Sequence[str], file: str) -> tuple[dict[str, int], list[str]]:
    """By key the place of each column, and the columns that the register does not have.

    Raises:
        InvalidRequest: a column that must be there is not, or is there twice.
    """
    keys = {_fold(title): key for key, title in spec.columns.items()} | {key: key for key in spec.columns}
    places: dict[str, int] = {}
    ignored = []
    for place, cell in enumerate(header):
        key = keys.get(_fold(cell))
        if key is None:
            ignored += [cell.strip()] if cell.strip() else []
        elif key in places:
            raise InvalidRequest(f"{file}: 表头有两列“{spec.columns[key]}”；请删去一列", code="register.column_twice")
        else:
            places[key] = place
    required = {"code", "name", "from", *(one.key for one in spec.fields if one.required)}
    if missing := [title for key, title in spec.columns.items() if key in required and key not in places]:
        raise InvalidRequest(
            f"{file}: 表头缺少列 {'、'.join(missing)}；“{spec.title}”的列是 "
            f"{','.join(spec.columns.values())}（次序不限）",
            code="register.column_missing",
        )
    return places, ignored


def parse_entry(
    spec: RegisterSpec, line: int, cells: Mapping[str, str], known: KnownNames
) -> ThingContent | list[LineFault]:
    """What a row says, or everything that is wrong with it."""
    faults: list[LineFault] = []

    def read(key: str, parse: Any, *extra: object) -> Any:
        try:
            return parse(spec.columns.get(key, key), cells.get(key, "").strip(), *extra)
        except LineRefused as refused:
            faults.append(refused.at(line))
            return None

    code = read("code", _parse_code)
    name = read("name", _parse_text, True)
    holder = read("holder", _parse_holder, known)
    region = read("region", _parse_region, known)
    from_day, until_day = read("from", _parse_day, True), read("until", _parse_day, False)
    values = {one.key: read(one.key, _parse_field, one) for one in spec.fields}
    if from_day and until_day and until_day < from_day:
        column = spec.columns["until"]
        faults.append(LineFault(line, column, str(until_day), f"早于“{spec.columns['from']}”", "请核对两个日期"))
    if spec.share and not faults:
        faults += _check_share(spec, line, values)
    if faults:
        return faults
    stated = {key: value for key, value in values.items() if value not in (None, "")}
    return ThingContent(code, name, holder, region, from_day, until_day, stated)


def _check_share(spec: RegisterSpec, line: int, values: Mapping[str, Any]) -> list[LineFault]:
    part, whole = spec.share or ("", "")
    if values.get(part) is None or values.get(whole) is None or values[part] <= values[whole]:
        return []
    rule = f"多于“{spec.columns[whole]}”（{values[whole]}）"
    return [LineFault(line, spec.columns[part], str(values[part]), rule, "请核对两个数")]


def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def _parse_code(column: str, text: str) -> str:
    code = normalise_entry_code(text)
    if not code:
        raise LineRefused(column, text, "是空的", "每行要有编号，同一编号是同一件")
    if len(code) > _LONGEST_CODE:
        raise LineRefused(column, text, f"超过 {_LONGEST_CODE} 字", "请缩短")
    if not code.isprintable():
        raise LineRefused(column, text, "有看不见的字符", "请重新输入")
    return code


def _parse_text(column: str, text: str, required: bool) -> str:
    if required and not text:
        raise LineRefused(column, text, "是空的", "请填写")
    if len(text) > _LONGEST_TEXT:
        raise LineRefused(column, text, f"超过 {_LONGEST_TEXT} 字", "请缩短")
    if not text.isprintable():
        raise LineRefused(column, text, "有换行或看不见的字符", "请重新输入")
    return text


def _parse_holder(column: str, text: str, known: KnownNames) -> str:
    code = normalise_entry_code(text)
    if code and code not in known.parties:
        raise LineRefused(column, text, "不是已登记主体的统一社会信用代码", "请先 huisuan party import，或改正代码")
    return code


def _parse_region(column: str, text: str, known: KnownNames) -> str:
    if text and text not in known.regions:
        raise LineRefused(column, text, "不是已知的行政区划", "请写六位区划代码或市名，如 340100 或 合肥市")
    return known.regions.get(text, "")


def _parse_day(column: str, text: str, required: bool) -> date | None:
    if not text and not required:
        return None
    try:
        return date.fromisoformat(unicodedata.normalize("NFKC", text).replace("/", "-").replace(".", "-"))
    except ValueError:
        raise LineRefused(column, text, "不是日期", "请写 2024-06-30 这样的日期") from None


def _parse_field(column: str, text: str, one: RegisterField) -> Any:
    if not text and not one.required:
        return None
    if one.kind is FieldKind.DAY:
        return str(_parse_day(column, text, True))
    if one.kind is FieldKind.COUNT:
        return _parse_count(column, text)
    if one.kind is FieldKind.YUAN:
        fen = parse_typed_yuan(text)
        if fen is None:
            raise LineRefused(column, text, "不是金额", "请写元，至多两位小数，如 1234.50")
        return fen
    if one.kind is FieldKind.CHOICE:
        chosen = next((key for key, words in one.options.items() if text in (key, *words)), None)
        if chosen is None:
            options = "、".join(words[0] for words in one.options.values())
            raise LineRefused(column, text, "不是可选的值", f"请写 {options} 之一")
        return chosen
    said = _parse_text(column, text, one.required)
    return normalise_entry_code(said) if one.refers else said


def _parse_count(column: str, text: str) -> int:
    plain = unicodedata.normalize("NFKC", text).replace(",", "")
    if not (plain.isascii() and plain.isdigit()) or int(plain) > _MOST:
        raise LineRefused(column, text, "不是不小于 0 的整数", "请写整数，如 120")
    return int(plain)

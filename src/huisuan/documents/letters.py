"""What a document says, before it has a number: plain data, no markup, no layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, cast

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import CONTROL_SIGN

_LONGEST = 20_000
_MOST_ROWS = 20_000
PartKind = Literal["text", "heading", "subheading"]
_PART_KINDS = ("text", "heading", "subheading")


@dataclass(frozen=True)
class Part:
    """A paragraph of the body: its text, or a heading (“一、”) or subheading (“（一）”) that stands by itself."""

    text: str
    kind: PartKind = "text"


@dataclass(frozen=True)
class AnnexColumn:
    """A column of an annex; `wide` takes the room that is left, `number` is set flush right."""

    title: str
    wide: bool = False
    number: bool = False


@dataclass(frozen=True)
class Annex:
    """A table on pages of its own behind the letter; every row has a text for each column. `size` is in points."""

    title: str
    columns: tuple[AnnexColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    size: int = 12


@dataclass(frozen=True)
class Letter:
    """A whole document: `to` is empty where nobody is addressed (a notice), `note` stands below the date."""

    title: str
    body: tuple[Part, ...]
    to: str = ""
    annexes: tuple[Annex, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it; `parse_letter` is the way back."""
        return asdict(self)


def without_controls(letter: Letter) -> Letter:
    """The letter with a space for each sign that no paper can bear: records of long ago may hold some."""

    def plain(text: str) -> str:
        return CONTROL_SIGN.sub(" ", text)

    return Letter(
        title=plain(letter.title),
        body=tuple(replace(part, text=plain(part.text)) for part in letter.body),
        to=plain(letter.to),
        annexes=tuple(
            replace(
                annex, title=plain(annex.title), note=plain(annex.note),
                columns=tuple(replace(column, title=plain(column.title)) for column in annex.columns),
                rows=tuple(tuple(map(plain, row)) for row in annex.rows),
            )
            for annex in letter.annexes
        ),
        note=plain(letter.note),
    )  # fmt: skip


def parse_letter(value: object) -> Letter:
    """A letter from its JSON, with every field checked.

    Raises:
        InvalidRequest: which field, and what is wrong with it.
    """
    found = _fields(value, Letter, "")
    return Letter(
        title=_text(found["title"], "title", least=1, most=200),
        body=tuple(_part(part, f"body[{at}]") for at, part in enumerate(_list(found["body"], "body", 500))),
        to=_text(found.get("to", ""), "to", most=500),
        annexes=tuple(
            _annex(one, f"annexes[{at}]") for at, one in enumerate(_list(found.get("annexes", []), "annexes", 50))
        ),
        note=_text(found.get("note", ""), "note", most=500),
    )


def _part(value: object, place: str) -> Part:
    found = _fields(value, Part, place)
    kind = found.get("kind", "text")
    if kind not in _PART_KINDS:
        raise _refused(f"{place}.kind", f"只能是 {'、'.join(_PART_KINDS)}")
    return Part(_text(found["text"], f"{place}.text", least=1), cast(PartKind, kind))


def _annex(value: object, place: str) -> Annex:
    found = _fields(value, Annex, place)
    columns = tuple(_column(one, f"{place}.columns[{at}]") for at, one in enumerate(_list(found["columns"], place, 20)))
    if not columns:
        raise _refused(f"{place}.columns", "至少一列")
    size = found.get("size", 12)
    if type(size) is not int or not 6 <= size <= 16:
        raise _refused(f"{place}.size", "字号是 6 到 16 磅的整数")
    rows = tuple(
        _row(row, len(columns), f"{place}.rows[{at}]") for at, row in enumerate(_list(found["rows"], place, _MOST_ROWS))
    )
    title = _text(found["title"], f"{place}.title", least=1, most=200)
    return Annex(title, columns, rows, _text(found.get("note", ""), f"{place}.note", most=2_000), size)


def _column(value: object, place: str) -> AnnexColumn:
    found = _fields(value, AnnexColumn, place)
    for name in ("wide", "number"):
        if type(found.get(name, False)) is not bool:
            raise _refused(f"{place}.{name}", "只能是 true 或 false")
    return AnnexColumn(
        _text(found["title"], f"{place}.title", most=60), found.get("wide", False), found.get("number", False)
    )


def _row(value: object, width: int, place: str) -> tuple[str, ...]:
    row = _list(value, place, 20)
    if len(row) != width:
        raise _refused(place, f"有 {len(row)} 格，表有 {width} 列")
    return tuple(_text(cell, f"{place}[{at}]", most=2_000) for at, cell in enumerate(row))


def _fields(value: object, kind: type, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused(place or "公文", "应是一个对象")
    known = {field.name for field in fields(kind)}
    for name in value:
        if name not in known:
            raise _refused(f"{place}.{name}".lstrip("."), f"没有这个字段；可用：{'、'.join(sorted(known))}")
    for name in {"title", "body", "text", "columns", "rows"} & known - set(value):
        raise _refused(f"{place}.{name}".lstrip("."), "缺少")
    return value


def _list(value: object, place: str, most: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > most:
        raise _refused(place, f"应是至多 {most} 项的列表")
    return list(value)


def _text(value: object, place: str, *, least: int = 0, most: int = _LONGEST) -> str:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise _refused(place, f"应是 {least} 到 {most} 字的文本")
    if any(ord(sign) < 32 and sign != "\n" for sign in value):
        raise _refused(place, "带有控制字符")
    return value


def _refused(place: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"公文字段 {place}：{why}", code="document.letter_malformed")

"""A line of a department's list, read into an entry; every bad cell is named, with the nearest good value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from typing import Any, TypeVar

from django.db.models import TextChoices
from stdnum.cn import uscc as uscc_number
from stdnum.exceptions import ValidationError

from huisuan.opendata.catalogue.header import COLUMN_NAMES
from huisuan.opendata.vocabulary import (
    ACCESS_OF_ATTRIBUTE,
    ACCESS_WORDS,
    ATTRIBUTE_WORDS,
    CODE_PATTERN,
    FREQUENCY_WORDS,
    GENERAL_GRADE,
    KIND_WORDS,
    ROLE_WORDS,
    Access,
    Attribute,
    ColumnRole,
    DataKind,
    Updates,
    find_word,
    list_word,
    nearest_word,
)

_Word = TypeVar("_Word", bound=TextChoices)
_LENGTHS = {
    "title": 200, "summary": 2000, "theme": 40, "department": 120, "ground": 300, "terms": 500, "licence": 120,
    "contact": 120, "registration": 80, "reviewed_by_archive": 120, "reviewed_by_origin": 120, "opening_ground": 300,
    "rights_holder": 120,
}  # fmt: skip
_MUST = ("title", "theme", "department", "contact")
_MOST_COLUMNS, _MOST_LINKS, _LONGEST_PIECE = 500, 50, 100
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_CLOSED_FOR_YEARS = 25  # archives open after that: Archives Law of 2020, article 27


@dataclass(frozen=True)
class CellFault:
    """What is wrong with a cell: which field, its value, the rule, what to do."""

    field: str
    value: str
    rule: str
    remedy: str


@dataclass(frozen=True)
class EntryContent:
    """What a line says of an entry, in the list's own words; days are dates, `columns` as JSON keeps them."""

    code: str
    title: str
    summary: str
    theme: str
    department: str
    region: str
    kind: DataKind
    columns: tuple[Mapping[str, str], ...]
    access: Access
    ground: str
    terms: str
    grade: str
    frequency: Updates
    licence: str
    contact: str
    registration: str
    links: tuple[str, ...]
    attribute: str
    origin_day: date | None
    opens_on: date | None
    reviewed_by_archive: str
    reviewed_by_origin: str
    opening_ground: str
    rights_holder: str

    def to_dict(self) -> dict[str, Any]:
        """By field, as the database keeps it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def parse_line(cells: Mapping[str, str], regions: Mapping[str, str], today: date) -> EntryContent | list[CellFault]:
    """The entry that a line is, or all that is wrong with it. `regions`: by six-digit code what each is called."""
    line = _Line(cells, [])
    texts = {field: line.text(field, length) for field, length in _LENGTHS.items()}
    kind, access = line.word("kind", KIND_WORDS), line.word("access", ACCESS_WORDS)
    frequency = line.word("frequency", FREQUENCY_WORDS)
    content = EntryContent(
        code=line.code(), region=line.region(regions), kind=kind or DataKind.TABLE, access=access or Access.CLOSED,
        frequency=frequency or Updates.ONCE, columns=tuple(line.columns()), grade=line.grade(), links=line.links(),
        attribute=line.attribute(kind, access), origin_day=(origin := line.day("origin_day")),
        opens_on=years_later(origin, _CLOSED_FOR_YEARS) if origin else None, **texts,
    )  # fmt: skip
    if kind is not None and access is not None:
        _check_terms(line, content)
        _check_kind(line, content, today)
    return line.faults or content


def years_later(day: date, years: int) -> date:
    """The same day so many years later; of 29 February, 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _check_terms(line: _Line, content: EntryContent) -> None:
    """Closed: ground and reason; conditional: ground and conditions; open: a licence."""
    word = list_word(ACCESS_WORDS, content.access)
    if content.access is Access.OPEN:
        if not content.licence:
            line.fault("licence", f"是空的，而开放属性是{word}", "请写明许可协议")
        return
    if not content.ground:
        line.fault("ground", f"是空的，而开放属性是{word}", "请写明法律依据的条款")
    if not content.terms:
        wanted = "开放的条件" if content.access is Access.CONDITIONAL else "不予开放的理由"
        line.fault("terms", f"是空的，而开放属性是{word}", f"请写明{wanted}")


def _check_kind(line: _Line, content: EntryContent, today: date) -> None:
    """What archives and gazetteers need besides."""
    if content.kind is DataKind.GAZETTEER:
        for field in ("rights_holder", "licence"):
            if not getattr(content, field):
                line.fault(field, "是空的，而数据形式是地方志", "志书和年鉴须写明权利人与许可")
    if content.kind is not DataKind.ARCHIVES:
        return
    for field in ("reviewed_by_archive", "reviewed_by_origin"):
        if not getattr(content, field):
            line.fault(field, "是空的，而数据形式是档案", "开放审核由档案馆会同形成单位进行，请写明审核的单位")
    if content.opens_on is None:
        if not line.has_fault("origin_day"):
            line.fault("origin_day", "是空的，而数据形式是档案", "请写档案形成的日期，如 1998-06-30")
    elif (content.opens_on <= today) == (content.access is Access.CLOSED) and not content.opening_ground:
        which = "延期" if content.access is Access.CLOSED else "提前"
        line.fault("opening_ground", f"是空的，而满 25 年之日是 {content.opens_on}", f"请写明{which}开放的依据")


@dataclass
class _Line:
    """The cells of a line, and what was found wrong with them so far."""

    cells: Mapping[str, str]
    faults: list[CellFault]

    def fault(self, field: str, rule: str, remedy: str) -> None:
        self.faults.append(CellFault(COLUMN_NAMES[field][0], self.cells.get(field, ""), rule, remedy))

    def has_fault(self, field: str) -> bool:
        return any(fault.field == COLUMN_NAMES[field][0] for fault in self.faults)

    def text(self, field: str, length: int) -> str:
        value = self.cells.get(field, "")
        if field in _MUST and not value:
            self.fault(field, "是空的", "这一项必须填写")
        if len(value) > length:
            self.fault(field, f"有 {len(value)} 个字", f"至多 {length} 个字")
        if any(not letter.isprintable() and letter not in "\n\t" for letter in value):
            self.fault(field, "含有看不见的控制字符", "请重新输入这一格")
        return value

    def word(self, field: str, words: Mapping[_Word, tuple[str, ...]]) -> _Word | None:
        value = self.cells.get(field, "")
        found = find_word(words, value)
        if found is None:
            near = nearest_word(words, value)
            known = "、".join(each[0] for each in words.values())
            self.fault(
                field, "是空的" if not value else "不是目录里的词", f"最接近的是 {near}" if near else f"可用：{known}"
            )
        return found

    def code(self) -> str:
        value = self.cells.get("code", "").replace(" ", "").upper()
        if not re.fullmatch(CODE_PATTERN, value):
            self.fault(
                "code", "不是目录代码", "写作 提供方统一社会信用代码-层级-类-序号，如 113400000029860000-3-001-000001"
            )
            return value
        provider = value[:18]
        try:
            uscc_number.validate(provider)
        except ValidationError:
            right = provider[:17] + uscc_number.calc_check_digit(provider[:17])
            self.fault("code", "里提供方的统一社会信用代码校验位不对", f"前 17 位无误时应为 {right}")
        return value

    def region(self, regions: Mapping[str, str]) -> str:
        value = self.cells.get("region", "")
        if value in regions:
            return value
        called = [code for code, name in regions.items() if name == value]
        if len(called) == 1:
            return called[0]
        if called:
            self.fault("region", "有几个区划都叫这个名字", f"写六位代码：{'、'.join(sorted(called))}")
            return value
        near = get_close_matches(value, [*regions, *regions.values()], n=1, cutoff=0.5) if value else []
        found = next((f"{code}（{name}）" for code, name in regions.items() if near and near[0] in (code, name)), "")
        remedy = f"最接近的是 {found}" if found else "写六位代码或全称，如 340100、合肥市"
        self.fault("region", "不是行政区划" if value else "是空的", remedy)
        return value

    def grade(self) -> str:
        value = self.cells.get("grade", "") or GENERAL_GRADE
        if value not in (GENERAL_GRADE, "一般数据"):
            self.fault("grade", "高于一般，不能列入目录", "重要数据与核心数据按 GB/T 43697 另行管理；一般数据写“一般”")
        return GENERAL_GRADE

    def day(self, field: str) -> date | None:
        value = self.cells.get(field, "")
        if not value:
            return None
        found = _DAY.fullmatch(value)
        try:
            return date(*map(int, found.groups())) if found else date.fromisoformat(value)
        except ValueError:
            self.fault(field, "不是日期", "请写成 1998-06-30")
            return None

    def attribute(self, kind: DataKind | None, access: Access | None) -> str:
        value = self.cells.get("attribute", "")
        if kind is not DataKind.DOCUMENTS:
            if value and kind is not None:
                self.fault("attribute", "只用于公文", "其他形式请留空")
            return ""
        found: Attribute | None = self.word("attribute", ATTRIBUTE_WORDS)
        if found is not None and access is not None and ACCESS_OF_ATTRIBUTE[found] is not access:
            should = list_word(ACCESS_WORDS, ACCESS_OF_ATTRIBUTE[found])
            self.fault("access", f"与公文所印“{list_word(ATTRIBUTE_WORDS, found)}”不一致", f"应为 {should}")
        return found or ""

    def links(self) -> tuple[str, ...]:
        codes = tuple(code.upper() for code in re.split(r"[\s,，;；、]+", self.cells.get("links", "")) if code)
        wrong = next((code for code in codes if not re.fullmatch(CODE_PATTERN, code)), None)
        if wrong is not None:
            self.fault("links", f"里的 {wrong[:40]} 不是目录代码", "几个代码之间用顿号或分号")
        if len(codes) > _MOST_LINKS:
            self.fault("links", f"有 {len(codes)} 个", f"至多 {_MOST_LINKS} 个")
        return tuple(dict.fromkeys(codes)) if wrong is None else ()

    def columns(self) -> list[Mapping[str, str]]:
        """Columns as `name:type:unit:role; ...`: all but the name may be left out."""
        found: list[Mapping[str, str]] = []
        seen: set[str] = set()
        written = self.cells.get("columns", "")
        if not written.replace("\n", "").isprintable():
            self.fault("columns", "含有看不见的控制字符", "请重新输入这一格")
        for part in re.split(r"[;；\n]+", written):
            if not part.strip():
                continue
            pieces = [each.strip() for each in re.split("[:：]", part)]
            name, kind, unit, role = (pieces + [""] * 4)[:4]
            read = find_word(ROLE_WORDS, role) if role else ColumnRole.PLAIN
            if not name or len(pieces) > 4 or name in seen or max(map(len, pieces)) > _LONGEST_PIECE:
                self.fault("columns", f"里的 {part.strip()[:40]} 读不出或重复", "写作 名称:类型:单位:角色，用分号隔开")
            elif read is None:
                near = nearest_word(ROLE_WORDS, role) or "、".join(each[0] for each in ROLE_WORDS.values())
                self.fault("columns", f"里 {name[:40]} 的角色 {role[:20]} 不是目录里的词", f"可用：{near}")
            else:
                found.append({"name": name, "type": kind, "unit": unit, "role": str(read)})
            seen.add(name)
        if len(found) > _MOST_COLUMNS:
            self.fault("columns", f"有 {len(found)} 项", f"至多 {_MOST_COLUMNS} 项")
        return found

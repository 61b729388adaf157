"""Which columns a sheet has: by the names that departments give them, in one row or in two with merged cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.catalogue.sheet_reader import Sheet
from huisuan.opendata.vocabulary import fold

#: field -> what its column is called; the first is what the list itself calls it
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "code": ("目录代码", "资源代码", "信息资源代码", "数据目录代码", "编码", "code"),
    "title": ("名称", "数据名称", "资源名称", "信息资源名称", "目录名称", "title"),
    "summary": ("摘要", "数据摘要", "资源摘要", "简介", "summary"),
    "theme": ("主题", "主题分类", "数据领域", "领域", "theme"),
    "department": ("提供单位", "数据提供方", "提供部门", "责任部门", "部门", "department"),
    "region": ("行政区划", "区划", "区划代码", "市", "region"),
    "kind": ("数据形式", "资源形式", "格式类型", "形式", "kind"),
    "columns": ("数据项", "信息项", "字段", "columns"),
    "access": ("开放属性", "开放类型", "开放类别", "开放方式", "access"),
    "ground": ("法律依据", "依据", "ground"),
    "terms": ("开放条件或理由", "开放条件", "不予开放理由", "条件或理由", "理由", "terms"),
    "grade": ("数据分级", "分级", "安全级别", "级别", "grade"),
    "frequency": ("更新频率", "更新周期", "频率", "frequency"),
    "licence": ("许可", "许可协议", "开放许可", "licence", "license"),
    "contact": ("联系处室", "联系单位", "联系方式", "contact"),
    "registration": ("登记编码", "登记号", "registration"),
    "links": ("关联目录", "关联资源", "links"),
    "attribute": ("公开属性", "attribute"),
    "origin_day": ("形成日期", "形成时间", "origin_day"),
    "reviewed_by_archive": ("档案馆审核", "reviewed_by_archive"),
    "reviewed_by_origin": ("形成单位审核", "移交单位审核", "reviewed_by_origin"),
    "opening_ground": ("提前或延期开放依据", "提前开放依据", "延期开放依据", "opening_ground"),
    "rights_holder": ("权利人", "著作权人", "rights_holder"),
}
REQUIRED_COLUMNS = ("code", "title", "theme", "department", "region", "kind", "access", "frequency", "contact")
_FIELD_OF = {fold(name): field for field, names in COLUMN_NAMES.items() for name in names}
_LOOKED_AT = 12  # rows in which a header may stand: titles and notes come before it


@dataclass(frozen=True)
class SheetHeader:
    """Where the columns of a sheet are: by field its place; what stands below begins behind `rows` rows of it."""

    places: Mapping[str, int]
    rows: int
    ignored: tuple[str, ...]
    twice: tuple[str, ...]


def find_header(sheet: Sheet, file: str) -> SheetHeader:
    """The header of a sheet.

    Raises:
        InvalidRequest: none is there, a column that must be is missing, or one is there twice.
    """
    where = f"{file}，工作表 {sheet.name}" if sheet.name else file
    found = max(_candidates(sheet), key=lambda header: len(header.places) - len(header.twice), default=None)
    if found is None or len(found.places) < 2:
        names = "、".join(COLUMN_NAMES[field][0] for field in REQUIRED_COLUMNS)
        raise InvalidRequest(f"{where}: 没有找到表头；应有列 {names}", code="catalogue.header_missing")
    if found.twice:
        raise InvalidRequest(
            f"{where}: 表头里 {'、'.join(found.twice)} 出现了不止一次；请删去多余的列", code="catalogue.column_twice"
        )
    missing = [COLUMN_NAMES[field][0] for field in REQUIRED_COLUMNS if field not in found.places]
    if missing:
        raise InvalidRequest(f"{where}: 表头缺少列 {'、'.join(missing)}", code="catalogue.column_missing")
    return found


def _candidates(sheet: Sheet) -> list[SheetHeader]:
    rows = [cells for _, cells in sheet.rows[: _LOOKED_AT + 1]]
    found = []
    for at, cells in enumerate(rows[:_LOOKED_AT]):
        found.append(_header([(cell,) for cell in cells], at + 1))
        if at + 1 < len(rows):  # the lower row names the column, the upper one what it belongs to
            below = [*rows[at + 1], *[""] * (len(cells) - len(rows[at + 1]))]
            pairs = [(low, up + low, up) for up, low in zip(cells, below, strict=False)]
            if any(low and up != low for low, _, up in pairs):
                found.append(_header(pairs, at + 2))
    return found


def _header(names: Sequence[tuple[str, ...]], rows: int) -> SheetHeader:
    places: dict[str, int] = {}
    ignored, twice = [], []
    for place, candidates in enumerate(names):
        field = next((_FIELD_OF[fold(name)] for name in candidates if fold(name) in _FIELD_OF), None)
        if field is None:
            ignored += [next(filter(None, candidates))] if any(candidates) else []
        elif field in places:
            twice.append(COLUMN_NAMES[field][0])  # another reading of the rows may do better
        else:
            places[field] = place
    return SheetHeader(places, rows, tuple(dict.fromkeys(ignored)), tuple(dict.fromkeys(twice)))

"""Parties and the relations between them, from CSV: good lines are kept, bad ones named, twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils import timezone
from stdnum.cn import uscc as uscc_number
from stdnum.exceptions import InvalidChecksum, ValidationError

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.parties.models import Party, PartyChange, PartyKind, Region, Relation

BY_COMMAND = "本机命令行"  # who changed the register where nobody signed in
_BATCH_ROWS = 2000
_PARTY_COLUMNS = ("uscc", "name", "kind", "region")
_OPTIONAL_PARTY_COLUMNS = ("name_en", "registered_on")
_RELATION_COLUMNS = ("owner", "owned", "valid_from")
_OPTIONAL_RELATION_COLUMNS = ("share_permille", "share", "control", "valid_to")
_YES, _NO = {"true", "1", "yes", "y", "是"}, {"false", "0", "no", "n", "否", ""}


def import_parties(
    content: bytes, name: str = "CSV", *, demo: bool = False, by: str = BY_COMMAND, now: datetime | None = None
) -> FileReport:
    """Bring parties up to the file (columns uscc, name, kind, region; optional name_en, registered_on).

    A known USCC whose line differs is updated. One transaction, with what changed kept in the register's history:
    `by` is who did it, at `now` (None: the clock). `demo` marks new parties as
    invented.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _PARTY_COLUMNS, _OPTIONAL_PARTY_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    regions = _load_regions()
    seen: dict[str, int] = {}
    read: list[Party] = []
    for line, cells in table.rows(report.faults):
        try:
            code = parse_uscc("uscc", cells["uscc"])
            if code in seen:
                raise LineRefused("uscc", code, f"在第 {seen[code]} 行已出现", "每个主体只留一行")
            read.append(_parse_party(code, cells, regions))
            seen[code] = line
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
    with transaction.atomic():
        changes = _store_parties(read, table.header, report, demo=demo)
        at, who = now or timezone.now(), by
        PartyChange.objects.bulk_create(
            (PartyChange(at=at, by=who[:120], source=name[:200], **change) for change in changes),
            batch_size=_BATCH_ROWS,
        )
    return report


def parse_uscc(column: str, value: str) -> str:
    """A unified social credit code in capital letters, its check digit right (GB 32100-2015).

    Raises:
        LineRefused: it is not one.
    """
    code = value.replace(" ", "").upper()
    try:
        return str(uscc_number.validate(code))
    except InvalidChecksum:
        rule = f"的校验位不对（按 GB 32100-2015，前 17 位的校验位应为 {uscc_number.calc_check_digit(code[:17])}）"
        raise LineRefused(column, value, rule, "请对照营业执照核对") from None
    except ValidationError:
        rule = "不是统一社会信用代码（18 位数字和大写字母，不含 I、O、S、V、Z）"
        raise LineRefused(column, value, rule, "请对照营业执照核对") from None


def parse_date_cell(column: str, value: str) -> date:
    """A day written 2024-01-31.

    Raises:
        LineRefused: it is not one.
    """
    try:
        day = date.fromisoformat(value.replace("/", "-"))
    except ValueError:
        raise LineRefused(column, value, "不是日期", "请写成 2024-01-31") from None
    if not date(1900, 1, 1) <= day <= date(2200, 1, 1):
        raise LineRefused(column, value, "不在 1900 年至 2200 年之间", "请核对年份")
    return day


def _load_regions() -> dict[str, Region]:
    """Regions by code and by name, with and without 市/省."""
    found: dict[str, Region] = {}
    for region in Region.objects.all():
        found |= dict.fromkeys((region.code, region.name_zh, region.name_zh.rstrip("市省")), region)
    return found


def _parse_party(code: str, cells: dict[str, str], regions: dict[str, Region]) -> Party:
    if not cells["name"]:
        raise LineRefused("name", "", "没有名称", "请填登记的全称")
    for column, longest in (("name", 200), ("name_en", 200)):
        if len(cells.get(column, "")) > longest:
            raise LineRefused(column, cells[column], f"超过 {longest} 个字", "请填登记的全称")
    kinds = {label: value for value, label in PartyKind.choices} | {value: value for value in PartyKind.values}
    kind = kinds.get(cells["kind"].lower())
    if kind is None:
        raise LineRefused("kind", cells["kind"], "不是已知的类别", f"可用：{'、'.join(PartyKind.values)}")
    region = regions.get(cells["region"])
    if region is None:
        raise LineRefused(
            "region",
            cells["region"],
            "不是已知的行政区划代码（GB/T 2260）",
            "安徽各市为 340100 合肥市 至 341800 宣城市，外省用省级代码，如 310000 上海市",
        )
    registered = cells.get("registered_on", "")
    return Party(
        uscc=code,
        name=cells["name"],
        name_en=cells.get("name_en", ""),
        kind=kind,
        region=region,
        registered_on=parse_date_cell("registered_on", registered) if registered else None,
    )


def _store_parties(read: list[Party], header: list[str], report: FileReport, *, demo: bool) -> list[dict[str, Any]]:
    """New ones in, changed ones updated; a column that the file lacks leaves what is known. Says what changed."""
    fields = ["name", "kind", "region_id", *(column for column in _OPTIONAL_PARTY_COLUMNS if column in header)]
    # in one order: two imports of the same parties do not wait for each other
    locked = Party.objects.select_for_update().filter(uscc__in=[party.uscc for party in read]).order_by("pk")
    known = {party.uscc: party for party in locked}
    new: list[Party] = []
    changed: list[Party] = []
    changes: list[dict[str, Any]] = []
    for party in read:
        stands = known.get(party.uscc)
        if stands is None:
            party.demo = demo
            new.append(party)
            changes.append({"party": party, "after": _cells(party, fields)})
        elif differ := [field for field in fields if getattr(stands, field) != getattr(party, field)]:
            changes.append({"party": stands, "before": _cells(stands, differ), "after": _cells(party, differ)})
            for field in fields:
                setattr(stands, field, getattr(party, field))
            changed.append(stands)
    Party.objects.bulk_create(new, batch_size=_BATCH_ROWS)
    Party.objects.bulk_update(changed, [field.removesuffix("_id") for field in fields], batch_size=_BATCH_ROWS)
    report.new, report.changed, report.same = len(new), len(changed), len(read) - len(new) - len(changed)
    return changes


def _cells(party: Party, fields: Sequence[str]) -> dict[str, str]:
    """What a party has in some columns, as a file would write it."""
    values = {field.removesuffix("_id"): getattr(party, field) for field in fields}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def import_relations(content: bytes, name: str = "CSV") -> FileReport:
    """Bring relations up to the file (columns owner, owned, valid_from; share_permille or share, control, valid_to).

    A relation is known by owner, owned and its first day; a line that says otherwise updates the rest. One
    transaction.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _RELATION_COLUMNS, _OPTIONAL_RELATION_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    with transaction.atomic():
        parties = {party.uscc: party for party in Party.objects.all()}
        seen: dict[tuple[int, int, date], int] = {}
        for line, cells in table.rows(report.faults):
            try:
                relation = _parse_relation(cells, parties)
                key = (relation.owner_id, relation.owned_id, relation.valid_from)
                if key in seen:
                    rule = f"与第 {seen[key]} 行说的是同一关系"
                    raise LineRefused("valid_from", cells["valid_from"], rule, "每段关系只留一行")
                _store_relation(relation, report)
                seen[key] = line
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
    return report


def _parse_relation(cells: dict[str, str], parties: dict[str, Party]) -> Relation:
    ends = {}
    for column in ("owner", "owned"):
        code = parse_uscc(column, cells[column])
        if code not in parties:
            raise LineRefused(column, code, "不是已登记的主体", "请先用 huisuan party import 导入它")
        ends[column] = parties[code]
    if ends["owner"] == ends["owned"]:
        raise LineRefused("owned", cells["owned"], "与 owner 相同", "关系须在两个主体之间")
    control = cells.get("control", "").lower()
    if control not in _YES | _NO:
        raise LineRefused("control", cells["control"], "不是 true 或 false", "有控制关系写 true，没有写 false")
    share = _parse_share(cells)
    if not share and control not in _YES:
        rule = "持股为 0 且无控制关系"
        raise LineRefused("share", cells.get("share") or cells.get("share_permille", ""), rule, "请写明持股或控制关系")
    first = parse_date_cell("valid_from", cells["valid_from"])
    last = parse_date_cell("valid_to", cells["valid_to"]) if cells.get("valid_to") else None
    if last is not None and last <= first:
        raise LineRefused("valid_to", cells["valid_to"], f"不晚于 valid_from {first}", "终止日不含当日，须晚于起始日")
    return Relation(**ends, share_permille=share, control=control in _YES, valid_from=first, valid_to=last)


def _parse_share(cells: dict[str, str]) -> int:
    """The share in per mille, exact: share_permille, or share as 51%, 0.5% or 1/2."""
    whole, text = cells.get("share_permille", ""), cells.get("share", "")
    column, value = ("share_permille", whole) if whole else ("share", text)
    if not value:
        return 0
    try:
        if whole:
            permille = Fraction(whole)
        elif text.endswith("%"):
            permille = Fraction(text[:-1].strip()) * 10
        else:
            permille = Fraction(text) * 1000
    except (ValueError, ZeroDivisionError):
        raise LineRefused(column, value, "不是比例", "请写成 51%、0.5%、1/2，或用 share_permille 写千分之几") from None
    if permille.denominator != 1:
        raise LineRefused(column, value, "不是整千分数", "登记以千分之一为最小单位；请按登记文件核对")
    if not 0 <= permille <= 1000:
        raise LineRefused(column, value, "不在 0 与 100% 之间", "51% 请写 51%，或在 share_permille 中写 510")
    return int(permille)


def _store_relation(relation: Relation, report: FileReport) -> None:
    pair = Relation.objects.select_for_update().filter(owner=relation.owner, owned=relation.owned)
    stands = pair.filter(valid_from=relation.valid_from).first()
    for other in pair.exclude(valid_from=relation.valid_from):
        if other.valid_from < (relation.valid_to or date.max) and relation.valid_from < (other.valid_to or date.max):
            rule = f"与已登记的一段（{other.valid_from} 至 {other.valid_to or '今'}）重叠"
            raise LineRefused("valid_from", str(relation.valid_from), rule, "请先导入那一段的终止日 valid_to")
    if stands is None:
        relation.save()
        report.new += 1
        return
    fields = ("share_permille", "control", "valid_to")
    if all(getattr(stands, field) == getattr(relation, field) for field in fields):
        report.same += 1
        return
    for field in fields:
        setattr(stands, field, getattr(relation, field))
    stands.save(update_fields=fields)
    report.changed += 1

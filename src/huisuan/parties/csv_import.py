"""Parties from CSV: good lines are kept, bad ones named, twice changes nothing; what has days keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from stdnum.cn import uscc as uscc_number
from stdnum.exceptions import InvalidChecksum, ValidationError

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.text_length import shortened
from huisuan.parties.dated_import import DatedImport, StatedDays
from huisuan.parties.models import Party, PartyChange, PartyKind, PartyStatus, Region
from huisuan.parties.state_history import present_state

BY_COMMAND = "本机命令行"  # who changed the register where nobody signed in
_BATCH_ROWS = 2000
_PARTY_COLUMNS = ("uscc", "name", "kind", "region")
_OPTIONAL_PARTY_COLUMNS = ("name_en", "registered_on", "status", "valid_from", "valid_to")
_KEPT_COLUMNS = ("name_en", "registered_on", "status")  # what of them is stored of a party
_WITH_DAYS = ("region_id", "kind", "status", "registered_on")  # what has days: see `models.dated`


def import_parties(
    content: bytes, name: str = "CSV", *, demo: bool = False, by: str = BY_COMMAND, now: datetime | None = None
) -> FileReport:
    """Bring parties up to the file (columns uscc, name, kind, region; see `_OPTIONAL_PARTY_COLUMNS` for the others).

    What a line says otherwise of a known USCC holds from `valid_from` (until `valid_to`, which is not in it); without
    that a new region from the day of registration that comes with it, all else from today: what was before stays, so a
    party may have a line for each day. One transaction, with what changed kept in the register's history: `by` is who
    did it, at `now` (None: the clock). `demo` marks new parties as invented.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _PARTY_COLUMNS, _OPTIONAL_PARTY_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    regions = _load_regions()
    seen: dict[tuple[str, date | None], int] = {}
    read: list[_PartyLine] = []
    for line, cells in table.rows(report.faults):
        try:
            code = parse_uscc("uscc", cells["uscc"])
            days = _parse_days(cells)
            if (code, days.valid_from) in seen:
                rule, remedy = f"在第 {seen[code, days.valid_from]} 行已出现", "每个主体只留一行"
                if days.valid_from:
                    rule = f"在第 {seen[code, days.valid_from]} 行已出现，也自 {days.valid_from} 起"
                    remedy = "同一天不能变更两次；请核对是哪一行"
                raise LineRefused("uscc", code, rule, remedy)
            read.append(_PartyLine(line, _parse_party(code, cells, regions), days))
            seen[code, days.valid_from] = line
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
    with transaction.atomic():
        dated = DatedImport(name, by, now or timezone.now())
        changes = _store_parties(read, table.header, report, dated, demo=demo)
        PartyChange.objects.bulk_create(
            (PartyChange(at=dated.now, by=by[:120], source=shortened(name, 200), **change) for change in changes),
            batch_size=_BATCH_ROWS,
        )
    return report


@dataclass(frozen=True)
class _PartyLine:
    """A line of the file that was read: the party as it says, and the days for which it says so."""

    line: int
    party: Party
    days: StatedDays


def _parse_days(cells: dict[str, str]) -> StatedDays:
    first, after = (
        parse_date_cell(name, cells[name]) if cells.get(name) else None for name in ("valid_from", "valid_to")
    )
    if after is not None and (first is None or after <= first):
        raise LineRefused(
            "valid_to", cells["valid_to"], f"不晚于 valid_from {first or '（空）'}", "终止日不含当日，须晚于起始日"
        )
    return StatedDays(first, after)


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
    states = {label: value for value, label in PartyStatus.choices} | {value: value for value in PartyStatus.values}
    status = states.get(cells.get("status", "") or "active")
    if status is None:
        raise LineRefused("status", cells["status"], "不是已知的状态", f"可用：{'、'.join(PartyStatus.values)}")
    registered = cells.get("registered_on", "")
    return Party(
        uscc=code,
        name=cells["name"],
        name_en=cells.get("name_en", ""),
        kind=kind,
        region=region,
        status=status,
        registered_on=parse_date_cell("registered_on", registered) if registered else None,
    )


def _store_parties(
    read: list[_PartyLine], header: list[str], report: FileReport, dated: DatedImport, *, demo: bool
) -> list[dict[str, Any]]:
    """New ones in, changed ones updated; a column that the file lacks leaves what is known. Says what changed."""
    fields = ["name", "kind", "region_id", *(column for column in _KEPT_COLUMNS if column in header)]
    # in one order: two imports of the same parties do not wait for each other
    locked = Party.objects.select_for_update().filter(uscc__in=[line.party.uscc for line in read]).order_by("pk")
    known = {party.uscc: party for party in locked}
    new: dict[str, Party] = {}
    changed: dict[str, tuple[Party, dict[str, str]]] = {}  # with what it had before the file
    later: list[_PartyLine] = []
    for line in sorted(read, key=lambda line: (line.days.valid_from or date.max, line.line)):
        if line.party.uscc in known or line.party.uscc in new:
            later.append(line)
        else:
            line.party.demo = demo
            new[line.party.uscc] = line.party
    Party.objects.bulk_create(new.values(), batch_size=_BATCH_ROWS)
    dated.start([*known.values(), *new.values()])
    for line in later:
        try:
            _enter_line(line, known.get(line.party.uscc) or new[line.party.uscc], fields, dated, changed)
        except LineRefused as refusal:
            report.faults.append(refusal.at(line.line))
    dated.store()
    columns = [field.removesuffix("_id") for field in fields]
    Party.objects.bulk_update([party for party, _ in changed.values()], columns, batch_size=_BATCH_ROWS)
    updated = [party for party, _ in changed.values() if party.uscc not in new]
    report.new, report.changed = len(new), len(updated)
    report.same = len(known.keys() & {line.party.uscc for line in read}) - len(updated)
    return [
        *({"party": party, "after": _cells(party, fields)} for party in new.values()),
        *(
            {
                "party": party,
                "before": {name: before[name] for name in differ},
                "after": {name: after[name] for name in differ},
            }
            for party, before in changed.values()
            if party.uscc not in new
            for after in (_cells(party, fields),)
            for differ in ([name for name in after if after[name] != before[name]],)
        ),
    ]


def _enter_line(
    line: _PartyLine,
    stands: Party,
    fields: list[str],
    dated: DatedImport,
    changed: dict[str, tuple[Party, dict[str, str]]],
) -> None:
    """Bring one known party up to a line: what has days by its days, the names as they are."""
    with_days = [field.removesuffix("_id") for field in fields if field in _WITH_DAYS]
    moved = dated.enter(stands, present_state(line.party), line.days, with_days)
    differ = [
        field for field in fields if field not in _WITH_DAYS and getattr(stands, field) != getattr(line.party, field)
    ]
    if not moved and not differ:
        return
    changed.setdefault(stands.uscc, (stands, _cells(stands, fields)))
    for field in differ:
        setattr(stands, field, getattr(line.party, field))
    state = dated.present(stands.uscc)
    stands.kind, stands.status, stands.registered_on = state.kind, state.status, state.registered_on
    stands.region_id = state.region or stands.region_id


def _cells(party: Party, fields: Sequence[str]) -> dict[str, str]:
    """What a party has in some columns, as a file would write it."""
    values = {field.removesuffix("_id"): getattr(party, field) for field in fields}
    return {name: "" if value is None else str(value) for name, value in values.items()}

"""Reading the credit list as it was known on a day, and entering a file: good lines are kept, bad ones are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.parties.csv_import import BY_COMMAND, parse_date_cell, parse_uscc
from huisuan.parties.models import Party
from huisuan.programmes.models import CreditEffect, CreditEntry

_COLUMNS = ("uscc", "effect", "source", "reason", "valid_from")
_OPTIONAL_COLUMNS = ("basis", "valid_to", "withdrawn")
_CONTENT = ("effect", "reason", "basis", "valid_to", "withdrawn")
_LONGEST_BASIS = 300
_YES, _NO = {"true", "1", "yes", "是"}, {"false", "0", "no", "否", ""}
_EFFECTS = {word: effect.value for effect in CreditEffect for word in (effect.value, effect.label)}
_Key = tuple[int, str, date]


def credit_known(as_known: date) -> QuerySet[CreditEntry]:
    """The entries as they were known on a day; those withdrawn by then are left out."""
    key = ("party_id", "source", "valid_from")
    newest = CreditEntry.objects.filter(known_from__lte=as_known).order_by(*key, "-known_from", "-pk").distinct(*key)
    found = CreditEntry.objects.filter(pk__in=newest.values("pk"), withdrawn=False)
    return found.select_related("party").order_by("party__uscc", "valid_from", "source")


def credit_on(parties: Iterable[int], day: date) -> list[CreditEntry]:
    """What stands on a day against some parties, as it is known that day."""
    held = Q(valid_from__lte=day) & (Q(valid_to__isnull=True) | Q(valid_to__gt=day))
    return list(credit_known(day).filter(held, party__in=list(parties)))


def is_barring(entry: CreditEntry) -> bool:
    """Whether an entry bars: it says so, and by which document and article."""
    return entry.effect == CreditEffect.BARS and bool(entry.basis)


def list_credit(as_known: date, *, on: date | None = None, party: str = "") -> list[dict[str, Any]]:
    """The list as JSON carries it; `on`: what stands on that day, `party`: of one, by its code."""
    found = credit_known(as_known)
    found = found.filter(party__uscc=party) if party else found
    if on is not None:
        found = found.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on), valid_from__lte=on)
    return [
        {
            "uscc": entry.party.uscc, "name": entry.party.name, "effect": entry.effect, "source": entry.source,
            "reason": entry.reason, "basis": entry.basis, "valid_from": entry.valid_from.isoformat(),
            "valid_to": entry.valid_to.isoformat() if entry.valid_to else None,
            "known_from": entry.known_from.isoformat(), "by": entry.by,
        }
        for entry in found
    ]  # fmt: skip


def import_credit_list(content: bytes, name: str, *, now: datetime, by: str = BY_COMMAND) -> FileReport:
    """Enter a file (uscc, effect, source, reason, valid_from; basis, valid_to, withdrawn); twice changes nothing.

    What bars says its basis: the document and the article by which that follows.

    Known is an entry by party, source and first day; a line that says otherwise is what is known since today, and what
    was known before stays as it was. `withdrawn` takes one back. One transaction.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _COLUMNS, _OPTIONAL_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    lines: list[tuple[int, str, CreditEntry]] = []
    for line, cells in table.rows(report.faults):
        try:
            lines.append((line, parse_uscc("uscc", cells["uscc"]), _parse(cells)))
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
    stamp = {
        "known_from": now.astimezone(SHANGHAI).date(), "source_file": shortened(name, 200), "by": by[:120], "at": now,
    }  # fmt: skip
    with transaction.atomic():
        _enter(lines, stamp, report)
    report.faults.sort(key=lambda fault: fault.line)
    return report


def _parse(cells: Mapping[str, str]) -> CreditEntry:
    effect = _EFFECTS.get(cells["effect"].lower())
    if effect is None:
        known = "、".join(f"{each.value}（{each.label}）" for each in CreditEffect)
        raise LineRefused("effect", cells["effect"], "不是已知的后果", f"可用：{known}")
    for column, most in (("source", 120), ("reason", 300)):
        text = cells[column]
        if not text or len(text) > most or not text.isprintable():
            raise LineRefused(column, text, f"应为 1 至 {most} 个字", "名单须写明出处和事由")
    basis = cells.get("basis", "")
    if len(basis) > _LONGEST_BASIS or (basis and not basis.isprintable()):
        raise LineRefused("basis", basis, f"应为至多 {_LONGEST_BASIS} 个字", "写明文件和条款")
    if effect == CreditEffect.BARS.value and not basis:
        raise LineRefused(
            "basis",
            "",
            "不得享受而没有写依据",
            "写明规定这一后果的文件和条款；没有的，后果写 note（提示），由核验人答复",
        )
    withdrawn = cells.get("withdrawn", "").lower()
    if withdrawn not in _YES | _NO:
        raise LineRefused("withdrawn", cells["withdrawn"], "不是 true 或 false", "撤回写 true")
    first = parse_date_cell("valid_from", cells["valid_from"])
    after = parse_date_cell("valid_to", cells["valid_to"]) if cells.get("valid_to") else None
    if after is not None and after <= first:
        raise LineRefused("valid_to", cells["valid_to"], f"不晚于 valid_from {first}", "终止日不含当日，须晚于起始日")
    return CreditEntry(
        effect=effect, source=cells["source"], reason=cells["reason"], basis=basis, valid_from=first, valid_to=after,
        withdrawn=withdrawn in _YES,
    )  # fmt: skip


def _enter(lines: list[tuple[int, str, CreditEntry]], stamp: Mapping[str, object], report: FileReport) -> None:
    codes = {code for _, code, _ in lines}
    # in one order: two imports of the same parties wait for each other
    locked = Party.objects.select_for_update(no_key=True).filter(uscc__in=codes).order_by("pk")
    parties = {party.uscc: party for party in locked}
    before = CreditEntry.objects.filter(party__in=[party.pk for party in parties.values()])
    known = {(each.party_id, each.source, each.valid_from): each for each in before.order_by("known_from", "pk")}
    seen: dict[_Key, int] = {}
    made: list[CreditEntry] = []
    for line, code, entry in lines:
        try:
            if code not in parties:
                raise LineRefused("uscc", code, "不是已登记的主体", "请先用 huisuan party import 导入它")
            entry.party = parties[code]
            stands = _compare(line, entry, known, seen, stamp)
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
            continue
        if stands is entry:
            report.same += 1
            continue
        for name, value in stamp.items():
            setattr(entry, name, value)
        made.append(entry)
        report.new, report.changed = report.new + (stands is None), report.changed + (stands is not None)
    CreditEntry.objects.bulk_create(made, batch_size=2000)


def _compare(
    line: int, entry: CreditEntry, known: Mapping[_Key, CreditEntry], seen: dict[_Key, int], stamp: Mapping[str, object]
) -> CreditEntry | None:
    """What the entry follows: None, what was known of it before, or itself where that says the same."""
    key = entry.party_id, entry.source, entry.valid_from
    if key in seen:
        rule = f"与第 {seen[key]} 行是同一主体、同一出处、同一天起"
        raise LineRefused("valid_from", str(entry.valid_from), rule, "每段只留一行")
    seen[key] = line
    stands = known.get(key)
    if stands is None:
        if entry.withdrawn:
            raise LineRefused("withdrawn", "true", "没有登记过，无从撤回", "请核对主体、出处与起始日")
        return None
    if all(getattr(stands, name) == getattr(entry, name) for name in _CONTENT):
        return entry
    if stands.known_from == stamp["known_from"]:
        raise LineRefused(
            "reason",
            entry.reason,
            f"与今天已登记的不同（{stands.reason}）",
            "同一天不能登记两次；确是登记错了，明天再更正",
        )
    return stands

"""Experts and their ties from CSV: good lines are kept, bad ones named, twice changes nothing, nothing is lost."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.months import SHANGHAI
from huisuan.parties.csv_import import parse_date_cell, parse_uscc
from huisuan.parties.models import Party, Person
from huisuan.programmes.models import Expert, ExpertEntry, ExpertTie, TieKind

_EXPERT_COLUMNS = ("username", "fields", "active_from")
_OPTIONAL_EXPERT_COLUMNS = ("employer_uscc", "employer", "active_until")
_TIE_COLUMNS = ("username", "party", "kind", "starts")
_OPTIONAL_TIE_COLUMNS = ("ends", "source")
_BETWEEN_FIELDS = re.compile(r"[;；、|]")
_MOST_FIELDS, _LONGEST_FIELD, _LONGEST_NAME = 20, 60, 200


def import_experts(content: bytes, name: str, *, by: str, now: datetime) -> FileReport:
    """Bring the pool up to the file; a line that says otherwise of an expert is a new entry, the old one stays.

    Columns: username, fields (several with ；), active_from; employer_uscc or employer (a name), active_until (not in
    it). One transaction.

    Raises:
        InvalidRequest: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _EXPERT_COLUMNS, _OPTIONAL_EXPERT_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    with transaction.atomic():
        lines = list(table.rows(report.faults))
        people = _lock_people({cells["username"] for _, cells in lines})
        parties, named = _load_parties()
        known = {entry.expert.person_id: entry for entry in current_entries().select_related("expert")}
        seen: dict[str, int] = {}
        for line, cells in lines:
            try:
                _refuse_twice(seen, cells["username"], line, "username", "每位专家只留一行")
                person = _find_person(people, cells["username"])
                said = _parse_entry(cells, parties, named)
                stands = known.get(person.pk)
                if stands is not None and all(getattr(stands, field) == value for field, value in said.items()):
                    report.same += 1
                    continue
                expert = stands.expert if stands else Expert.objects.create(person=person, by=by[:120], at=now)
                ExpertEntry.objects.create(
                    expert=expert, known_from=now.astimezone(SHANGHAI).date(), source=name[:200], by=by[:120], at=now,
                    **said,
                )  # fmt: skip
                report.new += stands is None
                report.changed += stands is not None
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
    return report


def import_ties(content: bytes, name: str, *, by: str, now: datetime) -> FileReport:
    """Enter ties of experts of the pool (username, party, kind, starts; ends, source); an open one can be ended.

    One transaction.

    Raises:
        InvalidRequest: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _TIE_COLUMNS, _OPTIONAL_TIE_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    with transaction.atomic():
        lines = list(table.rows(report.faults))
        people = _lock_people({cells["username"] for _, cells in lines})
        experts = {found.person_id: found for found in Expert.objects.filter(person__in=people.values())}
        known = {
            (tie.expert_id, tie.party_id, tie.kind, tie.starts): tie
            for tie in ExpertTie.objects.filter(expert__in=experts.values())
        }
        parties, _ = _load_parties()
        seen: dict[Any, int] = {}
        for line, cells in lines:
            try:
                person = _find_person(people, cells["username"])
                if person.pk not in experts:
                    raise LineRefused("username", cells["username"], "不在专家库", "请先用 huisuan experts import 导入")
                tie = _parse_tie(cells, parties)
                tie.expert = experts[person.pk]
                tie.source, tie.by, tie.at = cells.get("source", "") or name[:200], by[:120], now
                tie.known_from = now.astimezone(SHANGHAI).date()
                key = (tie.expert_id, tie.party_id, tie.kind, tie.starts)
                _refuse_twice(seen, key, line, "starts", "每段关系只留一行")
                _store_tie(tie, known.get(key), report)
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
    return report


def current_entries() -> QuerySet[ExpertEntry]:
    """The entry of each expert that counts now."""
    newest = ExpertEntry.objects.order_by("expert_id", "-id").distinct("expert_id").values("id")
    return ExpertEntry.objects.filter(id__in=newest)


def normalise_name(name: str) -> str:
    """A firm's name as it is compared: one width of letters and brackets, no spaces, small letters."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _lock_people(usernames: set[str]) -> dict[str, Person]:
    """In one order, so that two imports at once wait for each other and not in a circle."""
    locked = Person.objects.select_for_update(no_key=True).filter(username__in=usernames).order_by("pk")
    return {person.username: person for person in locked}


def _load_parties() -> tuple[dict[str, Party], dict[str, list[Party]]]:
    parties = {party.uscc: party for party in Party.objects.all()}
    named: dict[str, list[Party]] = defaultdict(list)
    for party in parties.values():
        named[normalise_name(party.name)].append(party)
    return parties, named


def _refuse_twice(seen: dict[Any, int], key: Any, line: int, column: str, remedy: str) -> None:
    if key in seen:
        raise LineRefused(column, str(key if isinstance(key, str) else key[-1]), f"与第 {seen[key]} 行重复", remedy)
    seen[key] = line


def _find_person(people: dict[str, Person], username: str) -> Person:
    person = people.get(username)
    if person is None:
        raise LineRefused("username", username, "没有这个人", "请先用 huisuan person add 新增专家的账号")
    if person.machine or not person.is_active:
        rule = "是程序的账号" if person.machine else "已停用"
        raise LineRefused("username", username, rule, "专家须是能登录的人")
    return person


def _parse_entry(cells: dict[str, str], parties: dict[str, Party], named: dict[str, list[Party]]) -> dict[str, Any]:
    code, name = cells.get("employer_uscc", ""), cells.get("employer", "")
    if code:
        code = parse_uscc("employer_uscc", code)
        if code not in parties:
            raise LineRefused("employer_uscc", code, "不是已登记的主体", "请先导入主体，或只写 employer（名称）")
        employer: Party | None = parties[code]
    else:
        same = named.get(normalise_name(name), [])
        employer = same[0] if len(same) == 1 else None
    if employer is None and (not name or len(name) > _LONGEST_NAME or not name.isprintable()):
        raise LineRefused("employer", name, "没有写明所在单位", "请写 employer_uscc，或 employer（全称，至多 200 字）")
    begins = parse_date_cell("active_from", cells["active_from"])
    until = parse_date_cell("active_until", cells["active_until"]) if cells.get("active_until") else None
    if until is not None and until <= begins:
        raise LineRefused("active_until", str(until), f"不晚于 active_from {begins}", "终止日不含当日，须晚于起始日")
    return {
        "employer": employer, "employer_name": employer.name if employer else name,
        "fields": _parse_fields(cells["fields"]), "active_from": begins, "active_until": until,
    }  # fmt: skip


def _parse_fields(text: str) -> list[str]:
    found = sorted({field.strip() for field in _BETWEEN_FIELDS.split(text)} - {""})
    if not found or len(found) > _MOST_FIELDS:
        raise LineRefused("fields", text, f"须有 1 至 {_MOST_FIELDS} 个领域", "几个领域之间用 ； 隔开")
    for field in found:
        if len(field) > _LONGEST_FIELD or not field.isprintable():
            raise LineRefused("fields", field, f"超过 {_LONGEST_FIELD} 字或有不可见字符", "领域写短语，例如 大模型")
    return found


def _parse_tie(cells: dict[str, str], parties: dict[str, Party]) -> ExpertTie:
    code = parse_uscc("party", cells["party"])
    if code not in parties:
        raise LineRefused("party", code, "不是已登记的主体", "请先用 huisuan party import 导入它")
    kinds = {label: value for value, label in TieKind.choices} | {value: value for value in TieKind.values}
    kind = kinds.get(cells["kind"])
    if kind is None:
        raise LineRefused("kind", cells["kind"], "不是已知的关系", f"可用：{'、'.join(TieKind.values)}")
    starts = parse_date_cell("starts", cells["starts"])
    ends = parse_date_cell("ends", cells["ends"]) if cells.get("ends") else None
    if ends is not None and ends <= starts:
        raise LineRefused("ends", str(ends), f"不晚于 starts {starts}", "终止日不含当日，须晚于起始日")
    if len(cells.get("source", "")) > _LONGEST_NAME:
        raise LineRefused("source", cells["source"], f"超过 {_LONGEST_NAME} 字", "写明出处即可，例如 本人申报 2026-09")
    return ExpertTie(party=parties[code], kind=kind, starts=starts, ends=ends)


def _store_tie(tie: ExpertTie, stands: ExpertTie | None, report: FileReport) -> None:
    if stands is None:
        tie.save()
        report.new += 1
    elif stands.ends == tie.ends:
        report.same += 1
    elif stands.ends is not None:
        rule = f"已登记终止于 {stands.ends}"
        raise LineRefused("ends", str(tie.ends or ""), rule, "终止登记后不能改；又有了关系请另起一段")
    else:
        stands.ends, stands.ended_by, stands.ended_at = tie.ends, tie.by, tie.at
        stands.save(update_fields=["ends", "ended_by", "ended_at"])
        report.changed += 1

"""What a city or a centre attests of parties, from CSV: good lines are kept, bad ones named, twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.compute.fact_sources.registry import ATTESTERS, measure_of
from huisuan.compute.fact_sources.rules import readable_policies
from huisuan.compute.models import Centre
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import FactSpec, to_json
from huisuan.parties.csv_import import BY_COMMAND, parse_date_cell, parse_uscc
from huisuan.parties.models import Attestation, Party, Region
from huisuan.parties.party_state import lies_within

_COLUMNS = ("uscc", "item", "value", "valid_from", "document")
_OPTIONAL_COLUMNS = ("valid_to", "withdrawn")
_YES, _NO = {"true", "1", "yes", "是"}, {"false", "0", "no", "否", ""}
_BATCH_ROWS = 2000
_CONTENT = ("value", "valid_to", "withdrawn", "document")
_Facts = Mapping[str, Sequence[FactSpec]]


@dataclass(frozen=True)
class Attester:
    """Whose word it is: a city or a centre by its code, and the region in which that is."""

    source: str
    code: str
    place: str


def find_attester(*, city: str = "", centre: str = "") -> Attester:
    """The city (six digits) or the centre (its code) of that name; just one of the two.

    Raises:
        InvalidRequest: none or both are named, or there is no such.
    """
    if bool(city) == bool(centre):
        raise InvalidRequest("请写明由谁证明：--city 或 --centre，只写一个", code="attestation.attester_missing")
    if city:
        if not (city.isascii() and city.isdigit() and city.endswith("00") and not city.endswith("0000")) or (
            not Region.objects.filter(code=city).exists()
        ):
            raise InvalidRequest(f'"{city[:20]}" 不是市：请写六位代码，如 340100', code="attestation.city_unknown")
        return Attester("city", city, city)
    found = Centre.objects.filter(code=centre).first()
    if found is None:
        raise InvalidRequest(f"没有智算中心 {centre[:40]}；见 huisuan centre list", code="attestation.centre_unknown")
    return Attester("centre", found.code, found.region_id)


def attested_facts(source: str) -> _Facts:
    """By item the facts of all policies that ask a source to attest it."""
    found: dict[str, list[FactSpec]] = {}
    for policy in readable_policies():
        for spec in (spec for rule in (*policy.rules, *policy.versions) for spec in rule.facts):
            if spec.known_by == source in ATTESTERS and spec.measure and measure_of(spec) is not None:
                found.setdefault(spec.measure, []).append(spec)
    return found


def import_attestations(
    content: bytes, name: str, attester: Attester, *, now: datetime, by: str = BY_COMMAND
) -> FileReport:
    """Enter what an attester says of parties (columns uscc, item, value, valid_from, document; valid_to, withdrawn).

    Known is one by party, item and first day; a line that says otherwise is what is known since today, and what was
    known before stays as it was. `withdrawn` takes one back. One transaction.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _COLUMNS, _OPTIONAL_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    facts = attested_facts(attester.source)
    lines: list[tuple[int, str, Attestation]] = []
    for line, cells in table.rows(report.faults):
        try:
            lines.append((line, parse_uscc("uscc", cells["uscc"]), _parse_line(cells, attester, facts)))
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
    with transaction.atomic():
        entry = _Entry.begin(attester, {code for _, code, _ in lines}, name, by, now)
        for line, code, made in lines:
            try:
                entry.add(line, code, made, report)
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
        Attestation.objects.bulk_create(entry.made, batch_size=_BATCH_ROWS)
    return report


def _parse_line(cells: Mapping[str, str], attester: Attester, facts: _Facts) -> Attestation:
    item = cells["item"]
    value = _parse_value(item, cells["value"], attester, facts)
    withdrawn = cells.get("withdrawn", "").lower()
    if withdrawn not in _YES | _NO:
        raise LineRefused("withdrawn", cells["withdrawn"], "不是 true 或 false", "撤回写 true")
    document = cells["document"]
    if not document or len(document) > 200 or not document.isprintable():
        raise LineRefused("document", document, "应为 1 至 200 个字的文件名称或文号", "证明须有出处")
    first = parse_date_cell("valid_from", cells["valid_from"])
    after = parse_date_cell("valid_to", cells["valid_to"]) if cells.get("valid_to") else None
    if after is not None and after <= first:
        raise LineRefused("valid_to", cells["valid_to"], f"不晚于 valid_from {first}", "终止日不含当日，须晚于起始日")
    return Attestation(
        source=attester.source, attester=attester.code, place_id=attester.place, item=item, value=value,
        valid_from=first, valid_to=after, withdrawn=withdrawn in _YES, document=document,
    )  # fmt: skip


def _parse_value(item: str, text: str, attester: Attester, facts: _Facts) -> str:
    """The value as JSON, as every policy reads it that asks this attester."""
    if item not in facts:
        known = "、".join(sorted(facts)) or "（没有）"
        raise LineRefused("item", item, "不是任何政策要求证明的事项", f"可用：{known}")
    asking = [spec for spec in facts[item] if lies_within(attester.place, spec.within)]
    if not asking:
        places = "、".join(sorted({place for spec in facts[item] for place in spec.within}))
        raise LineRefused("item", item, f"不由 {attester.code} 证明", f"政策只认在 {places} 的证明")
    found = set()
    for spec in asking:
        try:
            value = parse_cell(spec, text, by_people=True)
        except InvalidCell as wrong:
            raise LineRefused("value", text, f"不是{wrong.expected}（{spec.zh}）", wrong.remedy) from None
        if value is None:
            raise LineRefused("value", text, "是空的", "请写明值；不再有效的写 valid_to，证明错了的写 withdrawn")
        found.add(json.dumps(to_json(value), ensure_ascii=False))
    if len(found) > 1 or len(min(found)) > 80:
        raise LineRefused("value", text, "不能这样登记", "各政策读法不同或超过 80 个字，请核对")
    return found.pop()


@dataclass
class _Entry:
    """Lines on their way into the register, compared with what is known of the same attester."""

    attester: Attester
    parties: dict[str, Party]
    known: dict[tuple[int, str, date], Attestation]
    today: date
    stamp: dict[str, object]
    seen: dict[tuple[int, str, date], int] = field(default_factory=dict)
    made: list[Attestation] = field(default_factory=list)

    @classmethod
    def begin(cls, attester: Attester, codes: set[str], name: str, by: str, now: datetime) -> _Entry:
        today = now.astimezone(SHANGHAI).date()
        # in one order: two imports of the same parties wait for each other
        locked = Party.objects.select_for_update(no_key=True).filter(uscc__in=codes).order_by("pk")
        parties = {party.uscc: party for party in locked}
        before = Attestation.objects.filter(
            source=attester.source, attester=attester.code, party__in=[party.pk for party in parties.values()]
        )
        known = {(each.party_id, each.item, each.valid_from): each for each in before.order_by("known_from", "pk")}
        stamp = {"known_from": today, "source_file": shortened(name, 200), "by": by[:120], "at": now}
        return cls(attester, parties, known, today, stamp)

    def add(self, line: int, code: str, made: Attestation, report: FileReport) -> None:
        party = self.parties.get(code)
        if party is None:
            raise LineRefused("uscc", code, "不是已登记的主体", "请先用 huisuan party import 导入它")
        made.party = party
        key = party.pk, made.item, made.valid_from
        if key in self.seen:
            rule = f"与第 {self.seen[key]} 行是同一主体、同一事项、同一天起"
            raise LineRefused("valid_from", str(made.valid_from), rule, "每段只留一行")
        self.seen[key] = line
        stands = self.known.get(key)
        if stands is not None and all(getattr(stands, name) == getattr(made, name) for name in _CONTENT):
            report.same += 1
            return
        if stands is not None and stands.known_from >= self.today:
            rule = f"与今天已登记的不同（{stands.value}，{stands.document}）"
            raise LineRefused("value", made.value, rule, "同一天不能登记两次；确是登记错了，明天再更正")
        if stands is None and made.withdrawn:
            raise LineRefused("withdrawn", "true", "没有登记过，无从撤回", "请核对主体、事项与起始日")
        for name, value in self.stamp.items():
            setattr(made, name, value)
        self.made.append(made)
        report.new, report.changed = report.new + (stands is None), report.changed + (stands is not None)

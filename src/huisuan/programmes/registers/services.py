"""Keeping a register: a file brings it up to date, an end takes an entry off it; every change is a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from huisuan.base.csv_lines import FileReport, LineFault
from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import RegisterSpec
from huisuan.opendata.catalogue.sheet_reader import Sheet, read_sheets
from huisuan.parties.models import Party, Person, Region
from huisuan.programmes.models import DrawnAmount, RegisteredThing, RegisterVersion
from huisuan.programmes.registers.entry_line import (
    KnownNames,
    ThingContent,
    find_columns,
    normalise_entry_code,
    parse_entry,
)
from huisuan.programmes.registers.juries import JudgedRows
from huisuan.programmes.registers.keepers import ANYTHING, Keeper, keeper_of, not_theirs
from huisuan.programmes.registers.lost_grounds import accredits, revoke_groundless_grants
from huisuan.programmes.registers.ties import Ties, content_of, fill_holds, held_amount, lock_things
from huisuan.programmes.registers.totals import TotalsByKey

_BATCH_ROWS = 1000
_LONGEST_REASON = 500


def get_register(policy: str, key: str) -> RegisterSpec:
    """The register of that key, as its policy declares it.

    Raises:
        NotFound: no such policy or register; it says which there are.
    """
    try:
        return load_policy(policy).register(key)
    except LawError as error:
        raise NotFound(str(error), code=error.code) from None


def import_register(
    content: bytes, file: str, policy: str, key: str, *, by: Person, now: datetime, reason: str = ""
) -> FileReport:
    """Bring a register up to a file (CSV, or the first sheet of an XLSX that holds anything).

    Good rows are kept, each bad cell is named; a row that says otherwise of a known entry is its next version, and
    needs the reason; what the file does not name stays. The same file twice changes nothing.

    Raises:
        NotFound: no such register.
        NotAllowed: the person has no post in the office that keeps it.
        InvalidRequest: a file that cannot be read, or lacks a column.
    """
    spec = get_register(policy, key)
    keeper = keeper_of(spec, by, now)
    _check_reason(reason)
    sheet = next((sheet for sheet in read_sheets(content, file) if sheet.rows), None)
    if sheet is None:
        raise InvalidRequest(f"{file}: 是空的", code="register.file_empty")
    report = FileReport()
    entries = _read(spec, sheet, file, report, keeper.filled_in(policy, spec, now))
    _leave_out(report, entries, not_theirs(keeper, spec, entries))
    stamp = {"source": shortened(file, 200), "by": by, "at": now}
    store_entries(policy, spec, entries, reason.strip(), stamp, report, keeper)
    return report


def enter_entry(
    policy: str, key: str, cells: Mapping[str, str], *, by: Person, now: datetime, reason: str = ""
) -> FileReport:
    """Enter one entry from a form, by the keys of its fields, as a row of a file would; of a register `by_holder` a
    party enters its own.

    Raises:
        NotFound: no such register.
        NotAllowed: the person may enter nothing on it.
    """
    spec = get_register(policy, key)
    keeper = keeper_of(spec, by, now)
    _check_reason(reason)
    row = {**cells, **keeper.filled_in(policy, spec, now)}
    report = FileReport()
    content = parse_entry(spec, 1, row, known_names())
    if isinstance(content, list):
        report.faults += content
        return report
    entries = {content.code: (1, content)}
    _leave_out(report, entries, not_theirs(keeper, spec, entries))
    store_entries(policy, spec, entries, reason.strip(), {"source": "网页登记", "by": by, "at": now}, report, keeper)
    return report


def _leave_out(
    report: FileReport, entries: dict[str, tuple[int, ThingContent]], faults: Mapping[str, LineFault]
) -> None:
    for code, fault in faults.items():
        entries.pop(code, None)
        report.faults.append(fault)


def _read(
    spec: RegisterSpec, sheet: Sheet, file: str, report: FileReport, filled_in: dict[str, str]
) -> dict[str, tuple[int, ThingContent]]:
    places, report.ignored_columns = find_columns(spec, sheet.rows[0][1], file)
    known = known_names()
    found: dict[str, tuple[int, ThingContent]] = {}
    for line, cells in sheet.rows[1:]:
        row = {key: cells[place] for key, place in places.items() if place < len(cells)} | filled_in
        content = parse_entry(spec, line, row, known)
        if isinstance(content, list):
            report.faults += content
        elif content.code in found:
            rule = f"与第 {found[content.code][0]} 行同一编号"
            report.faults.append(LineFault(line, spec.columns["code"], content.code, rule, "每个编号只留一行"))
        else:
            found[content.code] = line, content
    return found


def known_names() -> KnownNames:
    """The parties and regions that a row may name."""
    return KnownNames(frozenset(Party.objects.values_list("uscc", flat=True)), _regions())


def _regions() -> dict[str, str]:
    rows = Region.objects.values_list("code", "name_zh")
    return {code: code for code, _ in rows} | {name: code for code, name in rows}


def store_entries(
    policy: str,
    spec: RegisterSpec,
    entries: Mapping[str, tuple[int, ThingContent]],
    reason: str,
    stamp: Mapping[str, Any],
    report: FileReport,
    keeper: Keeper = ANYTHING,
) -> None:
    """Make rows (line, content; by code) the versions that stand; what does not fit is named in the report."""
    key = spec.key
    with transaction.atomic():
        codes = sorted(entries)
        RegisteredThing.objects.bulk_create(
            [RegisteredThing(policy=policy, register=key, code=code) for code in codes],
            ignore_conflicts=True, batch_size=_BATCH_ROWS,
        )  # fmt: skip
        known = lock_things(policy, key, codes)
        parties = dict(Party.objects.values_list("uscc", "pk"))
        totals = TotalsByKey.load(policy, spec) if spec.total else None
        law = load_policy(policy)
        fill_holds(law, spec, known.values())
        today = stamp["at"].astimezone(SHANGHAI).date()
        ties = Ties.load(law, spec, [content for _, content in entries.values()], today)
        judged = JudgedRows.load(law, spec, [content for _, content in entries.values()])
        batch = _Batch(known, parties, reason, stamp, report, ties, keeper, judged, totals)
        for line, content in entries.values():
            batch.add(line, content)
        batch.write()
        if batch.versions and accredits(policy, spec):
            revoke_groundless_grants(stamp["at"], stamp["by"])


@dataclass
class _Batch:
    known: Mapping[str, RegisteredThing]
    parties: Mapping[str, int]
    reason: str
    stamp: Mapping[str, Any]
    report: FileReport
    ties: Ties
    keeper: Keeper
    judged: JudgedRows
    totals: TotalsByKey | None = None
    draws: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    versions: list[RegisterVersion] = field(default_factory=list)

    def add(self, line: int, content: ThingContent) -> None:
        entry = self.known[content.code]
        latest = entry.latest
        if of_another := self.keeper.check_standing(line, content.code, latest):
            self.report.faults.append(of_another)
            return
        content = self.keeper.keep_reserved(self.ties.policy, self.ties.spec, content, latest, self.ties.today)
        filled = self.judged.fill(line, content)
        if isinstance(filled, LineFault):
            self.report.faults.append(filled)
            return
        content = filled
        if latest is not None and latest.digest == content.digest:
            self.report.same += 1
            return
        if latest is not None and not self.reason:
            rule, remedy = "与名录上的不同", "改动须写理由：--reason；不改则照原样写"
            self.report.faults.append(LineFault(line, "编号", content.code, rule, remedy))
            return
        fault = self.ties.check(line, content)
        if fault is None and self.totals is not None:
            fault = self.totals.add(line, content)
        if fault is not None:
            self.report.faults.append(fault)
            return
        entry.holds = held_amount(self.ties.policy, self.ties.spec, content.values)
        self.draws[entry.pk] = self.ties.amounts(content)
        self.versions.append(
            RegisterVersion(
                entry=entry, number=latest.number + 1 if latest else 1, name=content.name,
                holder_id=self.parties.get(content.holder), region_id=content.region or None,
                from_day=content.from_day, until_day=content.until_day, values=dict(content.values),
                digest=content.digest, reason=self.reason if latest else "", **self.stamp,
            )
        )  # fmt: skip
        self.report.new, self.report.changed = self.report.new + (latest is None), self.report.changed + bool(latest)

    def write(self) -> None:
        made = RegisterVersion.objects.bulk_create(self.versions, batch_size=_BATCH_ROWS)
        DrawnAmount.objects.filter(thing__in=list(self.draws)).delete()
        _set_latest(made)
        drawn = [
            DrawnAmount(thing_id=thing, source_id=source, amount=amount)
            for thing, amounts in self.draws.items()
            for source, amount in amounts
        ]
        DrawnAmount.objects.bulk_create(drawn, batch_size=_BATCH_ROWS)
        # an entry whose only row was refused was made above, and says nothing
        RegisteredThing.objects.filter(pk__in=[entry.pk for entry in self.known.values()], latest=None).delete()


def _set_latest(versions: Sequence[RegisterVersion]) -> None:
    for version in versions:
        version.entry.latest = version
    RegisteredThing.objects.bulk_update(
        [version.entry for version in versions], ["latest", "holds"], batch_size=_BATCH_ROWS
    )


@transaction.atomic
def end_entry(
    policy: str, key: str, code: str, last_day: date, *, by: Person, now: datetime, reason: str
) -> RegisterVersion:
    """Take an entry off a register after a day: a title revoked, a product no longer recognised.

    Raises:
        NotFound: no such register or entry.
        NotAllowed: the person has no post in the office that keeps it.
        InvalidRequest: no reason, a day before it was entered, or a later day than today for what draws on something:
            that is free again at once.
        Conflict: it has been taken off already.
    """
    spec = get_register(policy, key)
    keeper = keeper_of(spec, by, now)
    _check_reason(reason)
    if not reason.strip():
        raise InvalidRequest("请写明理由：--reason", code="register.reason_missing")
    known = normalise_entry_code(code)
    entry = lock_things(policy, key, [known]).get(known)
    if entry is None or entry.latest is None:
        raise NotFound(f"“{spec.title}”里没有 {code[:40]}", code="register.entry_unknown")
    was = entry.latest
    if not_theirs(keeper, spec, {entry.code: (0, content_of(entry))}):
        raise NotAllowed(f"{entry.code} 由另一单位登记，由它撤下", code="register.entry_of_another")
    if was.ended:
        raise Conflict(f"{entry.code} 已自 {was.until_day} 之后撤下：{was.reason}", code="register.entry_ended")
    if last_day < was.from_day:
        raise InvalidRequest(f"最后一天 {last_day} 早于列入日 {was.from_day}", code="register.end_before_begin")
    if last_day > now.astimezone(SHANGHAI).date() and DrawnAmount.objects.filter(thing=entry).exists():
        raise InvalidRequest(
            f"{entry.code} 动用着另一条目：撤下即空出，最后一天至迟是今天；请到那一天再撤",
            code="register.draws_until_then",
        )
    made = RegisterVersion.objects.create(
        entry=entry, number=was.number + 1, name=was.name, holder_id=was.holder_id, region_id=was.region_id,
        from_day=was.from_day, until_day=last_day, ended=True, values=was.values, digest=f"ended {last_day}",
        reason=reason.strip(), source="撤下", by=by, at=now,
    )  # fmt: skip
    _set_latest([made])
    DrawnAmount.objects.filter(thing=entry).delete()  # what it took is free again
    if accredits(policy, spec):
        revoke_groundless_grants(now, by)
    return made


def _check_reason(reason: str) -> None:
    if len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise InvalidRequest(f"理由至多 {_LONGEST_REASON} 字，写在一行里", code="register.reason_too_long")

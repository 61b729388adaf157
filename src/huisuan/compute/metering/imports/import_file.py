"""`usage import`: an accounting file becomes usage records, in one transaction; twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.large_files import Content
from huisuan.base.time_zones import parse_time_zone
from huisuan.compute.accelerators.registry import cards_by_model, load_card_names, single_card
from huisuan.compute.duck.reader_tables import count_lines, list_faults
from huisuan.compute.duck.source_lines import SourceLines, split_source
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.metering.checks.overuse import find_overuse
from huisuan.compute.metering.imports.accounts import import_tenants
from huisuan.compute.metering.imports.append_records import (
    append_records,
    load_party_names,
    load_stored,
    load_tenants,
    store_source,
)
from huisuan.compute.metering.imports.own_jobs import split_platform_jobs
from huisuan.compute.metering.imports.pending_corrections import (
    close_overtaken_corrections,
    drop_answered_corrections,
    keep_corrections,
)
from huisuan.compute.metering.intake.gpu_trace import parse_trace
from huisuan.compute.metering.intake.missing_cards import SURE
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.reconcile import reconcile, stored_window
from huisuan.compute.metering.intake.sacct import parse_sacct
from huisuan.compute.models import AccountClaim, Centre, SourceFile
from huisuan.compute.sacct.export import COMMAND, delimiter_of
from huisuan.compute.traces.columns import TraceColumns
from huisuan.compute.traces.inflate import inflate
from huisuan.compute.traces.read import SECONDS_PER_DAY
from huisuan.compute.traces.timestamps import Clock, parse_epoch

_FORMATS = ("sacct", "trace")
_OVERTAKEN = "账户的对应改了，等待确认的更正有的不再适用，已经关闭；请再导入这些文件，仍需要的会重新提出：{files}"


@dataclass(frozen=True)
class UsageFile:
    """A file to import and how to read it. What follows `tenants` is for traces."""

    content: Content
    name: str
    format: str
    timezone: str | None = None
    tenants: tuple[bytes, str] | None = None
    model: str | None = None
    columns: TraceColumns = field(default_factory=TraceColumns)
    epoch: str | None = None
    shift_days: int = 0
    tenant: str = ""
    by: str = "huisuan usage import"  # who imports it: what the mapping file changes is on record under this name
    unmapped: AccountClaim | None = None  # by which an account is nobody's any more (imports.claims)


@dataclass
class UsageReport:
    """What became of every line.

    Counts are lines, but for `new`, `superseding` (those of the new ones that correct another) and `unclaimed`
    (of the file, new or known, belonging to nobody yet): records. `card_seconds` are those of the new records,
    `flagged` the days on which they make a model's cards more than the centre has. `own` are lines of jobs that the
    platform placed: its agent meters those, and where the file says otherwise `own_doubts` does. Of a trace, `partial`
    are lines about a part of a job that its summary line counts already; `fractional` jobs took a part of a card.
    `held` are lines that somebody's text could have been, which are not metered; `waiting` are corrections that wait
    for a person (records), `turned_down` those of which a person said no before; `doubts` is what was flagged about
    the file itself. `no_cards` are lines that should have a card and have none or a part, by kind
    (metering.without_cards).
    """

    centre: str
    source: str
    lines: int = 0
    new: int = 0
    superseding: int = 0
    unchanged: int = 0
    older: int = 0
    repeated: int = 0
    steps: int = 0
    cpu_only: int = 0
    never_started: int = 0
    running: int = 0
    partial: int = 0
    fractional: int = 0
    unclaimed: int = 0
    card_seconds: int = 0
    flagged: int = 0
    own: int = 0
    held: int = 0
    waiting: int = 0
    turned_down: int = 0
    no_cards: dict[str, int] = field(default_factory=dict)
    own_doubts: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    dry_run: bool = False
    refused: list[tuple[int, str]] = field(default_factory=list)
    tenants: FileReport | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if a line was refused or waits, or lacks a card for sure."""
        zeros = any(self.no_cards.get(kind) for kind in SURE)
        return 1 if self.refused or self.waiting or zeros or (self.tenants and self.tenants.faults) else 0

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        plain = {name: value for name, value in vars(self).items() if name not in ("refused", "tenants")}
        return {
            **plain,
            "refused": len(self.refused),
            "faults": [{"line": line, "reason": reason} for line, reason in self.refused],
            "tenants": self.tenants.as_json() if self.tenants else None,
        }


Stage = Callable[[str], None]


def import_usage(
    code: str, file: UsageFile, now: datetime, *, dry_run: bool = False, stage: Stage | None = None
) -> UsageReport:
    """Import a file at a centre: everything or nothing of its good lines; bad ones are named in the report.

    Args:
        code: the centre's code.
        file: the file and how to read it.
        now: when it was received.
        dry_run: say what would happen and change nothing.
        stage: called with the name of each stage as it begins.

    Raises:
        NotFound: no such centre.
        InvalidRequest: an unknown format, model or zone, or a header that says too little.
        Conflict: the centre's files were exported with this delimiter before, or read in another zone.
    """
    begin = stage or (lambda _: None)
    centre = Centre.objects.filter(code=code).first()
    if centre is None:
        raise NotFound(
            f'没有代码为 "{code}" 的智算中心；用 huisuan centre list 查看，或先 huisuan centre add',
            code="centre.unknown",
        )
    begin("读入")
    source = split_source(inflate(file.content, file.name), file.name)
    if source.line_count == 0:
        raise InvalidRequest(f"{file.name} 是空的；第一行应是表头", code="usage.file_empty")
    begin("解析")
    zone = file.timezone or centre.timezone
    parsed = _parse(centre, source, file, zone)
    report = UsageReport(code, file.name, dry_run=dry_run, notes=parsed.notes)
    with transaction.atomic():
        centre = Centre.objects.select_for_update().get(pk=centre.pk)
        _check_delimiter(centre, source)
        _check_zone(centre, source, zone)
        if file.tenants:
            report.tenants = import_tenants(*file.tenants, centre, file.by, now)
            if overtaken := close_overtaken_corrections(centre, now):
                report.notes.append(_OVERTAKEN.format(files="、".join(sorted(each.name for each in overtaken))))
        begin("对照")
        anomalies = _compare(report, parsed, source, centre, now, file.unmapped)
        begin("写入")
        if dry_run:
            transaction.set_rollback(True)
        else:
            raise_flags(centre, anomalies, now)
            if report.new or report.waiting:
                kept = store_source(source, centre, file.format, zone, now)
                _store(report, parsed, centre, kept, now)
    parsed.con.close()
    return report


def _compare(
    report: UsageReport, parsed: ParsedFile, source: SourceLines, centre: Centre, now: datetime,
    unmapped: AccountClaim | None,
) -> list[Anomaly]:  # fmt: skip
    """Compare what was parsed with what is stored; what is to be flagged of the file."""
    report.own, own_anomalies = split_platform_jobs(parsed.con, centre, now)
    report.own_doubts = [anomaly.text for anomaly in own_anomalies]
    load_tenants(parsed.con, centre, unmapped)
    load_stored(parsed.con, centre, stored_window(parsed.con))
    parsed.party_names = load_party_names(parsed.con)
    _count(report, parsed, source)
    anomalies = _anomalies(parsed, source)
    report.doubts = [anomaly.text for anomaly in anomalies]
    found = len(parsed.corrections)
    parsed.corrections = drop_answered_corrections(centre, parsed.corrections)
    report.waiting, report.turned_down = len(parsed.corrections), found - len(parsed.corrections)
    return [*own_anomalies, *anomalies]


def _store(report: UsageReport, parsed: ParsedFile, centre: Centre, kept: SourceFile, now: datetime) -> None:
    """Append the new records, keep the corrections that wait, and flag what is more than the centre has."""
    keep_corrections(centre, parsed.corrections, kept)
    if report.new:
        append_records(parsed.con, centre, kept, now)
        over = find_overuse(centre, centre.last_sequence + 1)
        raise_flags(centre, over, now)
        report.flagged = len(over)


def _anomalies(parsed: ParsedFile, source: SourceLines) -> list[Anomaly]:
    """What is to be flagged of a file, each with its line."""
    found = [*parsed.anomalies, *(anomaly for anomaly, _ in parsed.corrections)]
    return [
        Anomaly(FlagKind(anomaly.kind), anomaly.key, anomaly.text, source.text(anomaly.line_no), anomaly.sequence)
        for anomaly in found
    ]


def _check_delimiter(centre: Centre, source: SourceLines) -> None:
    """A delimiter that another file had is one that users may have seen: a running sacct shows its arguments."""
    used = delimiter_of(source.first_line)
    if used and SourceFile.objects.filter(centre=centre, delimiter=used).exclude(sha256=source.sha256).exists():
        raise Conflict(
            f"{source.name} 行 1: 这个随机分隔符在另一份文件里用过，不再是没有人知道的；"
            f"每次导出都要用新的：\n{COMMAND}",
            code="sacct.delimiter_reused",
        )


def _check_zone(centre: Centre, source: SourceLines, zone: str) -> None:
    """The same lines in another zone are other times: each run would be counted once more, hours apart."""
    kept = SourceFile.objects.filter(centre=centre, sha256=source.sha256).exclude(timezone=zone).first()
    if kept is not None:
        raise Conflict(
            f"{source.name} 已按时区 {kept.timezone} 导入过，不能再按 {zone} 导入：每次运行都会重复计量",
            code="usage.imported_in_other_zone",
        )


def _parse(centre: Centre, source: SourceLines, file: UsageFile, zone: str) -> ParsedFile:
    where = parse_time_zone(zone)
    if file.format == "sacct":
        return parse_sacct(source, load_card_names(centre), where)
    if file.format == "trace":
        card = cards_by_model([file.model])[0] if file.model else single_card(centre)
        clock = Clock(where, parse_epoch(file.epoch, where) if file.epoch else None, file.shift_days * SECONDS_PER_DAY)
        return parse_trace(source, file.columns, card, clock, file.tenant)
    raise InvalidRequest(f'未知格式 "{file.format}"；可用：{"、".join(_FORMATS)}', code="usage.format_unknown")


def _count(report: UsageReport, parsed: ParsedFile, source: SourceLines) -> None:
    for kind, lines in {**reconcile(parsed), **count_lines(parsed.con)}.items():
        setattr(report, kind, lines)
    report.fractional, report.no_cards = parsed.fractional, parsed.no_cards
    report.refused = sorted([*source.unreadable, *list_faults(parsed.con)])
    totals = parsed.con.execute("""
        SELECT count(*), count(supersedes), coalesce(sum(cards::BIGINT * (ended - started - suspended)), 0)::BIGINT,
            (SELECT count(*) FROM verdict WHERE verdict <> 'older' AND party_id IS NULL)
        FROM record
    """).fetchall()[0]
    report.new, report.superseding, report.card_seconds, report.unclaimed = totals
    report.lines += len(source.unreadable)

"""Scans by the background worker: of a file that came in, or of the products that were made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from huisuan.base.db.background_work import WORK_ATTEMPTS, WorkKind, WorkProgress, finish_work
from huisuan.base.hashing import text_sha256
from huisuan.compute.keys.platform_key import sign
from huisuan.compute.metering.audit.folder import canonical
from huisuan.messages.notify import notify
from huisuan.messages.recipients import people_of_city, working_group
from huisuan.opendata.gate.labels import part_label, safe_label
from huisuan.opendata.gate.mask_keys import key_for, living_key
from huisuan.opendata.gate.statements import SCAN_KIND, signed_message
from huisuan.opendata.gate.steps import lock_file, take_step
from huisuan.opendata.gate.stores import checked_path, load_content, quarantine
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models import GateFile, GateFinding, GateProduct, GateRules, GateScan, NameChunk, ScanWork
from huisuan.opendata.names.lac_model import NO_MODEL, model_digest, model_name
from huisuan.opendata.names.stage import current_rules, rules_in_words
from huisuan.opendata.names.text_findings import TextChunk, chunk_texts, names_of_chunk, unread_names
from huisuan.opendata.scanning.caged import scan_with_texts
from huisuan.opendata.scanning.finding_kinds import FindingKind
from huisuan.opendata.scanning.scan import ScanFinding, ScanReport

SCAN_LOST = f"后台进程 {WORK_ATTEMPTS} 次都在检查途中意外结束，不再自动重来：请看数据目录的 logs/worker.log"
_BATCH = 5000


def _what_stands(_work: ScanWork) -> str:
    return "已取消：文件仍封存，没有检查完"


SCAN_WORK = WorkKind(ScanWork, "opendata.scan_file", _what_stands, SCAN_LOST)


def ask_for_scan(file: GateFile, by: str, now: datetime) -> ScanWork:
    """Ask the worker to scan what is next of a file; in the transaction of the caller."""
    made = ScanWork.objects.create(file=file, requested_by=by[:80], requested_at=now)
    SCAN_WORK.hand_over(made)
    return made


def run_scan(number: int, now: datetime) -> None:
    """Carry out a request for a scan, and note its end; nothing for one that has ended."""

    def do(work: ScanWork, progress: WorkProgress) -> None:
        with transaction.atomic():
            file = lock_file(work.file_id)
            if file.state == GateState.RECEIVED:
                take_step(file, "begin", now)
        if file.state == GateState.READING:
            _scan_input(work, file, progress, now)
        elif file.state in (GateState.REMADE, GateState.RELEASED, GateState.SUSPENDED):
            _scan_products(work, file, progress, now)

    SCAN_WORK.carry_out(number, now, do)


def _scan_input(work: ScanWork, file: GateFile, progress: WorkProgress, now: datetime) -> None:
    progress.begin_step("read", 1, 3)
    name = load_content(quarantine(), file.name_sha256).decode("utf-8", "replace")
    report = _report(work, file, [(checked_path(quarantine(), file.sha256), name)], progress, now)[0]
    with transaction.atomic():
        file = lock_file(file.pk)
        scan = record_scan(file, report, None, now)
        if report.sealed:
            take_step(file, "seal", now)
            _tell_offices(file, now)
        elif report.refused:
            take_step(file, "refuse", now, reason=f"超过了限度：{report.refused}")
        else:
            take_step(file, "find" if scan.findings.exists() else "pass", now)
        work.name_chunks.all().delete()
        finish_work(work, now)


def _scan_products(work: ScanWork, file: GateFile, progress: WorkProgress, now: datetime) -> None:
    products = list(GateProduct.objects.filter(remake=file.remakes.latest("id")))
    progress.begin_step("read", 1, 3)
    paths = [(checked_path(quarantine(), each.sha256), f"product.{each.format}") for each in products]
    reports = _report(work, file, paths, progress, now)
    with transaction.atomic():
        file = lock_file(file.pk)
        scans = [record_scan(file, report, each, now) for report, each in zip(reports, products, strict=True)]
        clean = all(open_findings(scan) == 0 for scan in scans)
        said = rules_in_words(current_rules())
        if file.state == GateState.REMADE:
            take_step(file, "rescan", now)
            take_step(file, "pass" if clean else "find", now)
        elif file.state == GateState.RELEASED and not clean and not all(map(_is_a_model_missed, scans)):
            take_step(file, "suspend", now, reason=f"按检查规则 {said} 再查，有发现")
            _tell_offices(file, now, "gate_file_suspended", said)
        elif file.state == GateState.SUSPENDED and all(scan_stands(scan, by_itself=True) for scan in scans):
            take_step(file, "resume", now, reason=f"按检查规则 {said} 再查，没有发现")
        work.name_chunks.all().delete()
        finish_work(work, now)


def _report(
    work: ScanWork, file: GateFile, paths: Sequence[tuple[Path, str]], progress: WorkProgress, now: datetime
) -> list[ScanReport]:
    """Each file scanned, then the names in its running text, chunk by chunk; what a worker before had done is kept."""
    key = key_for(living_key(file.scope, now), f"fingerprint {file.pk}")
    read = [scan_with_texts(path, name, key=key) for path, name in paths]
    chunks = [
        (report, number, chunk)
        for report, texts in read
        if not report.sealed and not report.refused
        for number, chunk in enumerate(chunk_texts(texts), start=1)
    ]
    for place, (report, number, chunk) in enumerate(chunks, start=2):
        progress.begin_step("names", place, len(chunks) + 2)
        report.findings += _names_of(work, report.sha256, number, chunk, key)
    for report, texts in read:
        if not report.sealed and not report.refused:
            report.findings += [_safe(one) for one in unread_names(texts, key)]
    progress.begin_step("record", len(chunks) + 2, len(chunks) + 2)
    return [report for report, _ in read]


def _names_of(work: ScanWork, sha256: str, number: int, chunk: TextChunk, key: bytes) -> list[ScanFinding]:
    about = {"work": work, "sha256": sha256, "number": number, "rules": current_rules()}
    done = NameChunk.objects.filter(**about).first()
    if done is None:
        found = [asdict(_safe(one)) for one in names_of_chunk(chunk, key)]
        done = NameChunk.objects.create(**about, found=found)
    return [ScanFinding(**each) for each in done.found]


def record_scan(file: GateFile, report: ScanReport, product: GateProduct | None, now: datetime) -> GateScan:
    """Write a scan with its findings, signed. Of a file with a mark of secrecy only place and mark stay."""
    rules = rules_in_force(now)
    kept = [one for one in report.findings if not report.sealed or one.kind == FindingKind.SECRECY]
    kept = [_safe(one) for one in kept]
    root = findings_root(kept)
    statement = canonical(
        {
            "kind": SCAN_KIND, "file": file.pk, "entry": file.entry.code, "sha256": report.sha256,
            "rules": rules.version, "model": model_name(), "model_sha256": rules.model,
            "complete": not report.refused, "refused": report.refused,
            "findings": len(kept), "findings_root": root, "at": now.isoformat(),
        }
    )  # fmt: skip
    scan = GateScan.objects.create(
        file=file, product=product, sha256=report.sha256, rules=rules, cells=report.cells, complete=not report.refused,
        refused=report.refused[:40], root=root, statement=statement, signature=sign(signed_message(statement)), at=now,
    )  # fmt: skip
    rows = (GateFinding(scan=scan, number=number, **asdict(one)) for number, one in enumerate(kept, start=1))
    GateFinding.objects.bulk_create(rows, batch_size=_BATCH)
    return scan


def rules_in_force(now: datetime) -> GateRules:
    """The rules of the running code with its model, in force from now if they are new."""
    rules, _ = GateRules.objects.get_or_create(version=current_rules(), defaults={"at": now, "model": model_digest()})
    return rules


def scan_stands(scan: GateScan, *, by_itself: bool = False) -> bool:
    """Whether what was scanned may go out, as the database holds it: by current rules, to its end, nothing open.

    Nor may a scan without a model outweigh one with it that found something in the same bytes; `by_itself`, without a
    person, no scan by one model outweighs one by another.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT opendata_scan_stands(%s, %s)", [scan.pk, by_itself])
        (stands,) = cursor.fetchone()
    return bool(stands)


def _is_a_model_missed(scan: GateScan) -> bool:
    """Whether nothing is open but that no model is here now, where one judged these bytes, and what came in, before."""
    unread = FindingKind.UNREAD_NAMES
    before = GateScan.objects.filter(product=scan.product, complete=True, pk__lt=scan.pk).exclude(rules__model=NO_MODEL)
    by_model = before.exists() and not GateFinding.objects.filter(scan__remakes__products=scan.product_id, kind=unread)
    left = open_findings(scan)
    return left == 0 or (by_model and left == scan.findings.filter(kind=unread).count())


def findings_root(findings: Sequence[ScanFinding]) -> str:
    """The SHA-256 over all findings of a scan, in their order."""
    return text_sha256(canonical([asdict(one) for one in findings]))


def _safe(one: ScanFinding) -> ScanFinding:
    """The finding with its words as they may be stored."""
    return replace(
        one, kind=str(one.kind), part=part_label(one.part), heading=safe_label(one.heading)[:80],
        masked=one.masked[:120], confidence=str(one.confidence),
    )  # fmt: skip


def open_findings(scan: GateScan) -> int | None:
    """How many findings of a scan nobody has judged, as the database counts them; None: it did not end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT opendata_open_findings(%s)", [scan.pk])
        (number,) = cursor.fetchone()
    return None if number is None else int(number)


def _tell_offices(file: GateFile, now: datetime, code: str = "gate_file_sealed", about: str = "") -> None:
    """The province's working group and the city of the provider: that it is sealed, or out no more; nothing it says."""
    latest = file.entry.latest
    city = (people_of_city(latest.region_id),) if latest is not None else ()
    said = {"number": str(file.pk), "entry": file.entry.code, **({"rules": about} if about else {})}
    notify(code, said, to=(working_group(), *city), key=f"gate:{file.pk}:{code}:{about}", now=now)

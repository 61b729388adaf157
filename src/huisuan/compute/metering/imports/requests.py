"""A usage file that was uploaded: kept on the disk until the background worker has imported it, with what came of it.

The import is the one of `usage import` and of the API. What it writes, its report and that it is done are one
transaction: killed or cancelled before that, nothing of the file is in the ledger.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.db import IntegrityError, transaction

from huisuan.base.content_store import ContentStore
from huisuan.base.db.background_work import (
    WORK_ATTEMPTS,
    WORK_UNDER_WAY,
    WorkKind,
    WorkProgress,
    WorkState,
    finish_work,
)
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.large_files import map_or_read
from huisuan.base.paths import ensure_folder, home
from huisuan.base.text_length import shortened
from huisuan.base.time_zones import parse_time_zone
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport, import_usage
from huisuan.compute.metering.usage.daily_totals import update_daily_totals
from huisuan.compute.models import UsageImport
from huisuan.compute.traces.columns import TraceColumns

IMPORT_STAGES = ("读入", "解析", "对照", "写入")
FAULTS_KEPT = 5000  # of a report; how many more there were is said
_TEXTS_KEPT = 500
_PIECE = 1 << 20
_DRY_RUN_KEPT = timedelta(days=1)
_UPLOADING = timedelta(hours=6)  # how long a file may lie here before its request is stored

IMPORT_LOST = (
    f"后台进程 {WORK_ATTEMPTS} 次都在导入途中意外结束，不再自动重来：没有写入任何记录；请看数据目录的 logs/worker.log，"
    "排除后重新上传"
)
IMPORTS = WorkKind(UsageImport, "metering.import_usage", lambda _: "已取消：没有写入任何记录", IMPORT_LOST)


@dataclass(frozen=True)
class KeptFile:
    """An uploaded file on the disk of the platform; `size` in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class ImportPlan:
    """What to import and how to read it; `options` as the fields of `UsageFile` for traces."""

    file: KeptFile
    format: str
    timezone: str = ""
    tenants: KeptFile | None = None
    options: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = False


def keep_file(content: IO[bytes], name: str) -> KeptFile:
    """Keep an upload on the disk, piece by piece: whole under its SHA-256, or not at all."""
    folder = _store().folder
    draft = ensure_folder(folder) / f".upload.{secrets.token_hex(4)}"
    found, size = hashlib.sha256(), 0
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            while piece := content.read(_PIECE):
                found.update(piece)
                size += len(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        place = _store().path_of(found.hexdigest())
        ensure_folder(place.parent)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    return KeptFile(shortened(name, 200), found.hexdigest(), size)


def request_import(code: str, plan: ImportPlan, by: str, now: datetime) -> UsageImport:
    """Ask the worker to import a kept file at a centre.

    Raises:
        NotFound: no such centre.
        InvalidRequest: an empty file, an unknown time zone.
        Conflict: this very file is being imported there.
    """
    centre = centre_by_code(code)
    if not plan.file.size:
        raise InvalidRequest(f"{plan.file.name} 是空的；第一行应是表头", code="usage.file_empty")
    zone = parse_time_zone(plan.timezone).key if plan.timezone else ""
    try:
        with transaction.atomic():
            made = UsageImport.objects.create(
                centre=centre, name=plan.file.name, sha256=plan.file.sha256, size=plan.file.size, format=plan.format,
                timezone=zone, options=plan.options, dry_run=plan.dry_run, requested_by=by[:80], requested_at=now,
                tenants_name=plan.tenants.name if plan.tenants else "",
                tenants_sha256=plan.tenants.sha256 if plan.tenants else "",
            )  # fmt: skip
            IMPORTS.hand_over(made)
    except IntegrityError:
        raise Conflict(f"{plan.file.name} 正在这个中心导入，等它结束再传", code="usage.import_under_way") from None
    return made


def repeat_for_real(number: int, by: str, now: datetime) -> UsageImport:
    """Import the file of a dry run as it was read there.

    Raises:
        NotFound: none of that number.
        Conflict: it is no dry run that is done, its file was cleared away, or it is being imported.
    """
    tried = UsageImport.objects.select_related("centre").filter(pk=number).first()
    if tried is None:
        raise NotFound(f"没有第 {number} 号导入", code="usage.import_unknown")
    if not (tried.dry_run and tried.state == WorkState.DONE):
        raise Conflict(f"第 {number} 号导入不是做完的试运行", code="usage.import_not_tried")
    if any(not _store().path_of(each).is_file() for each in (tried.sha256, tried.tenants_sha256) if each):
        raise Conflict(f"{tried.name} 已清理（试运行的文件留一天）：请重新上传", code="usage.import_file_gone")
    tenants = KeptFile(tried.tenants_name, tried.tenants_sha256, 1) if tried.tenants_sha256 else None
    file = KeptFile(tried.name, tried.sha256, tried.size)
    plan = ImportPlan(file, tried.format, tried.timezone, tenants, tried.options)
    return request_import(tried.centre.code, plan, by, now)


def run_import(number: int, clock: Callable[[], datetime]) -> None:
    """Import the file of a request and keep its report; nothing for a request that has ended."""

    def do(request: UsageImport, progress: WorkProgress) -> None:
        def stage(name: str) -> None:
            progress.begin_step(name, IMPORT_STAGES.index(name) + 1, len(IMPORT_STAGES))

        with transaction.atomic():
            now = clock()
            report = import_usage(request.centre.code, _usage_file(request), now, dry_run=request.dry_run, stage=stage)
            finish_work(request, now, report=report_to_keep(report))

    IMPORTS.carry_out(number, clock(), do)
    ended = UsageImport.objects.select_related("centre").get(pk=number)
    if ended.state == WorkState.DONE and not ended.dry_run:
        update_daily_totals(ended.centre)  # else its pages would say for minutes that there is no use
    if not ended.is_under_way and not (ended.dry_run and ended.state == WorkState.DONE):
        _remove_unneeded(ended.sha256, clock())


def cancel_import(number: int, by: str, now: datetime) -> UsageImport:
    """Cancel: before the next step of the import; nothing of the file is written then.

    Raises:
        NotFound: none of that number.
    """
    try:
        return IMPORTS.cancel(number, by, now)
    except UsageImport.DoesNotExist:
        raise NotFound(f"没有第 {number} 号导入", code="usage.import_unknown") from None


def forget_import_files(now: datetime) -> int:
    """Remove the uploaded files that no import needs any more; how many."""
    removed = 0
    for path in list(_store().folder.glob("??/*")):
        old = datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo) < now - _UPLOADING
        removed += bool(old and _remove_unneeded(path.parent.name + path.name, now))
    return removed


def report_to_keep(report: UsageReport) -> dict[str, Any]:
    """A report as it is stored: whole in its counts, of its lists at most so many, with how many were left out."""
    kept = report.as_json()
    kept["faults_left_out"] = max(len(kept["faults"]) - FAULTS_KEPT, 0)
    kept["faults"] = kept["faults"][:FAULTS_KEPT]
    for name in ("doubts", "own_doubts", "notes"):
        kept[f"{name}_left_out"] = max(len(kept[name]) - _TEXTS_KEPT, 0)
        kept[name] = kept[name][:_TEXTS_KEPT]
    if kept["tenants"]:
        faults = kept["tenants"]["faults"]
        kept["tenants"] |= {"faults": faults[:_TEXTS_KEPT], "faults_left_out": max(len(faults) - _TEXTS_KEPT, 0)}
    return kept


def _store() -> ContentStore:
    return ContentStore(home() / "imports")


def _usage_file(request: UsageImport) -> UsageFile:
    options = dict(request.options)
    columns = TraceColumns(**options.pop("columns", {}))
    tenants = None
    if request.tenants_sha256:
        tenants = (_kept(request.tenants_sha256, request.tenants_name).read_bytes(), request.tenants_name)
    with _kept(request.sha256, request.name).open("rb") as file:
        content = map_or_read(file)  # the map outlives the file
    return UsageFile(
        content,
        request.name,
        request.format,
        request.timezone or None,
        tenants,
        columns=columns,
        by=request.requested_by,
        **options,
    )


def _kept(sha256: str, name: str) -> Path:
    path = _store().path_of(sha256)
    if not path.is_file():
        raise InvalidRequest(f"{name} 已不在平台的磁盘上：请重新上传", code="usage.import_file_gone")
    return path


def _remove_unneeded(sha256: str, now: datetime) -> bool:
    """Remove a kept file unless an import of it is under way or was tried within a day."""
    of_file = UsageImport.objects.filter(sha256=sha256) | UsageImport.objects.filter(tenants_sha256=sha256)
    tried = of_file.filter(dry_run=True, state=WorkState.DONE, ended_at__gt=now - _DRY_RUN_KEPT)
    if of_file.filter(state__in=WORK_UNDER_WAY).exists() or tried.exists():
        return False
    path = _store().path_of(sha256)
    path.unlink(missing_ok=True)
    return True

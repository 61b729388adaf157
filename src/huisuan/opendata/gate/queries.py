"""Files at the gate, as their stewards and releasers see them; nobody else sees that there are any."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from huisuan.base.errors import NotFound
from huisuan.opendata.gate.steps import is_open
from huisuan.opendata.gate.stores import load_content, released_shelf
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateRelease, GateScan, ScanWork
from huisuan.opendata.scanning.finding_kinds import FINDING_NAMES, FindingKind
from huisuan.parties.models import Role
from huisuan.parties.viewer import Viewer

_FINDINGS = """
SELECT f.number, f.kind, f.part, f.row, f.column, f.heading, f.masked, f.fingerprint, f.confidence,
       coalesce(opendata_judged(s.file_id, s.id, f.number, f.kind, f.part, f.column), '')
FROM opendata_gatefinding f JOIN opendata_gatescan s ON s.id = f.scan_id WHERE s.id = %s ORDER BY f.number
"""
_FIELDS = ("number", "kind", "part", "row", "column", "heading", "masked", "fingerprint", "confidence", "judged")


def visible_files(viewer: Viewer) -> QuerySet[GateFile]:
    """Files of one's city, or all of the province's; newest first."""
    mine = Q(pk__in=())
    if viewer.role == Role.PROVINCE:
        mine = Q()
    elif viewer.role == Role.CITY:
        mine = Q(entry__latest__region_id=viewer.city)
    return GateFile.objects.filter(mine).exclude(state="").select_related("entry__latest", "uploaded_by")


def get_file(viewer: Viewer, number: int) -> GateFile:
    """One file that the viewer may see.

    Raises:
        NotFound: none of that number, or not theirs.
    """
    found = visible_files(viewer).filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有第 {number} 号文件", code="gate.file_unknown")
    return found


def gate_file_to_dict(file: GateFile) -> dict[str, Any]:
    """Where a file stands, how far its scan is, and its history."""
    work = ScanWork.objects.filter(file=file).first()
    scan = GateScan.objects.filter(file=file).last()
    return {
        "number": file.pk, "entry": file.entry.code, "state": file.state, "state_zh": GateState(file.state).label,
        "ending": file.ending, "size": file.size, "sha256": file.sha256, "scope": file.scope,
        "uploaded_by": file.uploaded_by.username, "uploaded_at": file.uploaded_at.isoformat(),
        "scan": {"state": work.state, "permille": work.permille, "reason": work.reason} if work else None,
        "findings": scan.findings.count() if scan else 0, "rules": scan.rules_id if scan else "",
        "history": [
            {
                "number": step.number, "action": step.action, "state": step.to_state,
                "duty": step.duty, "duty_zh": GateDuty(step.duty).label,
                "by": step.person.username if step.person else "", "at": step.at.isoformat(), "reason": step.reason,
            }
            for step in file.steps.select_related("person")
        ],
    }  # fmt: skip


def list_findings(file: GateFile) -> list[dict[str, Any]]:
    """Findings of the file as it came in, each with what is done about it; of a sealed file the marks alone."""
    scan = GateScan.objects.filter(file=file, product=None).last()
    return _of_scan(scan) if scan else []


def list_product_findings(file: GateFile) -> list[dict[str, Any]]:
    """What the products were found to hold; fingerprints tell which finding of the file it is."""
    remake = file.remakes.last()
    scans = [product.scans.last() for product in remake.products.all()] if remake else []
    return [found for scan in scans if scan is not None for found in _of_scan(scan)]


def _of_scan(scan: GateScan) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_FINDINGS, [scan.pk])
        rows = [dict(zip(_FIELDS, row, strict=True)) for row in cursor.fetchall()]
    return [{**row, "kind_zh": FINDING_NAMES[FindingKind(row["kind"])]} for row in rows]


def count_open(file: GateFile) -> int:
    """How many findings wait to be judged."""
    return sum(not found["judged"] for found in list_findings(file))


def released_bytes(product: int) -> tuple[GateRelease, bytes]:
    """The bytes of a product that is out now: the one way out of the gate.

    Raises:
        NotFound: it was never released, was taken back or superseded, or its entry was closed since.
        Unavailable: its file is gone or changed.
    """
    release = GateRelease.objects.select_related("file__entry__latest", "product").filter(product_id=product).first()
    if release is None or not release.is_out or not is_open(release.file):
        raise NotFound("没有这份已放行的文件", code="gate.not_out")
    return release, load_content(released_shelf(), release.sha256)

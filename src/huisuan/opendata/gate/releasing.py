"""Letting a product out, by a third person, with a signed statement; and taking it back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.compute.keys.platform_key import sign
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.gate.scan_work import rules_in_force, scan_stands
from huisuan.opendata.gate.statements import RELEASE_KIND, signed_message
from huisuan.opendata.gate.steps import is_open, lock_file, take_duty, take_step
from huisuan.opendata.gate.stores import quarantine, released_shelf, stored_pieces
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateDutyHeld, GateFile, GateProduct, GateRelease, GateScan
from huisuan.opendata.names.lac_model import model_name
from huisuan.opendata.names.stage import current_rules
from huisuan.parties.models import Person


@transaction.atomic
def release_file(number: int, person: Person, now: datetime, supersedes: int | None = None) -> list[GateRelease]:
    """Release the products of a file, and with `supersedes` put them in the place of an older one.

    The database refuses what was not scanned to its end by current rules, or has an open finding.

    Raises:
        NotFound, NotAllowed: see `lock_file` and `take_duty`.
        Conflict: it is not ready, rules have changed since its scan, or its entry was closed.
    """
    file = lock_file(number, person)
    if file.state != GateState.READY:
        state = GateState(file.state).label
        raise Conflict(f"第 {number} 号文件现在{state}：复查没有发现的才能放行", code="gate.not_ready")
    if not is_open(file):
        raise Conflict(f"{file.entry.code} 已改为不予开放：不能放行", code="gate.entry_was_closed")
    take_duty(file, person, GateDuty.RELEASE)
    made = [_release(file, product, person, now) for product in file.remakes.latest("id").products.all()]
    take_step(file, "release", now, person, GateDuty.RELEASE)
    if supersedes is not None:
        older = lock_file(supersedes, person)
        if older.entry_id != file.entry_id or older.pk == file.pk:
            raise InvalidRequest(f"第 {supersedes} 号文件不是同一条目录的", code="gate.of_another_entry")
        take_step(older, "supersede", now, reason=f"由第 {number} 号文件取代")
    return made


def _release(file: GateFile, product: GateProduct, person: Person, now: datetime) -> GateRelease:
    scan = GateScan.objects.filter(product=product).latest("id")
    rules_in_force(now)  # the running code's, before any scan by them
    if scan.rules_id != current_rules() or not scan_stands(scan):
        raise Conflict("复查以后检查规则变了，或还有发现：须再检查", code="gate.scan_is_outdated")
    # on the shelf before its row: content without a row is served by nobody
    released_shelf().store_pieces(stored_pieces(quarantine(), product.sha256))
    statement = canonical(
        {
            "kind": RELEASE_KIND, "file": file.pk, "entry": file.entry.code, "input_sha256": file.sha256,
            "product_sha256": product.sha256, "product_format": product.format, "product_size": product.size,
            "rows": product.remake.rows, "recipe_sha256": product.remake.recipe_sha256, "rules": scan.rules_id,
            "model": model_name(), "model_sha256": scan.rules.model,
            "findings_root": scan.root, "scan_sha256": signed_message(scan.statement).hex(),
            "released_by": person.username, "released_at": now.isoformat(),
        }
    )  # fmt: skip
    return GateRelease.objects.create(
        file=file, product=product, scan=scan, sha256=product.sha256, by=person, at=now, statement=statement,
        signature=sign(signed_message(statement)),
    )  # fmt: skip


@transaction.atomic
def withdraw_file(number: int, reason: str, person: Person, now: datetime) -> GateFile:
    """Take back what was released: whoever has a duty at it may, or anybody else of the city or the province.

    Raises:
        NotFound: no such file.
        NotAllowed: not of a city or the province.
        InvalidRequest: no reason.
        Conflict: it is not out.
    """
    file = lock_file(number, person)
    if not reason.strip():
        raise InvalidRequest("撤回须写理由：--reason", code="gate.withdrawal_has_a_reason")
    held = GateDutyHeld.objects.filter(file=file, person=person).first()
    duty = GateDuty(held.duty) if held else GateDuty.RELEASE
    take_duty(file, person, duty)
    take_step(file, "withdraw", now, person, duty, reason=reason)
    return file

"""A file handed in: stored sealed, and its scan asked of the background worker."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.gate.mask_keys import check_scope, living_key
from huisuan.opendata.gate.scan_work import ask_for_scan
from huisuan.opendata.gate.steps import STEWARDS, take_duty, take_step
from huisuan.opendata.gate.stores import quarantine
from huisuan.opendata.gate_arrows import GateDuty
from huisuan.opendata.models import GateFile
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Person, Role

LARGEST_UPLOAD = 256 * 1024 * 1024  # bytes
_LONGEST_NAME = 255


def upload_file(code: str, name: str, content: bytes, person: Person, now: datetime, scope: str = "") -> GateFile:
    """Store a file for an entry; `scope` names a linkage group, else its key is the entry's own.

    Raises:
        NotFound: no such entry.
        NotAllowed: not somebody of the entry's city or of the province.
        InvalidRequest: the file is empty or too large, or the entry is not open.
    """
    version = get_entry(code)
    if person.role not in STEWARDS or (person.role == Role.CITY and person.city_id != version.region_id):
        raise NotAllowed("只有该目录所在市和省专班的人员能送交文件", code="gate.not_a_steward")
    if version.access == Access.CLOSED:
        raise InvalidRequest(f"{version.entry.code} 不予开放，不接收文件", code="gate.entry_is_closed")
    if not content or len(content) > LARGEST_UPLOAD:
        raise InvalidRequest(
            f"文件是空的，或大于 {LARGEST_UPLOAD // 1024 // 1024} MB；请分成几个", code="gate.file_size"
        )
    scope = check_scope(scope or version.entry.code)
    sha256 = quarantine().store(content)
    named = quarantine().store(name[:_LONGEST_NAME].encode())
    ending = re.search(r"\.([a-z0-9]{1,8})$", name.lower())
    with transaction.atomic():
        living_key(scope, now)
        file = GateFile.objects.create(
            entry=version.entry, sha256=sha256, name_sha256=named, ending=ending[1] if ending else "",
            size=len(content), scope=scope, uploaded_by=person, uploaded_at=now, state_since=now,
        )  # fmt: skip
        take_duty(file, person, GateDuty.UPLOAD)
        take_step(file, "upload", now, person, GateDuty.UPLOAD)
        ask_for_scan(file, person.username, now)
    return file

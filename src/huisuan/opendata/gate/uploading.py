"""A file handed in: stored sealed, and its scan asked of the background worker."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.gate.mask_keys import check_scope, living_key
from huisuan.opendata.gate.scan_work import ask_for_scan
from huisuan.opendata.gate.steps import STEWARDS, take_duty, take_step
from huisuan.opendata.gate.stores import quarantine
from huisuan.opendata.gate_arrows import GateDuty
from huisuan.opendata.models import CatalogueVersion, GateFile
from huisuan.opendata.vocabulary import CODE_PATTERN, Access
from huisuan.parties.models import Person, Role

LARGEST_UPLOAD = 256 * 1024 * 1024  # bytes
_LONGEST_NAME = 255


def upload_file(code: str, name: str, content: bytes, person: Person, now: datetime, scope: str = "") -> GateFile:
    """Store a file that is at hand as a whole: see `upload_pieces`."""
    return upload_pieces(code, name, [content], len(content), person, now, scope)


def upload_pieces(
    code: str, name: str, pieces: Iterable[bytes], size: int, person: Person, now: datetime, scope: str = ""
) -> GateFile:
    """Store a file for an entry, piece by piece, once it is known that it may come in; `size` in bytes.

    `scope` names a linkage group, else its key is the entry's own.

    Raises:
        NotFound: no such entry.
        NotAllowed: not somebody of the entry's city or of the province, or the group is another city's.
        InvalidRequest: the file is empty or too large, the entry is not open, or the group is no name of one.
    """
    version = get_entry(code)
    if person.role not in STEWARDS or (person.role == Role.CITY and person.city_id != version.region_id):
        raise NotAllowed("只有该目录所在市和省专班的人员能送交文件", code="gate.not_a_steward")
    if version.access == Access.CLOSED:
        raise InvalidRequest(f"{version.entry.code} 不予开放，不接收文件", code="gate.entry_is_closed")
    check_size(size)
    scope = check_scope(scope or version.entry.code)
    if scope != version.entry.code and re.fullmatch(CODE_PATTERN, scope.upper()):
        raise InvalidRequest(f"关联组 {scope} 是目录代码：关联组须另起名字", code="gate.group_is_an_entry")
    sha256 = quarantine().store_pieces(pieces)
    named = quarantine().store(name[:_LONGEST_NAME].encode())
    ending = re.search(r"\.([a-z0-9]{1,8})$", name.lower())
    with transaction.atomic():
        living_key(scope, now)
        _check_group(scope, version, person)
        file = GateFile.objects.create(
            entry=version.entry, sha256=sha256, name_sha256=named, ending=ending[1] if ending else "",
            size=size, scope=scope, uploaded_by=person, uploaded_at=now, state_since=now,
        )  # fmt: skip
        take_duty(file, person, GateDuty.UPLOAD)
        take_step(file, "upload", now, person, GateDuty.UPLOAD)
        ask_for_scan(file, person.username, now)
    return file


def check_size(size: int) -> None:
    """Refuse a file by its size, in bytes.

    Raises:
        InvalidRequest: it is empty, or too large.
    """
    if not 0 < size <= LARGEST_UPLOAD:
        raise InvalidRequest(
            f"文件是空的，或大于 {LARGEST_UPLOAD // 1024 // 1024} MB；请分成几个", code="gate.file_size"
        )


def _check_group(scope: str, version: CatalogueVersion, person: Person) -> None:
    """A group is of the city that began it: who could join another's would learn by tokens who is in its files."""
    began = GateFile.objects.filter(scope=scope).order_by("id").select_related("entry__latest").first()
    if began is None or person.role == Role.PROVINCE or began.entry.latest is None:
        return
    if began.entry.latest.region_id != version.region_id:
        raise NotAllowed(f'关联组 "{scope}" 是别的市的：请另起名字，或由省专班送交', code="gate.group_of_another_city")

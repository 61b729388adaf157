"""Who issued the files that were handed in: said once a file, by whoever checks; no applicant speaks for its papers."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from huisuan.base.csv_lines import LineRefused
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.law.procedure import Duty
from huisuan.parties.csv_import import parse_uscc
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application, EvidenceIssuer
from huisuan.programmes.struck.striking import flag_struck, lock_issuer
from huisuan.programmes.workflow.permission import Permissions
from huisuan.programmes.workflow.queries import get_application


@transaction.atomic
def record_issuer(
    number: str, sha256: str, uscc: str, issued_on: date | None, person: Person, now: datetime
) -> EvidenceIssuer:
    """Say who issued a file; where that issuer is struck already, the flag is raised at once.

    Raises:
        NotFound: no such application, as far as the person may know, or no such file was handed in.
        NotAllowed: no post to check it in force that day; the applicant.
        InvalidRequest: no unified social credit code.
        Conflict: it was said before.
    """
    application = get_application(Viewer.for_person(person), number)
    permissions = Permissions.load(person, Duty.CHECK.value, "", [application], now)
    if refusal := permissions.ask_duty(application):
        raise refusal
    code = parse_issuer_code(uscc)
    lock_issuer(code)
    whole = _whole_hash(application, sha256)
    if EvidenceIssuer.objects.filter(application=application, sha256=whole).exists():
        raise Conflict(f"{number}：这份材料的出具机构已登记，不能再改", code="struck.issuer_given")
    made = EvidenceIssuer.objects.create(
        application=application, sha256=whole, uscc=code, issued_on=issued_on, by=person, at=now
    )
    flag_struck(now, application=application)
    return made


def parse_issuer_code(typed: str) -> str:
    """A unified social credit code as somebody typed it.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return parse_uscc("uscc", typed)
    except LineRefused:
        raise InvalidRequest(f'出具机构 "{typed[:40]}" 不是统一社会信用代码', code="struck.uscc_malformed") from None


def _whole_hash(application: Application, begins: str) -> str:
    """The hash of a file that was handed in, by its whole hash or its first eight signs or more."""
    files = {file["sha256"] for said in application.submissions.all() for file in said.evidence}
    found = sorted(one for one in files if len(begins) >= 8 and one.startswith(begins.lower()))
    if len(found) != 1:
        raise NotFound(
            f"{application.number}：没有哈希为 {begins[:64]} 的材料；至少写前 8 位", code="struck.file_unknown"
        )
    return str(found[0])

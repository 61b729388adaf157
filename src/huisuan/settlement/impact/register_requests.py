"""Files of the register handed to the background worker: past results are compared there, and what was seen is entered.

What a file writes and that it is done are one transaction: killed or cancelled before that, nothing of it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from huisuan.base.csv_lines import FileReport, LineFault
from huisuan.base.db.background_work import (
    WORK_ATTEMPTS,
    WORK_UNDER_WAY,
    WorkKind,
    WorkProgress,
    WorkState,
    finish_work,
)
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.text_length import shortened
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party
from huisuan.parties.relation_import import import_relations, import_successions
from huisuan.settlement.impact.register_preview import import_as_seen
from huisuan.settlement.models import RegisterFileRequest
from huisuan.settlement.runs.queries import latest_runs

REGISTER_FILE_LOST = (
    f"后台进程 {WORK_ATTEMPTS} 次都在对照途中意外结束，不再自动重来：什么都没有写入；请看数据目录的 logs/worker.log，"
    "排除后重新提出"
)
MOST_FILES_WAITING = 20  # of everybody
HELD = timedelta(days=1)  # how long what was previewed can be accepted
_KEPT = timedelta(days=30)
_ENTER: Mapping[str, Callable[..., FileReport]] = {
    "parties": import_parties, "relations": import_relations, "successions": import_successions,
}  # fmt: skip


@dataclass(frozen=True)
class RegisterLines:
    """Lines of the register as a CSV: its kind, its name, and the party on whose page they were written, if any."""

    kind: str
    content: bytes
    name: str
    party: str = ""


REGISTER_FILE_WORK = WorkKind(
    RegisterFileRequest, "settlement.enter_register_file", lambda _: "已取消：什么都没有写入", REGISTER_FILE_LOST
)


def enter_at_once(file: RegisterLines, by: str, now: datetime) -> FileReport | None:
    """What became of the lines, where no past result can change by them; None: nothing is written, the worker decides.

    So it is where nothing is settled yet, a line is refused, or only parties are new that nobody knew.
    """
    with transaction.atomic():
        report = _enter(file, _is_demo(), by, now)()
        harmless = not report.changed and (file.kind == "parties" or not report.new)
        if harmless or report.faults or not latest_runs().exists():
            return report
        transaction.set_rollback(True)
    return None


def request_register_file(file: RegisterLines, by: str, now: datetime, seen: str = "") -> RegisterFileRequest:
    """Ask the worker what a file would change in past results, and to enter it if that is nothing, or is what was seen.

    Raises:
        Conflict: too many wait already.
    """
    with transaction.atomic():
        if RegisterFileRequest.objects.filter(state__in=WORK_UNDER_WAY).count() >= MOST_FILES_WAITING:
            raise Conflict(
                f"已有 {MOST_FILES_WAITING} 份登记在等后台对照：请等它们做完，或取消不要的",
                code="register.too_many_waiting",
            )
        made = RegisterFileRequest.objects.create(
            kind=file.kind, name=shortened(file.name, 200), content=file.content, demo=_is_demo(), party=file.party,
            seen=seen, requested_by=by[:80], requested_at=now,
        )  # fmt: skip
        REGISTER_FILE_WORK.hand_over(made)
    return made


def accept_register_file(number: int, by: str, now: datetime) -> RegisterFileRequest:
    """Enter a file whose changes its uploader has seen, if they are still the same ones.

    Raises:
        InvalidRequest: it waits for nobody's acceptance, is somebody else's, or was handed in too long ago.
        Conflict: too many wait already.
    """
    tried = RegisterFileRequest.objects.filter(pk=number, state=WorkState.DONE, entered=False, requested_by=by[:80])
    found = tried.filter(ended_at__gt=now - HELD).first()
    if found is None or not found.changed or not found.content:
        raise InvalidRequest("预览过的文件已经不在了（只留一天）：请重新上传", code="register.held_file_gone")
    file = RegisterLines(found.kind, bytes(found.content), found.name, found.party)
    return request_register_file(file, by, now, found.digest)


def run_register_file(number: int, now: datetime) -> None:
    """Do what a request asks for, and note its end; nothing for one that has ended."""

    def do(request: RegisterFileRequest, progress: WorkProgress) -> None:
        file = RegisterLines(request.kind, bytes(request.content), request.name)
        enter = _enter(file, request.demo, request.requested_by, now)
        with transaction.atomic():
            made = import_as_seen(enter, now, request.seen, progress)
            finish_work(
                request, now, report=made.report.as_json(), changed=[each.to_dict() for each in made.changed],
                digest=made.digest, entered=not made.changed,
            )  # fmt: skip

    REGISTER_FILE_WORK.carry_out(number, now, do)


def forget_register_files(now: datetime) -> None:
    """Empty files that can no longer be accepted, and delete requests of long ago."""
    over = RegisterFileRequest.objects.filter(ended_at__lte=now - HELD)
    over.exclude(content=b"").update(content=b"")
    over.filter(ended_at__lt=now - _KEPT).delete()


def cancel_register_file(number: int, by: str, now: datetime) -> RegisterFileRequest:
    """Cancel: nothing of the file is written then. One that has ended stays as it ended.

    Raises:
        NotFound: none of that number.
    """
    try:
        return REGISTER_FILE_WORK.cancel(number, by, now)
    except RegisterFileRequest.DoesNotExist:
        raise NotFound(f"没有提出过第 {number} 号登记", code="register.request_unknown") from None


def report_of_request(request: RegisterFileRequest) -> FileReport:
    """The report of a request that is done."""
    kept = request.report or {}
    faults = [LineFault(**{name: value for name, value in each.items() if name != "text"}) for each in kept["faults"]]
    return FileReport(kept["new"], kept["changed"], kept["same"], faults, kept["ignored_columns"])


def _enter(file: RegisterLines, demo: bool, by: str, now: datetime) -> Callable[[], FileReport]:
    enter = partial(_ENTER[file.kind], file.content, file.name, by=by, now=now)
    return partial(enter, demo=demo) if file.kind == "parties" else enter


def _is_demo() -> bool:
    """Whether this is a demonstration, in which all parties are invented: new ones are too."""
    return Party.objects.exists() and not Party.objects.filter(demo=False).exists()

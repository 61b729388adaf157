"""Questions about files, and their answers: asked once however often a reader looks, handed to the agent, read once.

A piece goes from the table as it is read: files of any size pass through, and what is here is bounded (`MOST_HELD`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Sum, Window
from django.db.models.functions import Length

from huisuan.base.errors import Unavailable
from huisuan.compute.models import Centre, FileRequest, Job, JobOutputs, PlacementDecision
from huisuan.protocol.agent_files import ANSWERED_BYTES, Action, Area, FileAnswer, FileQuestion, OutputsReport

LIFE = {"list": timedelta(seconds=60), "read": timedelta(seconds=60), "hash": timedelta(minutes=15)}
FRESH = timedelta(seconds=10)  # how old a list may be that is shown again
MOST_HELD = 256 * 2**20  # bytes of answers that nobody has read yet: beyond that no more is asked for
MOST_OPEN = 64  # questions of one party
_MOST_AT_ONCE = 32  # questions in one reply to an agent


@dataclass(frozen=True)
class Question:
    """What is asked; fields as in protocol.agent_files.FileQuestion."""

    area: Area
    action: Action
    path: str = ""
    folder: str = ""
    after: str = ""
    deep: bool = False
    offset: int = 0
    length: int = 0
    version: str = ""


@dataclass(frozen=True)
class Asker:
    """Of which run, at which centre, and for whom: two readers do not take each other's pieces."""

    job: Job
    run: int
    centre: Centre
    reader: str


def answer_to(asker: Asker, question: Question, now: datetime) -> FileAnswer | None:
    """The answer, if it is there; else the question is asked, and None. A piece is given once.

    Raises:
        Unavailable: the party has too many questions open.
    """
    key = _key(asker, question)
    with transaction.atomic():
        row = FileRequest.objects.select_for_update().filter(key=key).first()
        if row is not None and row.answered_at is not None:
            stale = question.action == "list" and row.answered_at < now - FRESH
            if question.action == "read" or stale or (row.answer or {}).get("problem"):
                row.delete()
            if not stale:
                return _answer(row)
            row = None
        if row is not None and row.asked_at < now - LIFE[question.action]:
            row.delete()
            row = None
        if row is None:
            _ask(asker, [question], now)
    return None


def ask_ahead(asker: Asker, questions: Sequence[Question], now: datetime) -> None:
    """Ask what will be read next, so that it is there by then; what is asked already is left alone.

    Raises:
        Unavailable: the party has too many questions open.
    """
    _ask(asker, questions, now)


def _ask(asker: Asker, questions: Sequence[Question], now: datetime) -> None:
    live = Q(answered_at__isnull=True, asked_at__gt=now - LIFE["list"], job__party=asker.job.party_id)
    if FileRequest.objects.filter(live).count() + len(questions) > MOST_OPEN:
        raise Unavailable(
            f"已有 {MOST_OPEN} 个文件请求在等中心应答：请等它们完成，或停掉另外的下载", code="files.too_many_at_once"
        )
    FileRequest.objects.bulk_create(
        [
            FileRequest(
                key=_key(asker, question), job=asker.job, run=asker.run, centre=asker.centre, reader=asker.reader,
                question=asdict(question), length=question.length, asked_at=now,
            )
            for question in questions
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _key(asker: Asker, question: Question) -> str:
    parts = [asker.job.pk, asker.run, asker.centre.pk, asker.reader, *asdict(question).values()]
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()


def _answer(row: FileRequest) -> FileAnswer:
    answer = FileAnswer.model_validate(row.answer)
    return answer.model_copy(update={"content": bytes(row.content or b"")})


# --- the agent's side


def open_questions(centre: Centre, now: datetime) -> list[FileQuestion]:
    """What the centre's agent is to be asked now: as much as one answer of it takes, none while too much waits here."""
    held = FileRequest.objects.filter(content__isnull=False).aggregate(held=Sum(Length("content")))["held"] or 0
    if held > MOST_HELD:
        return []
    rows = (
        FileRequest.objects.filter(centre=centre, answered_at__isnull=True, asked_at__gt=now - max(LIFE.values()))
        .annotate(before=Window(Sum("length"), order_by="id") - F("length"))
        .order_by("id")[:_MOST_AT_ONCE]
    )
    return [
        FileQuestion(id=row.pk, uid=row.job_id, run=row.run, **row.question)
        for row in rows if row.before < ANSWERED_BYTES
    ]  # fmt: skip


def take_answers(centre: Centre, answers: Sequence[FileAnswer], now: datetime) -> None:
    """Keep the answers to questions that this centre was asked; any other is dropped. Must run in a transaction."""
    if not answers:
        return
    rows = FileRequest.objects.select_for_update().filter(
        pk__in=[answer.id for answer in answers], centre=centre, answered_at__isnull=True
    )
    by_id = {answer.id: answer for answer in answers}
    for row in rows:
        answer = by_id[row.pk]
        if len(answer.content) > row.length:
            answer = FileAnswer(id=answer.id, problem="unreadable", message="中心答的比问的多")
        row.content = answer.content or None
        row.answer = answer.model_dump(mode="json", exclude={"content"})
        row.answered_at = now
        row.save(update_fields=["content", "answer", "answered_at"])


def note_outputs(centre: Centre, reports: Sequence[OutputsReport], now: datetime) -> list[tuple[str, int]]:
    """Keep what the centre says of results; the uid and run of each, also where it is not believed.

    Only of runs that were placed there. Must run in a transaction.
    """
    if not reports:
        return []
    placed = set(
        PlacementDecision.objects.filter(centre=centre, job__in={report.uid for report in reports}).values_list(
            "job_id", "run"
        )
    )
    rows = {
        (report.uid, report.run): JobOutputs(
            job_id=report.uid, run=report.run, centre=centre, files=report.files, size=report.size,
            kept_until=report.kept_until, over_quota=report.over_quota, note=report.note, reported_at=now,
        )
        for report in reports if (report.uid, report.run) in placed
    }  # fmt: skip
    JobOutputs.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["job", "run"],
        update_fields=["centre", "files", "size", "kept_until", "over_quota", "note", "reported_at"],
    )
    return [(report.uid, report.run) for report in reports]


def forget_requests(now: datetime) -> int:
    """Remove the questions and answers that nobody came for; how many."""
    old = Q(asked_at__lt=now - max(LIFE.values())) | Q(answered_at__lt=now - LIFE["read"], content__isnull=False)
    return FileRequest.objects.filter(old | Q(question__action="list", asked_at__lt=now - LIFE["list"])).delete()[0]


def pieces_after(question: Question, size: int, ahead: int) -> list[Question]:
    """The pieces of a file that follow a piece, as many as are asked for and there are."""
    offsets = (question.offset + question.length * number for number in range(1, ahead + 1))
    return [replace(question, offset=offset) for offset in offsets if offset < size]

"""Questions about files, and their answers: asked once however often a reader looks, handed to the agent, read once.

A piece goes from the table as it is given: files of any size pass through. What is asked and not given yet is bounded
for each party, whatever it asks and leaves lying: its own requests wait then, and nobody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Window
from django.db.models.functions import RowNumber

from huisuan.base.db.large_rows import close_after_request
from huisuan.compute.jobs.files.held_answers import LIFE, has_room_ahead, live, refuse_if_full
from huisuan.compute.models import Centre, FileRequest, Job, JobOutputs, PlacementDecision
from huisuan.protocol.agent_files import (
    ANSWERED_BYTES,
    LISTED_BYTES,
    Action,
    Area,
    FileAnswer,
    FileQuestion,
    OutputsReport,
)

FRESH = timedelta(seconds=10)  # how old a list may be that is shown again
_MOST_AT_ONCE = 32  # questions in one reply to an agent, and as many for hashes
_HASH_BYTES = 1024  # of an answer that is a hash, or a refusal
_ANSWER_BYTES = 2 * LISTED_BYTES  # of an answer without its content, at most


@dataclass(frozen=True)
class FileQuery:
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


def answer_to(asker: Asker, question: FileQuery, now: datetime) -> FileAnswer | None:
    """The answer, if it is there; else the question is asked, and None. A piece is given once.

    Raises:
        Unavailable: the party, the centre or the platform has too much waiting.
    """
    key = _key(asker, question)
    with transaction.atomic():
        row = FileRequest.objects.select_for_update().filter(key=key).first()
        if row is not None and row.answered_at is not None:
            stale = question.action == "list" and row.answered_at < now - FRESH
            if question.action != "list" or stale or (row.answer or {}).get("problem"):
                row.delete()  # a hash too: the agent knows it, should it be asked for again
            if not stale:
                return _answer(row)
            row = None
        if row is not None and row.asked_at < now - LIFE[question.action]:
            row.delete()
            row = None
        if row is None:
            refuse_if_full(asker.job.party_id, asker.centre.pk, 1, _reserved(question), now)
            _ask(asker, [question], now)
    return None


@transaction.atomic
def ask_ahead(asker: Asker, questions: Sequence[FileQuery], now: datetime) -> None:
    """Ask what will be read next, so that it is there by then: as much as there is room for, nothing twice."""
    keys = {_key(asker, question): question for question in questions}
    asked = set(FileRequest.objects.filter(key__in=keys).values_list("key", flat=True))
    fresh = [question for key, question in keys.items() if key not in asked]
    party, centre = asker.job.party_id, asker.centre.pk
    while fresh and not has_room_ahead(party, centre, len(fresh), sum(map(_reserved, fresh)), now):
        fresh.pop()
    _ask(asker, fresh, now)


def _reserved(question: FileQuery) -> int:
    """Bytes that the answer may bring."""
    return question.length if question.action == "read" else LISTED_BYTES if question.action == "list" else _HASH_BYTES


def _ask(asker: Asker, questions: Sequence[FileQuery], now: datetime) -> None:
    FileRequest.objects.bulk_create(
        [
            FileRequest(
                key=_key(asker, question), job=asker.job, run=asker.run, centre=asker.centre, reader=asker.reader,
                question=asdict(question), length=_reserved(question), asked_at=now,
            )
            for question in questions
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _key(asker: Asker, question: FileQuery) -> str:
    parts = [asker.job.pk, asker.run, asker.centre.pk, asker.reader, *asdict(question).values()]
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()


def _answer(row: FileRequest) -> FileAnswer:
    answer = FileAnswer.model_validate(row.answer)
    if row.content:
        close_after_request()
    return answer.model_copy(update={"content": bytes(row.content or b"")})


# --- the agent's side


def open_questions(centre: Centre, now: datetime) -> list[FileQuestion]:
    """What the centre's agent is to be asked now: as much as one answer of it takes, the parties in turn.

    Hashes take long and bring little: they are asked beside the rest, never instead of it.
    """
    waiting = live(now).filter(centre=centre, answered_at__isnull=True)
    found = []
    for rows in (waiting.exclude(question__action="hash"), waiting.filter(question__action="hash")):
        turn = Window(RowNumber(), partition_by="job__party", order_by="id")
        room = ANSWERED_BYTES
        for row in rows.annotate(turn=turn).order_by("turn", "id")[:_MOST_AT_ONCE]:
            if room > 0:
                found.append(FileQuestion(id=row.pk, uid=row.job_id, run=row.run, **row.question))
            room -= row.length
    return found


def take_answers(centre: Centre, answers: Sequence[FileAnswer], now: datetime) -> None:
    """Keep the answers to questions that this centre was asked; any other is dropped. Must run in a transaction."""
    if not answers:
        return
    open_ones = FileRequest.objects.filter(centre=centre, answered_at__isnull=True).order_by("pk")
    rows = open_ones.select_for_update().filter(pk__in=[answer.id for answer in answers])
    by_id = {answer.id: answer for answer in answers}
    if any(answer.content for answer in answers):
        close_after_request()
    for row in rows:
        answer = by_id[row.pk]
        size = len(answer.model_dump_json(exclude={"content"}).encode())
        if len(answer.content) > row.question["length"] or size > _ANSWER_BYTES:
            answer, size = FileAnswer(id=answer.id, problem="unreadable", message="中心答的比问的多"), _HASH_BYTES
        row.content = answer.content or None
        row.answer = answer.model_dump(mode="json", exclude={"content"})
        row.answered_at, row.length = now, len(answer.content) + size
        row.save(update_fields=["content", "answer", "answered_at", "length"])


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


def pieces_after(question: FileQuery, size: int, ahead: int) -> list[FileQuery]:
    """The pieces of a file that follow a piece, as many as are asked for and there are."""
    offsets = (question.offset + question.length * number for number in range(1, ahead + 1))
    return [replace(question, offset=offset) for offset in offsets if offset < size]

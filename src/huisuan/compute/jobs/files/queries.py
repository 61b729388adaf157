"""What of a job's files a viewer may ask, and the answers as the API gives them; every refusal says what to do."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound, Refused, Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.compute.centres.online import is_online
from huisuan.compute.jobs.files.requests import Asker, FileQuery, answer_to, ask_ahead, pieces_after
from huisuan.compute.jobs.queries import LARGEST_OFFSET, one
from huisuan.compute.models import Centre, Job, JobOutputs
from huisuan.parties.viewer import Viewer
from huisuan.protocol.agent_files import FILE_PIECE_BYTES, Action, Area, FileAnswer
from huisuan.protocol.file_names import BadPath, path_to_names
from huisuan.protocol.job_files import FileHash, FileListing, FilePiece, JobFiles, ListedFile, OutputsInfo

MOST_AHEAD = 8  # pieces
#: whom a job's files are for, as its output: the party that ran it, and the province that helps
READS_FILES = ("user", "province")
_PROBLEMS: dict[str, tuple[type[Refused], str]] = {
    "missing": (NotFound, "files.missing"),
    "link": (InvalidRequest, "files.link"),
    "special": (InvalidRequest, "files.not_a_regular_file"),
    "folder": (InvalidRequest, "files.is_a_folder"),
    "file": (InvalidRequest, "files.not_a_folder"),
    "changed": (Conflict, "files.changed"),
    "unreadable": (Unavailable, "files.unreadable"),
    "bad_path": (InvalidRequest, "files.path_malformed"),
}


def job_files(viewer: Viewer, uid: str) -> JobFiles:
    """Which files of a job there are, and for how long.

    Raises:
        Job.DoesNotExist: there is none that the viewer may see.
    """
    job = one(viewer, uid)
    able, why = _ability(job.centre)
    return JobFiles(
        outputs=job.outputs, centre=job.centre.code if job.centre else None, run=job.run, keeps=able, why=why,
        runs=[
            OutputsInfo(
                run=kept.run, centre=kept.centre.code, files=kept.files, size=kept.size, kept_until=kept.kept_until,
                over_quota=kept.over_quota, note=kept.note,
            )
            for kept in _kept(job)
        ],
    )  # fmt: skip


def asker_for(viewer: Viewer, uid: str, area: Area, run: int | None, reader: str, now: datetime) -> Asker:
    """Whom to ask about a run's files (None: the job's present run), and for whom.

    Raises:
        Job.DoesNotExist: there is none that the viewer may see.
        Refused: there can be no such files, they are gone, or the centre cannot be asked now; says which.
    """
    job = one(viewer, uid)
    if area == "outputs" and not job.outputs:
        raise InvalidRequest(
            "这个作业没有写结果文件夹：提交时加 --outputs 文件夹（或作业文件里的 outputs:）；工作目录可用 job cp 取",
            code="files.no_outputs",
        )
    wanted = job.run if run is None else run
    kept = _kept(job).filter(run=wanted).first()
    if kept is not None and area == "outputs" and kept.kept_until <= now:
        until = kept.kept_until.astimezone(SHANGHAI)
        raise NotFound(f"结果保留到 {until:%Y-%m-%d %H:%M}，已由中心清理", code="files.expired")
    centre = kept.centre if kept else job.centre if wanted == job.run else None
    if centre is None:
        raise Conflict("作业还没有调度到智算中心（或这一次运行没有留下结果），没有文件可看", code="files.not_placed")
    _can_be_asked(centre, now)
    return Asker(job, wanted, centre, _reader(viewer, reader))


def listing(asker: Asker, question: FileQuery, now: datetime) -> FileListing | None:
    """A folder's entries, a page of them; None: not answered yet.

    Raises:
        Refused: there is no such folder, or it cannot be looked into.
    """
    answer = _asked(asker, question, now)
    if answer is None:
        return None
    items = [ListedFile.model_validate(entry.model_dump()) for entry in answer.entries]
    return FileListing(items=items, next=items[-1].path if answer.more and items else None, note=answer.message)


def file_hash(asker: Asker, question: FileQuery, now: datetime) -> FileHash | None:
    """The SHA-256 of a file; None: not answered yet.

    Raises:
        Refused: there is no such file, or it changed.
    """
    answer = _asked(asker, question, now)
    if answer is None:
        return None
    return FileHash(path=question.path, size=answer.size, version=answer.version, sha256=answer.sha256)


def piece(asker: Asker, question: FileQuery, now: datetime, *, ahead: int = 0) -> FilePiece | None:
    """Bytes of a file from an offset on; None: not answered yet. `ahead`: pieces that will be wanted next.

    Raises:
        Refused: there is no such file, or it changed.
    """
    question = replace(question, length=min(question.length or FILE_PIECE_BYTES, FILE_PIECE_BYTES))
    answer = _asked(asker, question, now)
    if answer is None:
        return None
    if ahead and question.version:
        ask_ahead(asker, pieces_after(question, answer.size, min(ahead, MOST_AHEAD)), now)
    return FilePiece(content=answer.content, offset=question.offset, size=answer.size, version=answer.version)


def make_question(asker: Asker, area: Area, action: Action, path: str, *, after: str = "", deep: bool = False,
                  offset: int = 0, length: int = 0, version: str = "") -> FileQuery:  # fmt: skip
    """A question about a path of an area.

    Raises:
        InvalidRequest: it is no path, or an offset is none.
    """
    for text in (path, after):
        try:
            path_to_names(text)
        except BadPath as problem:
            raise InvalidRequest(str(problem), code="files.path_malformed") from None
    if not (0 <= offset <= LARGEST_OFFSET and 0 <= length <= LARGEST_OFFSET):
        raise InvalidRequest("offset、length 不能为负，也不能这么大", code="page.offset_negative")
    folder = asker.job.outputs if area == "outputs" else ""
    return FileQuery(area, action, path, folder, after, deep, offset, length, check_length(version, 120, "version"))


def _asked(asker: Asker, question: FileQuery, now: datetime) -> FileAnswer | None:
    answer = answer_to(asker, question, now)
    if answer is not None and answer.problem:
        kind, code = _PROBLEMS[answer.problem]
        raise kind(answer.message or "中心没有说明原因", code=code)
    return answer


def _can_be_asked(centre: Centre, now: datetime) -> None:
    able, why = _ability(centre)
    if not able:
        raise InvalidRequest(f"智算中心 {centre.code} 不能取回文件：{why}", code="files.engine_cannot")
    if not is_online(centre, now):
        agent = getattr(centre, "agent", None)
        since = f"{agent.last_seen_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if agent else "—"
        raise Unavailable(
            f"智算中心 {centre.code} 的站点代理自 {since} 起没有回音：文件在中心，等它回来再取",
            code="files.centre_silent",
        )


def _ability(centre: Centre | None) -> tuple[bool, str]:
    """Whether a centre's agent can show files, and its words about that."""
    if centre is None:
        return False, "作业还没有调度"
    agent = getattr(centre, "agent", None)
    if agent is None:
        return False, "还没有站点代理"
    able, why = agent.capabilities.get("outputs", (False, "站点代理的版本太旧，请中心升级"))
    return bool(able), str(why)


def _kept(job: Job) -> QuerySet[JobOutputs]:
    return JobOutputs.objects.filter(job=job).select_related("centre__agent").order_by("run")


def _reader(viewer: Viewer, nonce: str) -> str:
    return hashlib.sha256(f"{viewer.name}\0{nonce}".encode("utf-8", "replace")).hexdigest()

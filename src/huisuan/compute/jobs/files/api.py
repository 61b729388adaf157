"""Files of jobs over HTTP. A centre answers with its agent's next call: 202 says that it was asked, ask again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from huisuan.base.errors import Conflict, NotFound, Unavailable
from huisuan.compute.jobs.files import queries
from huisuan.compute.jobs.files.log_search import search_log
from huisuan.compute.jobs.queries import one
from huisuan.compute.models import Job
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import job_files as wire
from huisuan.protocol.agent_files import Area

router = Router(tags=["作业"])
READS = Allow(*queries.READS_FILES, scope="read", project=True)
T = TypeVar("T")
AreaOf = Annotated[Area, Query(description="outputs：作业写明的结果文件夹；workdir：它的工作目录")]
PathOf = Annotated[str, Query(description="在其中的相对路径；不是 UTF-8 的字节与控制字符写成 \\xNN，反斜杠写成两个")]
RunOf = Annotated[int | None, Query(description="第几次运行，从 0 起；不写：现在这一次")]
ReaderOf = Annotated[str, Query(max_length=64, description="同时取同一文件的几方各写各的，互不取走对方的内容")]
_STATUS: dict[type[Exception], int] = {NotFound: 404, Conflict: 409, Unavailable: 503}


@router.get("/jobs/{uid}/files", response=wire.JobFiles, auth=READS, summary="作业有哪些文件可取，中心保留到何时")
def files(request: HttpRequest, uid: str) -> wire.JobFiles:
    """What it declared, what the centre says of keeping it, and each run's results."""
    return _answered(uid, lambda: queries.job_files(viewer_of(request), uid))


@router.get(
    "/jobs/{uid}/files/list",
    response={200: wire.FileListing, 202: wire.StillAsking},
    auth=READS,
    summary="列出文件夹；202：已去问中心，稍后再问",
)
def list_files(
    request: HttpRequest, uid: str, area: AreaOf = "outputs", path: PathOf = "", after: str = "",
    deep: bool = False, run: RunOf = None, reader: ReaderOf = "",
) -> Status[wire.FileListing] | Status[wire.StillAsking]:  # fmt: skip
    """Entries of a folder, with `deep` all that lies below it; at most a thousand, `next` continues as `after`."""
    now = datetime.now(UTC)

    def look() -> wire.FileListing | None:
        asker = queries.asker_for(viewer_of(request), uid, area, run, reader, now)
        question = queries.make_question(asker, area, "list", path, after=after, deep=deep)
        return queries.listing(asker, question, now)

    found = _answered(uid, look)
    return Status(202, wire.StillAsking()) if found is None else Status(200, found)


@router.get(
    "/jobs/{uid}/files/hash",
    response={200: wire.FileHash, 202: wire.StillAsking},
    auth=READS,
    summary="一个文件的 SHA-256，由中心计算；202：稍后再问",
)
def hash_file(
    request: HttpRequest, uid: str, path: PathOf, area: AreaOf = "outputs", version: str = "", run: RunOf = None
) -> Status[wire.FileHash] | Status[wire.StillAsking]:
    """The hash of a file, of that version where one is named (409: it changed)."""
    now = datetime.now(UTC)

    def look() -> wire.FileHash | None:
        asker = queries.asker_for(viewer_of(request), uid, area, run, "", now)
        return queries.file_hash(asker, queries.make_question(asker, area, "hash", path, version=version), now)

    found = _answered(uid, look)
    return Status(202, wire.StillAsking()) if found is None else Status(200, found)


@router.get(
    "/jobs/{uid}/files/content",
    auth=READS,
    summary="文件的一段，至多 4 MiB；202：稍后再问",
    openapi_extra={
        "responses": {
            200: {"description": "字节", "content": {"application/octet-stream": {}}},
            202: {"description": "已去问中心，稍后再问"},
        }
    },
)
def content(
    request: HttpRequest, uid: str, path: PathOf, area: AreaOf = "outputs", offset: int = 0, length: int = 0,
    version: str = "", ahead: Annotated[int, Query(ge=0, description="接着还要几段，预先去问")] = 0,
    run: RunOf = None, reader: ReaderOf = "",
) -> HttpResponse:  # fmt: skip
    """Bytes from an offset on; headers give the size of the whole file and its version (409: it changed)."""
    now = datetime.now(UTC)

    def look() -> wire.FilePiece | None:
        asker = queries.asker_for(viewer_of(request), uid, area, run, reader, now)
        question = queries.make_question(asker, area, "read", path, offset=offset, length=length, version=version)
        return queries.piece(asker, question, now, ahead=ahead)

    found = _answered(uid, look)
    if found is None:
        return HttpResponse(wire.StillAsking().model_dump_json(), "application/json", 202)
    answer = HttpResponse(found.content, "application/octet-stream")
    answer["Huisuan-File-Size"], answer["Huisuan-File-Version"] = str(found.size), found.version
    return answer


@router.get(
    "/jobs/{uid}/log/search", response=wire.LogMatches,
    auth=Allow("user", "province", "auditor", scope="read"), summary="在作业的输出里找一段文字",
)  # fmt: skip
def search_output(
    request: HttpRequest, uid: str, text: Annotated[str, Query(description="在一行之内的一段文字")],
    ignore_case: bool = False, offset: int = 0, number: int = 1,
) -> wire.LogMatches:  # fmt: skip
    """Lines that hold the text, at most 200; `next_offset` and `next_number` go on, as `offset` and `number`."""
    return _answered(
        uid,
        lambda: search_log(one(viewer_of(request), uid), text, ignore_case=ignore_case, offset=offset, number=number),
    )


def _answered(uid: str, look: Callable[[], T]) -> T:
    try:
        return look()
    except Job.DoesNotExist:
        raise ApiRefusal(404, f"没有作业 {uid}", code="job.unknown") from None
    except (NotFound, Conflict, Unavailable) as refusal:
        raise ApiRefusal(_STATUS[type(refusal)], str(refusal), code=refusal.code) from None

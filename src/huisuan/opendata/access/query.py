"""SQL on released tables: one child process a query, ended by the clock or by its limits; nothing else is reached."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.base.hashing import text_sha256
from huisuan.opendata.access.ledger import note_access
from huisuan.opendata.access.marking import MARK_COLUMN
from huisuan.opendata.access.released import ReadableRelease, get_newest_table, get_release, is_out
from huisuan.opendata.access.watermark import grant_mark
from huisuan.opendata.gate.stores import released_shelf
from huisuan.opendata.models import AccessWay, GateRelease
from huisuan.parties.viewer import Viewer

MOST_ROWS, MOST_BYTES, SECONDS = 10_000, 8 * 1024 * 1024, 5.0
_MEMORY = 512 * 1024 * 1024
_NO_SECRETS = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "LANG": "C.UTF-8"}
_NAMED = re.compile(r"(?<![\w.])r(\d{1,12})(?!\w)", re.IGNORECASE)
_MOST_TABLES = 8
_AT_ONCE = threading.BoundedSemaphore(2)  # of this process: queries must not hold every thread that answers pages
_REFUSALS = {
    "syntax": "查询写法不对：{word}",
    "not_a_select": "只能是一条 SELECT 查询：{word}",
    "not_one": "只能有一条 SELECT，这里有 {word} 条",
    "too_long": "查询太长：至多 {word} 个字符",
    "not_listed": "查询里不能用 {word}",
    "function": '查询里不能用函数 "{word}"；能用的见说明',
    "table_kind": "查询里不能有这样的表：{word}；只能用已放行的文件",
    "table": '没有名为 "{word}" 的表：用 data，或 r 加文件的编号',
    "own_name": 'WITH 里不能用 "{word}" 作名字：换一个',
    "failed": "查询不能执行：{word}",
}


@dataclass(frozen=True)
class QueryAnswer:
    """The columns and rows of an answer; `cut` by "rows" or "bytes" where there were more."""

    columns: list[str]
    rows: list[list[Any]]
    cut: str = ""


def run_query(sql: str, viewer: Viewer | None, now: datetime, code: str = "") -> QueryAnswer:
    """Answer a query over what somebody may read: `data` is the newest table of an entry, `r12` the release 12.

    Raises:
        NotFound, NotAllowed, Gone: see `get_release`; the entry has nothing that they may read.
        InvalidRequest: it is not one SELECT of what is listed, or it failed, or ran past a limit.
        Unavailable: the process ended without an answer, or others are under way.
    """
    tables = _tables(sql, viewer, now, code)
    places = {name: str(released_shelf().path_of(read.release.sha256)) for name, read in tables.items()}
    task = {"sql": sql, "tables": places, "most_rows": MOST_ROWS, "most_bytes": MOST_BYTES}
    if not _AT_ONCE.acquire(blocking=False):
        raise Unavailable("正在执行的查询太多，请稍后再试", code="query.busy")
    rows: list[str] = []
    try:
        found = _ask(task)
        rows = found.get("rows", rows)
    finally:
        _AT_ONCE.release()
        for read in tables.values():  # before anything goes out, what the words of an error might tell included
            note_access(read, viewer, AccessWay.SQL, now, f"{text_sha256(sql)} rows={len(rows)}")
    for read in tables.values():  # taken back while it ran?
        if not is_out(read.release.pk, viewer, now):
            get_release(read.release.pk, viewer, now)
    if "refused" in found:
        raise _refusal(found["refused"], found["word"])
    answer = QueryAnswer(found["columns"], [json.loads(row) for row in rows], found["cut"])
    return _marked(answer, sorted({grant_mark(read.grant) for read in tables.values() if read.grant is not None}))


def _marked(answer: QueryAnswer, marks: Sequence[str]) -> QueryAnswer:
    """Under grants each row bears their marks, whatever columns the query asked for."""
    if not marks:
        return answer
    return replace(
        answer, columns=[*answer.columns, MARK_COLUMN], rows=[[*row, ";".join(marks)] for row in answer.rows]
    )


def _tables(sql: str, viewer: Viewer | None, now: datetime, code: str) -> dict[str, ReadableRelease]:
    named: dict[str, ReadableRelease] = {}
    if code:
        named["data"] = get_newest_table(code, viewer, now)
    for number in list(dict.fromkeys(_NAMED.findall(sql)))[:_MOST_TABLES]:
        release = GateRelease.objects.filter(pk=int(number), product__format="parquet").first()
        if release is not None:  # else a word of theirs that looks like one
            named[f"r{number}"] = get_release(release.pk, viewer, now)
    return named


def _ask(task: dict[str, Any]) -> dict[str, Any]:
    # -P: without it Python would run what lies in the current folder
    words = [sys.executable, "-P", "-m", "huisuan.opendata.access.query_child", str(_MEMORY), str(int(SECONDS) + 1)]
    try:
        child = subprocess.run(
            words, input=json.dumps(task).encode(), capture_output=True, timeout=SECONDS, check=False, env=_NO_SECRETS
        )
    except subprocess.TimeoutExpired:
        raise InvalidRequest(f"查询超过 {SECONDS:.0f} 秒，已停止：请缩小范围", code="query.too_slow") from None
    if not child.stdout:
        if child.returncode in (3, -6, -9, -11, 1):
            return {"refused": "memory", "word": ""}
        raise Unavailable("查询的进程没有答复，请稍后再试", code="query.no_answer")
    found: dict[str, Any] = json.loads(child.stdout)
    return found


def _refusal(why: str, word: str) -> InvalidRequest:
    if why == "memory":
        return InvalidRequest("查询要用的内存超过 512 MB，已停止：请缩小范围", code="query.too_much_memory")
    return InvalidRequest(_REFUSALS[why].format(word=word), code=f"query.{why}")

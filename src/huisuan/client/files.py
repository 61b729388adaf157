"""What the client does with files of jobs: list, read piece by piece, hash."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from huisuan.client.jobs import Pause
from huisuan.client.transport import ClientError, Sending, given, part
from huisuan.protocol import job_files as wire
from huisuan.protocol.agent_files import Area

_ANSWER_SECONDS = 120.0  # for a list or a piece: a centre that has not answered by then does not
_HASH_SECONDS = 3600.0  # for a hash, which takes as long as the file is large
_TRIES = 6  # of one question, where the platform or the centre cannot be reached meanwhile
_AHEAD = 4  # pieces that are asked for before they are read
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_M = TypeVar("_M", bound=BaseModel)


class FileCalls(Sending):
    """The files of the jobs that the token's owner may read."""

    def job_files(self, uid: str) -> wire.JobFiles:
        """Which files of a job there are, and for how long."""
        return self._one(wire.JobFiles, "GET", f"jobs/{part(uid)}/files")

    def list_files(
        self, uid: str, path: str = "", *, area: Area = "outputs", deep: bool = False, run: int | None = None,
        pause: Pause = time.sleep, on_note: Callable[[str], None] = lambda _: None,
    ) -> Iterator[wire.ListedFile]:  # fmt: skip
        """The entries of a folder, with `deep` all that lies below it; `on_note` hears which folders are not listed.

        Raises:
            ClientError: refused, or the centre did not answer in time.
        """
        after: str | None = ""
        while after is not None:
            asked = given(area=area, path=path, deep=deep, after=after, run=run)
            page = self._read(wire.FileListing, f"jobs/{part(uid)}/files/list", asked, _ANSWER_SECONDS, pause)
            yield from page.items
            if page.note:
                on_note(page.note)
            after = page.next

    def file_hash(
        self, uid: str, path: str, *, area: Area = "outputs", version: str = "", run: int | None = None,
        pause: Pause = time.sleep,
    ) -> wire.FileHash:  # fmt: skip
        """The SHA-256 of a file, counted at the centre.

        Raises:
            ClientError: refused (409: it is not that version any more), or not answered in time.
        """
        asked = given(area=area, path=path, version=version, run=run)
        return self._read(wire.FileHash, f"jobs/{part(uid)}/files/hash", asked, _HASH_SECONDS, pause)

    def ask_hash(self, uid: str, path: str, *, area: Area = "outputs", run: int | None = None) -> None:
        """Have the centre begin to count a hash that will be wanted; nothing is waited for, nothing can fail."""
        with suppress(ClientError):
            self._send("GET", f"jobs/{part(uid)}/files/hash", params=given(area=area, path=path, run=run))

    def file_piece(
        self, uid: str, path: str, offset: int, *, area: Area = "outputs", version: str = "", run: int | None = None,
        reader: str = "", pause: Pause = time.sleep,
    ) -> wire.FilePiece:  # fmt: skip
        """Bytes of a file from an offset on, at most 4 MiB; with a version those that follow are asked for already.

        Raises:
            ClientError: refused (409: it is not that version any more), or not answered in time.
        """
        asked = given(area=area, path=path, offset=offset, version=version, run=run, reader=reader)
        asked |= {"ahead": _AHEAD} if version else {}
        answer = self._answered(f"jobs/{part(uid)}/files/content", asked, _ANSWER_SECONDS, pause)
        return wire.FilePiece(
            content=answer.content, offset=offset, size=int(answer.headers["Huisuan-File-Size"]),
            version=answer.headers["Huisuan-File-Version"],
        )  # fmt: skip

    def search_log(self, uid: str, text: str, *, ignore_case: bool = False) -> Iterator[wire.FoundLine]:
        """The lines of a job's output that hold a text."""
        offset: int | None = 0
        number: int | None = 1
        while offset is not None:
            asked = given(text=text, ignore_case=ignore_case, offset=offset, number=number)
            page = self._one(wire.LogMatches, "GET", f"jobs/{part(uid)}/log/search", params=asked)
            yield from page.items
            offset, number = page.next_offset, page.next_number

    def _read(self, model: type[_M], path: str, asked: dict[str, Any], seconds: float, pause: Pause) -> _M:
        return TypeAdapter[_M](model).validate_json(self._answered(path, asked, seconds, pause).content)

    def _answered(self, path: str, asked: dict[str, Any], seconds: float, pause: Pause) -> httpx.Response:
        """The answer, asked for until the centre has given it; a platform that starts anew is no end of it."""
        waited, wait, failures = 0.0, _FIRST_PAUSE, 0
        while True:
            try:
                answer = self._send("GET", path, params=asked)
            except ClientError as error:
                failures += 1
                if failures >= _TRIES or 0 < error.status < 500:
                    raise
                pause(min(2.0**failures, 15.0))
                continue
            if answer.status_code != 202:
                return answer
            if waited >= seconds:
                raise ClientError(
                    f"中心 {waited:.0f} 秒没有答复：站点代理可能正忙或已离线，稍后再取（已取的不会重取）",
                    code="client.centre_slow",
                )
            pause(wait)
            waited, failures = waited + wait, 0
            wait = min(wait * 1.5, _LONGEST_PAUSE)

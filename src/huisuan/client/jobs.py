"""What the client does with jobs: submit, list, follow, end; and the working directories they bring along."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from huisuan.client.job_desk import JobDeskCalls
from huisuan.client.transport import ClientError, Sending, given, part
from huisuan.protocol import job_desk as desk
from huisuan.protocol import placement as placement_wire
from huisuan.protocol import resources as wire

_POLL_SECONDS = 0.3
SLOWEST_POLL_SECONDS = 5.0  # for what does not change
UPLOAD_SECONDS = 300.0
_CHUNK_BYTES = 1024 * 1024
_MOST_AT_ONCE = 500
TRIES = 5  # of a question, or a submission: a platform that starts anew is no end of the job
Pause = Callable[[float], None]
_T = TypeVar("_T")


class JobCalls(JobDeskCalls, Sending):
    """The jobs of the token's owner."""

    def submit_job(
        self,
        command: Sequence[str] = (),
        *,
        name: str = "",
        cards: int | None = None,
        model: str | None = None,
        centre: str | None = None,
        time_limit_seconds: int = 3600,
        environment: dict[str, str] | None = None,
        party: str | None = None,
        **more: Any,
    ) -> wire.Job:
        """Submit a job; `command` is a list of words, never handed to a shell. `more`: any field of JobRequest.

        Raises:
            ClientError: refused, with the reason (nobody could ever run it, a limit is out of bounds, ...).
        """
        asked = wire.JobRequest(
            command=list(command),
            name=name,
            cards=cards,
            model=model,
            centre=centre,
            time_limit_seconds=time_limit_seconds,
            environment=environment or {},
            party=party,
            **more,
        )
        return self.submit(asked)

    def submit(self, asked: wire.JobRequest, pause: Pause = time.sleep) -> wire.Job:
        """Submit what a request asks for; of an array the first job, whose uid is the array's.

        Sent again where no answer came: its key makes it one submission.

        Raises:
            ClientError: refused, with the reason; or not reached, several times.
        """
        key, content = {wire.IDEMPOTENCY_KEY: secrets.token_hex(16)}, asked.model_dump(mode="json")
        return _again(lambda: self._one(wire.Job, "POST", "jobs", json=content, headers=key), pause)

    def preview(self, asked: wire.JobRequest) -> placement_wire.Preview:
        """Where the job could run, when, at what price, and what comes back; nothing is submitted.

        Raises:
            ClientError: refused, with the reason.
        """
        return self._one(placement_wire.Preview, "POST", "jobs/preview", json=asked.model_dump(mode="json"))

    def now(self, *, cards: int = 1, model: str | None = None, hours: int = 1) -> placement_wire.Availability:
        """What is there now, and which pool suits a job of that size best."""
        asked = given(cards=cards, model=model, hours=hours)
        return self._one(placement_wire.Availability, "GET", "now", params=asked)

    def why(self, uid: str) -> placement_wire.Why:
        """Why a job is where it is, or why it has not begun."""
        return self._one(placement_wire.Why, "GET", f"jobs/{part(uid)}/why")

    def jobs(
        self,
        *,
        state: str | None = None,
        array: str | None = None,
        name: str | None = None,
        centre: str | None = None,
        party: str | None = None,
        project: str | None = None,
        model: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> wire.JobPage:
        """Jobs that the caller may see, newest first; `state` one or several, with commas; submitted [since, until)."""
        times = {"since": since and since.isoformat(), "until": until and until.isoformat()}
        only = {"state": state, "array": array, "name": name, "centre": centre, "party": party, "model": model}
        asked = given(**only, **times, project=project, limit=limit, before=before)
        return self._one(wire.JobPage, "GET", "jobs", params=asked)

    def array(self, uid: str) -> list[wire.Job]:
        """All jobs of an array, in order of their indices; `uid` is its first job's."""
        found, before = list[wire.Job](), None
        while True:
            page = self.jobs(array=uid, limit=_MOST_AT_ONCE, before=before)
            found += page.items
            before = page.next
            if before is None:
                return found[::-1]

    def job(self, uid: str) -> wire.Job:
        """One job."""
        return self._one(wire.Job, "GET", f"jobs/{part(uid)}")

    def job_events(self, uid: str) -> list[wire.JobEvent]:
        """The steps of a job's life, in order."""
        return self._many(wire.JobEvent, f"jobs/{part(uid)}/events")

    def cancel_job(self, uid: str) -> wire.Job:
        """Ask for a job to end; asking twice is once."""
        return self._one(wire.Job, "POST", f"jobs/{part(uid)}/cancel")

    def cancel_array(self, uid: str) -> list[str]:
        """Ask for every job of its array that is not over to end; their uids."""
        found: list[str] = self._send("POST", f"jobs/{part(uid)}/cancel-array").json()
        return found

    def cancel_many(self, asked: desk.CancelRequest) -> desk.CancelHold:
        """Cancel many jobs, by uids or by a filter; until it is due it can be undone."""
        return self._one(desk.CancelHold, "POST", "cancels", json=asked.model_dump(mode="json"))

    def cancels(self) -> list[desk.CancelHold]:
        """The cancels that can still be undone."""
        return self._many(desk.CancelHold, "cancels")

    def undo_cancel(self, number: int) -> desk.CancelHold:
        """Let the jobs of a held cancel go on.

        Raises:
            ClientError: it is sent already.
        """
        return self._one(desk.CancelHold, "POST", f"cancels/{number}/undo")

    def job_log(self, uid: str, offset: int = 0, *, tail: int | None = None) -> wire.LogPiece:
        """What a job wrote, from an offset in bytes on; with `tail` the last so many bytes."""
        answer = self._send("GET", f"jobs/{part(uid)}/log", params=given(offset=offset, tail=tail))
        return wire.LogPiece(
            text=answer.content,
            next_offset=int(answer.headers["Huisuan-Next-Offset"]),
            complete=answer.headers["Huisuan-Complete"] == "yes",
        )

    def follow_log(self, uid: str, pause: Pause = time.sleep, offset: int = 0) -> Iterator[bytes]:
        """What a job writes from an offset on, piece by piece, until it is over."""
        wait = _POLL_SECONDS
        while True:
            piece = _again(partial(self.job_log, uid, offset), pause)
            offset = piece.next_offset
            if piece.text:
                wait = _POLL_SECONDS
                yield piece.text
            elif piece.complete:
                return
            else:
                pause(wait)
                wait = min(wait * 1.2, SLOWEST_POLL_SECONDS)

    def wait(self, uid: str, pause: Pause = time.sleep) -> wire.Job:
        """The job when it is over."""
        wait = _POLL_SECONDS
        while not (job := _again(lambda: self.job(uid), pause)).final:
            pause(wait)
            wait = min(wait * 1.2, SLOWEST_POLL_SECONDS)
        return job

    def array_states(self, uid: str) -> wire.ArrayInfo:
        """How many jobs of an array are in which state; the array is named by any of its jobs."""
        return self._one(wire.ArrayInfo, "GET", f"jobs/{part(uid)}/array")

    def wait_array(
        self, uid: str, pause: Pause = time.sleep, on_progress: Callable[[wire.ArrayInfo], None] = lambda _: None
    ) -> wire.ArrayInfo:
        """How an array ended, when its last job has; `on_progress` is called whenever something changes."""
        wait, before = _POLL_SECONDS, None
        while True:
            now = _again(lambda: self.array_states(uid), pause)
            if now != before:
                on_progress(now)
                before, wait = now, _POLL_SECONDS
            if now.final:
                return now
            pause(wait)
            wait = min(wait * 1.2, SLOWEST_POLL_SECONDS)

    # --- working directories

    def upload(self, sha256: str) -> wire.UploadInfo | None:
        """The working directory of that name, if the caller's party has uploaded it."""
        try:
            return self._one(wire.UploadInfo, "GET", f"uploads/{part(sha256)}")
        except ClientError as error:
            if error.status == 404:
                return None
            raise

    def send_upload(
        self, file: Path, *, party: str | None = None, on_progress: Callable[[int], None] = lambda _: None
    ) -> wire.UploadInfo:
        """Send a working directory (tar.gz); `on_progress` is called with the bytes sent so far.

        Raises:
            ClientError: it is not a safe tar.gz, too large, ...; says which.
        """
        headers = {"Content-Type": "application/gzip", "Content-Length": str(file.stat().st_size)}
        return self._one(
            wire.UploadInfo,
            "POST",
            "uploads",
            params=given(party=party),
            content=_chunks(file, on_progress),
            headers=headers,
            timeout=UPLOAD_SECONDS,
        )


def _chunks(file: Path, on_progress: Callable[[int], None]) -> Iterator[bytes]:
    sent = 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
            sent += len(chunk)
            on_progress(sent)


def _again(ask: Callable[[], _T], pause: Pause) -> _T:
    """What is asked for, asked again while the platform cannot be reached."""
    for number in range(TRIES - 1):
        try:
            return ask()
        except ClientError as error:
            if error.status and error.status < 500:
                raise
            pause(2.0**number)
    return ask()

"""The client: one method an action, typed answers, errors in the server's own words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from huisuan import __version__
from huisuan.client import wire
from huisuan.client.agent_wire import SyncReply, SyncRequest
from huisuan.console import Refused

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
POLL_SECONDS = 0.3


class ClientError(Refused):
    """The platform refused or could not be reached; `status` is the HTTP status, 0 where none came."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class Client:
    """The platform at `url`, as the one that `token` stands for. Use it as a context, or close it."""

    def __init__(
        self, url: str, token: str = "", *, timeout: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"User-Agent": f"huisuan/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers=headers,
            timeout=timeout,
            transport=transport,
            trust_env=not _is_local(url),  # no proxy stands between us and this machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    # --- signing in

    def login(self, username: str, password: str) -> wire.Granted:
        """A token for a person; the platform limits how often one may try."""
        asked = wire.Credentials(username=username, password=password)
        return self._one(wire.Granted, "POST", "login", json=asked.model_dump())

    def logout(self) -> None:
        """Revoke the token that this client carries."""
        self._send("POST", "logout")

    def me(self) -> wire.Identity:
        """Whom the token stands for."""
        return self._one(wire.Identity, "GET", "me")

    # --- jobs

    def submit_job(
        self,
        command: Sequence[str],
        *,
        name: str = "",
        cards: int = 1,
        model: str | None = None,
        centre: str | None = None,
        time_limit_seconds: int = 3600,
        environment: dict[str, str] | None = None,
        party: str | None = None,
    ) -> wire.Job:
        """Submit a job; `command` is a list of words, never handed to a shell.

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
        )
        return self._one(wire.Job, "POST", "jobs", json=asked.model_dump())

    def jobs(self, *, state: str | None = None, limit: int = 50, before: str | None = None) -> wire.JobPage:
        """Jobs that the caller may see, newest first."""
        return self._one(wire.JobPage, "GET", "jobs", params=_given(state=state, limit=limit, before=before))

    def job(self, uid: str) -> wire.Job:
        """One job."""
        return self._one(wire.Job, "GET", f"jobs/{_part(uid)}")

    def cancel_job(self, uid: str) -> wire.Job:
        """Ask for a job to end; asking twice is once."""
        return self._one(wire.Job, "POST", f"jobs/{_part(uid)}/cancel")

    def job_log(self, uid: str, offset: int = 0) -> wire.LogPiece:
        """What a job wrote, from an offset in bytes on."""
        answer = self._send("GET", f"jobs/{_part(uid)}/log", params={"offset": offset})
        return wire.LogPiece(
            text=answer.content,
            next_offset=int(answer.headers["Huisuan-Next-Offset"]),
            complete=answer.headers["Huisuan-Complete"] == "yes",
        )

    def follow_log(self, uid: str, pause: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
        """What a job writes, piece by piece, until it is over."""
        offset = 0
        while True:
            piece = self.job_log(uid, offset)
            offset = piece.next_offset
            if piece.text:
                yield piece.text
            elif piece.complete:
                return
            else:
                pause(POLL_SECONDS)

    def wait(self, uid: str, pause: Callable[[float], None] = time.sleep) -> wire.Job:
        """The job when it is over."""
        while not (job := self.job(uid)).final:
            pause(POLL_SECONDS)
        return job

    # --- centres and usage

    def centres(self) -> list[wire.CentreInfo]:
        """The centres, what they offer and what is free."""
        return self._many(wire.CentreInfo, "centres")

    def usage_page(
        self,
        *,
        centre: str | None = None,
        party: str | None = None,
        user: str | None = None,
        job: str | None = None,
        month: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> wire.UsagePage:
        """Usage records that the caller may see, by centre and sequence; `month` as 2024-01, in Shanghai."""
        asked = _given(centre=centre, party=party, user=user, job=job, month=month, limit=limit, after=after)
        return self._one(wire.UsagePage, "GET", "usage", params=asked)

    def usage(self, *, job: str) -> list[wire.UsageRecord]:
        """The usage records of one job."""
        return self.usage_page(job=job, limit=1000).items

    # --- entitlements and the law

    def entitlements(self, *, year: int | None = None, limit: int = 100, offset: int = 0) -> list[wire.Entitlement]:
        """Entitlements that the caller may see, of the newest settlement."""
        return self._many(wire.Entitlement, "entitlements", params=_given(year=year, limit=limit, offset=offset))

    def entitlement(self, number: str) -> wire.Entitlement:
        """One entitlement, with its explanation."""
        return self._one(wire.Entitlement, "GET", f"entitlements/{_part(number)}")

    def trace(self, number: str) -> dict[str, Any]:
        """An entitlement down to its raw lines, as the platform tells it."""
        found: dict[str, Any] = self._send("GET", f"entitlements/{_part(number)}/trace").json()
        return found

    def law_facts(self, policy: str, article: str) -> list[wire.Fact]:
        """The facts that an article asks for."""
        return self._many(wire.Fact, f"law/{_part(policy)}/{_part(article)}/facts")

    def law_explain(
        self,
        policy: str,
        article: str,
        facts: dict[str, Any],
        *,
        on: date | None = None,
        as_known: date | None = None,
    ) -> wire.Explanation:
        """What an article gives for these facts, sentence by sentence."""
        when = _given(on=on and on.isoformat(), as_known=as_known and as_known.isoformat())
        return self._one(
            wire.Explanation, "POST", f"law/{_part(policy)}/{_part(article)}/explain", json={"facts": facts, **when}
        )

    # --- the agent

    def sync(self, seen: SyncRequest) -> SyncReply:
        """Tell what an agent saw and hear what is wanted."""
        return self._one(SyncReply, "POST", "agent/sync", json=seen.model_dump(mode="json"))

    # --- how it is sent

    def _one(self, model: type[M], method: str, path: str, **rest: Any) -> M:
        return _read(TypeAdapter[M](model), self._send(method, path, **rest))

    def _many(self, model: type[M], path: str, **rest: Any) -> list[M]:
        adapter: TypeAdapter[list[M]] = TypeAdapter(list[model])  # type: ignore[valid-type]
        return _read(adapter, self._send("GET", path, **rest))

    def _send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **rest)
        except httpx.TimeoutException:
            raise ClientError(f"{self.url} 没有及时回答；请稍后再试") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ClientError(f"连不上 {self.url}：{error}；请检查地址，或先在那台机器上运行 huisuan up") from None
        if answer.is_success:
            return answer
        raise ClientError(_detail(answer), answer.status_code)


def _read(adapter: TypeAdapter[T], answer: httpx.Response) -> T:
    try:
        return adapter.validate_json(answer.content)
    except ValidationError as error:
        where = f"{answer.request.method} {answer.request.url.path}"
        raise ClientError(f"{where} 的回答不是惠算平台的格式（版本不同？）：{error.errors()[0]['msg']}") from None


def _detail(answer: httpx.Response) -> str:
    """The server's own words; of a request that has not the form, every place and rule."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} 回答 {answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    if isinstance(detail, list):
        return "；".join(f"{'.'.join(str(step) for step in one['loc'][2:])}：{one['msg']}" for one in detail)
    if detail == "Unauthorized":
        return "令牌无效或已吊销：请重新 huisuan login"
    return str(detail)


def _part(name: str) -> str:
    """A name as one part of an address, whatever it contains."""
    return quote(name, safe="")


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _is_local(url: str) -> bool:
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")

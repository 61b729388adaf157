"""How the client speaks: one connection, typed answers, errors in the server's own words."""

from __future__ import annotations

from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from huisuan import __version__
from huisuan.base.errors import Refused

M = TypeVar("M", bound=BaseModel)
_T = TypeVar("_T")


class ClientError(Refused):
    """The platform refused or could not be reached.

    `status` is the HTTP status, 0 where none came; `code` is the platform's own, where it gave one.
    """

    def __init__(self, detail: str, status: int = 0, *, code: str = "") -> None:
        super().__init__(detail, code=code)
        self.detail = detail
        self.status = status


class Sending:
    """A connection to the platform at `url`, as the one that `token` stands for."""

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
        """Close the connections."""
        self._http.close()

    def _one(self, model: type[M], method: str, path: str, **rest: Any) -> M:
        return _read(TypeAdapter[M](model), self._send(method, path, **rest))

    def _many(self, model: type[M], path: str, **rest: Any) -> list[M]:
        adapter: TypeAdapter[list[M]] = TypeAdapter(list[model])  # type: ignore[valid-type]
        return _read(adapter, self._send("GET", path, **rest))

    def _send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **rest)
        except httpx.TimeoutException:
            raise ClientError(f"{self.url} 没有及时回答；请稍后再试", code="client.timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ClientError(
                f"连不上 {self.url}：{error}；请检查地址，或先在那台机器上运行 huisuan up", code="client.unreachable"
            ) from None
        if answer.is_success:
            return answer
        raise ClientError(_detail(answer), answer.status_code, code=error_code(answer))


def _read(adapter: TypeAdapter[_T], answer: httpx.Response) -> _T:
    try:
        return adapter.validate_json(answer.content)
    except ValidationError as error:
        where = f"{answer.request.method} {answer.request.url.path}"
        raise ClientError(
            f"{where} 的回答不是惠算平台的格式（版本不同？）：{error.errors()[0]['msg']}",
            code="client.answer_unreadable",
        ) from None


def error_code(answer: httpx.Response) -> str:
    """The code of the platform's refusal; "" where it gave none."""
    try:
        return str(answer.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _detail(answer: httpx.Response) -> str:
    """The server's own words; of a malformed request, every place and rule."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} 回答 {answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    if isinstance(detail, list):
        return "；".join(f"{'.'.join(str(step) for step in fault['loc'][2:])}：{fault['msg']}" for fault in detail)
    if detail == "Unauthorized":
        return "令牌无效或已吊销：请重新 huisuan login"
    return str(detail)


def part(name: str) -> str:
    """A name as one part of an address, whatever it contains.

    Raises:
        ClientError: there is no such name: it is empty, or would be several parts.
    """
    if not name.strip(".") or "/" in name:
        raise ClientError(f'没有名为 "{name[:60]}" 的：请核对', 404, code="client.name_malformed")
    return quote(name, safe="")


def given(**values: Any) -> dict[str, Any]:
    """The parameters that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def _is_local(url: str) -> bool:
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")

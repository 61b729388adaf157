"""The agent's way to the platform: one address, every request signed, no token."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import ValidationError

from huisuan import __version__
from huisuan.client import ClientError, error_code
from huisuan.protocol.agent import AGENT, SIGNATURE, SyncReply, SyncRequest

PATH = "/api/agent/v1/sync"
NO_PROXY = ("127.0.0.1", "localhost", "::1")  # nothing stands between us and this machine


class AgentLink:
    """The platform at `url`, as an agent calls it. `ca`: certificates to trust where the platform has a private one."""

    def __init__(
        self, url: str, *, ca: Path | None = None, timeout: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            headers={"User-Agent": f"huisuan-agent/{__version__}", "Content-Type": "application/json"},
            timeout=timeout,
            transport=transport,
            verify=ssl.create_default_context(cafile=str(ca)) if ca else True,
            trust_env=httpx.URL(url).host not in NO_PROXY,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def sync(self, seen: SyncRequest, sign: Callable[[bytes], str]) -> SyncReply:
        """Send what the agent saw and return what is wanted; `sign` gives the signature of the body, in hex.

        Raises:
            ClientError: not understood (status 0: no answer came).
        """
        body = seen.model_dump_json(exclude_defaults=True).encode()
        headers = {AGENT: seen.agent, SIGNATURE: sign(body)}
        try:
            answer = self._http.post(f"{self.url}{PATH}", content=body, headers=headers)
        except httpx.TimeoutException:
            raise ClientError(f"{self.url} 没有及时回答", code="client.timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ClientError(f"连不上 {self.url}：{error}", code="client.unreachable") from None
        if not answer.is_success:
            raise ClientError(_why(answer), answer.status_code, code=error_code(answer))
        try:
            return SyncReply.model_validate_json(answer.content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ClientError(
                f"{self.url} 的回答不是惠算平台的格式（版本不同？）：{first['msg']}", code="client.answer_unreadable"
            ) from None


def _why(answer: httpx.Response) -> str:
    """The platform's own words; of a malformed request, the first places and rules."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} 回答 {answer.status_code} {answer.reason_phrase}，不是惠算平台"
    if isinstance(detail, list):
        return "；".join(f"{'.'.join(str(step) for step in one['loc'])}：{one['msg']}" for one in detail[:3])
    return str(detail)

"""Ray's HTTP API, as the dashboard of the head serves it (2.9 and newer): jobs, packages, nodes, logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import httpx

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import EngineError

_TIMEOUT_SECONDS = 30.0
END_BYTES = 65_536
RayAnswer = dict[str, Any]


class RayRefused(EngineError):
    """Ray answered, but not with what was asked for; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        lines = [line for line in text.splitlines() if line.strip(" .")]
        super().__init__(f"Ray 拒绝（{status}）：{shortened((lines or [''])[-1], 300)}{_ADVICE.get(status, '')}")
        self.status = status


_ADVICE = {
    401: "；集群要令牌：请设引擎选项 token_file",
    403: "；令牌不对：请检查引擎选项 token_file 指的文件",
    404: "；请检查引擎选项 address 是否指向 head 的 dashboard",
}


class RayApi:
    """One cluster, through its dashboard.

    Raises (in every call):
        RayRefused: Ray says no.
        EngineError: it could not be asked.
    """

    def __init__(self, address: str, token_file: Path | None) -> None:
        self.address = address
        self._token_file = token_file
        self._client = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS, trust_env=False)

    def version(self) -> str:
        """Ray's version, such as 2.60.0."""
        return str(self._json("GET", "/api/version")["ray_version"])

    def jobs(self) -> dict[str, RayAnswer]:
        """All jobs that were submitted, by their submission_id."""
        listed = cast(list[RayAnswer], self._ask("GET", "/api/jobs/").json())
        return {job["submission_id"]: job for job in listed if job.get("submission_id")}

    def job(self, name: str) -> RayAnswer | None:
        """One job; None where Ray knows none of that name."""
        try:
            return self._json("GET", f"/api/jobs/{name}")
        except RayRefused as error:
            if error.status == 404:
                return None
            raise

    def submit(self, body: RayAnswer) -> None:
        """Submit a job; its submission_id is taken once."""
        self._json("POST", "/api/jobs/", json=body)

    def stop(self, name: str) -> None:
        """Ask a job to end; nothing where there is none, or it is over."""
        self._unless_gone("POST", f"/api/jobs/{name}/stop")

    def delete(self, name: str) -> None:
        """Have Ray forget a job that is over."""
        self._unless_gone("DELETE", f"/api/jobs/{name}")

    def upload(self, package: str, content: bytes) -> str:
        """Store a package; returns its URI."""
        self._ask("PUT", f"/api/packages/gcs/{package}", content=content)
        return f"gcs://{package}"

    def nodes(self) -> list[RayAnswer]:
        """All nodes, the dead ones too, with their resources under their own names."""
        answer = self._json("GET", "/api/v0/nodes", params={"detail": "1", "limit": "10000"})
        return cast(list[RayAnswer], answer["data"]["result"]["result"])

    def used(self) -> Mapping[str, Mapping[str, Any]] | None:
        """What is in use by node id and resource, as [used, total]; names are mangled (reading.mangled).

        None where this Ray does not tell (its second autoscaler does not).
        """
        status = self._json("GET", "/api/cluster_status")["data"].get("clusterStatus") or {}
        report = status.get("loadMetricsReport") or {}
        return cast(Mapping[str, Mapping[str, Any]] | None, report.get("usageByNode"))

    def log_end(self, node_id: str, name: str, lines: int) -> bytes:
        """The last lines of what a job wrote, and no more of them than fits in a moment's memory."""
        found = b""
        for piece in self._log(node_id, name, lines):
            found = (found + piece)[-END_BYTES:]
        return found

    def log(self, node_id: str, name: str, offset: int, limit: int) -> bytes:
        """A piece of what a job wrote. Ray sends it from the beginning: what comes before is passed over, unkept.

        Not /api/jobs/ID/logs: that one holds all of it in memory, and fails on a byte that is not UTF-8.
        """
        found, place = b"", 0
        for piece in self._log(node_id, name, -1):
            found += piece[max(0, offset - place) :][: limit - len(found)]
            place += len(piece)
            if len(found) >= limit:
                break
        return found

    def _log(self, node_id: str, name: str, lines: int) -> Iterator[bytes]:
        query = {"node_id": node_id, "filename": f"job-driver-{name}.log", "lines": str(lines)}
        try:
            with self._client.stream("GET", "/api/v0/logs/file", params=query, headers=self._headers()) as answer:
                if answer.status_code == 500:  # no such file, or no such node: nothing to be had
                    return
                if answer.is_error:
                    raise RayRefused(answer.status_code, answer.read().decode(errors="replace"))
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise self._away(error) from None

    def _unless_gone(self, method: str, path: str) -> None:
        try:
            self._ask(method, path)
        except RayRefused as error:
            if error.status != 404:
                raise

    def _json(self, method: str, path: str, **rest: Any) -> RayAnswer:
        return cast(RayAnswer, self._ask(method, path, **rest).json())

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, headers=self._headers(), **rest)
        except httpx.HTTPError as error:
            raise self._away(error) from None
        if answer.is_error:
            raise RayRefused(answer.status_code, answer.text)
        return answer

    def _headers(self) -> dict[str, str]:
        """The token is read each time: it may be exchanged while the agent runs, and is kept nowhere else."""
        if self._token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self._token_file.read_text(encoding='ascii').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"读不了令牌文件（引擎选项 token_file={self._token_file}）：{error}") from None

    def _away(self, error: httpx.HTTPError) -> EngineError:
        return EngineError(f"连不上 Ray（{self.address}）：{error}；请检查 head 是否在运行、引擎选项 address 是否正确")

"""Speaking with Slurm by slurmrestd, with a JSON Web Token.

Proven with v0.0.38 (Slurm 22.05). From v0.0.39 on the fields are those of Slurm's own parsers, not tried on a cluster.
Accounting is asked by sacct all the same: slurmrestd's (dbv0.0.38) leaves a requeued job's earlier runs out.
"""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import EngineError
from huisuan.compute.engines.slurm import parsing
from huisuan.compute.engines.slurm.config import Options, UnixUser
from huisuan.compute.engines.slurm.rest_parsing import (
    _job,
    _json,
    _kept,
    _node,
    _numbers,
    _partition,
    _status,
    _up,
    _words,
    number,
)
from huisuan.compute.engines.slurm.types import LIVE, Queued, Request, SlurmNode, SlurmPartition

OLDEST, NEWEST = 38, 44
_NEVER = (2000, 2005, 2006, 2012, 2014, 2044, 2051, 2072)  # Slurm's numbers of what no waiting helps (commands.NEVER)
NO_SUCH_JOB, OVER_ALREADY = 2017, 2021
RENEW_BEFORE = 60  # seconds before a token's end


class SlurmToken:
    """The token, from its file or its command, renewed before it ends. It appears in no message and no file."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._held = ""

    def value(self) -> str:
        """A token that is valid for a while.

        Raises:
            EngineError: there is none.
        """
        if self.options.jwt_file:
            try:
                self._held = _bare(Path(self.options.jwt_file).read_text(encoding="utf-8"))
            except OSError as error:
                raise EngineError(f"读不到令牌文件 {self.options.jwt_file}：{error.strerror}") from None
        elif (ends := token_expiry(self._held)) is None or ends - RENEW_BEFORE < time.time():
            self._held = self._made()
        if not self._held:
            raise EngineError("没有得到 slurmrestd 的令牌；请检查引擎选项 jwt_file 或 jwt_command")
        return self._held

    def _made(self) -> str:
        words = shlex.split(self.options.jwt_command)
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=self.options.patience_seconds, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"令牌命令 {words[0]} 没有运行成功（{type(error).__name__}）") from None
        if done.returncode:
            raise EngineError(f"令牌命令 {words[0]} 的退出码是 {done.returncode}")  # its words may hold the token
        return _bare(done.stdout)


def _bare(text: str) -> str:
    """The token of `SLURM_JWT=...` as `scontrol token` prints it, or of the token alone."""
    return text.strip().splitlines()[-1].strip().removeprefix("SLURM_JWT=") if text.strip() else ""


def token_expiry(token: str) -> int | None:
    """Until when a token is valid, as it says itself; None where it does not."""
    with suppress(ValueError, IndexError, KeyError, TypeError):
        body = token.split(".")[1]
        return int(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
    return None


class RestClient:
    """slurmrestd, as the user of the options."""

    def __init__(self, options: Options, person: UnixUser) -> None:
        self.options = options
        self.person = person
        self.token = SlurmToken(options)
        self._version = 0
        self._http = httpx.Client(base_url=options.rest_url, timeout=options.patience_seconds)

    def version(self) -> int:
        """The newest version of the interface that both speak: 38 for v0.0.38.

        Raises:
            EngineError: it does not answer, or not in a version that is known here.
        """
        if not self._version:
            for version in range(NEWEST, OLDEST - 1, -1):
                answer = self._send("GET", f"/slurm/v0.0.{version}/ping")
                if answer.status_code != httpx.codes.NOT_FOUND:
                    self._read(answer)
                    self._version = version
                    break
            else:
                raise EngineError(f"slurmrestd 没有 v0.0.{OLDEST} 到 v0.0.{NEWEST} 之间的接口；请核对其 -s 参数")
        return self._version

    def ping(self) -> None:
        """Ask whether the controller is up and the token is valid.

        Raises:
            EngineError: not both.
        """
        pings = self._get("ping").get("pings", [])
        if not any(_up(ping) for ping in pings):
            raise EngineError("slurmrestd 应答了，但它联系不上 slurmctld")

    def submit(self, request: Request) -> int:
        """The id of the new job.

        Raises:
            ValueError: it can never run here.
            EngineError: it was not taken, or nobody knows whether it was.
        """
        version = self.version()
        answer = self._send("POST", f"/slurm/v0.0.{version}/job/submit", submission(request, version))
        job = _json(answer).get("job_id")
        if isinstance(job, int) and job > 0:
            return job  # taken, be it with a warning (its nodes are down just now)
        try:
            self._read(answer)
        except EngineError as error:
            if set(_numbers(answer)) & set(_NEVER):
                raise ValueError(str(error)) from None
            raise
        raise EngineError("slurmrestd 没有给出作业号")

    def jobs(self) -> list[Queued]:
        """All jobs of the user that the controller still holds."""
        found = self._get("jobs").get("jobs", [])
        return [queued(job) for job in found if job.get("user_name") == self.person.name]

    def end(self, ids: Sequence[int]) -> None:
        """Have these jobs end; the interface takes one at a time."""
        for job in ids:
            answer = self._send("DELETE", f"/slurm/v0.0.{self.version()}/job/{job}")
            if not set(_numbers(answer)) & {NO_SUCH_JOB, OVER_ALREADY}:
                self._read(answer)

    def nodes(self) -> list[SlurmNode]:
        """All nodes."""
        return [_node(node) for node in self._get("nodes").get("nodes", [])]

    def partitions(self) -> list[SlurmPartition]:
        """All partitions."""
        return [_partition(partition) for partition in self._get("partitions").get("partitions", [])]

    def clock(self) -> int:
        """The controller's time."""
        return number(self._get("diag")["statistics"]["req_time"]) or 0

    def _get(self, what: str) -> Any:
        return self._read(self._send("GET", f"/slurm/v0.0.{self.version()}/{what}"))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        headers = {"X-SLURM-USER-NAME": self.person.name, "X-SLURM-USER-TOKEN": self.token.value()}
        try:
            return self._http.request(method, path, headers=headers, json=body)
        except httpx.HTTPError as error:
            raise EngineError(f"slurmrestd（{self.options.rest_url}）没有应答：{type(error).__name__}") from None

    def _read(self, answer: httpx.Response) -> Any:
        """What it says.

        Raises:
            EngineError: what went wrong, in its own words.
        """
        found = _json(answer)
        errors = [error for error in found.get("errors") or [] if isinstance(error, dict)]
        if answer.is_success and not errors:
            return found
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise EngineError("slurmrestd 不认这个令牌；请检查令牌的用户与有效期")
        message = "；".join(str(error.get("description") or error.get("error")) for error in errors)
        raise EngineError(f"slurmrestd 报错：{shortened(message, 500) or f'HTTP {answer.status_code}'}")


def submission(request: Request, version: int) -> dict[str, Any]:
    """The body of a submission, as the version has it."""
    job = _job(request)
    if version == OLDEST:
        job |= {"gres": request.gres, "nodes": [request.nodes, request.nodes], "time_limit": request.minutes}
        job |= {"open_mode": "append", "environment": dict(request.environment)}
        return {"script": request.script, "job": job}
    mark = "gres:" if version == 39 else "gres/"  # Slurm 23.02; from 23.11 on
    job |= {
        "script": request.script,
        "tres_per_node": mark + request.gres,
        "nodes": f"{request.nodes}-{request.nodes}",
        "time_limit": {"set": True, "infinite": False, "number": request.minutes},
        "open_mode": ["APPEND"],
        "environment": [f"{key}={value}" for key, value in request.environment.items()],
    }
    return {"job": job}


def queued(job: Mapping[str, Any]) -> Queued:
    """A job as any version tells it."""
    state = parsing.job_state(_words(job.get("job_state")))
    start, suspended_at = number(job.get("start_time")) or None, number(job.get("suspend_time")) or 0
    before = number(job.get("pre_sus_time")) or 0
    ran = 0
    if state in ("SUSPENDED", "STOPPED"):
        ran = before
    elif state in ("RUNNING", "COMPLETING") and start:
        ran = int(time.time()) - (suspended_at or start) + before
    end = number(job.get("end_time")) or None
    over = state not in LIVE
    if over and start and end:
        ran = before + end - (suspended_at or start)
    return Queued(
        id=int(job["job_id"]),
        name=str(job.get("name")),
        state=state,
        reason=str(job.get("state_reason") or ""),
        start=start,
        end=end,
        ran_seconds=max(ran, 0),
        exit_code=_status(job.get("exit_code")),
        restart=number(job.get("restart_cnt")) or 0,
        node_count=number(job.get("node_count")) or 1,
        nodes=str(job.get("nodes") or ""),
        tres=str(job.get("tres_alloc_str") or ""),
        raw=json.dumps(_kept(job), sort_keys=True, separators=(",", ":")) if over else "",
    )

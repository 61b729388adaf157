"""The agent's loop: tell what is seen, hear what is wanted, bring the one to the other. Level-triggered.

Nothing depends on a message arriving once: every request says all that the platform has not acknowledged,
every reply all that it wants.
"""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable
from dataclasses import asdict

from huisuan import __version__
from huisuan.client.agent_wire import LOG_LIMIT, DesiredJob, Observed, SentLog, SyncReply, SyncRequest, UsageLine
from huisuan.client.http import Client, ClientError
from huisuan.compute.agent.memory import Memory
from huisuan.compute.engines import Engine, JobSpec, Observation, RunState, RunUsage

BUSY_SECONDS = 0.3
IDLE_SECONDS = 1.0
SLOWER = 1.5
UNREACHABLE_SECONDS = 5.0
LOG_BYTES = 512 * 1024  # in one request, all jobs together
USAGE_LINES = 500
COLLECTOR = f"huisuan-agent/{__version__}"
CUT = "\n（输出超过 16 MiB，其余留在中心）\n".encode()


class Agent:
    """One agent, serving one centre through one engine."""

    def __init__(
        self,
        platform_client: Client,
        engine: Engine,
        engine_name: str,
        memory: Memory,
        centre: str | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.platform = platform_client
        self.engine = engine
        self.engine_name = engine_name
        self.memory = memory
        self.centre = centre
        self._say = say
        self._said = ""
        self._pause = BUSY_SECONDS

    def step(self) -> float:
        """One exchange with the platform; returns the seconds until the next."""
        request = self.report()
        try:
            reply = self.platform.sync(request)
        except ClientError as error:
            self._tell(f"平台没有应答：{error}")
            self._pause = min(self._pause * SLOWER, UNREACHABLE_SECONDS)
            return self._pause
        self._tell(reply.message or f"服务智算中心 {reply.centre}")
        self.apply(reply)
        busy = bool(reply.desired or request.observed or request.usage)
        self._pause = BUSY_SECONDS if busy else min(self._pause * SLOWER, IDLE_SECONDS)
        return self._pause

    def report(self) -> SyncRequest:
        """Everything that the platform has not acknowledged, output by the piece."""
        observed, logs, room = [], [], LOG_BYTES
        for uid, verdict, offset in self.memory.open_jobs():
            seen = Observation(uid, RunState(verdict)) if verdict else self.engine.observe(uid)
            if seen is None:  # the engine's files are gone: what became of the job nobody can tell
                seen = Observation(uid, RunState.LOST, reason="中心的作业文件已丢失")
            piece, whole = (b"", True) if verdict else self._log(uid, offset, room, seen.state.final)
            room -= len(piece)
            if piece:
                logs.append(SentLog(uid=uid, offset=offset, content=base64.b64encode(piece)))
            for usage in self.engine.usage(uid) if seen.state.final else ():
                self.memory.queue_usage(uid, _line(usage))
            # a job's end is told with the last of its output, so that who sees the end can read everything
            observed.append(_told(seen) if whole or not seen.state.final else Observed(uid=uid, state="running"))
        return SyncRequest(
            agent=self.memory.name,
            host=platform.node(),
            version=__version__,
            engine=self.engine_name,
            centre=self.centre,
            observed=observed,
            logs=logs,
            usage=self.memory.waiting_usage(USAGE_LINES),
        )

    def apply(self, reply: SyncReply) -> None:
        """Take note of what arrived and do what is wanted."""
        for uid, offset in reply.log_offsets.items():
            self.memory.log_received(uid, offset)
        for answer in reply.usage:
            if self.memory.usage_answered(answer.sha256, answer.refused) and answer.refused:
                self._say(f"用量被平台拒收：{answer.refused}")
        for uid in reply.settled:
            self._close(uid)
        if reply.centre is None:
            return  # nobody to serve, or another agent does: what runs here goes on
        for job in reply.desired:
            self._pursue(job)
        wanted = {job.uid for job in reply.desired}
        for uid, verdict, _ in self.memory.open_jobs():
            if uid not in wanted and not verdict:
                self.engine.cancel(uid, "平台不再需要此作业")

    def end_jobs(self, reason: str) -> None:
        """Ask every job that runs to end."""
        for uid, verdict, _ in self.memory.open_jobs():
            if not verdict:
                self.engine.cancel(uid, reason)

    @property
    def has_running_jobs(self) -> bool:
        """Whether a job taken on is not over."""
        seen = (self.engine.observe(uid) for uid, verdict, _ in self.memory.open_jobs() if not verdict)
        return any(one is not None and not one.state.final for one in seen)

    def _pursue(self, job: DesiredJob) -> None:
        """Bring one job to where the platform wants it."""
        known, seen = self.memory.knows(job.uid), self.engine.observe(job.uid)
        if job.cancel:
            self.memory.take_on(job.uid, None if known or seen else RunState.CANCELLED.value)
            self.engine.cancel(job.uid)
        elif seen is None and not known and job.state != "placed":
            # it began under an agent whose memory is gone: running it again would run and bill it twice
            self.memory.take_on(job.uid, RunState.LOST.value)
        elif seen is None and not known:
            self._submit(job)
        else:
            self.memory.take_on(job.uid)

    def _submit(self, job: DesiredJob) -> None:
        """Start a job; one that cannot be started now is tried again at the next exchange."""
        spec = JobSpec(
            uid=job.uid,
            command=tuple(job.command),
            cards=job.cards,
            time_limit_seconds=job.time_limit_seconds,
            environment=job.environment,
        )
        try:
            self.engine.submit(spec)
        except (OSError, ValueError) as error:
            self._say(f"作业 {job.uid} 暂时无法启动：{error}")
            return
        # only now: a job that is known and that the engine does not have is reported as lost
        self.memory.take_on(job.uid)

    def _close(self, uid: str) -> None:
        """The platform has the job's end: what still runs here of it has to go first."""
        seen = self.engine.observe(uid)
        if seen is None or seen.state.final:
            self.memory.close_job(uid)

    def _log(self, uid: str, offset: int, room: int, final: bool) -> tuple[bytes, bool]:
        """The next piece of a job's output, and whether it is the last of what there is."""
        if offset >= LOG_LIMIT:
            return b"", True
        piece = self.engine.logs(uid, offset, min(room, LOG_LIMIT - offset) + 1) if room > 0 else b""
        limit = min(room, LOG_LIMIT - offset)
        whole = len(piece) <= limit and room > 0
        piece = piece[:limit]
        if offset + len(piece) == LOG_LIMIT:
            return piece + CUT, True
        return piece, whole

    def _tell(self, text: str) -> None:
        """Say something once, not every time."""
        if text != self._said:
            self._said = text
            self._say(text)


def _told(seen: Observation) -> Observed:
    return Observed(
        uid=seen.uid,
        state=seen.state.value,
        reason=seen.reason.replace("\n", " ")[:1000],
        started_at=seen.started_at,
        ended_at=seen.ended_at,
        exit_code=seen.exit_code,
    )


def _line(usage: RunUsage) -> str:
    return UsageLine.model_validate(
        {**asdict(usage), "slots": list(usage.slots), "state": usage.state.value, "collector": COLLECTOR}
    ).written()

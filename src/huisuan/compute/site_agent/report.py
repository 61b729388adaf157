"""What the agent reports of its runs, its nodes and itself: whatever the platform has not acknowledged.

The reporter gathers; the loop sends, and hands back what was acknowledged.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from huisuan.base.hashing import text_sha256
from huisuan.compute.engines.interface import Engine, EngineError, Observation, RunState
from huisuan.compute.site_agent.run_endings import parse_ending
from huisuan.compute.site_agent.state import Run, RunLease
from huisuan.protocol.agent import LOG_LIMIT, HealthCheck, Observed, SeenNode, SentLog

if TYPE_CHECKING:
    from huisuan.compute.site_agent.diagnostics import Check

LOG_BYTES_PER_REQUEST = 512 * 1024  # in one request, all jobs together
MOST_OBSERVATIONS = 5000  # in one request
NODES_RESENT, NODES_IDLE = 300.0, 15.0  # seconds: sent again though unchanged; between two looks at the nodes
NODES_CHANGED = 2.0  # instead, once a run of ours began or ended: cards are free, or are not any more
CUT = "\n（输出超过 16 MiB，其余留在中心）\n".encode()
_LOST = "中心的作业文件已丢失"
_CHECK_REST_SECONDS = 20.0  # between the end of a check and the beginning of the next, however often it is asked for
_MOST_CHECKS = 200  # checks in a report
_WHAT_LENGTH, _REMEDY_LENGTH = 500, 1000  # characters


@dataclass
class SentReport:
    """What one request reported, to be noted once it is answered; `at` in seconds since 1970."""

    at: float = 0.0
    observations: dict[RunLease, tuple[str, bool]] = field(default_factory=dict)  # digest, whether it is final
    running: set[RunLease] = field(default_factory=set)
    logs: dict[str, Run] = field(default_factory=dict)
    nodes: str = ""
    nodes_same: bool = False


class Reporter:
    """Asks the engine how runs and nodes stand and puts it into the words of the protocol."""

    def __init__(self, engine: Engine, log: Callable[[str], None]) -> None:
        self.engine, self._log = engine, log
        self._nodes_acknowledged, self._nodes_acknowledged_at = "", float("-inf")
        self._nodes_read_at, self._nodes_dirty = float("-inf"), False

    def observe(self, runs: Sequence[Run]) -> Mapping[str, Observation]:
        """How the runs stand, by name; those about which no scheduler can be asked now are left out."""
        seen = {run.name: Observation(run.name, RunState(run.verdict), run.reason) for run in runs if run.verdict}
        seen |= {run.name: parse_ending(run.ending) for run in runs if run.ending and not run.verdict}
        names = [run.name for run in runs if run.name not in seen]
        if not names:
            return seen
        try:
            found = self.engine.observe(names)
        except EngineError as error:
            self._log(f"调度器问不到：{error}")
            return seen
        # where the engine has no files of the run any more, what became of it cannot be known
        return seen | {name: found.get(name) or Observation(name, RunState.LOST, _LOST) for name in names}

    def report_runs(
        self, runs: Sequence[Run], seen: Mapping[str, Observation], sent: SentReport
    ) -> tuple[list[Observed], list[SentLog]]:
        """The observations that the platform has not acknowledged, and the next pieces of output; noted in `sent`."""
        observed: list[Observed] = []
        logs: list[SentLog] = []
        room = LOG_BYTES_PER_REQUEST
        for run in runs:
            if run.name not in seen:
                continue
            observation, piece = self._observation(run, seen[run.name], room)
            room -= len(piece)
            if piece:
                sent.logs[run.uid] = run
                offset = run.log_base + run.log_offset
                logs.append(SentLog(uid=run.uid, offset=offset, content=base64.b64encode(piece)))
            digest = text_sha256(observation.model_dump_json())
            if observation.state == "running":
                sent.running.add(run.key)
            if digest != run.acknowledged and len(observed) < MOST_OBSERVATIONS:
                observed.append(observation)
                sent.observations[run.key] = digest, observation.final
        return observed, logs

    def report_nodes(self, sent: SentReport) -> list[SeenNode] | None:
        """The nodes, if they changed or were last sent long ago; None: as last sent, or not looked at."""
        self._nodes_dirty |= bool(sent.observations)
        if sent.at - self._nodes_read_at < (NODES_CHANGED if self._nodes_dirty else NODES_IDLE):
            return None
        try:
            nodes = [SeenNode.model_validate(asdict(node)) for node in self.engine.capacity()]
        except EngineError as error:
            self._log(f"调度器的节点问不到：{error}")
            return None
        self._nodes_read_at = sent.at
        digest = text_sha256(json.dumps([node.model_dump() for node in nodes], sort_keys=True))
        if digest == self._nodes_acknowledged and sent.at - self._nodes_acknowledged_at < NODES_RESENT:
            sent.nodes_same = self._nodes_dirty  # what began and what ended is in them already
            return None
        sent.nodes = digest
        return nodes

    def record_failure(self) -> None:
        """The request did not arrive: look at the nodes again with the next one."""
        self._nodes_read_at = float("-inf")

    def record_success(self, sent: SentReport) -> None:
        """The platform has the nodes of this request."""
        if sent.nodes:
            self._nodes_acknowledged, self._nodes_acknowledged_at = sent.nodes, sent.at
        if sent.nodes or sent.nodes_same:
            self._nodes_dirty = False

    def _observation(self, run: Run, seen: Observation, room: int) -> tuple[Observed, bytes]:
        """What to report of a run, and the next piece of its output, at most `room` bytes.

        Its end is reported with the last of its output, so that anyone who sees the end can read everything.
        """
        piece, complete = (b"", True) if run.verdict or run.over else self._next_log_piece(run, room)
        if seen.state.final and not complete:
            return Observed(
                uid=run.uid, run=run.run, lease=run.lease, state="running", started_at=seen.started_at
            ), piece
        return (
            Observed(
                uid=run.uid, run=run.run, lease=run.lease, state=seen.state.value,
                reason=single_line(seen.reason, 1000), expected_start=seen.expected_start,
                started_at=seen.started_at, ended_at=seen.ended_at, exit_code=seen.exit_code,
            ),
            piece,
        )  # fmt: skip

    def _next_log_piece(self, run: Run, room: int) -> tuple[bytes, bool]:
        """The next piece of a run's output, and whether it is the last of what there is."""
        if run.log_offset >= LOG_LIMIT:
            return b"", True
        limit = min(room, LOG_LIMIT - run.log_offset)
        try:
            piece = self.engine.logs(run.name, run.log_offset, limit + 1) if limit > 0 else b""
        except EngineError:
            return b"", False
        complete = len(piece) <= limit and room > 0
        piece = piece[:limit]
        if run.log_offset + len(piece) == LOG_LIMIT:
            return piece + CUT, True
        return piece, complete


def single_line(text: str, most: int) -> str:
    """A text as the protocol takes it: control characters become spaces, at most `most` characters."""
    return "".join(character if character >= " " else " " for character in text)[:most]


class SelfCheck:
    """What `huisuan agent doctor` says, for the platform's page: `checks`, run beside the loop once it is wanted.

    A check may take a while (it asks the scheduler and the platform), and the loop has leases to renew: so it runs in a
    thread of its own, one at a time. `steady` is a clock that is never set, in seconds.
    """

    def __init__(self, checks: Callable[[], Sequence[Check]], steady: Callable[[], float] = time.monotonic) -> None:
        self._checks, self._steady = checks, steady
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready: list[HealthCheck] = []
        self._sent = False
        self._ended_at: float | None = None

    def report(self) -> list[HealthCheck]:
        """What goes with a request now: the last result until a reply comes."""
        with self._lock:
            self._sent = bool(self._ready)
            return list(self._ready)

    def record_reply(self, wanted: bool) -> None:
        """A reply came: what was sent with the request has arrived; another check may be wanted."""
        with self._lock:
            if self._sent:
                self._ready, self._sent = [], False
            rests = self._ended_at is not None and self._steady() - self._ended_at < _CHECK_REST_SECONDS
            if not wanted or rests or self._ready or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="self-check", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            found = [
                HealthCheck(
                    what=single_line(check.what, _WHAT_LENGTH), well=check.well,
                    remedy="" if check.well else single_line(check.remedy, _REMEDY_LENGTH),
                )
                for check in self._checks()
            ]  # fmt: skip
        except Exception as error:  # the page has to say that the check itself failed
            remedy = "在代理的机器上运行 huisuan agent doctor 查看"
            found = [HealthCheck(what=single_line(f"自检没有做完：{error}", _WHAT_LENGTH), well=False, remedy=remedy)]
        with self._lock:
            self._ready, self._ended_at = found[:_MOST_CHECKS], self._steady()

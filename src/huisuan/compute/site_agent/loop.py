"""The agent's loop: tell what is seen, hear what is wanted, bring the one to the other. Level-triggered.

Nothing depends on a message arriving once: every request says all that the platform has not acknowledged, every reply
all that it wants, or that this is as the agent knows it.
"""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan import __version__
from huisuan.base.hashing import text_sha256
from huisuan.client.client import ClientError
from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import Engine, EngineError, Observation, RunState
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.clock import BelievedClock
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.reconciler import Pursuit
from huisuan.compute.site_agent.run_endings import ending_of
from huisuan.compute.site_agent.seal_signer import Sealing
from huisuan.compute.site_agent.state import Memory, Run
from huisuan.compute.site_agent.usage_reporter import Metering
from huisuan.compute.site_agent.workdirs import Uploads
from huisuan.protocol.agent import (
    LOG_LIMIT,
    PROTOCOL,
    Capability,
    DesiredJob,
    Observed,
    SeenNode,
    SentLog,
    SyncReply,
    SyncRequest,
)
from huisuan.protocol.run_set import digest, mark
from huisuan.protocol.signatures import sign_request

LOG_BYTES = 512 * 1024  # in one request, all jobs together
MOST_WORDS = 5000  # in one request
NODES_AGAIN, NODES_SOON = 300.0, 15.0  # seconds: told again though they are the same; looked at at most so often
NODES_STIRRED = 2.0  # instead, once a run of ours began or ended: cards are free, or are not any more
NUMBERS = 1000  # request numbers taken from the memory at a time
CUT = "\n（输出超过 16 MiB，其余留在中心）\n".encode()
LOST = "中心的作业文件已丢失"
Key = tuple[str, int]  # uid, lease


@dataclass
class Sent:
    """What one request said, to be noted when it is answered."""

    words: dict[Key, tuple[str, bool]] = field(default_factory=dict)  # digest, whether it is the end
    running: set[Key] = field(default_factory=set)
    logs: dict[str, Run] = field(default_factory=dict)
    nodes: str = ""
    nodes_same: bool = False
    at: float = 0.0


class Agent:
    """One agent, serving one centre through one engine.

    `now` is the centre's clock, in seconds since 1970; `steady` one that is never set (without it, a clock that is set
    is noticed at the next exchange only).
    """

    def __init__(
        self,
        link: AgentLink,
        engine: Engine,
        engine_name: str,
        memory: Memory,
        key: Ed25519PrivateKey,
        folder: Path,
        *,
        boot: str,
        now: Callable[[], float],
        pace: Pace,
        steady: Callable[[], float] | None = None,
        say: Callable[[str], None] = print,
        keep_days: int = 0,
    ) -> None:
        self.link, self.engine, self.engine_name, self.memory, self.key = link, engine, engine_name, memory, key
        self.boot, self.now, self.pace, self._say = boot, now, pace, say
        self.clock = BelievedClock(self._wall, steady or self._wall)
        self.lease_file = folder / "lease"
        self.uploads = Uploads(folder)
        self.pursuit = Pursuit(engine, memory, self.uploads, self.lease_file, say, keep_days=keep_days)
        self.metering = Metering(engine, memory, key, say)
        self.sealing = Sealing(memory, key, say)
        self.stopped = ""  # why it has to stop
        self.capabilities = {
            name: Capability(able=each.able, why=_line(each.why, 300)) for name, each in engine.abilities().items()
        }
        self.desired: dict[Key, DesiredJob] = {}
        self._held: str | None = None
        self._introduced = False
        self._numbers = iter(range(0))
        self._nodes_told, self._nodes_at = "", float("-inf")
        self._looked_at, self._stirred = float("-inf"), False
        self._said = ""
        gates = gate_of(self.lease_file, "x").parent
        gates.mkdir(exist_ok=True)
        gates.chmod(0o711)

    def _wall(self) -> float:
        return self.now()

    def step(self) -> float:
        """One exchange with the platform; returns the seconds until the next."""
        sent = Sent(at=self.now())
        untimed = not self.clock.is_right
        request = self.report(sent)
        self.clock.asks()
        try:
            reply = self.link.sync(request, lambda body: sign_request(self.key, body))
        except ClientError as error:
            self._looked_at = float("-inf")  # what was seen did not arrive
            self._tell(f"平台没有应答：{error}" if error.status == 0 else f"平台拒绝：{error}")
            return self.pace.unanswered(refused=error.status in (401, 403, 409))
        self.clock.hears(reply.now, reply.clock_seconds)
        self._tell(reply.message or f"服务智算中心 {reply.centre}")
        if reply.stop:
            self.stopped = reply.message
        if reply.centre is None:
            return self.pace.nothing()  # another agent serves: what runs here goes on
        before = set(self.desired)
        self.apply(reply, sent)
        busy = bool(request.observed or request.batches or request.logs or set(self.desired) - before)
        return self.pace.happened() if busy or untimed or self.pursuit.waits else self.pace.nothing()

    # --- what is told

    def report(self, sent: Sent) -> SyncRequest:
        """Everything that the platform has not acknowledged, output by the piece."""
        runs = self.memory.open_runs()
        seen = self._look(runs)
        observed: list[Observed] = []
        logs: list[SentLog] = []
        room = LOG_BYTES
        believed = self.clock.is_right
        for run in runs:
            if run.name not in seen or (seen[run.name].state.final and not (believed or run.verdict or run.metered)):
                continue  # an end is told with its use, which a clock is needed for that the platform found right
            word, piece = self._word(run, seen[run.name], room)
            room -= len(piece)
            if piece:
                sent.logs[run.uid] = run
                offset = run.log_base + run.log_offset
                logs.append(SentLog(uid=run.uid, offset=offset, content=base64.b64encode(piece)))
            digest = text_sha256(word.model_dump_json())
            if word.state == "running":
                sent.running.add(run.key)
            if digest != run.told and len(observed) < MOST_WORDS:
                observed.append(word)
                sent.words[run.key] = digest, word.final
        if believed:  # else the accounting waits: what is cut into hours by a wrong clock is never right again
            self.metering.look(runs, seen, int(self.now()))
        return SyncRequest(
            protocol=PROTOCOL,
            agent=self.memory.name,
            number=self._number(),
            boot=self.boot,
            host=_line(platform.node(), 120),
            version=__version__,
            engine=self.engine_name,
            sent_at=datetime.fromtimestamp(self.now()).astimezone(),
            capabilities={} if self._introduced else self.capabilities,
            nodes=self._nodes(sent),
            nodes_same=sent.nodes_same,
            held=self._held or None,
            observed=observed,
            logs=logs,
            batches=self.metering.batches(),
            seals=self.sealing.words,
            wants=self.pursuit.wanted(),
        )

    def _look(self, runs: list[Run]) -> Mapping[str, Observation]:
        """How the runs stand; those that nobody can be asked about now are left out."""
        seen = {run.name: Observation(run.name, RunState(run.verdict), run.reason) for run in runs if run.verdict}
        seen |= {run.name: ending_of(run.ending) for run in runs if run.ending and not run.verdict}
        asked = [run.name for run in runs if run.name not in seen]
        if not asked:
            return seen
        try:
            found = self.engine.observe(asked)
        except EngineError as error:
            self._tell(f"调度器问不到：{error}")
            return seen
        # the engine's files are gone: what became of the run nobody can tell
        return seen | {name: found.get(name) or Observation(name, RunState.LOST, LOST) for name in asked}

    def _word(self, run: Run, seen: Observation, room: int) -> tuple[Observed, bytes]:
        """What to say of a run, and the next piece of its output.

        Its end is told with the last of its output, so that who sees the end can read everything.
        """
        piece, whole = (b"", True) if run.verdict or run.over else self._log(run, room)
        if seen.state.final and not whole:
            return Observed(
                uid=run.uid, run=run.run, lease=run.lease, state="running", started_at=seen.started_at
            ), piece
        return (
            Observed(
                uid=run.uid, run=run.run, lease=run.lease, state=seen.state.value, reason=_line(seen.reason, 1000),
                expected_start=seen.expected_start, started_at=seen.started_at, ended_at=seen.ended_at,
                exit_code=seen.exit_code,
            ),
            piece,
        )  # fmt: skip

    def _log(self, run: Run, room: int) -> tuple[bytes, bool]:
        """The next piece of a run's output, and whether it is the last of what there is."""
        if run.log_offset >= LOG_LIMIT:
            return b"", True
        limit = min(room, LOG_LIMIT - run.log_offset)
        try:
            piece = self.engine.logs(run.name, run.log_offset, limit + 1) if limit > 0 else b""
        except EngineError:
            return b"", False
        whole = len(piece) <= limit and room > 0
        piece = piece[:limit]
        if run.log_offset + len(piece) == LOG_LIMIT:
            return piece + CUT, True
        return piece, whole

    def _nodes(self, sent: Sent) -> list[SeenNode] | None:
        """The nodes, if they are not as last told or were not told for long; None: as last told, or not looked at."""
        self._stirred |= bool(sent.words)
        if sent.at - self._looked_at < (NODES_STIRRED if self._stirred else NODES_SOON):
            return None
        try:
            nodes = [SeenNode.model_validate(asdict(each)) for each in self.engine.capacity()]
        except EngineError as error:
            self._tell(f"调度器的节点问不到：{error}")
            return None
        self._looked_at = sent.at
        digest = text_sha256(json.dumps([each.model_dump() for each in nodes], sort_keys=True))
        if digest == self._nodes_told and sent.at - self._nodes_at < NODES_AGAIN:
            sent.nodes_same = self._stirred  # what began and what ended is in them already
            return None
        sent.nodes = digest
        return nodes

    def _number(self) -> int:
        found = next(self._numbers, None)
        if found is None:
            self._numbers = iter(self.memory.next_numbers(NUMBERS))
            found = next(self._numbers)
        return found

    # --- what is heard

    def apply(self, reply: SyncReply, sent: Sent) -> None:
        """Take note of what arrived and do what is wanted."""
        if sent.nodes:
            self._nodes_told, self._nodes_at = sent.nodes, sent.at
        if sent.nodes or sent.nodes_same:
            self._stirred = False
        if not self._introduced:
            self.memory.put("centre", reply.centre or "")  # at joining it is not told where the clock is wrong
        self._introduced = True
        self._renew_lease(sent.at, reply.lease_seconds)
        heard = {key: sent.words[key] for key in map(tuple, reply.acknowledged) if key in sent.words}
        self._learn(reply, {key for key, (_, final) in heard.items() if final})
        for key in heard:
            if key in sent.running and key in self.desired and not self.desired[key].cancel:
                self.pursuit.let_in(self.desired[key])
        # only now: a run whose word is taken and whose gate stays shut would wait for ever
        self.memory.told((*key, digest, final) for key, (digest, final) in heard.items())
        offsets = ((sent.logs[uid], end) for uid, end in reply.log_offsets.items() if uid in sent.logs)
        self.memory.logs_received(
            (run.uid, run.lease, end - run.log_base) for run, end in offsets if end >= run.log_base
        )
        self.metering.answered(reply, int(sent.at))
        self.sealing.asked(reply.seals)
        for piece in reply.pieces:
            self.uploads.take(piece)
        self.pursuit.close(sent.at)
        self.pursuit.pursue(self.desired, sent.at, behind=reply.behind)

    def _learn(self, reply: SyncReply, over: set[Key]) -> None:
        """What is wanted now: all that came, or what was known without the runs that are over and with those added."""
        if reply.desired is not None:
            self.desired = {(job.uid, job.lease): job for job in reply.desired}
        else:
            self.desired = {key: job for key, job in self.desired.items() if key not in over}
            self.desired |= {(job.uid, job.lease): job for job in reply.added}
        known = digest(mark(job.uid, job.run, job.lease, job.cancel) for job in self.desired.values())
        self._held = known if known == reply.held else ""  # "": asks for everything

    def _renew_lease(self, sent_at: float, seconds: int) -> None:
        """Runs at the gate may wait so long: counted by this clock from before the platform was asked."""
        draft = self.lease_file.with_suffix(".new")
        draft.write_text(f"{int(sent_at) + seconds}\n", encoding="ascii")
        draft.chmod(0o644)
        draft.replace(self.lease_file)

    # --- its own end

    def end_jobs(self, reason: str) -> None:
        """Ask every run to end."""
        for run in self.memory.open_runs():
            if not run.verdict and not run.ending:
                self.engine.cancel(run.name, reason)

    @property
    def has_running_jobs(self) -> bool:
        """Whether a run taken on is not over."""
        runs = self.memory.open_runs()
        return any(not each.state.final for each in self._look(runs).values())

    def _tell(self, text: str) -> None:
        """Say something once, not every time."""
        if text != self._said:
            self._said = text
            self._say(text)


def _line(text: str, most: int) -> str:
    """A text as a line of the wire."""
    return "".join(sign if sign >= " " else " " for sign in text)[:most]

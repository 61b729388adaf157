"""From an engine's accounting to signed batches: hour by hour while runs go on, to the last second when they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan import __version__
from huisuan.compute.engines.interface import Engine, EngineError, Observation, RunState
from huisuan.compute.site_agent.state import Memory, Run
from huisuan.compute.site_agent.usage_slices import HOUR, SETTLED, is_whole, lines_of
from huisuan.protocol.agent import SignedBatch, SyncReply

COLLECTOR = f"huisuan-agent/{__version__}"
AGAIN_SECONDS = 2  # between questions about the same run, whose accounting is late
NEVER_BEGAN = (RunState.EXPIRED, RunState.LOST)


class Metering:
    """What the agent reports of its runs' use."""

    def __init__(self, engine: Engine, memory: Memory, key: Ed25519PrivateKey, say: Callable[[str], None]) -> None:
        self.engine, self.memory, self.key, self._say = engine, memory, key, say
        self._hour = 0  # of the last look at what runs
        self._asked: dict[str, int] = {}
        self._last = memory.last_taken()
        self._refused = 0

    def look(self, runs: Sequence[Run], seen: Mapping[str, Observation], now: int) -> None:
        """Queue what is due: for runs that ended, and every full hour for those that go on."""
        over = [run for run in runs if run.name in seen and seen[run.name].state.final and not run.metered]
        due = [run for run in over if not run.verdict and now - self._asked.get(run.name, 0) >= AGAIN_SECONDS]
        hour = (now - SETTLED) // HOUR
        ended = {run.name for run in due}
        if hour > self._hour:
            due += [run for run in runs if run.name in seen and not seen[run.name].state.final]
        if not due:
            self._hour = max(self._hour, hour)
            return
        try:
            held = self.engine.usage([run.name for run in due])
        except EngineError as error:
            self._say(f"记账问不到：{error}")
            return
        self._asked |= dict.fromkeys(ended, now)
        for run in due:
            stretches = held.get(run.name, ())
            lines = lines_of(
                run.uid, run.run, run.lease, stretches, self.memory.slices(run.uid, run.lease), now, COLLECTOR
            )
            last = seen[run.name].state.final and (is_whole(stretches) or _has_none(seen[run.name], stretches))
            if lines or last:
                self.memory.queue(run.uid, run.lease, lines, last=last)
            if last:
                self._asked.pop(run.name, None)
        self._hour = max(self._hour, hour)

    def batches(self) -> list[SignedBatch]:
        """What the platform has not taken, a piece of it."""
        return self.memory.batches(self.key.sign, self._last)

    def answered(self, reply: SyncReply, now: int) -> None:
        """Keep the receipts, and say what was refused or kept as doubtful."""
        self._last = reply.last_batch
        self.memory.batches_answered(reply.batches, reply.last_batch, now)
        for answer in reply.batches:
            if answer.refused and answer.number != self._refused:
                self._refused = answer.number
                self._say(f"用量批次 {answer.number} 被平台拒收：{answer.refused}；用 huisuan agent doctor 查看")
            for place, why in answer.flagged.items():
                self._say(f"用量批次 {answer.number} 第 {place + 1} 行存疑，平台已留存待查：{why}")


def _has_none(seen: Observation, stretches: Sequence[object]) -> bool:
    """Whether a run that is over has no use to account for: it never began, or nobody saw its end."""
    return not stretches and (seen.started_at is None or seen.state in NEVER_BEGAN)

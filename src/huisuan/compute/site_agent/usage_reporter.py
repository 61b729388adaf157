"""From an engine's accounting to signed batches: hour by hour while runs go on, to the last second when they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan import __version__
from huisuan.compute.engines.interface import Engine, EngineError, Observation, RunState
from huisuan.compute.site_agent.state import AgentState, Run
from huisuan.compute.site_agent.usage_slices import HOUR, SETTLED_AFTER, due_lines, is_complete
from huisuan.protocol.agent import SignedBatch, SyncReply

COLLECTOR = f"huisuan-agent/{__version__}"
AGAIN_SECONDS = 2  # between questions about the same run, whose accounting is late
UNMETERED_ENDS = (RunState.EXPIRED, RunState.LOST)


class UsageReporter:
    """Queues what the engine accounts for and sends it in signed batches."""

    def __init__(self, engine: Engine, state: AgentState, key: Ed25519PrivateKey, log: Callable[[str], None]) -> None:
        self.engine, self.state, self.key, self._log = engine, state, key, log
        self._hour = 0  # of the last collection from runs that go on
        self._asked: dict[str, int] = {}
        self._last = state.batch_queue.last_acknowledged()
        self._refused = 0

    def collect(self, runs: Sequence[Run], seen: Mapping[str, Observation], now: int) -> None:
        """Queue what is due: for runs that ended, and every full hour for those that go on."""
        over = [run for run in runs if run.name in seen and seen[run.name].state.final and not run.metered]
        due = [run for run in over if not run.verdict and now - self._asked.get(run.name, 0) >= AGAIN_SECONDS]
        hour = (now - SETTLED_AFTER) // HOUR
        ended = {run.name for run in due}
        if hour > self._hour:
            due += [run for run in runs if run.name in seen and not seen[run.name].state.final]
        if not due:
            self._hour = max(self._hour, hour)
            return
        try:
            held = self.engine.usage([run.name for run in due])
        except EngineError as error:
            self._log(f"记账问不到：{error}")
            return
        self._asked |= dict.fromkeys(ended, now)
        for run in due:
            stretches = held.get(run.name, ())
            lines = due_lines(
                run.uid,
                run.run,
                run.lease,
                stretches,
                self.state.batch_queue.list_slices(run.uid, run.lease),
                now,
                COLLECTOR,
            )
            last = seen[run.name].state.final and (is_complete(stretches) or _has_no_usage(seen[run.name], stretches))
            if lines or last:
                self.state.batch_queue.append(run.uid, run.lease, lines, last=last)
            if last:
                self._asked.pop(run.name, None)
        self._hour = max(self._hour, hour)

    def next_batches(self) -> list[SignedBatch]:
        """The next batches that the platform has not acknowledged."""
        return self.state.batch_queue.next_batches(self.key.sign, self._last)

    def record_reply(self, reply: SyncReply, now: int) -> None:
        """Keep the receipts; log what was refused or flagged."""
        self._last = reply.last_batch
        self.state.batch_queue.record_answers(reply.batches, reply.last_batch, now)
        for answer in reply.batches:
            if answer.refused and answer.number != self._refused:
                self._refused = answer.number
                self._log(f"用量批次 {answer.number} 被平台拒收：{answer.refused}；用 huisuan agent doctor 查看")
            for place, why in answer.flagged.items():
                self._log(f"用量批次 {answer.number} 第 {place + 1} 行存疑，平台已留存待查：{why}")


def _has_no_usage(seen: Observation, stretches: Sequence[object]) -> bool:
    """Whether a run that is over has no usage to account for: it never began, or its end is unknown."""
    return not stretches and (seen.started_at is None or seen.state in UNMETERED_ENDS)

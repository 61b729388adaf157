"""How runs stand: what waits or runs by one question to the controller, what is over by the accounting.

An end is reported only once the accounting has it, so that it can be metered at once. Until then the run is where it
was last seen. So no end is believed that nobody can prove, and none is missed because the accounting was away.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from huisuan.compute.engines.common.start_gate import EXPIRED_CODE
from huisuan.compute.engines.interface import EngineError, Observation, RunState
from huisuan.compute.engines.slurm.accounting import Accounting
from huisuan.compute.engines.slurm.run_folder import RunFolder, RunRecord, since
from huisuan.compute.engines.slurm.states import ENDS, WHY_ENDED, pending_reason, running_reason, state_now
from huisuan.compute.engines.slurm.submit import chosen, may_have_begun
from huisuan.compute.engines.slurm.types import WAITING, Accounted, Queued, SlurmClient, as_accounted

LOST_SECONDS = 600  # the controller tells the accounting late when that was away: until then nothing is lost
VANISHED_SECONDS = 30  # for one still outside its gate: nothing is lost with it, and it may be submitted again
SETTLING = "已结束，等待 Slurm 记账"
AT_THE_GATE = "已拿到加速卡，等平台放行"
_AWAY = "Slurm 记账（slurmdbd）无应答，等待其恢复"
UNKNOWN = "Slurm 暂时查不到此作业"
RUNAWAY = "控制器已无此作业，而记账仍当它在运行；请用 sacctmgr show runawayjobs 修正。无法证明用时，不计量"
UNKNOWN_RUN = RunRecord(first_seen=2**40, cards=0, time_limit_seconds=2**40)  # a run of which this folder knows nothing


class Watch:
    """Remembers what it last saw, so that a run does not vanish while Slurm looks for it."""

    def __init__(self, accounting: Accounting) -> None:
        self.accounting = accounting
        self.ended: dict[str, Observation] = {}
        self._last: dict[str, Observation] = {}
        self._missing: dict[str, float] = {}

    def look(self, runs: Sequence[RunFolder], speaker: SlurmClient) -> dict[str, Observation]:
        """How these runs stand; those that Slurm never heard of are left out.

        Raises:
            EngineError: the controller does not answer, or the accounting does not and nothing else tells.
        """
        queue: dict[str, list[Queued]] = defaultdict(list)
        for job in speaker.jobs():
            if not job.never_taken:
                queue[job.name].append(job)
        seen: dict[str, Observation] = {}
        gone: list[tuple[RunFolder, RunRecord]] = []
        for run in runs:
            record = run.record() or UNKNOWN_RUN
            taken = run.taken(record)
            jobs = [job for job in queue.get(run.name, ()) if taken is None or job.id == taken[0]]
            if live := [job for job in jobs if job.live]:
                seen[run.name] = self._living(run, record, chosen(live), speaker)
            elif run.name in self.ended:
                seen[run.name] = self.ended[run.name]
            elif record is not UNKNOWN_RUN or not run.forgotten:
                gone.append((run, _told(run, record, jobs)))
        if gone:
            seen |= self._gone(gone)
        self._last |= seen
        return seen

    def forget(self, name: str) -> None:
        """The run is told of for good."""
        for memory in (self.ended, self._last, self._missing):
            memory.pop(name, None)

    # --- what waits or runs

    def _living(self, run: RunFolder, record: RunRecord, job: Queued, speaker: SlurmClient) -> Observation:
        self._missing.pop(run.name, None)
        self.ended.pop(run.name, None)  # an operator had it requeued
        if record.job != job.id or record.told is not None:
            run.change(job=job.id, told=None)
        if job.state in WAITING:
            waiting = pending_reason(job.state, job.reason)
            return Observation(run.name, RunState.QUEUED, waiting, expected_start=_utc(job.start))
        if not record.late and job.ran_seconds > record.time_limit_seconds + _at_the_gate(run, record, job):
            run.change(late=True)
            speaker.end([job.id])
        if run.outside(record):
            return Observation(run.name, state_now(job.state), AT_THE_GATE)
        return Observation(run.name, state_now(job.state), running_reason(job.state), started_at=_utc(job.start))

    # --- what is over

    def _gone(self, gone: Sequence[tuple[RunFolder, RunRecord]]) -> dict[str, Observation]:
        try:
            held = self.history(gone)
        except EngineError:
            if any(run.name not in self._last and record is not UNKNOWN_RUN for run, record in gone):
                raise
            return {run.name: _still(self._last[run.name], _AWAY) for run, _ in gone if run.name in self._last}
        seen: dict[str, Observation] = {}
        for run, record in gone:
            runs = held.get(run.name, [])
            if record is UNKNOWN_RUN and runs and not may_have_begun(runs[-1]):
                continue  # it left without having begun and was forgotten: the platform may place it here again
            if runs and runs[-1].over:
                seen[run.name] = self.ended[run.name] = ended(run, record, runs[-1])
            elif record.cancel is not None and record.job is None and not runs:
                never = Observation(run.name, RunState.CANCELLED, record.cancel)
                seen[run.name] = self.ended[run.name] = never
            elif (found := self._unsettled(run, record, runs)) is not None:
                seen[run.name] = found
        return seen

    def history(self, runs: Sequence[tuple[RunFolder, RunRecord]]) -> dict[str, list[Accounted]]:
        """What the accounting has of these runs, by name, each first to last."""
        start = since([(run.name, record) for run, record in runs], int(time.time()))
        names: dict[int, str] = {}
        nameless: list[str] = []
        for run, record in runs:
            taken = run.taken(record)
            job = taken[0] if taken else record.job
            if job is None:
                nameless.append(run.name)
            else:
                names[job] = run.name
        found = self.accounting.of_jobs(list(names), start) if names else {}
        found |= self.accounting.of_names(nameless, start) if nameless else {}
        best: dict[str, list[Accounted]] = {}
        for (job, name), held in sorted(found.items()):
            if name != names.get(job, name):
                continue
            if name not in best or not may_have_begun(best[name][-1]):  # of several of one name the first that began
                best[name] = held
        return best

    def _unsettled(self, run: RunFolder, record: RunRecord, runs: Sequence[Accounted]) -> Observation | None:
        """A run that is not in the queue, and whose end the accounting does not have."""
        if record.job is None and not runs:
            return None
        waited = time.monotonic() - self._missing.setdefault(run.name, time.monotonic())
        outside = run.outside(record)  # it has not begun: nothing is lost with it
        if waited < (VANISHED_SECONDS if outside and not runs else LOST_SECONDS):
            last = self._last.get(run.name, Observation(run.name, RunState.STARTING))
            return _still(last, SETTLING if runs or record.told else UNKNOWN)
        if outside and not runs and not record.told:
            run.change(spent=record.job)  # the controller died before it wrote the job down: it may be submitted again
            self._last.pop(run.name, None)
            return None
        if record.told:  # the accounting lost it, the controller did not
            self.ended[run.name] = ended(run, record, Accounted(**record.told))
        elif runs:
            self.ended[run.name] = Observation(run.name, RunState.LOST, RUNAWAY, started_at=_utc(runs[-1].start))
        return self.ended.get(run.name)


def held_by(record: RunRecord, runs: Sequence[Accounted]) -> list[Accounted]:
    """A run's rows in the accounting, or, where it lost the last of them, the controller's word for that."""
    if record.told is None or (runs and runs[-1].over):
        return list(runs)
    last = Accounted(**record.told)
    return [*(run for run in runs if run.over), last]


def is_late(runs: Sequence[Accounted]) -> bool:
    """Whether the accounting may not have heard yet that a run began: it has nothing of it, or that it waits."""
    return not runs or (runs[-1].start is None and not runs[-1].over)


def _told(run: RunFolder, record: RunRecord, jobs: Sequence[Queued]) -> RunRecord:
    """The record, with what the controller says of the end: it forgets soon, and the accounting may lose it."""
    over = [job for job in jobs if record.job in (None, job.id)]
    if not over or record is UNKNOWN_RUN or record.told is not None:
        return record
    run.change(told=asdict(as_accounted(over[0])))
    return run.record() or record


def ended(run: RunFolder, record: RunRecord, last: Accounted) -> Observation:
    """How a run ended, by its last row in the accounting; one that never began is noted as spent."""
    state = ENDS.get(last.state, RunState.FAILED)
    reason = WHY_ENDED.get(last.state, "")
    began = last.start is not None and not run.outside(record)
    if not began and record.spent != last.id:
        run.change(spent=last.id)
    if last.exit_code == EXPIRED_CODE and not began:
        return Observation(run.name, RunState.EXPIRED, "租约到期前没有得到平台放行，没有开始")
    if state is RunState.CANCELLED and record.late:
        state, reason = RunState.TIMEOUT, f"超过时限 {record.time_limit_seconds} 秒"
    elif state is RunState.CANCELLED:
        by = f"由中心取消（uid {last.cancelled_by}）" if last.cancelled_by else "由中心取消"
        reason = record.cancel if record.cancel is not None else by
    if not began:
        return Observation(run.name, state, reason)
    return Observation(
        run.name, state, reason, started_at=_utc(last.start), ended_at=_utc(last.end), exit_code=last.exit_code
    )


def _still(last: Observation, why: str) -> Observation:
    """As it was last seen."""
    return Observation(last.name, last.state, why, started_at=last.started_at)


def _at_the_gate(run: RunFolder, record: RunRecord, job: Queued) -> int:
    """How long the run waited at the gate: that is not its own time."""
    taken = run.taken(record)
    return max(0, taken[1] - job.start) if taken is not None and job.start is not None else 0


def _utc(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)

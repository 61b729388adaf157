"""Bringing runs to where the platform wants them: taken on, let in at the gate, cancelled, closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import Engine, EngineError, JobSpec, RunState, run_name
from huisuan.compute.site_agent.run_endings import ending_json
from huisuan.compute.site_agent.state import Memory, Run
from huisuan.compute.site_agent.workdirs import Unpackable, Uploads
from huisuan.protocol.agent import DesiredJob, Wanted

Key = tuple[str, int]
UNWANTED = "平台不再需要此作业"
FORGOTTEN = "中心没有这次运行的记录"
CANCEL_AGAIN = 10.0  # seconds
DAY = 24 * 3600


class Pursuit:
    """What the agent does about the jobs wanted at its centre. Everything may be done again without harm."""

    def __init__(
        self, engine: Engine, memory: Memory, uploads: Uploads, lease_file: Path, say: Callable[[str], None],
        *, keep_days: int = 0,
    ) -> None:  # fmt: skip
        self.engine, self.memory, self.uploads, self.lease_file, self._say = engine, memory, uploads, lease_file, say
        self.keep_days = keep_days
        self._guards = engine.abilities()["lease"].able
        self._lacking: dict[Key, DesiredJob] = {}  # wait for their working directory
        self._failing: set[Key] = set()  # could not be started yet: said once
        self._cancelled: dict[Key, float] = {}

    @property
    def waits(self) -> bool:
        """Whether something is about to happen that the next exchange brings."""
        return bool(self._lacking)

    def pursue(self, desired: Mapping[Key, DesiredJob], now: float, *, behind: bool = False) -> None:
        """Take on what is new, cancel what is to end, and end what is not wanted any more.

        `behind`: the platform was restored from a backup; what it does not know may have come after that, and goes on.
        """
        self._lacking.clear()
        known = self.memory.known(desired)
        for key, is_open in known.items():
            if not is_open:  # the platform forgot its end: it was restored, say
                self.memory.take_on(*key, desired[key].run)
        unknown = {key: job for key, job in desired.items() if key not in known}
        if unknown:
            self._take_on(unknown)
        for run in self.memory.open_runs():
            wanted = desired.get(run.key)
            if (
                not run.verdict
                and not run.ending
                and not run.over
                and (not behind if wanted is None else wanted.cancel)
            ):
                self._cancel(run, "" if wanted else UNWANTED, now)
        self.uploads.keep_only(job.workdir for job in desired.values() if job.workdir)

    def let_in(self, job: DesiredJob) -> None:
        """Open the gate: the platform knows that the run begins, and wants it to."""
        gate_of(self.lease_file, run_name(job.uid, job.run)).touch(mode=0o644)

    def wanted(self) -> list[Wanted]:
        """Pieces of working directories that are lacking."""
        return self.uploads.wanted(job.workdir for job in self._lacking.values() if job.workdir)[:16]

    def close(self, now: float) -> None:
        """Forget the runs of which the platform has everything."""
        for run in self.memory.open_runs():
            if run.over and (run.metered or run.verdict):
                self._close(run, int(now))

    def tidy(self, jobs: Path, now: float) -> list[str]:
        """Remove what is still there of runs that were closed `keep_days` ago or longer; gives the runs' names.

        `jobs` is where the engine keeps its folders. A run is closed when the platform has its end, its output and
        its use. One that this memory does not know as closed is left alone, whatever its age.
        """
        there = {
            place.name for folder in (jobs, self.uploads.unpacked) if folder.is_dir() for place in folder.iterdir()
        }
        closed = self.memory.closed_runs(int(now) - self.keep_days * DAY)
        removed = sorted(there & closed.keys())
        for name in removed:
            try:
                self.engine.forget(name)
            except EngineError as error:
                self._say(f"作业 {name} 的文件暂时清理不了：{error}")
                continue
            self.uploads.forget(*closed[name])
        self.uploads.remove_drafts(now)
        return removed

    # --- one job

    def _take_on(self, unknown: Mapping[Key, DesiredJob]) -> None:
        """Runs that this memory does not know: new ones, or ones begun under a memory that is gone."""
        try:
            there = self.engine.observe([run_name(job.uid, job.run) for job in unknown.values()])
        except EngineError as error:
            self._say(f"调度器问不到，新作业暂不提交：{error}")
            return
        for key, job in unknown.items():
            name = run_name(job.uid, job.run)
            if name in there:
                self.memory.take_on(*key, job.run, log_base=job.log_base)
            elif job.cancel:
                self._end(job, RunState.CANCELLED)
            elif job.state == "placed":
                self._submit(job)
            elif self._guards and job.state == "queued":
                self._end(job, RunState.EXPIRED, FORGOTTEN)  # it would have been heard before it began
            else:
                self._end(job, RunState.LOST, FORGOTTEN)  # starting it again would run and bill it twice

    def _submit(self, job: DesiredJob) -> None:
        """Start a run; one that cannot be started now is tried again at the next exchange."""
        key = job.uid, job.lease
        if job.workdir and not self.uploads.has(job.workdir):
            self._lacking[key] = job
            return
        try:
            workdir = self.uploads.unpack(job.workdir, job.uid, job.run) if job.workdir else None
            self.engine.submit(_spec(job, workdir, self.lease_file))
        except (ValueError, Unpackable) as refusal:
            self._end(job, RunState.FAILED, str(refusal))
        except (EngineError, OSError) as error:
            if key not in self._failing:
                self._failing.add(key)
                self._say(f"作业 {job.uid} 暂时无法启动：{error}")
        else:
            self._failing.discard(key)
            # only now: a run that is known and that the engine does not have is reported as lost
            self.memory.take_on(*key, job.run, log_base=job.log_base)

    def _end(self, job: DesiredJob, state: RunState, reason: str = "") -> None:
        self.memory.take_on(job.uid, job.lease, job.run, verdict=state.value, reason=reason)

    def _cancel(self, run: Run, reason: str, now: float) -> None:
        """Ask for a run to end, and again after a while if it has not."""
        if now - self._cancelled.get(run.key, float("-inf")) < CANCEL_AGAIN:
            return
        try:
            self.engine.cancel(run.name, reason)
            self._cancelled[run.key] = now
        except EngineError as error:
            self._say(f"作业 {run.name} 暂时无法取消：{error}")

    def _close(self, run: Run, now: int) -> None:
        if not run.verdict:
            if not run.ending and not self._ending_kept(run):
                return
            if not self.keep_days:
                self.engine.forget(run.name)
        if not self.keep_days:
            self.uploads.forget(run.uid, run.run)
        gate = gate_of(self.lease_file, run.name)
        gate.unlink(missing_ok=True)
        gate.with_suffix(".taken").unlink(missing_ok=True)
        self._cancelled.pop(run.key, None)
        self.memory.close_run(run.uid, run.lease, now)

    def _ending_kept(self, run: Run) -> bool:
        """Keep how it ended before the scheduler forgets it; whether the scheduler could be asked."""
        try:
            seen = self.engine.observe([run.name]).get(run.name)
        except EngineError:
            return False
        if seen is not None:
            self.memory.keep_ending(*run.key, ending_json(seen))
        return True


def _spec(job: DesiredJob, workdir: Path | None, lease_file: Path) -> JobSpec:
    return JobSpec(
        uid=job.uid, run=job.run, command=tuple(job.command), script=job.script, image=job.image, cards=job.cards,
        nodes=job.nodes, model=job.model, partition=job.partition, local_card=job.local_card,
        time_limit_seconds=job.time_limit_seconds, environment=job.environment, workdir=workdir, lease_file=lease_file,
    )  # fmt: skip

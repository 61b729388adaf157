"""Reconciles the runs at the centre with what the platform wants: adopts, submits, releases, cancels, closes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import (
    Engine,
    EngineError,
    JobSpec,
    MountsWorkdir,
    RunState,
    ShowsWorkdir,
    run_name,
)
from huisuan.compute.site_agent.files.kept import KeptOutputs
from huisuan.compute.site_agent.run_endings import format_ending
from huisuan.compute.site_agent.state import AgentState, Run, RunLease
from huisuan.compute.site_agent.workdirs import UnpackableArchive, WorkdirStore
from huisuan.protocol.agent import DesiredJob, Wanted
from huisuan.protocol.file_names import path_to_names

UNWANTED = "平台不再需要此作业"
_FORGOTTEN = "中心没有这次运行的记录"
CANCEL_AGAIN = 10.0  # seconds
DAY = 24 * 3600
OUTPUTS = "HUISUAN_OUTPUTS"  # by which a job finds its results folder


class Reconciler:
    """What the agent does about the jobs wanted at its centre. Everything may be repeated without harm."""

    def __init__(
        self, engine: Engine, state: AgentState, workdirs: WorkdirStore, lease_file: Path, log: Callable[[str], None],
        *, kept: KeptOutputs, keep_days: int = 0,
    ) -> None:  # fmt: skip
        self.engine, self.state, self.workdirs, self.lease_file, self._log = engine, state, workdirs, lease_file, log
        self.kept, self.keep_days = kept, keep_days
        self._has_gate = engine.abilities()["lease"].able
        self._waiting: dict[RunLease, DesiredJob] = {}  # for their working directory
        self._failing: set[RunLease] = set()  # could not be started yet: logged once
        self._cancelled: dict[RunLease, float] = {}

    @property
    def waits_for_workdirs(self) -> bool:
        """Whether a run waits for a working directory, which the next exchanges bring."""
        return bool(self._waiting)

    def reconcile(self, desired: Mapping[RunLease, DesiredJob], now: float, *, behind: bool = False) -> None:
        """Adopt what is new, cancel what is to end and what is not wanted any more.

        `behind`: the platform was restored from a backup; what it does not know may have come after that, and goes on.
        """
        self._waiting.clear()
        known = self.state.find_adopted(desired)
        for key, is_open in known.items():
            if not is_open:  # the platform lost its end: it was restored from a backup, say
                self.state.adopt_run(*key, desired[key].run)
        unknown = {key: job for key, job in desired.items() if key not in known}
        if unknown:
            self._adopt(unknown)
        for run in self.state.open_runs():
            wanted = desired.get(run.key)
            if (
                not run.verdict
                and not run.ending
                and not run.over
                and (not behind if wanted is None else wanted.cancel)
            ):
                self._cancel(run, "" if wanted else UNWANTED, now)
        self.workdirs.keep_only(job.workdir for job in desired.values() if job.workdir)

    def release_gate(self, job: DesiredJob) -> None:
        """Open the gate: the platform knows that the run begins, and wants it to."""
        gate_of(self.lease_file, run_name(job.uid, job.run)).touch(mode=0o644)

    def missing_parts(self) -> list[Wanted]:
        """Parts of working directories that are still to be fetched."""
        return self.workdirs.missing_parts(job.workdir for job in self._waiting.values() if job.workdir)[:16]

    def close_finished(self, now: float) -> None:
        """Close the runs of which the platform has everything."""
        for run in self.state.open_runs():
            if run.over and (run.metered or run.verdict):
                self._close_or_log(run, int(now))

    def remove_closed(self, jobs: Path, now: float) -> list[str]:
        """Remove what is still there of runs that were closed `keep_days` ago or longer; returns the runs' names.

        `jobs` is where the engine keeps its folders. A run is closed when the platform has its end, its output and
        its use. One that this agent does not know as closed is left alone, whatever its age.
        """
        there = {
            place.name for folder in (jobs, self.workdirs.unpacked) if folder.is_dir() for place in folder.iterdir()
        }
        closed = self.state.closed_runs(int(now) - self.keep_days * DAY)
        removed = sorted(there & closed.keys())
        for name in removed:
            try:
                self.engine.forget(name)
                self.workdirs.remove(*closed[name])
            except (EngineError, OSError) as error:
                self._log(f"作业 {name} 的文件暂时清理不了：{error}")
        self.workdirs.remove_drafts(now)
        return removed

    # --- one job

    def _adopt(self, unknown: Mapping[RunLease, DesiredJob]) -> None:
        """Runs that this agent never adopted: new ones, or ones begun under a state file that is gone."""
        try:
            present = self.engine.observe([run_name(job.uid, job.run) for job in unknown.values()])
        except EngineError as error:
            self._log(f"调度器问不到，新作业暂不提交：{error}")
            return
        for key, job in unknown.items():
            name = run_name(job.uid, job.run)
            if name in present:
                self.state.adopt_run(*key, job.run, log_base=job.log_base)
            elif job.cancel:
                self._end_unrun(job, RunState.CANCELLED)
            elif job.state == "placed":
                self._submit(job)
            elif self._has_gate and job.state == "queued":
                self._end_unrun(job, RunState.EXPIRED, _FORGOTTEN)  # the platform would have been told before it began
            else:
                self._end_unrun(job, RunState.LOST, _FORGOTTEN)  # starting it again would run and bill it twice

    def _submit(self, job: DesiredJob) -> None:
        """Start a run; one that cannot be started now is tried again at the next exchange."""
        key = job.uid, job.lease
        if job.workdir and not self.workdirs.has(job.workdir):
            self._waiting[key] = job
            return
        try:
            workdir = self.workdirs.unpack(job.workdir, job.uid, job.run) if job.workdir else None
            if job.outputs:
                workdir = workdir or self.workdirs.make_empty(job.uid, job.run)
                self.kept.expect(job.uid, job.run, job.outputs, workdir)
            self.engine.submit(self._spec(job, workdir))
        except (ValueError, UnpackableArchive) as refusal:
            self._end_unrun(job, RunState.FAILED, str(refusal))
        except (EngineError, OSError) as error:
            if key not in self._failing:
                self._failing.add(key)
                self._log(f"作业 {job.uid} 暂时无法启动：{error}")
        else:
            self._failing.discard(key)
            # only now: a run that is known and that the engine does not have is reported as lost
            self.state.adopt_run(*key, job.run, log_base=job.log_base)

    def _end_unrun(self, job: DesiredJob, state: RunState, reason: str = "") -> None:
        self.state.adopt_run(job.uid, job.lease, job.run, verdict=state.value, reason=reason)

    def _cancel(self, run: Run, reason: str, now: float) -> None:
        """Ask for a run to end, and again after a while if it has not."""
        if now - self._cancelled.get(run.key, float("-inf")) < CANCEL_AGAIN:
            return
        try:
            self.engine.cancel(run.name, reason)
            self._cancelled[run.key] = now
        except EngineError as error:
            self._log(f"作业 {run.name} 暂时无法取消：{error}")

    def find_workdir(self, uid: str, run: int) -> Path | None:
        """The folder in which a run works, while it is here and the agent can see it."""
        if (found := self.workdirs.find(uid, run)) is not None:
            return found
        return self.engine.working_folder(run_name(uid, run)) if isinstance(self.engine, ShowsWorkdir) else None

    def _close_or_log(self, run: Run, now: int) -> None:
        """Close a run; one whose files cannot be put away now is closed later, and holds up no other."""
        try:
            self._close(run, now)
            self._failing.discard(run.key)
        except (EngineError, OSError) as error:
            if run.key not in self._failing:
                self._failing.add(run.key)
                self._log(f"作业 {run.name} 的文件暂时收不了，稍后再试：{error}")

    def _close(self, run: Run, now: int) -> None:
        if not run.verdict and not run.ending and not self._record_ending(run):
            return
        if (workdir := self.workdirs.find(run.uid, run.run)) is not None:
            self.kept.take(run.uid, run.run, workdir, now)  # before the clean-up
        if not run.verdict and not self.keep_days:
            self.engine.forget(run.name)
        if not self.keep_days:
            self.workdirs.remove(run.uid, run.run)
        gate = gate_of(self.lease_file, run.name)
        gate.unlink(missing_ok=True)
        gate.with_suffix(".taken").unlink(missing_ok=True)
        self._cancelled.pop(run.key, None)
        self.state.close_run(run.uid, run.lease, now)

    def _record_ending(self, run: Run) -> bool:
        """Record how it ended before the scheduler forgets it; False where the scheduler cannot be asked."""
        try:
            seen = self.engine.observe([run.name]).get(run.name)
        except EngineError:
            return False
        if seen is not None:
            self.state.record_ending(*run.key, format_ending(seen))
        return True

    def _spec(self, job: DesiredJob, workdir: Path | None) -> JobSpec:
        environment = job.environment
        if job.outputs and workdir is not None:
            inside = self.engine.workdir_inside if isinstance(self.engine, MountsWorkdir) else str(workdir)
            environment = {**environment, OUTPUTS: f"{inside}/{os.fsdecode(b'/'.join(path_to_names(job.outputs)))}"}
        return JobSpec(
            uid=job.uid, run=job.run, command=tuple(job.command), script=job.script, image=job.image, cards=job.cards,
            nodes=job.nodes, model=job.model, partition=job.partition, local_card=job.local_card,
            time_limit_seconds=job.time_limit_seconds, environment=environment, workdir=workdir,
            lease_file=self.lease_file,
        )  # fmt: skip

"""The Slurm engine itself: what an agent asks, handed to the parts that know."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from huisuan.base.tree_removal import empty_trash
from huisuan.compute.accelerators import Unmetered
from huisuan.compute.engines.interface import (
    Ability,
    BridgeCommand,
    CheckResult,
    EngineError,
    JobSpec,
    NodeSeen,
    Observation,
    RunState,
    RunUsage,
)
from huisuan.compute.engines.slurm import accounting, diagnostics, job_files, submit
from huisuan.compute.engines.slurm.observe import UNKNOWN_RUN, Watch, held_by, is_late
from huisuan.compute.engines.slurm.run_folder import RUN_NAME, TRASH, WORK, RunFolder, born, check_run_name, sweep
from huisuan.compute.engines.slurm.session import SlurmSession
from huisuan.compute.engines.slurm.types import WAITING, Accounted, as_accounted

SKEW_SECONDS = 3600  # by which the platform's clock, that names jobs, may be ahead of ours
log = logging.getLogger(__name__)


class SlurmEngine:
    """Jobs through a centre's Slurm. What it knows is on disk and in Slurm: it may be restarted at any time.

    `folder` has to be on a file system that the nodes share. The options: docs/for-centres.md.
    """

    def __init__(self, folder: Path, given: Mapping[str, str] | None = None) -> None:
        self.session = SlurmSession(folder, given or {})
        self.folder = self.session.folder
        self.watch = Watch(self.session.accounting)
        self.unmetered: dict[str, str] = {}  # runs whose cards the accounting does not tell, and why
        self.started = int(time.time())
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.session.person.other:
            self.folder.chmod(0o711)  # the job's user passes through
        sweep(self.folder, time.time())
        empty_trash(self.folder / TRASH)

    def abilities(self) -> Mapping[str, Ability]:
        """What it can do, by the names of ABILITIES."""
        return diagnostics.abilities(self.session)

    def capacity(self) -> Sequence[NodeSeen]:
        """The nodes with their cards; one that stands in two offered partitions is reported in both."""
        return self.session.cluster.capacity()

    def submit(self, job: JobSpec) -> None:
        """Have the run in Slurm's queue, once and never twice.

        Raises:
            ValueError: it can never run here; says why.
            EngineError: Slurm did not take it now.
        """
        run = RunFolder(self.folder, check_run_name(job.name))
        submit.submit_run(run, job, self.session, new=self._new(job.name))
        record = run.record()
        if record and record.job != record.spent:
            self.watch.ended.pop(job.name, None)

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """How these runs stand; one that Slurm never heard of is left out."""
        runs = [RunFolder(self.folder, name) for name in names if RUN_NAME.fullmatch(name)]
        return self.watch.look(runs, self.session.speaker()) if runs else {}

    def cancel(self, name: str, reason: str = "") -> None:
        """Have the run end: SIGTERM, SIGKILL after Slurm's KillWait; one that has not begun never will."""
        run = RunFolder(self.folder, check_run_name(name))
        record = run.record()
        if record and record.cancel is None:
            run.change(cancel=reason)  # before the question: an agent that dies in between goes on with it
        speaker = self.session.speaker()
        if ids := [job.id for job in speaker.jobs() if job.name == name and job.live]:
            speaker.end(ids)

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of its stdout and stderr from `offset` on."""
        return RunFolder(self.folder, check_run_name(name)).read_output(offset, limit)

    def working_folder(self, name: str) -> Path:
        """Where a run without an uploaded directory starts."""
        return self.folder / check_run_name(name) / WORK

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        """What these runs held so far, by sacct; nothing for one that never began or whose end nobody saw.

        One whose cards the accounting does not tell is left out; `diagnose` says which.
        """
        runs = {name: RunFolder(self.folder, name) for name in names if RUN_NAME.fullmatch(name)}
        known = [(run, run.record() or UNKNOWN_RUN) for run in runs.values() if not run.forgotten]
        held = self.watch.history(known) if known else {}
        late = [run.name for run, record in known if record is not UNKNOWN_RUN and is_late(held.get(run.name, ()))]
        for name, live in self._heard_of(late).items():
            held[name] = [*(piece for piece in held.get(name, ()) if piece.over), live]
        found: dict[str, tuple[RunUsage, ...]] = {}
        for run, record in known:
            pieces = held.get(run.name, [])
            if run.name in self.watch.ended:
                pieces = held_by(record, pieces)
            if run.outside(record) or self._is_lost(run.name) or (pieces and pieces[-1].id == record.spent):
                continue
            try:
                used = accounting.usage_from_sacct(run.name, pieces, late=record.late)
            except Unmetered as why:
                self._doubt(run.name, str(why))
                continue
            found |= {run.name: used} if used else {}
        return found

    def bridge_command(self, name: str) -> BridgeCommand:
        """A step of the run's job, on its first node, that runs the script with the words `bridge UID`.

        Raises:
            EngineError: it does not run.
        """
        run = RunFolder(self.folder, check_run_name(name))
        record = run.record()
        passed = run.taken(record) if record else None
        if passed is None or not (run.place / job_files.SCRIPT).exists():
            raise EngineError(f"{name} 没有在运行")
        # beside the session: it takes nothing of what the job holds. Unbuffered: else Slurm passes on whole lines only
        # (its terminal for that has no output processing: every byte goes through as it is)
        step = (
            "--overlap",
            "--nodes=1",
            "--ntasks=1",
            "--mem=0",
            "--gres=none",
            "--quiet",
            "--unbuffered",
            "--chdir=/",
        )
        script = (str(run.place / job_files.SCRIPT), "bridge", name.partition("-")[0])
        person = self.session.person
        who = (person.uid, person.gid) if person.other else (None, None)
        return BridgeCommand(
            ("srun", f"--jobid={passed[0]}", *step, *script), self.session.commands.surroundings(), *who
        )

    def forget(self, name: str) -> None:
        """The platform has everything of this run: its files go."""
        RunFolder(self.folder, check_run_name(name)).forget()
        self.watch.forget(name)
        self.unmetered.pop(name, None)

    def diagnose(self) -> Sequence[CheckResult]:
        """For `huisuan agent doctor`: what was checked, whether it is well, and the remedy."""
        return diagnostics.slurm_checks(self.session, self.unmetered)

    def _new(self, name: str) -> bool:
        """Whether nobody can have submitted it before: its job was made while this engine already looked on."""
        birth = born(name)
        return birth is not None and birth > self.started + SKEW_SECONDS and not RunFolder(self.folder, name).forgotten

    def _heard_of(self, names: Sequence[str]) -> dict[str, Accounted]:
        """What the controller says of runs that the accounting has yet to hear of: it takes some seconds."""
        if not names:
            return {}
        live = {
            job.name: as_accounted(job)
            for job in self.session.speaker().jobs()
            if job.live and job.state not in WAITING
        }
        return {name: live[name] for name in names if name in live}

    def _is_lost(self, name: str) -> bool:
        last = self.watch.ended.get(name)
        return last is not None and last.state is RunState.LOST

    def _doubt(self, name: str, why: str) -> None:
        if name not in self.unmetered:
            log.error("作业 %s 无法计量：%s", name, why)
        self.unmetered[name] = why

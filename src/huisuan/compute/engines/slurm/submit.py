"""Submitting a run once and never twice, whatever died in between.

The intent is on the disk before Slurm is asked. A run that was asked for before, by this agent or one whose memory is
lost, is found by its name: in the controller, then in the accounting. Where Slurm was asked twice all the same (an
sbatch that outlived its agent), the gate lets one of the two through.
"""

from __future__ import annotations

import os
import time

from huisuan.compute.engines.common.start_gate import EXPIRED_CODE
from huisuan.compute.engines.interface import JobSpec
from huisuan.compute.engines.slurm import job_files
from huisuan.compute.engines.slurm.accounting import Accounting
from huisuan.compute.engines.slurm.run_folder import RunFolder, since
from huisuan.compute.engines.slurm.session import SlurmSession
from huisuan.compute.engines.slurm.types import Accounted, Queued, Request, SlurmClient

GATE_MINUTES = 1  # Slurm's limit is later by this: it counts the wait at the gate, too


def submit_run(run: RunFolder, job: JobSpec, session: SlurmSession, new: bool = False) -> None:
    """Have the run in Slurm's queue, once. `new`: nobody can have submitted it before, so nobody is asked.

    Raises:
        ValueError: it can never run here.
        EngineError: Slurm cannot be asked, or did not take it now.
    """
    record = run.record()
    if record and (record.cancel is not None or (record.job is not None and record.job != record.spent)):
        return
    job_files.check_slurm_job(job)
    partition, gres = session.cluster.place(job)
    speaker, options, person = session.speaker(), session.options, session.person
    if record is not None or not new:
        spent = record.spent if record else None
        if (found := _find(job.name, speaker, session.accounting, spent)) is not None:
            run.note(job, int(time.time()))
            if not job_files.has_job_files(run):  # the folder was lost while it waited
                job_files.write_job_files(run, job, person)
            run.change(job=found)
            return
    run.note(job, int(time.time()))
    folder = job_files.write_job_files(run, job, person)
    each = job.cards // job.nodes
    request = Request(
        name=job.name,
        script=job_files.batch_script(run),
        partition=partition,
        gres=gres,
        nodes=job.nodes,
        minutes=session.cluster.minutes(partition, job.time_limit_seconds, GATE_MINUTES if job.lease_file else 0),
        folder=str(folder),
        output=str(run.output).replace("%", "%%"),  # Slurm's patterns: %j and the like
        person=person,
        environment=job_files.batch_environment(person, options.path, os.environ.get("LANG", "")),
        account=options.account,
        qos=options.qos,
        cpus=options.cpus_per_card * each,
        memory_mib=options.memory_mib_per_card * each,
    )
    run.change(job=speaker.submit(request), told=None)


def _find(name: str, speaker: SlurmClient, accounting: Accounting, spent: int | None) -> int | None:
    """The id of the run's job where Slurm has one; None: it never had, or has one that ended without beginning."""
    queued = [job for job in speaker.jobs() if job.name == name and job.id != spent and not job.never_taken]
    if live := [job for job in queued if job.live]:
        return chosen(live).id
    now = int(time.time())
    runs = accounting.of_names([name], since([(name, None)], now))
    return min((job for (job, _), held in runs.items() if job != spent and may_have_begun(held[-1])), default=None)


def chosen(jobs: list[Queued]) -> Queued:
    """Of several jobs of one name the one to follow: one that runs, else the first."""
    return min(jobs, key=lambda job: (job.start is None or job.state == "PENDING", job.id))


def may_have_begun(run: Accounted) -> bool:
    """Whether it may have begun: it does not where it ended in the queue, or at the gate.

    A program of a user's own that ends with the gate's exit code did begin; but nobody submits that one again.
    """
    return not run.over or (run.start is not None and run.exit_code != EXPIRED_CODE)

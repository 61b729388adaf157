"""The files by which a run begins on its node. What a user wrote stands in them word for word in quotes, or as a file.

Slurm itself is given three constant lines: it would read #SBATCH lines out of anything else, refuse scripts that hold a
line end of Windows, and keep a user's secrets in its spool.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from huisuan.compute.engines.common.spec_checks import check_program
from huisuan.compute.engines.common.start_gate import GATE_SH, gate_of
from huisuan.compute.engines.interface import JobSpec
from huisuan.compute.engines.slurm.config import UnixUser
from huisuan.compute.engines.slurm.run_folder import OUTPUT, WORK, RunFolder

LAUNCH, TASK, SCRIPT = "launch", "task", "script"
quoted = shlex.quote


def check_slurm_job(job: JobSpec) -> None:
    """Refuse what no node could start.

    Raises:
        ValueError: says what and why.
    """
    if job.image:
        raise ValueError(f"Slurm 引擎不代启容器镜像（{job.image}）；请在脚本里用 apptainer 等，或改到 Kubernetes 中心")
    check_program(job)


def write_job_files(run: RunFolder, job: JobSpec, person: UnixUser) -> Path:
    """Write the run's files for its user; returns the folder in which it starts."""
    folder = job.workdir or run.place / WORK
    if job.workdir is None:
        folder.mkdir(mode=0o700, exist_ok=True)
    (run.place / OUTPUT).touch(mode=0o600)
    if job.script:
        _file(run.place / SCRIPT, job.script)
    _file(run.place / TASK, _task(run, job, folder))
    _file(run.place / LAUNCH, _launch(run, job))
    if job.lease_file:
        gate_of(job.lease_file, job.name).parent.mkdir(parents=True, exist_ok=True)
    if person.other:
        _hand_over(run, job, folder, person)
    return folder


def has_job_files(run: RunFolder) -> bool:
    """Whether the run's files are there."""
    return (run.place / LAUNCH).exists()


def _file(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # it may belong to the run's user, from an earlier attempt
    with path.open("x", encoding="utf-8", newline="") as file:
        path.chmod(0o500)
        file.write(text)


def _hand_over(run: RunFolder, job: JobSpec, folder: Path, person: UnixUser) -> None:
    """Make the user the owner of what the job reads and writes; never through a link, and no folder twice."""
    for name in (OUTPUT, SCRIPT, TASK, LAUNCH):
        if (run.place / name).exists():
            os.chown(run.place / name, person.uid, person.gid, follow_symlinks=False)
    if folder.stat().st_uid != person.uid:
        for _, below, files, handle in os.fwalk(folder):
            for name in (*below, *files):
                os.chown(name, person.uid, person.gid, dir_fd=handle, follow_symlinks=False)
        os.chown(folder, person.uid, person.gid)
    if job.lease_file:  # where the launcher notes that it went through the gate
        os.chown(gate_of(job.lease_file, job.name).parent, person.uid, person.gid)


def batch_script(run: RunFolder) -> str:
    """What Slurm is given."""
    return f"#!/bin/sh\n# huisuan {run.name}\nexec /bin/sh {quoted(str(run.place / LAUNCH))}\n"


def _launch(run: RunFolder, job: JobSpec) -> str:
    """On the first node: through the gate, then the task; a gang's command on every node, by srun."""
    lines = ["#!/bin/sh"]
    if job.lease_file:
        lines += [GATE_SH, f'huisuan_gate {quoted(str(job.lease_file))} {quoted(job.name)} "$SLURM_JOB_ID"']
    lines.append('HUISUAN_HEAD="$(uname -n)"; export HUISUAN_HEAD')
    task = f"/bin/sh {quoted(str(run.place / TASK))}"
    if job.nodes > 1 and job.command:
        # not the command itself: srun would take a lone ":" in it for the beginning of another program
        count = f"--nodes={job.nodes} --ntasks={job.nodes} --ntasks-per-node=1"
        cpus = '${SLURM_CPUS_PER_TASK:+"--cpus-per-task=$SLURM_CPUS_PER_TASK"}'
        task = f"srun {count} --kill-on-bad-exit=1 {cpus} {task}"
    lines.append(f"exec {task}\n")
    return "\n".join(lines)


def _task(run: RunFolder, job: JobSpec, folder: Path) -> str:
    """On each node: the user's environment, then exactly the user's words."""
    first = {"HOME": str(folder)}  # jobs of several people run as one user: none finds another's files at home
    own = {
        "HUISUAN_JOB_UID": job.uid,
        "HUISUAN_NODES": str(job.nodes),
        "HUISUAN_CARDS_PER_NODE": str(job.cards // job.nodes),
    }
    words = [str(run.place / SCRIPT)] if job.script else list(job.command)
    if "=" in words[0]:  # `env` would take it for a variable
        words = ["/bin/sh", "-c", 'exec "$@"', "sh", *words]
    given = " ".join(quoted(f"{key}={value}") for key, value in {**first, **job.environment, **own}.items())
    rank = 'HUISUAN_NODE_RANK="${SLURM_PROCID:-0}"'
    return f"#!/bin/sh\nexec env {given} {rank} {' '.join(map(quoted, words))}\n"


def batch_environment(person: UnixUser, path: str, language: str) -> Mapping[str, str]:
    """The environment that a run starts from, before the user's own; nothing of the agent's."""
    who = {"HOME": person.home, "USER": person.name, "LOGNAME": person.name}
    return {"PATH": path, **who, **({"LANG": language} if language else {})}

"""An engine on the test cluster with what an agent keeps beside it: a lease, and gates that open."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import JobSpec, Observation, RunState, RunUsage
from huisuan.compute.engines.slurm import SlurmEngine
from huisuan.protocol.job_uid import job_uid
from support.slurm_cluster import Cluster

T = TypeVar("T")
SOON = 120  # seconds: the machine may be busy


class Site:
    """A centre's folder with its engine."""

    def __init__(self, cluster: Cluster, options: Mapping[str, str]) -> None:
        self.cluster = cluster
        self.options = dict(options)
        self.folder = Path(tempfile.mkdtemp(prefix="site-", dir=cluster.folder))
        self.folder.chmod(0o755)
        self.lease = self.folder / "lease"
        self.renew(3600)
        self.engine = self.again()
        self.names: list[str] = []

    def again(self, **more: str) -> SlurmEngine:
        """The engine of an agent that was started again, on the same folder."""
        self.engine = SlurmEngine(self.folder / "jobs", self.options | more)
        return self.engine

    def renew(self, seconds: int) -> None:
        """Let runs begin until so many seconds from now."""
        self.lease.write_text(str(int(time.time()) + seconds))

    def spec(self, *command: str, **more: Any) -> JobSpec:
        """A job of one A100, unless told otherwise; its gate is open unless `gate` says not."""
        open_gate = more.pop("gate", True)
        asked = {"partition": "a100", "local_card": "a100", "time_limit_seconds": 300, "lease_file": self.lease}
        spec = JobSpec(uid=job_uid(datetime.now(UTC), os.urandom(10)), command=command, **(asked | more))
        self.names.append(spec.name)
        if open_gate:
            self.open(spec.name)
        return spec

    def open(self, name: str) -> None:
        """Let a run begin, as the agent does once the platform knows of it."""
        gate = gate_of(self.lease, name)
        gate.parent.mkdir(exist_ok=True)
        gate.touch()

    def run(self, *command: str, **more: Any) -> JobSpec:
        """Submit a job."""
        spec = self.spec(*command, **more)
        self.engine.submit(spec)
        return spec

    def seen(self, name: str) -> Observation:
        """How a run stands, which has to be known."""
        return self.engine.observe([name])[name]

    def until(self, name: str, *states: RunState) -> Observation:
        """How a run stands once it is in one of these states."""
        return until(lambda: seen if (seen := self.seen(name)).state in states else None, f"{name} {states}")

    def ended(self, name: str) -> Observation:
        """How a run stands once it is over."""
        return until(lambda: seen if (seen := self.seen(name)).state.final else None, f"the end of {name}")

    def usage(self, name: str) -> tuple[RunUsage, ...]:
        """What a run held."""
        return self.engine.usage([name]).get(name, ())

    def done(self, name: str) -> Observation:
        """How a run ended, which has to be well."""
        seen = self.ended(name)
        assert seen.state is RunState.COMPLETED, (seen, self.log(name))
        return seen

    def log(self, name: str) -> str:
        """Its output."""
        return self.engine.logs(name, 0, 1_000_000).decode()

    def jobs(self, name: str) -> list[int]:
        """The ids of Slurm's jobs of that name, in the controller and in the accounting."""
        queued = self.cluster.command("squeue", "-h", "--states=all", f"--name={name}", "-O", "JobID").split()
        known = self.cluster.command(
            "sacct", "-n", "-X", "--allusers", f"--name={name}", "-S", "now-1days", "-o", "JobID"
        )
        return sorted({int(job) for job in (*queued, *known.split())})

    def clear(self) -> None:
        """End what still runs or waits of this site's, and wait until its cards are free."""
        if not self.names:
            return
        named = f"--name={','.join(self.names)}"
        if left := self.cluster.command("squeue", "-h", "-O", "JobID", named).split():
            self.cluster.command("scancel", "--quiet", *left)
        until(lambda: not self.cluster.command("squeue", "-h", named).strip(), "the end of all jobs")


def until(there: Callable[[], T | None], what: str, within: float = SOON) -> T:
    """What is there in the end."""
    deadline = time.monotonic() + within
    while (found := there()) is None or found is False:
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        time.sleep(0.1)
    return found

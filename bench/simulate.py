"""The simulator: jobs of a public trace replayed a second, against a published simulator on the same machine.

    .venv/bin/python bench/simulate.py --trace venus-2020-09.csv [--nodes 100] [--peer DIR] [--rounds 3] [--json]

DIR is a checkout of S-Lab-System-Group/HeliosArtifact (SC 2021); it is run by .venv-bench (setup/bench.sh), in a
process of its own, and only its simulation is timed. Both replay the same jobs on one pool of so many nodes with 8
cards under the same rules: at most 8 cards on one node, more on whole nodes, the fullest node that will do, the head of
the queue holds up the rest. First come first served, and shortest first with true durations. Both must come to the same
mean completion time. Our own policy is replayed beside them: no peer's, so it is compared with their first come.

Without --peer: our policies beside our first come, first served.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from measure import Line, Timing, as_json, interleaved, line, machine, report

from huisuan.compute.placement.weights import weights_on
from huisuan.compute.simulator.cluster import one_pool
from huisuan.compute.simulator.metrics import Measures, replay_measures
from huisuan.compute.simulator.policies import parse_policies
from huisuan.compute.simulator.replay import Replay
from huisuan.compute.simulator.trace_jobs import TraceJob, read_trace

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"
CARDS = 8
AIM = 0.05  # twenty times as many jobs a second
ALIKE = 0.01  # the means may differ by so much
PLATFORM_RULES = ("fifo", "sjf", "limits", "huisuan")
LABELS = {
    "fifo": "first come, first served",
    "sjf": "shortest first, true durations",
    "limits": "time limits only",
    "huisuan": "fit_completed durations, as the platform does",
}


class Contest:
    """The jobs, what each contestant made of them, and how long it took."""

    def __init__(self, jobs: list[TraceJob], nodes: int, peer: Path | None) -> None:
        self.jobs, self.nodes, self.peer = jobs, nodes, peer
        self.world, self.weights = one_pool(f"{nodes}x{CARDS}"), weights_on(date(2024, 6, 1))
        self.found: dict[str, Measures] = {}
        self.theirs: dict[str, dict[str, Any]] = {}

    def ours(self, name: str) -> None:
        """Replay under one of our policies."""
        (policy,) = parse_policies(name)
        ran = Replay(self.jobs, self.world, policy, self.weights).run()
        self.found[name] = replay_measures(name, ran, self.world, 0)

    def them(self, name: str) -> tuple[float, float]:
        """Replay in the peer's process; what the simulation alone took there."""
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.csv"
            with trace.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("submit_s", "duration_s", "gpus"))
                writer.writerows((job.submitted_s, job.duration_s, job.cards) for job in self.jobs)
            command = [
                PEER_PYTHON,
                HERE / "helios_peer.py",
                f"{self.peer}/framework/QSSF Service",
                trace,
                self.nodes,
                name,
            ]
            ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"The peer failed: {ended.stderr.strip()[-500:]}")
        self.theirs[name] = json.loads(ended.stdout.splitlines()[-1])
        return self.theirs[name]["seconds"], self.theirs[name]["processor_seconds"]

    def lines(self, timings: dict[str, Timing]) -> list[Line]:
        """Each of ours, and each of theirs beside what it is compared with."""
        count, rows = len(self.jobs), []
        for name in PLATFORM_RULES:
            rows.append(line(f"ours: {LABELS[name]}", count, timings[name], remark=_mean(self.found[name].mean_jct_s)))
        for name in self.theirs:
            own, remark = (name, timings[name]), _mean(self.theirs[name]["mean_jct_s"])
            rows.append(line(f"peer: {LABELS[name]}", count, timings[f"{name} there"], own, AIM, remark=remark))
        other = timings["fifo there" if self.peer else "fifo"]
        whose = "peer" if self.peer else "ours"
        rows.append(line(f"{whose}: {LABELS['fifo']}", count, other, ("huisuan", timings["huisuan"])))
        return rows

    def differ(self) -> list[str]:
        """The policies whose mean is not the peer's."""
        return [
            name for name, there in self.theirs.items()
            if abs(self.found[name].mean_jct_s - there["mean_jct_s"]) > ALIKE * there["mean_jct_s"]
        ]  # fmt: skip


def _mean(seconds: float) -> str:
    return f"(mean completion {seconds:,.1f} s)"


def main() -> None:
    """Measure and print; exit 1 where a mean is not the peer's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.peer and not PEER_PYTHON.exists():
        raise SystemExit("The peer's packages are not installed: sh setup/bench.sh")
    jobs = [job for job in read_trace(asked.trace).jobs if -(-job.cards // CARDS) <= asked.nodes]
    contest = Contest(jobs, asked.nodes, asked.peer)
    runs: dict[str, Any] = {name: (lambda name=name: contest.ours(name)) for name in PLATFORM_RULES}
    if asked.peer:
        runs |= {f"{name} there": (lambda name=name: contest.them(name)) for name in ("fifo", "sjf")}
    about = machine()
    timings = interleaved(runs, asked.rounds)
    title = f"{asked.trace.name}: {len(jobs):,} jobs on {asked.nodes} nodes with {CARDS} cards"
    notes = [
        f"{LABELS[name]}: {len(jobs) / timings[name].median:,.0f} jobs a second, "
        f"mean wait {contest.found[name].mean_queue_s:,.1f} s, p99 {contest.found[name].p99_queue_s:,.0f} s"
        for name in PLATFORM_RULES
    ]  # fmt: skip
    differ = contest.differ()
    notes += [f"NOT the peer's mean (within {ALIKE:.0%}): {', '.join(differ)}"] if differ else []
    if asked.json:
        print(json.dumps(as_json(title, contest.lines(timings), about, notes), ensure_ascii=False, indent=2))
    else:
        report(title, contest.lines(timings), about, notes)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()

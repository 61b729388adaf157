"""The peer of bench/simulate.py, run by its own Python: S-Lab's HeliosArtifact (framework/QSSF Service).

    PEER_PYTHON bench/helios_peer.py "DIR/framework/QSSF Service" TRACE NODES fifo,sjf

TRACE has the columns submit_s,duration_s,gpus; one pool of NODES nodes with 8 cards. Prints one JSON line per policy.
Only the simulation itself is timed: not the imports, not the reading of the trace.
"""

from __future__ import annotations

import csv
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

FOLDER, TRACE, NODES, POLICIES = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
sys.path.insert(0, FOLDER)

from cluster import Cluster  # type: ignore[import-not-found]  # noqa: E402
from job import Trace  # type: ignore[import-not-found]  # noqa: E402
from policies.fifo import FirstInFirstOut  # type: ignore[import-not-found]  # noqa: E402
from policies.sjf import ShortestJobFirst  # type: ignore[import-not-found]  # noqa: E402

CLASSES = {"fifo": FirstInFirstOut, "sjf": ShortestJobFirst}


class PeerJob(dict):  # type: ignore[type-arg]
    """A job as the peer keeps it: a dict with these keys."""

    def __init__(self, line: dict[str, str]) -> None:
        super().__init__(
            vc="all",
            gpu_num=int(line["gpus"]),
            submit_time=int(line["submit_s"]),
            duration=int(line["duration_s"]),
            remain=int(line["duration_s"]),
            start_time=sys.maxsize,
            end_time=sys.maxsize,
            ckpt_times=0,
            queue=0,
            jct=0,
            status=None,
            nodes=[],
        )


def main() -> None:
    """Simulate each policy and tell what came of it."""
    with Path(TRACE).open() as file:
        lines = list(csv.DictReader(file))
    for name in POLICIES:
        trace = Trace()
        for line in lines:
            trace.append_job(PeerJob(line))
        pool = Cluster({"all": NODES}, 8, 96).vc_list[0]
        with tempfile.TemporaryDirectory() as folder:
            policy = CLASSES[name](trace, pool, "consolidate", folder, logging.getLogger(), 0)
            begun, processor = time.perf_counter(), time.process_time()
            policy.simulate()
            spent, used = time.perf_counter() - begun, time.process_time() - processor
        jobs = policy.trace.job_list
        waits = sorted(job["queue"] for job in jobs)
        print(
            json.dumps(
                {
                    "policy": name,
                    "jobs": len(jobs),
                    "seconds": spent,
                    "processor_seconds": used,
                    "mean_jct_s": sum(job["end_time"] - job["submit_time"] for job in jobs) / len(jobs),
                    "mean_queue_s": sum(waits) / len(waits),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

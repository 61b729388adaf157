"""Processor time of a PostgreSQL server, for benchmarks on a machine that others share."""

from __future__ import annotations

import time

import psutil


def processor_s(server: int) -> float:
    """Seconds so far of this process and of the server with that process id, connections that ended among them."""
    main = psutil.Process(server)
    own = main.cpu_times()
    living = [child.cpu_times() for child in main.children(recursive=True)]
    return time.process_time() + sum(own[:4]) + sum(times.user + times.system for times in living)
